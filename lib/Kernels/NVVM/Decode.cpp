//===- Decode.cpp - The kernel that multiplies few tokens -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t warpLanes = GpuBuilder::warpLanes;
static constexpr int64_t wordBytes = 4;

/// Rows of one warp.
static int64_t getWarpRows(const GpuLinearKey &key) {
  return warpLanes / WordLayout(key.parameters.columns).getLanes() *
         Decode::rows;
}

LaunchShape hgf::getDecodeShape(const GpuLinearKey &key) {
  // Blocks of several warps start faster; but two blocks for each of a large
  // GPU's 132 multiprocessors come first.
  constexpr int64_t mostWarps = 4, enoughBlocks = 264;
  int64_t warps = llvm::divideCeil(key.parameters.rows, getWarpRows(key));
  int64_t blockWarps = mostWarps;
  // One block finishes the rows where the gate reads them all.
  while (!key.gatesOutput() && blockWarps > 1 &&
         int64_t(llvm::divideCeil(warps, blockWarps)) < enoughBlocks)
    blockWarps /= 2;
  int64_t blocks = llvm::divideCeil(warps, blockWarps);
  return {blockWarps * warpLanes, blocks};
}

Decode::Decode(GpuBuilder &k, const GpuLinearKey &key)
    : k(k), key(key), parameters(key.parameters), words(parameters.columns),
      layout(computeGpuWeightLayout(parameters)),
      scratch(computeGpuScratch(key)), tokens(key.tokens),
      lanes(words.getLanes()), inputBytes(key.isFloat() ? 4 : 1),
      inPlace(key.isExact() && tokens <= 2),
      meaning(getCodeMeaning(parameters.levels)) {
  sub = k.bitAnd(k.thread(), lanes - 1);
  LaunchShape shape = getDecodeShape(key);
  int64_t blockRows = shape.threads / warpLanes * getWarpRows(key);
  Value group = k.shiftRight(k.thread(), llvm::Log2_64(lanes));
  firstRow = k.add(k.multiply(k.blockX(), blockRows), k.multiply(group, rows));
  for (int64_t row = 0; row < rows; ++row) {
    Value number = k.add(firstRow, row);
    if (parameters.rows % blockRows)
      number = k.minimum(number, parameters.rows - 1);
    rowNumbers.push_back(number);
    rowPointers.push_back(k.address(
        k.addressOf(weightPart(layout.codes), number, words.getRowBytes()),
        k.multiply(sub, WordLayout::chunkBytes)));
    if (key.isGrouped())
      scalePointers.push_back(
          k.addressOf(weightPart(layout.scales), number,
                      getGpuGroups(parameters) * wordBytes));
  }
  firstToken = k.multiply(k.blockY(), tokens);
  tokensLeft = k.subtract(k.toNarrow(k.argument(DecodeTokens)), firstToken);
  for (int64_t token = 0; token < tokens; ++token) {
    Value number = firstToken;
    if (token)
      number =
          k.add(firstToken, k.minimum(k.integer(token), k.add(tokensLeft, -1)));
    tokenNumbers.push_back(k.toWide(number));
    tokenPointers.push_back(
        k.address(k.argument(DecodeScratch),
                  k.multiply(tokenNumbers.back(), scratch.tokenBytes)));
    inputPointers.push_back(
        k.address(inputPointer(token),
                  k.multiply(sub, WordLayout::wordColumns * inputBytes)));
    if (key.isGrouped() && !key.isFloat())
      sumPointers.push_back(k.address(tokenPart(token, scratch.sums),
                                      k.multiply(sub, wordBytes)));
  }
}

void Decode::build() {
  loadResults();
  if (parameters.hasCorrection())
    planCorrection();
  Values sums = multiply();
  auto addFloats = [&](Value left, Value right) {
    return k.addFloat(left, right);
  };
  auto addIntegers = [&](Value left, Value right) {
    return k.add(left, right);
  };
  Values products =
      reduceRows(sums, key.isExact() ? GpuBuilder::Combine(addIntegers)
                                     : GpuBuilder::Combine(addFloats));
  Values corrections;
  if (parameters.hasCorrection() && !key.gatesOutput())
    corrections = reduceRows(correct(), addFloats);
  for (auto [index, result] : llvm::enumerate(results)) {
    Value y = scale(result, products[index]);
    if (!key.gatesOutput())
      y = finish(y, corrections.empty() ? Value() : corrections[index], result);
    storeResult(y, result);
  }
  if (key.gatesOutput())
    finishInLastBlock();
}

Decode::Values Decode::reduceRows(Values values, GpuBuilder::Combine combine) {
  // Half of the values goes to each half of the lanes, until one is left.
  int64_t offset = lanes / 2;
  for (; offset > 0 && values.size() > 1; offset /= 2) {
    Value upper = k.isEqual(k.bitAnd(sub, offset), offset);
    size_t half = values.size() / 2;
    Values kept;
    for (size_t index = 0; index < half; ++index) {
      Value low = values[index], high = values[half + index];
      Value given = k.select(upper, low, high);
      kept.push_back(
          combine(k.select(upper, high, low), k.shuffle(given, offset)));
    }
    values = kept;
  }
  for (; offset > 0; offset /= 2)
    values[0] = combine(values[0], k.shuffle(values[0], offset));
  return values;
}

void hgf::buildDecode(GpuBuilder &k, const GpuLinearKey &key) {
  Decode(k, key).build();
}
