//===- HeadKernel.cpp - Large matrices of floats -*- C++ -*-------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hgf;

using Values = KernelBuilder::Values;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t blockRows = HeadOp::blockRows;
static constexpr int64_t blockColumns = HeadOp::blockColumns;
static constexpr int64_t cacheLine = 64;

static_assert(blockRows == KernelBuilder::lanes, "results leave as one vector");

namespace {

/// The product of one row block with a block of tokens. The weights of eight
/// rows are one stream; with several tokens fewer rows are taken at a time, and
/// the row block is read again from the cache.
class Head {
public:
  explicit Head(KernelBuilder &k)
      : k(k), tokens(k.key.tokens),
        rowBytes(blockColumns * getElementBytes(k.key.factor)) {
    // Levels with vectors of 64 bytes have 32 registers; sums are to stay in
    // registers beside their operands.
    bool wide = k.level.vectorBytes == 64 && !k.key.portable;
    lanes = wide ? 16 : KernelBuilder::lanes;
    rows = std::clamp<int64_t>((wide ? 16 : 8) / tokens, 1, blockRows);
    floats = k.vector(lanes, k.f32());
  }

  void build() {
    Value columns = k.argument(HeadColumns);
    fullBlocks = arith::DivUIOp::create(k.b, columns, k.size(blockColumns));
    Value blocks = fullBlocks;
    if (k.key.partialColumns) {
      blocks = k.add(blocks, 1);
      copyTail();
    }
    rowBlockBytes = k.multiply(blocks, blockRows * rowBytes);
    results = k.stack(tokens * blockRows * floatBytes);
    k.loop(k.argument(HeadBegin), k.argument(HeadEnd), 1, {},
           [&](Value rowBlock, ArrayRef<Value>) -> Values {
             multiply(k.address(k.argument(HeadWeights),
                                k.multiply(rowBlock, rowBlockBytes)));
             for (int64_t token = 0; token < tokens; ++token)
               finish(rowBlock, token);
             return {};
           });
  }

private:
  Value inputPointer(int64_t token) {
    return k.address(k.argument(HeadInputs),
                     k.multiply(k.argument(HeadInputStride), token));
  }

  /// The columns behind the last whole block, zeros behind them.
  void copyTail() {
    tail = k.stack(tokens * blockColumns * floatBytes);
    Value first = k.multiply(fullBlocks, blockColumns);
    Value count = k.subtract(k.argument(HeadColumns), first);
    for (int64_t token = 0; token < tokens; ++token) {
      Value target = k.address(tail, token * blockColumns * floatBytes);
      for (int64_t column = 0; column < blockColumns; column += lanes)
        k.store(k.real(floats, 0), k.address(target, column * floatBytes),
                lanes * floatBytes);
      Value source =
          k.address(inputPointer(token), k.multiply(first, floatBytes));
      k.loop(k.size(0), count, 1, {}, [&](Value i, ArrayRef<Value>) -> Values {
        Value offset = k.multiply(i, floatBytes);
        k.store(k.load(k.f32(), k.address(source, offset), floatBytes),
                k.address(target, offset), floatBytes);
        return {};
      });
    }
  }

  /// The sums of all rows and tokens into `results`.
  void multiply(Value weights) {
    k.loop(
        k.size(0), k.size(blockRows), rows, {},
        [&](Value row, ArrayRef<Value>) -> Values {
          Value start = k.address(weights, k.multiply(row, rowBytes));
          Values sums = k.loop(
              k.size(0), fullBlocks, 1,
              Values(rows * tokens, k.real(floats, 0)),
              [&](Value block, ArrayRef<Value> carried) {
                Values inputs;
                Value offset = k.multiply(block, blockColumns * floatBytes);
                for (int64_t token = 0; token < tokens; ++token)
                  inputs.push_back(k.address(inputPointer(token), offset));
                return step(
                    k.address(start, k.multiply(block, blockRows * rowBytes)),
                    inputs, carried);
              });
          if (k.key.partialColumns) {
            Values inputs;
            for (int64_t token = 0; token < tokens; ++token)
              inputs.push_back(
                  k.address(tail, token * blockColumns * floatBytes));
            sums = step(
                k.address(start, k.multiply(fullBlocks, blockRows * rowBytes)),
                inputs, sums);
          }
          Value target = k.address(results, k.multiply(row, floatBytes));
          for (int64_t index = 0; index < rows * tokens; ++index)
            k.store(k.sumOfLanes(sums[index]),
                    k.address(target,
                              (index % tokens * blockRows + index / tokens) *
                                  floatBytes),
                    floatBytes);
          return {};
        });
  }

