//===- BackboneKernel.cpp - The ternary product of a block of rows -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

using Values = KernelBuilder::Values;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;

namespace {

/// The ternary product of one row block with a block of tokens.
struct Backbone {
  explicit Backbone(KernelBuilder &k)
      : k(k), encoding(*k.key.encoding), tokens(k.key.tokens),
        blockRows(encoding.getBlockRows()), rowBytes(encoding.getRowBytes()),
        vectorBytes(getVectorBytes(k)), codes(k.vector(vectorBytes, k.i8())) {
    bool words = k.level.accumulator == Accumulator::Int16;
    accumulator = words ? k.vector(vectorBytes / 2, k.b.getI16Type())
                        : k.vector(vectorBytes / 4, k.i32());
    total = k.vector(vectorBytes / 4, k.i32());
    partCount = encoding.getPartCount(vectorBytes);
    int64_t steps = encoding.getBlockColumns() / vectorBytes;
    // Codes of 3 fill an accumulator in two thirds of the steps.
    int64_t safeSteps = k.key.levels == Levels::Ternary
                            ? k.level.safeSteps
                            : k.level.safeSteps * 2 / 3;
    chunk = words ? std::max<int64_t>(safeSteps / steps, 1)
                  : std::numeric_limits<int32_t>::max();
    assert(blockRows == lanes && "epilogues take a row block as one vector");
    blocks = k.argument(BlockCount);
    inputBytes = k.multiply(blocks, encoding.getBlockColumns() *
                                        (isFloat() ? floatBytes : 1));
    blockBytes = blockRows * rowBytes;
    rowBlockBytes = k.multiply(blocks, blockBytes);
  }

  /// A vector of codes lies in one group.
  static int64_t getVectorBytes(const KernelBuilder &k) {
    int64_t bytes = k.level.vectorBytes;
    return k.key.granularity == Granularity::Group
               ? std::min(bytes, k.key.group)
               : bytes;
  }

  bool isFloat() const { return k.key.quantization == Quantization::None; }

  void build() {
    k.loop(k.argument(Begin), k.argument(End), 1, {},
           [&](Value rowBlock, ArrayRef<Value>) -> Values {
             Value weights = k.address(k.argument(WeightsPointer),
                                       k.multiply(rowBlock, rowBlockBytes));
             Values products = multiply(rowBlock, weights);
             emitEpilogue(k, rowBlock, products);
             return {};
           });
  }

private:
  /// vector<8xf32> per token, scaled.
  Values multiply(Value rowBlock, Value weights) {
    if (k.key.granularity == Granularity::Group)
      return isFloat() ? scaleFloat(rowBlock, emitFloat(rowBlock, weights))
                       : emitGroups(rowBlock, weights);
    if (isFloat())
      return scaleFloat(rowBlock, emitFloat(rowBlock, weights));
    return scale(rowBlock,
                 tokens == 1 ? emitOneToken(weights) : emitTokens(weights));
  }

  Value scaleVector(Value rowBlock) {
    if (k.key.granularity == Granularity::Tensor)
      return k.splat(k.load(k.f32(), k.argument(ScalesPointer), 4));
    return k.load(k.floats(),
                  k.address(k.argument(ScalesPointer),
                            k.multiply(rowBlock, blockRows * floatBytes)),
                  32);
  }

  Value inputScale(int64_t token) {
    return k.load(k.f32(),
                  k.address(k.argument(InputScalesPointer), token * floatBytes),
                  4);
  }

  /// A code c means the weight factor * c - offset: the sum of the activations
  /// is too much, `offset` times.
  Value removeOffset(Value totals, Value sumPointer) {
    CodeMeaning meaning = getCodeMeaning(k.key.levels);
    Value sums = k.splat(k.load(k.i32(), sumPointer, 4));
    auto times = [&](Value value, int64_t factor) -> Value {
      return factor == 1 ? value
                         : arith::MulIOp::create(k.b, value,
                                                 k.integer(k.ints(), factor));
    };
    return k.subtract(times(totals, meaning.factor),
                      times(sums, meaning.offset));
  }

