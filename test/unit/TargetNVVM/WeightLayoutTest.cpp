//===- WeightLayoutTest.cpp - The blob of one layer on a GPU ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/NVVM/WeightLayout.h"

#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <set>

using namespace hgf;

static const int64_t awkwardColumns[] = {
    1,    2,    3,    15,   16,   17,   63,   64,   65,   100,
    127,  128,  129,  320,  344,  640,  1000, 1088, 2048, 2049,
    2112, 2560, 3200, 4096, 6912, 8640, 8641, 9999, 14336};

static std::vector<uint8_t> makeCodes(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> codes((count + 3) / 4);
  for (int64_t index = 0; index < count; ++index)
    codes[index / 4] |= random() % 4 << 2 * (index % 4);
  return codes;
}

TEST(WordLayout, UnpackingInvertsPacking) {
  for (int64_t columns : awkwardColumns)
    for (int64_t rows : {1, 3, 5}) {
      WordLayout layout(columns);
      std::vector<uint8_t> codes = makeCodes(rows * columns, columns + rows);
      std::vector<uint8_t> packed(rows * layout.getRowBytes());
      layout.pack(codes, 0, rows, packed);
      std::vector<uint8_t> again(codes.size(), 0xff);
      layout.unpack(packed, rows, again);
      EXPECT_EQ(again, codes) << rows << " x " << columns;
    }
}

TEST(WordLayout, ThreadsMayPackRowsApart) {
  WordLayout layout(345);
  std::vector<uint8_t> codes = makeCodes(7 * 345, 1);
  std::vector<uint8_t> whole(7 * layout.getRowBytes()), parts(whole.size());
  layout.pack(codes, 0, 7, whole);
  layout.pack(codes, 4, 7, parts);
  layout.pack(codes, 0, 4, parts);
  EXPECT_EQ(parts, whole);
}

/// The definition, told code by code.
TEST(WordLayout, LanesFindTheirColumns) {
  for (int64_t columns : awkwardColumns) {
    WordLayout layout(columns);
    std::vector<uint8_t> codes = makeCodes(columns, columns);
    std::vector<uint8_t> packed(layout.getRowBytes());
    layout.pack(codes, 0, 1, packed);
    int64_t lanes = layout.getLanes(), chunk = 0;
    for (int64_t step = 0; chunk < layout.getChunks(); ++step) {
      int64_t active = std::min(lanes, layout.getChunks() - chunk);
      for (int64_t lane = 0; lane < active; ++lane, ++chunk)
        for (int64_t j = 0; j < 4; ++j) {
          uint32_t word;
          std::memcpy(&word, &packed[16 * chunk + 4 * j], 4);
          int64_t first = 16 * (4 * step * lanes + j * active + lane);
          for (int64_t q = 0; q < 4; ++q)
            for (int64_t b = 0; b < 4; ++b) {
              int64_t column = first + 4 * q + b;
              uint32_t code = column < columns
                                  ? codes[column / 4] >> 2 * (column % 4) & 3
                                  : 1;
              ASSERT_EQ(word >> (8 * b + 2 * q) & 3, code)
                  << column << " of " << columns;
            }
        }
    }
  }
}

TEST(WordLayout, FewLanesAreIdleAndFewBytesWasted) {
  for (int64_t columns = 1; columns < 20000; ++columns) {
    WordLayout layout(columns);
    int64_t steps = layout.getFullSteps() + (layout.getLastLanes() > 0);
    EXPECT_TRUE(layout.getLanes() == 1 ||
                3 * steps * layout.getLanes() < 4 * layout.getChunks());
    EXPECT_LT(layout.getPaddedColumns() - columns, columns > 2048 ? 128 : 64);
  }
  EXPECT_EQ(WordLayout(640).getLanes(), 4);
  EXPECT_EQ(WordLayout(2560).getLanes(), 16);
  EXPECT_EQ(WordLayout(3200).getLanes(), 32);
  EXPECT_EQ(WordLayout(6912).getLanes(), 32);
  EXPECT_EQ(WordLayout(8640).getLanes(), 32);
}

