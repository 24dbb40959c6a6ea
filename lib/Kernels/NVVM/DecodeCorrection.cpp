//===- DecodeCorrection.cpp - The low-rank part of few tokens ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;
/// Loads of B per lane and row that are made before the products.
static constexpr int64_t mostLoadsAhead = 4;

void Decode::planCorrection() {
  int64_t most = 0, all = 0;
  for (auto [rows, ranks] : getSegments(parameters)) {
    most = std::max(most, ranks);
    all |= ranks;
  }
  // As many ranks per load as keep all lanes busy and every load aligned.
  for (rankStep = 4; rankStep > 1; rankStep /= 2)
    if (all % rankStep == 0 && rankStep * lanes <= most)
      break;
  rankSteps = llvm::divideCeil(most, rankStep * lanes);
  evenRanks = parameters.segments.empty() && most % (rankStep * lanes) == 0;
  for (Value row : rowNumbers)
    rowRanks.push_back(emitRowRanks(k, parameters, row));
  // A gate that may be closed comes first.
  loadsAhead = !mayBeClosed() && rankSteps <= mostLoadsAhead;
  for (int64_t row = 0; loadsAhead && row < rows; ++row)
    for (int64_t step = 0; step < rankSteps; ++step)
      factors.push_back(loadFactor(
          rowRanks[row], getRank(rowRanks[row], k.integer(step)).first));
}

std::pair<Value, Value> Decode::getRank(const RowRanks &ranks, Value step) {
  Value rank = k.multiply(k.add(k.multiply(step, lanes), sub), rankStep);
  if (evenRanks)
    return {rank, Value()};
  Value exists = k.isLess(rank, ranks.count);
  return {k.select(exists, rank, k.integer(0)), exists};
}

Value Decode::loadFactor(const RowRanks &ranks, Value rank) {
  return k.loadFactorBits(k.addressOf(weightPart(layout.b),
                                      k.add(ranks.start, rank),
                                      getElementBytes(parameters.b)),
                          parameters.b, rankStep);
}

Value Decode::addRanks(Value sum, Value factor, const RowRanks &ranks,
                       Value rank, Value tokenPointer) {
  Type type = rankStep == 1 ? k.f32() : Type(k.vector(rankStep, k.f32()));
  Value h = k.load(type,
                   k.address(tokenPointer,
                             k.multiply(k.add(ranks.first, rank), floatBytes),
                             scratch.correction),
                   rankStep * floatBytes);
  Value wide = k.widenFactor(factor, parameters.b);
  for (int64_t index = 0; index < rankStep; ++index)
    sum = k.multiplyAdd(k.element(wide, index), k.element(h, index), sum);
  return sum;
}

Decode::Values Decode::correct() {
  if (!mayBeClosed())
    return emitCorrection();
  // Without one open gate the factor need not be read.
  Value open;
  for (int64_t token = 0; token < tokens; ++token) {
    Value gate = k.loadFloat(tokenPart(token, scratch.gate));
    Value isOpen =
        arith::CmpFOp::create(k.b, arith::CmpFPredicate::UNE, gate, k.real(0));
    open = open ? arith::OrIOp::create(k.b, open, isOpen) : isOpen;
  }
  Values zeros(rows * tokens, k.real(0));
  return k.branch(
      open, TypeRange(ValueRange(zeros)), [&] { return emitCorrection(); },
      [&] { return zeros; });
}

Decode::Values Decode::emitCorrection() {
  Values sums(rows * tokens, k.real(0));
  auto emitStep = [&](int64_t row, Value step, Value factor, Values &sums) {
    const RowRanks &ranks = rowRanks[row];
    auto [rank, exists] = getRank(ranks, step);
    if (!factor)
      factor = loadFactor(ranks, rank);
    for (int64_t token = 0; token < tokens; ++token) {
      Value &sum = sums[token * rows + row];
      Value next = addRanks(sum, factor, ranks, rank, tokenPointers[token]);
      sum = exists ? k.select(exists, next, sum) : next;
    }
  };
  if (loadsAhead) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t step = 0; step < rankSteps; ++step)
        emitStep(row, k.integer(step), factors[row * rankSteps + step], sums);
    return sums;
  }
  return k.loop(k.integer(0), k.integer(rankSteps), 1, sums,
                [&](Value step, ArrayRef<Value> carried) {
                  Values next(carried);
                  for (int64_t row = 0; row < rows; ++row)
                    emitStep(row, step, Value(), next);
                  return next;
                });
}
