//===- LayerBackbone.cpp - Which kernels multiply ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

using namespace mlir;
using namespace hgf;

/// Bytes of weights that one token reads. Layers below the first number stay on
/// one thread: where CPUs are far from each other, a fork and the activations'
/// way there and back take as long as the layer. Pieces of the second one are
/// worth a thread's while.
static constexpr int64_t leastBytes = 262144;
static constexpr int64_t pieceBytes = 32768;
/// Batches of more tokens than this are cut into smaller pieces of rows.
static constexpr int64_t smallBatch = 4;
/// Row blocks of a piece of work of many tokens: whole panels at every level.
static constexpr int64_t pieceRowBlocks = 8;
/// Many tokens are divided until there are so many pieces of work, or so few
/// tokens in each.
static constexpr int64_t enoughPieces = 16;
static constexpr int64_t leastTokens = 72;
/// Blocks of tokens are multiples of every level's groups of tokens.
static constexpr int64_t tokenAlignment = 24;
static_assert(prefillTokens % tokenAlignment == 0 &&
              leastTokens % tokenAlignment == 0);
/// Tokens that share what an epilogue reads.
static constexpr int64_t epilogueTokens = 8;

KernelKey LayerLowering::makeBackboneKey() {
  KernelKey key = makeEpilogueKey(KernelKind::Backbone);
  key.encoding = &encoding;
  key.granularity = parameters.granularity;
  key.group = parameters.group;
  key.levels = parameters.levels;
  key.quantization = isFloat() ? Quantization::None : Quantization::Reciprocal;
  if (parameters.gateKind == GateKind::SigmoidOutput) {
    // The gate reads the complete ternary product; the rest follows it.
    key.factor = FactorType::None;
    key.gateKind = GateKind::Open;
    key.segmented = key.bias = key.residual = key.mayBeClosed = false;
    key.activation = Activation::Identity;
  }
  return key;
}

void LayerLowering::emitBackbone() {
  KernelKey key = makeBackboneKey();
  if (isFloat())
    return emitDecode(key);
  auto [least, greatest] = calls.getCrossoverRange();
  if (knownTokens >= 0 && knownTokens < least)
    return emitDecode(key);
  if (knownTokens >= greatest)
    return emitPrefill(key);
  Value crossover = calls.getCrossover(b, b.getLoc());
  Value many =
      arith::CmpIOp::create(b, arith::CmpIPredicate::sge, tokens, crossover);
  auto branch = scf::IfOp::create(b, TypeRange(), many, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emitPrefill(key);
  b.setInsertionPointToStart(branch.elseBlock());
  emitDecode(key);
}

void LayerLowering::emitPrefill(const KernelKey &key) {
  KernelKey prefill = key;
  prefill.kind = KernelKind::Prefill;
  KernelKey finish = key;
  finish.kind = KernelKind::Finish;
  bool hasEpilogue = key.factor != FactorType::None || key.bias ||
                     key.residual || key.activation != Activation::Identity;
  int64_t rowBlocks = getRowBlocks();
  int64_t panels = llvm::divideCeil(rowBlocks, pieceRowBlocks);
  // A matrix of few rows has too few pieces for all threads, unless its tokens
  // are divided; each block of tokens unpacks the panel again.
  int64_t most = prefillTokens;
  for (int64_t pieces = panels; pieces < enoughPieces && most > leastTokens;
       pieces *= 2)
    most /= 2;
  Value blocks = arith::CeilDivUIOp::create(b, tokens, number(most));
  Value size = arith::CeilDivUIOp::create(b, tokens, blocks);
  size = multiply(arith::CeilDivUIOp::create(b, size, number(tokenAlignment)),
                  tokenAlignment);
  forEach(multiply(blocks, panels), 1, [&](Value piece) {
    Value begin =
        multiply(arith::DivUIOp::create(b, piece, blocks), pieceRowBlocks);
    Value end = arith::MinSIOp::create(b, add(begin, number(pieceRowBlocks)),
                                       number(rowBlocks));
    Value first = multiply(arith::RemUIOp::create(b, piece, blocks), size);
    Value last = arith::MinSIOp::create(b, add(first, size), tokens);
    callRows(prefill, first, begin, end, arith::SubIOp::create(b, last, first));
    if (hasEpilogue)
      emitEpilogue(finish, first, last, begin, end);
  });
}

void LayerLowering::emitEpilogue(const KernelKey &key, Value first, Value last,
                                 Value begin, Value end) {
  for (int64_t block : {epilogueTokens, int64_t(1)}) {
    KernelKey blockKey = key;
    blockKey.tokens = block;
    Value count = arith::DivUIOp::create(
        b, arith::SubIOp::create(b, last, first), number(block));
    Value next = add(first, multiply(count, block));
    auto loop = scf::ForOp::create(b, first, next, number(block));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    callRows(blockKey, loop.getInductionVar(), begin, end);
    b.setInsertionPointAfter(loop);
    first = next;
  }
}

/// Row blocks of one piece of work, for a number of tokens.
int64_t LayerLowering::getPieceRowBlocks(int64_t tokenCount) const {
  int64_t rowBlocks = getRowBlocks();
  // Up to `smallBatch` tokens take little longer than one.
  int64_t bytes = rowBlocks * encoding.getRowBlockBytes(parameters.columns) *
                  std::max<int64_t>(1, tokenCount / smallBatch);
  if (bytes < leastBytes)
    return rowBlocks;
  // Two and four threads get equal shares, however few the pieces are.
  int64_t pieces = llvm::alignTo(llvm::divideCeil(bytes, pieceBytes), 4);
  return llvm::divideCeil(rowBlocks, pieces);
}

void LayerLowering::emitDecode(const KernelKey &key) {
  auto emit = [&](int64_t rowBlocks) {
    forEachPiece(rowBlocks, [&](Value begin, Value end) {
      emitTokenBlocks(key, begin, end);
    });
  };
  if (knownTokens >= 0)
    return emit(getPieceRowBlocks(knownTokens));
  int64_t few = getPieceRowBlocks(1);
  int64_t many = getPieceRowBlocks(smallBatch * smallBatch);
  if (few == many)
    return emit(few);
  Value condition = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, tokens,
                                          number(smallBatch));
  auto branch = scf::IfOp::create(b, TypeRange(), condition, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emit(many);
  b.setInsertionPointToStart(branch.elseBlock());
  emit(few);
}

ArrayRef<TokenBlock> LayerLowering::getTokenBlocks() const {
  llvm::ArrayRef<TokenBlock> blocks = calls.getLevels().front()->tokenBlocks;
  bool single = parameters.granularity == Granularity::Group &&
                LinearOp(op).getQuantization() == Quantization::None;
  return single ? blocks.take_back() : blocks;
}

void LayerLowering::emitTokenBlocks(KernelKey key, Value begin, Value end) {
  Value first = number(0);
  bool largest = true;
  for (auto [block, rows, together] : getTokenBlocks()) {
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
  for (auto [size, rows, together] : getTokenBlocks()) {
    if (size == block)
      return rest >= block;
    rest %= size;
  }
  return false;
}
