//===- LayerBackbone.cpp - Which kernels multiply ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

using namespace mlir;
using namespace hgf;

/// Work below this size is not worth waking a thread for: bytes of weights
/// that one token reads.
static constexpr int64_t pieceBytes = 32768;
/// Batches of more tokens than this are cut into smaller pieces of rows.
static constexpr int64_t smallBatch = 8;

KernelKey LayerLowering::makeBackboneKey() {
  KernelKey key = makeEpilogueKey(KernelKind::Backbone);
  key.encoding = &encoding;
  key.granularity = parameters.granularity;
  key.group = parameters.group;
  key.quantization = isFloat() ? Quantization::None : Quantization::Reciprocal;
  if (parameters.gateKind == GateKind::SigmoidOutput) {
    // The gate reads the complete ternary product; the rest follows it.
    key.factor = FactorType::None;
    key.gateKind = GateKind::Open;
    key.segmented = key.bias = key.residual = false;
    key.activation = Activation::Identity;
  }
  return key;
}

void LayerLowering::emitBackbone() {
  KernelKey key = makeBackboneKey();
  int64_t bytes = encoding.getRowBlockBytes(parameters.columns);
  int64_t most = std::max<int64_t>(1, pieceBytes / bytes);
  auto emit = [&](int64_t rowBlocks) {
    forEachPiece(rowBlocks, [&](Value begin, Value end) {
      emitTokenBlocks(key, begin, end);
    });
  };
  if (knownTokens >= 0)
    return emit(std::max<int64_t>(
        1, most / std::max<int64_t>(1, knownTokens / smallBatch)));
  Value many = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, tokens,
                                     number(smallBatch));
  auto branch = scf::IfOp::create(b, TypeRange(), many, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emit(std::max<int64_t>(1, most / smallBatch));
  b.setInsertionPointToStart(branch.elseBlock());
  emit(most);
}

ArrayRef<int64_t> LayerLowering::getTokenBlocks() const {
  ArrayRef<int64_t> blocks = calls.getLevels().front()->tokenBlocks;
  return parameters.granularity == Granularity::Group ? blocks.take_back()
                                                      : blocks;
}

void LayerLowering::emitTokenBlocks(KernelKey key, Value begin, Value end) {
  Value first = number(0);
  bool largest = true;
  for (int64_t block : getTokenBlocks()) {
    key.tokens = block;
    if (knownTokens >= 0 && knownTokens < block && largest)
      continue;
    Value rest = arith::SubIOp::create(b, tokens, first);
    Value count = arith::DivUIOp::create(b, rest, number(block));
    Value last = add(first, multiply(count, block));
    if (knownTokens < 0 || emitsBlock(block, largest)) {
      auto loop = scf::ForOp::create(b, first, last, number(block));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      callRows(key, loop.getInductionVar(), begin, end);
    }
    first = last;
    largest = false;
  }
}

bool LayerLowering::emitsBlock(int64_t block, bool largest) const {
  if (largest)
    return knownTokens >= block;
  int64_t rest = knownTokens;
  for (int64_t size : getTokenBlocks()) {
    if (size == block)
      return rest >= block;
    rest %= size;
  }
  return false;
}
