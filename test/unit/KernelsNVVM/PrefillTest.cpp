//===- PrefillTest.cpp - Layers on many tokens --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "hgf/Kernels/NVVM/PrefillKernel.h"

#include <gtest/gtest.h>

using namespace hgf;
using namespace hgf::test;

static GpuLinearKey makeLayer(int64_t rows, int64_t columns,
                              int64_t tokens = 64) {
  return makeKey(rows, columns, tokens);
}

static GpuLinearKey withCorrection(GpuLinearKey key, FactorType b,
                                   int64_t rank) {
  key.parameters.a = b;
  key.parameters.b = b;
  key.parameters.rank = rank;
  key.correctionActivation = Activation::SiLU;
  return key;
}

static GpuLinearKey withSegments(GpuLinearKey key, llvm::ArrayRef<int64_t> rows,
                                 llvm::ArrayRef<int64_t> ranks) {
  key.parameters.segments.assign(rows.begin(), rows.end());
  key.parameters.segmentRanks.assign(ranks.begin(), ranks.end());
  return key;
}

static GpuLinearKey withGroups(GpuLinearKey key, int64_t group) {
  key.parameters.granularity = Granularity::Group;
  key.parameters.group = group;
  return key;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Every number of rows and columns, each with one form of the others.
static std::vector<GpuLinearKey> makeShapes(llvm::ArrayRef<int64_t> columns) {
  constexpr Levels levels[] = {Levels::Ternary, Levels::Odd, Levels::Signed};
  std::vector<GpuLinearKey> keys;
  for (int64_t rows : {1, 5, 64, 67, 200})
    for (int64_t count : columns) {
      int64_t index = keys.size();
      GpuLinearKey key = makeLayer(rows, count, int64_t(16) << index % 3);
      key.parameters.levels = levels[(index + index / 3) % 3];
      if (index % 4 == 1)
        key.parameters.granularity = Granularity::Tensor;
      keys.push_back(key);
    }
  return keys;
}

TEST(Prefill, ShortRows) {
  expectLayers(makeShapes({1, 63, 64, 65}), {16, 17, 31, 64, 130});
}

TEST(Prefill, LongRows) {
  expectLayers(makeShapes({640}), {16, 17, 31, 64, 130});
  expectLayers(makeShapes({2560}), {17, 130});
}

TEST(Prefill, LanesOfRows) {
  // All numbers of lanes that share a row in the decode kernel, and last steps
  // of every kind.
  std::vector<GpuLinearKey> keys;
  for (int64_t columns : {130, 320, 384, 576, 832, 1280, 2112, 3136})
    keys.push_back(makeLayer(9, columns, 16));
  expectLayers(keys, {18});
}

TEST(Prefill, Groups) {
  std::vector<GpuLinearKey> keys;
  for (int64_t group : {32, 64, 128, 256})
    keys.push_back(withGroups(makeLayer(70, 512), group));
  keys.push_back(withGroups(makeLayer(67, 2560, 16), 64));
  keys.push_back(withGroups(makeLayer(200, 1000, 32), 32));
  keys[0].parameters.levels = Levels::Odd;
  keys[1].parameters.levels = Levels::Signed;
  keys[4].parameters.levels = Levels::Odd;
  expectLayers(keys, {16, 67});
}

//===----------------------------------------------------------------------===//
// The rest of a layer
//===----------------------------------------------------------------------===//

TEST(Prefill, Corrections) {
  std::vector<GpuLinearKey> keys;
  for (FactorType type :
       {FactorType::F16, FactorType::BF16, FactorType::F32, FactorType::I8})
    for (int64_t rank : {1, 8, 16, 36})
      keys.push_back(withCorrection(makeLayer(67, 192, 16), type, rank));
  keys[2].correctionInput = CorrectionInput::Quantized;
  expectLayers(keys, {31});
}

TEST(Prefill, Segments) {
  std::vector<GpuLinearKey> keys;
  for (FactorType type :
       {FactorType::F16, FactorType::BF16, FactorType::F32, FactorType::I8}) {
    // Bounds between segments within the rows of a matrix, of a warp, of a
    // block, and on them.
    keys.push_back(
        withSegments(withCorrection(makeLayer(200, 128, 16), type, 48),
                     {64, 64, 72}, {16, 16, 16}));
    keys.push_back(
        withSegments(withCorrection(makeLayer(200, 128, 16), type, 32),
                     {75, 3, 122}, {8, 4, 20}));
    keys.push_back(
        withSegments(withCorrection(makeLayer(200, 128, 16), type, 23),
                     {13, 60, 127}, {5, 1, 17}));
    keys.push_back(
        withSegments(withCorrection(makeLayer(200, 128, 16), type, 24),
                     {20, 10, 150, 20}, {0, 8, 16, 0}));
  }
  // The first form of each also in tiles of several matrices.
  for (size_t index = 0; index < keys.size(); index += 4)
    keys[index].tokens = 64;
  expectLayers(keys, {19});
}

TEST(Prefill, Gates) {
  GpuLinearKey open = withCorrection(makeLayer(67, 320), FactorType::F16, 16);
  std::vector<GpuLinearKey> keys(4, open);
  keys[0].parameters.gateKind = GateKind::Static;
  keys[1].parameters.gateKind = GateKind::Static;
  keys[1].parameters.rowGate = true;
  keys[2].parameters.gateKind = GateKind::SigmoidInput;
  keys[3].parameters.gateKind = GateKind::SigmoidInput;
  keys[3].parameters.gateThreshold = 0.5;
  expectLayers(keys, {31, 64});
}

TEST(Prefill, Epilogues) {
  std::vector<GpuLinearKey> keys;
  for (Activation activation :
       {Activation::Identity, Activation::SiLU, Activation::ReLUSquared,
        Activation::GELU, Activation::Tanh}) {
    GpuLinearKey key = makeLayer(67, 192, 32);
    if (activation != Activation::ReLUSquared)
      key = withCorrection(key, FactorType::BF16, 12);
    key.activation = activation;
    key.parameters.bias = activation != Activation::Tanh;
    key.residual = activation != Activation::GELU;
    key.parameters.norm = activation == Activation::SiLU;
    key.parameters.normEpsilon = 1e-5f;
    keys.push_back(key);
  }
  GpuLinearKey everything =
      withCorrection(withGroups(makeLayer(130, 512), 64), FactorType::F16, 24);
  everything.parameters.gateKind = GateKind::SigmoidInput;
  everything.parameters.bias = everything.residual = true;
  everything.activation = Activation::SiLU;
  keys.push_back(withSegments(everything, {100, 30}, {8, 16}));
  expectLayers(keys, {33});
}

//===----------------------------------------------------------------------===//
// Which layers have the kernel
//===----------------------------------------------------------------------===//

TEST(Prefill, Chips) {
  for (const char *chip : {"sm_80", "sm_86", "sm_90a", "sm_100", "sm_120f"})
    EXPECT_TRUE(hasPrefill(chip)) << chip;
  for (const char *chip : {"sm_75", "sm_70", "gfx90a", "sm_", ""})
    EXPECT_FALSE(hasPrefill(chip)) << chip;
}

TEST(Prefill, Layers) {
  EXPECT_TRUE(hasPrefill(makeLayer(8, 100)));
  GpuLinearKey key = makeLayer(8, 256);
  key.quantization = Quantization::None;
  EXPECT_FALSE(hasPrefill(key));
  key = withCorrection(makeLayer(8, 256), FactorType::F16, 4);
  key.parameters.gateKind = GateKind::SigmoidOutput;
  EXPECT_FALSE(hasPrefill(key));
  EXPECT_TRUE(hasPrefill(withGroups(makeLayer(8, 256), 192)));
  EXPECT_FALSE(hasPrefill(withGroups(makeLayer(8, 256), 96)));
  EXPECT_FALSE(hasPrefill(withGroups(makeLayer(8, 320), 64)));
}

TEST(Prefill, Tokens) {
  EXPECT_EQ(getPrefillTokens(9), 16);
  EXPECT_EQ(getPrefillTokens(17), 32);
  EXPECT_EQ(getPrefillTokens(33), 64);
  EXPECT_EQ(getPrefillTokens(4096), 64);
}