  Values scale(Value rowBlock, ArrayRef<Value> totals) {
    Value scales = scaleVector(rowBlock);
    Values products;
    for (int64_t token = 0; token < tokens; ++token) {
      Value sums = k.address(k.argument(SumsPointer), token * floatBytes);
      Value product = k.toFloat(removeOffset(totals[token], sums));
      Value factor = k.multiplyFloat(scales, k.splat(inputScale(token)));
      products.push_back(k.multiplyFloat(product, factor));
    }
    return products;
  }

  Values scaleFloat(Value rowBlock, ArrayRef<Value> sums) {
    if (k.key.granularity == Granularity::Group)
      return Values(sums);
    Value scales = scaleVector(rowBlock);
    Values products;
    for (Value sum : sums)
      products.push_back(k.multiplyFloat(sum, scales));
    return products;
  }

  Value inputPointer(Value block, int64_t token) {
    Value offset = k.multiply(block, encoding.getBlockColumns() *
                                         (isFloat() ? floatBytes : 1));
    if (token)
      offset = k.add(offset, k.multiply(inputBytes, token));
    return k.address(k.argument(InputsPointer), offset);
  }

  /// Multiplies one part of one row of one block with every token:
  /// accumulators[token].
  void emitPart(Value row, int64_t part, ArrayRef<Value> inputs,
                MutableArrayRef<Value> accumulators,
                llvm::DenseMap<std::pair<int64_t, int64_t>, Value> &loaded) {
    auto load = [&](int64_t offset) {
      return k.load(codes, k.address(row, offset),
                    encoding.getAlignment(vectorBytes));
    };
    encoding.emitUnpack(k.b, k.b.getLoc(), vectorBytes, part, load,
                        [&](Value code, int64_t column) {
                          for (int64_t token = 0; token < tokens; ++token) {
                            Value &x = loaded[{token, column}];
                            if (!x)
                              x = k.load(codes,
                                         k.address(inputs[token], column),
                                         std::min<int64_t>(vectorBytes, 64));
                            accumulators[token] = DotStepOp::create(
                                k.b, accumulator, accumulators[token], code, x);
                          }
                        });
  }

  /// Prefetches the cache lines that begin in a row of a block.
  void prefetchRow(Value pointer, int64_t row) {
    constexpr int64_t line = 64;
    int64_t begin = row * rowBytes;
    for (int64_t offset = llvm::alignTo(begin, line); offset < begin + rowBytes;
         offset += line)
      k.prefetch(k.address(pointer, offset - begin));
  }

  Value widen(Value sum, Value part) {
    return DotWidenOp::create(k.b, total, sum, part);
  }

  /// Eight totals to one vector<8xi32> of their sums.
  Value reduceRows(ArrayRef<Value> totals) {
    Values sums(totals);
    int64_t size = total.getNumElements();
    // Halves wide vectors until a lane pattern of 4 or 8 remains.
    while (size > lanes) {
      for (Value &sum : sums)
        sum = addHalves(sum, size / 2);
      size /= 2;
    }
    auto combine = [&](ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
      Values next;
      for (size_t i = 0; i + 1 < sums.size(); i += 2)
        next.push_back(k.add(shuffle(sums[i], sums[i + 1], low),
                             shuffle(sums[i], sums[i + 1], high)));
      sums = next;
    };
    if (size == 4) {
      combine({0, 4, 1, 5}, {2, 6, 3, 7});
      combine({0, 1, 4, 5}, {2, 3, 6, 7});
      return shuffle(sums[0], sums[1], {0, 1, 2, 3, 4, 5, 6, 7});
    }
    // In this order no shuffle but the last crosses 16 bytes.
    combine({0, 8, 1, 9, 4, 12, 5, 13}, {2, 10, 3, 11, 6, 14, 7, 15});
    combine({0, 1, 8, 9, 4, 5, 12, 13}, {2, 3, 10, 11, 6, 7, 14, 15});
    combine({0, 1, 2, 3, 8, 9, 10, 11}, {4, 5, 6, 7, 12, 13, 14, 15});
    return sums[0];
  }

