//===- Epilogue.cpp - What follows the ternary product -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hgf;

using Values = KernelBuilder::Values;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;

/// Where the rows of one row block of one token start.
static Value getRows(KernelBuilder &k, Value rowBlock, int64_t token,
                     BackboneArgument pointer, BackboneArgument stride) {
  Value offset = k.multiply(rowBlock, lanes * floatBytes);
  if (token)
    offset = k.add(offset, k.multiply(k.argument(stride), token));
  return k.address(k.argument(pointer), offset);
}

/// Rows that exist from the start of `rowBlock`.
static Value getRowsLeft(KernelBuilder &k, Value rowBlock) {
  return k.subtract(k.argument(Rows), k.multiply(rowBlock, lanes));
}

/// Loads the rows of one row block of one token; those that the matrix lacks
/// are zero.
static Value emitLoad(KernelBuilder &k, Value rowBlock, int64_t token,
                      BackboneArgument pointer, BackboneArgument stride) {
  Value source = getRows(k, rowBlock, token, pointer, stride);
  if (!k.key.partialRows)
    return k.load(k.floats(), source, 4);
  Value left = getRowsLeft(k, rowBlock);
  return k.branch(
      k.isLess(left, k.size(lanes)), k.floats(),
      [&]() -> Values { return {k.loadPartial(source, left)}; },
      [&]() -> Values { return {k.load(k.floats(), source, 4)}; })[0];
}

void hgf::emitStore(KernelBuilder &k, Value rowBlock, int64_t token,
                    Value value) {
  emitStoreTo(k, rowBlock,
              getRows(k, rowBlock, token, OutputPointer, OutputStride), value);
}

void hgf::emitStoreTo(KernelBuilder &k, Value rowBlock, Value target,
                      Value value) {
  if (!k.key.partialRows)
    return k.store(value, target, 4);
  Value left = getRowsLeft(k, rowBlock);
  k.branch(
      k.isLess(left, k.size(lanes)), {},
      [&]() -> Values {
        k.storePartial(value, target, left);
        return {};
      },
      [&]() -> Values {
        k.store(value, target, 4);
        return {};
      });
}

/// B h of one row block, per token.
static Values emitOpenCorrection(KernelBuilder &k, Value rowBlock,
                                 int64_t tokens) {
  constexpr int64_t block = LinearParameters::rankBlock;
  int64_t bytes = getElementBytes(k.key.factor);
  Value first = k.size(0), end = k.argument(PaddedRank);
  Value factor;
  if (k.key.segmented) {
    Value entry = k.address(k.argument(SegmentTablePointer),
                            k.multiply(rowBlock, sizeof(RowBlockRanks)));
    auto number = [&](unsigned bits, int64_t offset) -> Value {
      Value narrow =
          k.load(k.b.getIntegerType(bits), k.address(entry, offset), bits / 8);
      return arith::ExtUIOp::create(k.b, k.b.getI64Type(), narrow);
    };
    first = number(16, offsetof(RowBlockRanks, first));
    end = number(16, offsetof(RowBlockRanks, end));
    factor = k.address(k.argument(FactorPointer),
                       number(32, offsetof(RowBlockRanks, byteOffset)));
  } else {
    Value stride = k.multiply(end, lanes * bytes);
    factor = k.address(k.argument(FactorPointer), k.multiply(rowBlock, stride));
  }
  // One token has four sums, so that no multiply-add waits for the last one.
  int64_t sumCount = tokens == 1 ? block : tokens;
  Values sums =
      k.loop(first, end, block, Values(sumCount, k.real(k.floats(), 0)),
             [&](Value rank, ArrayRef<Value> carried) {
               Values sums(carried);
               Value column = k.address(
                   factor, k.multiply(k.subtract(rank, first), lanes * bytes));
               // Backbone's stream of weights is prefetched; a second one of
               // so few bytes beside it only costs.
               if (k.key.kind == KernelKind::Finish)
                 k.prefetch(column);
               for (int64_t r = 0; r < block; ++r) {
                 Value b = k.loadFactor(k.address(column, r * lanes * bytes),
                                        k.key.factor);
                 for (int64_t token = 0; token < tokens; ++token) {
                   Value offset = k.multiply(rank, floatBytes);
                   if (token)
                     offset = k.add(offset, k.multiply(k.argument(PaddedRank),
                                                       token * floatBytes));
                   Value h = k.load(k.f32(),
                                    k.address(k.argument(CorrectionPointer),
                                              offset, r * floatBytes),
                                    4);
                   Value &sum = sums[tokens == 1 ? r : token];
                   sum = k.multiplyAdd(b, k.splat(h), sum);
                 }
               }
               return sums;
             });
  if (tokens > 1)
    return sums;
  return {
      k.addFloat(k.addFloat(sums[0], sums[1]), k.addFloat(sums[2], sums[3]))};
}

/// The same, or zeros where every token's gate is closed.
static Values emitCorrection(KernelBuilder &k, Value rowBlock, int64_t tokens) {
  if (!k.key.mayBeClosed)
    return emitOpenCorrection(k, rowBlock, tokens);
  return k.branch(
      k.isOpen(k.argument(GatePointer), tokens),
      SmallVector<Type>(tokens, k.floats()),
      [&] { return emitOpenCorrection(k, rowBlock, tokens); },
      [&] { return Values(tokens, k.real(k.floats(), 0)); });
}

/// alpha of one row block and one token.
static Value emitGate(KernelBuilder &k, Value rowBlock, int64_t token) {
  Value gate = k.argument(GatePointer);
  if (k.key.gateKind != GateKind::Static)
    return k.splat(k.load(k.f32(), k.address(gate, token * floatBytes), 4));
  if (!k.key.rowGate)
    return k.splat(k.load(k.f32(), gate, 4));
  return k.load(k.floats(),
                k.address(gate, k.multiply(rowBlock, lanes * floatBytes)), 32);
}

void hgf::emitEpilogue(KernelBuilder &k, Value rowBlock, Values products) {
  Values corrections;
  if (k.key.factor != FactorType::None)
    corrections = emitCorrection(k, rowBlock, products.size());
  for (auto [token, product] : llvm::enumerate(products)) {
    Value y = product;
    if (k.key.bias)
      y = k.addFloat(y,
                     k.load(k.floats(),
                            k.address(k.argument(BiasPointer),
                                      k.multiply(rowBlock, lanes * floatBytes)),
                            32));
    if (k.key.factor != FactorType::None) {
      y = k.key.gateKind == GateKind::Open
              ? k.addFloat(y, corrections[token])
              : k.multiplyAdd(emitGate(k, rowBlock, token), corrections[token],
                              y);
    }
    y = k.activate(y, k.key.activation);
    if (k.key.residual)
      y = k.addFloat(
          y, emitLoad(k, rowBlock, token, ResidualPointer, ResidualStride));
    emitStore(k, rowBlock, token, y);
  }
}

void hgf::buildFinish(KernelBuilder &k) {
  k.loop(k.argument(Begin), k.argument(End), 1, {},
         [&](Value rowBlock, ArrayRef<Value>) -> Values {
           Values products;
           for (int64_t token = 0; token < k.key.tokens; ++token)
             products.push_back(
                 emitLoad(k, rowBlock, token, OutputPointer, OutputStride));
           emitEpilogue(k, rowBlock, products);
           return {};
         });
}
