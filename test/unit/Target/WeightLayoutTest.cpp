//===- WeightLayoutTest.cpp - The blob of one layer ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/WeightLayout.h"

#include <gtest/gtest.h>
#include <numeric>

using namespace hgf;

/// Two merged layers of 10 and 6 rows with ranks 3 and 2; factors are int8 so
/// that bytes are elements.
static LinearParameters makeMerged() {
  LinearParameters parameters;
  parameters.rows = 16;
  parameters.columns = 9;
  parameters.a = parameters.b = FactorType::I8;
  parameters.rank = 5;
  parameters.segments = {10, 6};
  parameters.segmentRanks = {3, 2};
  return parameters;
}

TEST(WeightLayout, PartsAreAligned) {
  WeightLayout layout =
      computeWeightLayout(*findEncoding("planes2"), makeMerged());
  for (int64_t offset :
       {layout.codes, layout.scales, layout.a, layout.aScale, layout.b,
        layout.bScale, layout.segmentTable, layout.byteCount})
    EXPECT_EQ(offset % 64, 0);
  EXPECT_LT(layout.a, layout.b);
}

TEST(WeightLayout, BlocksOnABorderReadBothLayers) {
  auto ranks = getRowBlockRanks(*findEncoding("planes2"), makeMerged());
  ASSERT_EQ(ranks.size(), 2u);
  // Rows 0-7 belong to the first layer, rows 8-15 to both.
  EXPECT_EQ(ranks[0].first, 0);
  EXPECT_EQ(ranks[0].end, 4);
  EXPECT_EQ(ranks[1].first, 0);
  EXPECT_EQ(ranks[1].end, 8);
  EXPECT_EQ(ranks[1].byteOffset, 4u * 8);
}

TEST(WeightLayout, FactorsLieAsKernelsReadThem) {
  const Encoding &encoding = *findEncoding("planes2");
  LinearParameters parameters = makeMerged();
  WeightLayout layout = computeWeightLayout(encoding, parameters);
  std::vector<uint8_t> codes((16 * 9 + 3) / 4, 0x55), scales(4);
  std::vector<uint8_t> a(5 * 9), b(10 * 3 + 6 * 2), rankScales(5 * 4);
  std::iota(a.begin(), a.end(), 1);
  std::iota(b.begin(), b.end(), 1);
  LinearConstants constants;
  constants.codes = codes;
  constants.scales = scales;
  constants.a = a;
  constants.b = b;
  constants.aScale = constants.bScale = rankScales;
  std::vector<uint8_t> blob(layout.byteCount);
  packWeights(encoding, parameters, constants, blob);

  // a: [rank block][columns / 8][rank of the block][8].
  auto packedA = [&](int64_t r, int64_t k) {
    return blob[layout.a + ((r / 4 * 2 + k / 8) * 4 + r % 4) * 8 + k % 8];
  };
  for (int64_t r = 0; r < 8; ++r)
    for (int64_t k = 0; k < 16; ++k)
      EXPECT_EQ(packedA(r, k), r < 5 && k < 9 ? a[r * 9 + k] : 0)
          << r << " " << k;

  // b: per row block [rank][row], zero where a row's layer lacks the rank.
  auto packedB = [&](int64_t n, int64_t r) {
    return blob[layout.b + (n < 8 ? 0 : 32) + r * 8 + n % 8];
  };
  for (int64_t n = 0; n < 16; ++n)
    for (int64_t r = 0; r < (n < 8 ? 4 : 8); ++r) {
      uint8_t expected = 0;
      if (n < 10 && r < 3)
        expected = b[n * 3 + r];
      if (n >= 10 && r >= 3 && r < 5)
        expected = b[30 + (n - 10) * 2 + r - 3];
      EXPECT_EQ(packedB(n, r), expected) << n << " " << r;
    }
}