  Value shuffle(Value left, Value right, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(k.b, left, right, mask);
  }

  Value addHalves(Value vector, int64_t half) {
    auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
    auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
    return k.add(shuffle(vector, vector, low), shuffle(vector, vector, high));
  }

  /// Eight rows at once: the weights are one forward stream.
  Values emitOneToken(Value weights) {
    Value zero = k.integer(accumulator, 0);
    Values totals =
        k.loop(k.size(0), blocks, chunk, Values(blockRows, k.integer(total, 0)),
               [&](Value first, ArrayRef<Value> totals) {
                 Value last = k.minimum(k.add(first, chunk), blocks);
                 Values parts =
                     k.loop(first, last, 1, Values(blockRows, zero),
                            [&](Value block, ArrayRef<Value> carried) {
                              Values accumulators(carried);
                              Value rows = k.address(
                                  weights, k.multiply(block, blockBytes));
                              Value input = inputPointer(block, 0);
                              emitRows(rows, input, accumulators);
                              return accumulators;
                            });
                 Values next;
                 for (auto [sum, part] : llvm::zip_equal(totals, parts))
                   next.push_back(widen(sum, part));
                 return next;
               });
    return {reduceRows(totals)};
  }

  void emitRows(Value rows, Value input, MutableArrayRef<Value> accumulators) {
    llvm::DenseMap<std::pair<int64_t, int64_t>, Value> loaded;
    for (int64_t part = 0; part < partCount; ++part)
      for (int64_t row = 0; row < blockRows; ++row) {
        Value pointer = k.address(rows, row * rowBytes);
        if (part == 0)
          prefetchRow(pointer, row);
        emitPart(pointer, part, {input}, accumulators.slice(row, 1), loaded);
      }
  }

  /// One row at a time with all tokens: totals wait in memory, and a chunk of
  /// the activations stays in the first-level cache for all eight rows.
  Values emitTokens(Value weights) {
    int64_t totalBytes = total.getNumElements() * 4;
    if (!memory)
      memory = k.stack(blockRows * tokens * totalBytes);
    auto slot = [&](Value row, int64_t token) {
      return k.address(memory, k.multiply(row, tokens * totalBytes),
                       token * totalBytes);
    };
    for (int64_t i = 0; i < blockRows * tokens; ++i)
      k.store(k.integer(total, 0), k.address(memory, i * totalBytes),
              totalBytes);
    k.loop(
        k.size(0), blocks, chunk, {},
        [&](Value first, ArrayRef<Value>) -> Values {
          Value last = k.minimum(k.add(first, chunk), blocks);
          k.loop(
              k.size(0), k.size(blockRows), 1, {},
              [&](Value row, ArrayRef<Value>) -> Values {
                Value start = k.address(weights, k.multiply(row, rowBytes));
                Values parts = k.loop(
                    first, last, 1, Values(tokens, k.integer(accumulator, 0)),
                    [&](Value block, ArrayRef<Value> carried) {
                      Values accumulators(carried), inputs;
                      Value pointer =
                          k.address(start, k.multiply(block, blockBytes));
                      k.prefetch(pointer);
                      for (int64_t token = 0; token < tokens; ++token)
                        inputs.push_back(inputPointer(block, token));
                      llvm::DenseMap<std::pair<int64_t, int64_t>, Value> loaded;
                      for (int64_t part = 0; part < partCount; ++part)
                        emitPart(pointer, part, inputs, accumulators, loaded);
                      return accumulators;
                    });
                for (int64_t token = 0; token < tokens; ++token) {
                  Value pointer = slot(row, token);
                  Value sum = k.load(total, pointer, totalBytes);
                  k.store(widen(sum, parts[token]), pointer, totalBytes);
                }
                return {};
              });
          return {};
        });
    Values result;
    for (int64_t token = 0; token < tokens; ++token) {
      Values totals;
      for (int64_t row = 0; row < blockRows; ++row)
        totals.push_back(k.load(
            total, k.address(memory, (row * tokens + token) * totalBytes),
            totalBytes));
      result.push_back(reduceRows(totals));
    }
    return result;
  }