/// What a layer moves for one token is little more than its weights at two
/// bits, its correction and its scales.
TEST(GpuWeightLayout, PaddingIsSmall) {
  for (int64_t columns : {640, 2560, 3200, 6912, 8640, 14336})
    for (int64_t rows : {640, 2560, 6912}) {
      LinearParameters parameters;
      parameters.rows = rows;
      parameters.columns = columns;
      parameters.granularity = Granularity::Row;
      parameters.a = parameters.b = FactorType::F16;
      parameters.rank = 32;
      double least =
          rows * columns / 4.0 + 4 * rows + 2 * 32 * double(rows + columns);
      EXPECT_LE(computeGpuWeightLayout(parameters).byteCount, 1.01 * least);
    }
}

static LinearParameters makeMerged() {
  LinearParameters parameters;
  parameters.rows = 16;
  parameters.columns = 70;
  parameters.granularity = Granularity::Group;
  parameters.group = 32;
  parameters.a = parameters.b = FactorType::I8;
  parameters.rank = 5;
  parameters.segments = {10, 6};
  parameters.segmentRanks = {3, 2};
  parameters.gateKind = GateKind::SigmoidInput;
  parameters.gateThreshold = 0.25f;
  parameters.bias = parameters.norm = true;
  parameters.normEpsilon = 0.5f;
  return parameters;
}

TEST(GpuWeightLayout, PartsAreAlignedAndDoNotOverlap) {
  GpuWeightLayout layout = computeGpuWeightLayout(makeMerged());
  std::set<int64_t> starts;
  for (int64_t offset :
       {layout.codes, layout.scales, layout.a, layout.aScale, layout.b,
        layout.bScale, layout.gateWeight, layout.gateBias, layout.bias,
        layout.norm, layout.normEpsilon, layout.byteCount}) {
    EXPECT_EQ(offset % 64, 0);
    EXPECT_TRUE(starts.insert(offset).second);
  }
}

TEST(GpuWeightLayout, KernelsFindEveryPart) {
  LinearParameters parameters = makeMerged();
  GpuWeightLayout layout = computeGpuWeightLayout(parameters);
  std::vector<uint8_t> codes = makeCodes(16 * 70, 1), scales(16 * 3 * 4),
                       a(5 * 70), b(10 * 3 + 6 * 2), rankScales(5 * 4),
                       gateWeight(70 * 4), gateBias(4), bias(16 * 4),
                       norm(70 * 4);
  LinearConstants constants;
  uint8_t next = 1;
  auto give = [&](llvm::ArrayRef<uint8_t> &target, std::vector<uint8_t> &from) {
    std::iota(from.begin(), from.end(), next++);
    target = from;
  };
  constants.codes = codes;
  give(constants.scales, scales);
  give(constants.a, a);
  give(constants.aScale, rankScales);
  give(constants.b, b);
  constants.bScale = rankScales;
  give(constants.gateWeight, gateWeight);
  give(constants.gateBias, gateBias);
  give(constants.bias, bias);
  give(constants.norm, norm);
  std::vector<uint8_t> blob(layout.byteCount);
  packGpuWeights(parameters, constants, blob);
  auto expectPart = [&](int64_t offset, llvm::ArrayRef<uint8_t> part) {
    EXPECT_TRUE(part ==
                llvm::ArrayRef<uint8_t>(blob).slice(offset, part.size()))
        << offset;
  };
  // 128 columns as stored, so four groups, the last of which is padding.
  for (int64_t row = 0; row < 16; ++row) {
    expectPart(layout.scales + row * 16, constants.scales.slice(row * 12, 12));
    expectPart(layout.scales + row * 16 + 12, {0, 0, 0, 0});
  }
  for (int64_t rank = 0; rank < 5; ++rank)
    expectPart(layout.a + rank * 80, constants.a.slice(rank * 70, 70));
  expectPart(layout.aScale, rankScales);
  expectPart(layout.b, b);
  expectPart(layout.bScale, rankScales);
  expectPart(layout.gateWeight, gateWeight);
  expectPart(layout.gateBias, gateBias);
  expectPart(layout.bias, bias);
  expectPart(layout.norm, norm);
  float threshold, epsilon;
  std::memcpy(&threshold, &blob[layout.gateBias + 4], 4);
  std::memcpy(&epsilon, &blob[layout.normEpsilon], 4);
  EXPECT_EQ(threshold, 0.25f);
  EXPECT_EQ(epsilon, 0.5f);
}
