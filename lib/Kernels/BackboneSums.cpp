//===- BackboneSums.cpp - Sums of the lanes of totals -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Backbone.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;

Value Backbone::add(Value left, Value right) {
  return isGrouped() ? k.addFloat(left, right) : k.add(left, right);
}

Value Backbone::shuffle(Value left, Value right, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(k.b, left, right, mask);
}

Value Backbone::addPairs(Value left, Value right, ArrayRef<int64_t> low,
                         ArrayRef<int64_t> high) {
  return add(shuffle(left, right, low), shuffle(left, right, high));
}

Value Backbone::addHalves(Value vector) {
  int64_t half = cast<VectorType>(vector.getType()).getNumElements() / 2;
  auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
  auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
  return addPairs(vector, vector, low, high);
}

Value Backbone::reduce(ArrayRef<Value> totals) {
  assert((totals.size() == 4 || totals.size() == 8) && "see the level's table");
  Values sums(totals);
  int64_t size = total.getNumElements();
  // Two steps inside each 16 bytes, which costs least: they then hold four
  // rows, in the order of the rows.
  auto combine = [&](ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
    SmallVector<int64_t> lowMask, highMask;
    for (int64_t lane = 0; lane < size; lane += 4)
      for (auto [lowLane, highLane] : llvm::zip_equal(low, high)) {
        // The second operand's lanes are numbered from 4 in the pattern.
        lowMask.push_back(lane + (lowLane < 4 ? lowLane : size + lowLane - 4));
        highMask.push_back(lane +
                           (highLane < 4 ? highLane : size + highLane - 4));
      }
    Values next;
    for (size_t i = 0; i + 1 < sums.size(); i += 2)
      next.push_back(addPairs(sums[i], sums[i + 1], lowMask, highMask));
    sums = next;
  };
  combine({0, 4, 1, 5}, {2, 6, 3, 7});
  combine({0, 1, 4, 5}, {2, 3, 6, 7});
  if (sums.size() == 1) {
    for (; size > 4; size /= 2)
      sums[0] = addHalves(sums[0]);
    return sums[0];
  }
  if (size == 4)
    return shuffle(sums[0], sums[1], {0, 1, 2, 3, 4, 5, 6, 7});
  if (size == 8)
    return addPairs(sums[0], sums[1], {0, 1, 2, 3, 8, 9, 10, 11},
                    {4, 5, 6, 7, 12, 13, 14, 15});
  assert(size == 16 && "vectors have up to 64 bytes");
  Value quarters =
      addPairs(sums[0], sums[1],
               {0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23},
               {8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31});
  return addHalves(quarters);
}

Backbone::Values Backbone::reducePairs(ArrayRef<Value> totals) {
  assert(blockRows == 8 && tileRows == blockRows && "see the level's table");
  Values result;
  int64_t pairs = tileTokens / 2;
  for (int64_t token = 0; token < tileTokens; ++token) {
    // Lanes: row 0 with both tokens, row 1 with both tokens.
    int64_t lane = token % 2;
    Values quads;
    for (int64_t pair = 0; pair < blockRows / 2; pair += 2)
      quads.push_back(shuffle(totals[pair * pairs + token / 2],
                              totals[(pair + 1) * pairs + token / 2],
                              {lane, lane + 2, lane + 4, lane + 6}));
    result.push_back(shuffle(quads[0], quads[1], {0, 1, 2, 3, 4, 5, 6, 7}));
  }
  return result;
}

Value Backbone::orderRows(Value products) {
  int64_t bundles = encoding.getBundleCount();
  if (bundleRows == 1)
    return products;
  SmallVector<int64_t> places;
  for (int64_t row = 0; row < blockRows; ++row)
    places.push_back(row % bundles * bundleRows + row / bundles);
  return shuffle(products, products, places);
}

void Backbone::storeProducts(Value row, Value token, ArrayRef<Value> sums) {
  // Up to eight sums at once, rows of one token side by side.
  int64_t atOnce = std::min<int64_t>(sums.size(), lanes);
  Value start =
      k.address(products, k.multiply(k.add(k.multiply(token, blockRows), row),
                                     floatBytes));
  for (int64_t first = 0; first < int64_t(sums.size()); first += atOnce) {
    Values group;
    for (int64_t index = first; index < first + atOnce; ++index)
      group.push_back(sums[index % tileRows * tileTokens + index / tileRows]);
    Value reduced = reduce(group);
    for (int64_t index = 0; index < atOnce; index += tileRows) {
      Value rows = vector::ExtractStridedSliceOp::create(k.b, reduced, index,
                                                         tileRows, 1);
      int64_t offset = (first + index) / tileRows * blockRows * floatBytes;
      k.store(rows, k.address(start, offset), tileRows * floatBytes);
    }
  }
}