  /// Every group of every row is closed for itself.
  Values emitGroups(Value rowBlock, Value weights) {
    int64_t group = k.key.group;
    int64_t groups = encoding.getBlockColumns() / group;
    Value groupCount = k.multiply(blocks, groups);
    assert(encoding.keepsGroups(group, vectorBytes));
    Values sums = k.loop(
        k.size(0), blocks, 1, Values(tokens, k.real(k.floats(), 0)),
        [&](Value block, ArrayRef<Value> carried) {
          Values sums(carried);
          Value rows = k.address(weights, k.multiply(block, blockBytes));
          Value firstGroup = k.multiply(block, groups);
          Value scales = k.address(
              k.argument(ScalesPointer),
              k.multiply(k.add(k.multiply(rowBlock, groupCount), firstGroup),
                         blockRows * floatBytes));
          for (int64_t token = 0; token < tokens; ++token) {
            SmallVector<Values> totals =
                emitBlockGroups(rows, inputPointer(block, token), groups);
            Value sumPointer = k.address(
                k.argument(SumsPointer),
                k.multiply(k.add(k.multiply(groupCount, token), firstGroup),
                           floatBytes));
            for (int64_t g = 0; g < groups; ++g) {
              Value dots = removeOffset(reduceRows(totals[g]),
                                        k.address(sumPointer, g * floatBytes));
              Value scale =
                  k.load(k.floats(),
                         k.address(scales, g * blockRows * floatBytes), 32);
              sums[token] = k.multiplyAdd(k.toFloat(dots), scale, sums[token]);
            }
          }
          return sums;
        });
    for (int64_t token = 0; token < tokens; ++token)
      sums[token] = k.multiplyFloat(sums[token], k.splat(inputScale(token)));
    return sums;
  }

  /// totals[group][row] of one block and one token.
  SmallVector<Values> emitBlockGroups(Value rows, Value input, int64_t groups) {
    SmallVector<Values> totals(groups);
    for (int64_t row = 0; row < blockRows; ++row) {
      Value pointer = k.address(rows, row * rowBytes);
      prefetchRow(pointer, row);
      Values parts(groups, k.integer(accumulator, 0));
      auto load = [&](int64_t offset) {
        return k.load(codes, k.address(pointer, offset),
                      encoding.getAlignment(vectorBytes));
      };
      auto use = [&](Value code, int64_t column) {
        Value x = k.load(codes, k.address(input, column), vectorBytes);
        Value &part = parts[column / k.key.group];
        part = DotStepOp::create(k.b, accumulator, part, code, x);
      };
      for (int64_t part = 0; part < partCount; ++part)
        encoding.emitUnpack(k.b, k.b.getLoc(), vectorBytes, part, load, use);
      for (int64_t g = 0; g < groups; ++g)
        totals[g].push_back(widen(k.integer(total, 0), parts[g]));
    }
    return totals;
  }