  /// One block of columns; sums[row * tokens + token].
  Values step(Value weights, ArrayRef<Value> inputs, ArrayRef<Value> carried) {
    Values sums(carried);
    for (int64_t offset = 0; offset < rows * rowBytes; offset += cacheLine)
      k.prefetch(k.address(weights, offset));
    for (int64_t column = 0; column < blockColumns; column += lanes) {
      Values x;
      for (Value input : inputs)
        x.push_back(
            k.load(floats, k.address(input, column * floatBytes), floatBytes));
      for (int64_t row = 0; row < rows; ++row) {
        Value weight = loadWeights(k.address(
            weights, row * rowBytes + column * rowBytes / blockColumns));
        for (int64_t token = 0; token < tokens; ++token) {
          Value &sum = sums[row * tokens + token];
          sum = k.multiplyAdd(weight, x[token], sum);
        }
      }
    }
    return sums;
  }

  /// One vector of weights as float32.
  Value loadWeights(Value pointer) {
    if (lanes == KernelBuilder::lanes)
      return k.loadFactor(pointer, k.key.factor);
    unsigned alignment = lanes * getElementBytes(k.key.factor);
    if (k.key.factor == FactorType::I8)
      return k.toFloat(arith::ExtSIOp::create(
          k.b, k.vector(lanes, k.i32()),
          k.load(k.vector(lanes, k.i8()), pointer, alignment)));
    Value halves =
        k.load(k.vector(lanes, k.b.getF16Type()), pointer, alignment);
    return arith::ExtFOp::create(k.b, TypeRange(floats), ValueRange(halves));
  }

  void finish(Value rowBlock, int64_t token) {
    Value y =
        k.load(k.floats(), k.address(results, token * blockRows * floatBytes),
               blockRows * floatBytes);
    Value offset = k.multiply(rowBlock, blockRows * floatBytes);
    auto perRow = [&](HeadArgument argument) {
      return k.load(k.floats(), k.address(k.argument(argument), offset),
                    blockRows * floatBytes);
    };
    if (k.key.factor == FactorType::I8)
      y = k.multiplyFloat(y, perRow(HeadScales));
    if (k.key.bias)
      y = k.addFloat(y, perRow(HeadBias));
    Value target =
        k.address(k.address(k.argument(HeadOutput),
                            k.multiply(k.argument(HeadOutputStride), token)),
                  offset);
    if (!k.key.partialRows)
      return k.store(y, target, floatBytes);
    Value left =
        k.subtract(k.argument(HeadRows), k.multiply(rowBlock, blockRows));
    k.branch(
        k.isLess(left, k.size(blockRows)), {},
        [&]() -> Values {
          k.storePartial(y, target, left);
          return {};
        },
        [&]() -> Values {
          k.store(y, target, floatBytes);
          return {};
        });
  }

  KernelBuilder &k;
  int64_t tokens;
  /// Elements of a vector of float32.
  int64_t lanes;
  /// Rows that are computed at a time.
  int64_t rows;
  VectorType floats;
  /// Bytes of one row in one block.
  int64_t rowBytes;
  Value fullBlocks;
  Value rowBlockBytes;
  /// The last columns of every token, on the stack.
  Value tail;
  /// [token][row of the block], on the stack.
  Value results;
};

} // namespace

void hgf::buildHead(KernelBuilder &k) { Head(k).build(); }