  /// Float activations: the weights as float32, eight columns at a time. With
  /// groups each sum is scaled before it joins the row's.
  Values emitFloat(Value rowBlock, Value weights) {
    if (!memory)
      memory = k.stack(blockRows * tokens * floatBytes);
    bool grouped = k.key.granularity == Granularity::Group;
    int64_t groups = grouped ? encoding.getBlockColumns() / k.key.group : 1;
    Value zero = k.real(k.floats(), 0);
    k.loop(k.size(0), k.size(blockRows), 1, {},
           [&](Value row, ArrayRef<Value>) -> Values {
             Value start = k.address(weights, k.multiply(row, rowBytes));
             Values sums = k.loop(
                 k.size(0), blocks, 1, Values(tokens, zero),
                 [&](Value block, ArrayRef<Value> carried) {
                   Value pointer =
                       k.address(start, k.multiply(block, blockBytes));
                   k.prefetch(pointer);
                   Values inputs;
                   for (int64_t token = 0; token < tokens; ++token)
                     inputs.push_back(inputPointer(block, token));
                   SmallVector<Values> parts(groups, Values(tokens, zero));
                   if (!grouped)
                     parts[0] = Values(carried);
                   emitFloatRow(pointer, inputs, parts);
                   if (!grouped)
                     return parts[0];
                   Values sums(carried);
                   Value scales = groupScales(rowBlock, block, row, groups);
                   for (int64_t g = 0; g < groups; ++g) {
                     Value scale = k.splat(k.load(
                         k.f32(), k.address(scales, g * blockRows * floatBytes),
                         4));
                     for (int64_t token = 0; token < tokens; ++token)
                       sums[token] =
                           k.multiplyAdd(parts[g][token], scale, sums[token]);
                   }
                   return sums;
                 });
             for (int64_t token = 0; token < tokens; ++token)
               k.store(k.sumOfLanes(sums[token]),
                       k.address(memory, k.multiply(row, floatBytes),
                                 token * blockRows * floatBytes),
                       4);
             return {};
           });
    Values result;
    for (int64_t token = 0; token < tokens; ++token)
      result.push_back(k.load(
          k.floats(), k.address(memory, token * blockRows * floatBytes), 32));
    return result;
  }

  Value groupScales(Value rowBlock, Value block, Value row, int64_t groups) {
    Value group = k.add(k.multiply(rowBlock, k.multiply(blocks, groups)),
                        k.multiply(block, groups));
    Value index = k.add(k.multiply(group, blockRows), row);
    return k.address(k.argument(ScalesPointer), k.multiply(index, floatBytes));
  }

  void emitFloatRow(Value row, ArrayRef<Value> inputs,
                    MutableArrayRef<Values> parts) {
    auto narrow = k.vector(lanes, k.i8());
    auto load = [&](int64_t offset) {
      return k.load(narrow, k.address(row, offset),
                    encoding.getAlignment(lanes));
    };
    int64_t group = parts.size() > 1 ? k.key.group : encoding.getBlockColumns();
    auto use = [&](Value code, int64_t column) {
      Value wide = arith::ExtUIOp::create(k.b, k.ints(), code);
      CodeMeaning meaning = getCodeMeaning(k.key.levels);
      if (meaning.factor != 1)
        wide = arith::MulIOp::create(k.b, wide,
                                     k.integer(k.ints(), meaning.factor));
      Value weight =
          k.toFloat(k.subtract(wide, k.integer(k.ints(), meaning.offset)));
      for (int64_t token = 0; token < tokens; ++token) {
        Value x = k.load(k.floats(),
                         k.address(inputs[token], column * floatBytes), 32);
        Value &part = parts[column / group][token];
        part = k.multiplyAdd(weight, x, part);
      }
    };
    for (int64_t part = 0; part < encoding.getPartCount(lanes); ++part)
      encoding.emitUnpack(k.b, k.b.getLoc(), lanes, part, load, use);
  }

  KernelBuilder &k;
  const Encoding &encoding;
  int64_t tokens;
  int64_t blockRows;
  int64_t rowBytes;
  int64_t vectorBytes;
  int64_t blockBytes;
  /// Of a row in one block.
  int64_t partCount;
  /// Blocks of columns per int16 accumulation.
  int64_t chunk;
  VectorType codes;
  VectorType accumulator;
  VectorType total;
  Value blocks;
  /// Bytes of one token's activations.
  Value inputBytes;
  Value rowBlockBytes;
  /// Totals of the rows, on the stack.
  Value memory;
};

} // namespace

void hgf::buildBackbone(KernelBuilder &k) { Backbone(k).build(); }
