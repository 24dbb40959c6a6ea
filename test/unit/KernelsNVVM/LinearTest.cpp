//===- LinearTest.cpp - Layers of every form ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include <gtest/gtest.h>

using namespace hgf;
using namespace hgf::test;

using Keys = std::vector<GpuLinearKey>;

static const Quantization orders[] = {Quantization::Reciprocal,
                                      Quantization::Division,
                                      Quantization::ReciprocalProduct};

static void correct(GpuLinearKey &key, int64_t rank, FactorType type,
                    Activation activation, CorrectionInput input) {
  key.parameters.a = key.parameters.b = type;
  key.parameters.rank = rank;
  key.correctionActivation = activation;
  key.correctionInput = input;
}

/// Every awkward number of rows and of columns, and every number of tokens.
TEST(Linear, ShapesAreExact) {
  Keys keys;
  int64_t number = 0;
  for (int64_t columns : {1, 3, 63, 64, 65, 640, 2560, 3200})
    for (int64_t rows : {1, 3, 5, 17, 64, 67}) {
      GpuLinearKey key = makeKey(rows, columns, int64_t(1) << number % 4);
      key.quantization = orders[number % 3];
      key.alignedInput = number % 5 < 3;
      if (number % 2)
        key.parameters.granularity = Granularity::Tensor;
      keys.push_back(key);
      ++number;
    }
  expectLayers(keys, {1, 2, 3, 5, 8, 11});
}

TEST(Linear, LongRowsAreExact) {
  Keys keys;
  for (int64_t columns : {6912, 8640, 14336, 20000})
    for (int64_t tokens : {1, 4})
      keys.push_back(makeKey(5, columns, tokens));
  keys[2].alignedInput = false;
  expectLayers(keys, {1, 6});
}

TEST(Linear, TwoBitLevels) {
  Keys keys;
  for (Levels levels : {Levels::Odd, Levels::Signed})
    for (int64_t columns : {3, 100, 640, 2560})
      for (int64_t tokens : {1, 4}) {
        GpuLinearKey key = makeKey(7, columns, tokens);
        key.parameters.levels = levels;
        keys.push_back(key);
        key.quantization = Quantization::None;
        keys.push_back(key);
      }
  expectLayers(keys, {1, 5});
}

TEST(Linear, Groups) {
  Keys keys;
  int64_t number = 0;
  for (int64_t group : {32, 64, 128, 256})
    for (int64_t columns : {100, 640, 2560, 3200})
      for (Quantization order : {orders[number % 3], Quantization::None}) {
        GpuLinearKey key = makeKey(9, columns, int64_t(1) << number % 4);
        key.quantization = order;
        key.alignedInput = number % 3 > 0;
        key.parameters.granularity = Granularity::Group;
        key.parameters.group = group;
        key.parameters.bias = number % 2;
        key.parameters.levels = Levels(number % 3);
        keys.push_back(key);
        ++number;
      }
  expectLayers(keys, {1, 5, 8});
}

TEST(Linear, FloatActivations) {
  Keys keys;
  for (auto [rows, columns] : {std::pair(40, 344), {1, 3}, {9, 640}, {16, 256}})
    for (int64_t tokens : {1, 2, 8}) {
      GpuLinearKey key = makeKey(rows, columns, tokens);
      key.quantization = Quantization::None;
      key.alignedInput = tokens != 2;
      key.residual = columns == 256;
      key.parameters.norm = columns == 640;
      key.parameters.normEpsilon = 0x1p-17f;
      if (columns == 344)
        correct(key, 3, FactorType::F16, Activation::SiLU,
                CorrectionInput::Original);
      keys.push_back(key);
    }
  EXPECT_FALSE(needsPrologue(keys[9]));
  expectLayers(keys, {1, 3, 8});
}

/// Factors x gates x epilogues.
static Keys makeForms(bool norm) {
  struct Form {
    FactorType type;
    Activation activation;
    CorrectionInput input;
  };
  Keys keys;
  int64_t number = 0;
  for (Form form :
       {Form{FactorType::F16, Activation::SiLU, CorrectionInput::Original},
        Form{FactorType::BF16, Activation::Identity,
             CorrectionInput::Quantized},
        Form{FactorType::F32, Activation::SiLU, CorrectionInput::Quantized},
        Form{FactorType::I8, Activation::SiLU, CorrectionInput::Original}})
    for (GateKind gate : {GateKind::Open, GateKind::Static, GateKind::Static,
                          GateKind::SigmoidInput, GateKind::SigmoidOutput}) {
      static const int64_t shapes[][3] = {
          {24, 100, 4}, {13, 344, 6}, {8, 3, 1}, {200, 2560, 33}};
      const int64_t *shape = shapes[number % 4];
      GpuLinearKey key =
          makeKey(shape[0], shape[1], int64_t(1) << (number / 2) % 4);
      correct(key, shape[2], form.type, form.activation, form.input);
      key.parameters.gateKind = gate;
      key.parameters.rowGate = gate == GateKind::Static && number % 5 == 2;
      key.parameters.bias = number % 2 == 0;
      key.parameters.norm = norm;
      key.parameters.normEpsilon = 0x1p-17f;
      if (gate == GateKind::SigmoidInput && number > 8)
        key.parameters.gateThreshold = 0.4f;
      key.residual = number % 3 == 0;
      key.alignedInput = number % 7 != 0;
      key.quantization = orders[number % 3];
      keys.push_back(key);
      ++number;
    }
  return keys;
}

TEST(Linear, Corrections) { expectLayers(makeForms(false), {1, 2, 7, 11}); }

TEST(Linear, NormsBeforeCorrections) {
  expectLayers(makeForms(true), {1, 2, 7});
}

TEST(Linear, Activations) {
  Keys keys;
  for (Activation activation :
       {Activation::Identity, Activation::SiLU, Activation::ReLU,
        Activation::ReLUSquared, Activation::GELU, Activation::GELUTanh,
        Activation::Sigmoid, Activation::Tanh}) {
    GpuLinearKey key = makeKey(12, 64, 2);
    correct(key, 4, FactorType::F16, Activation::SiLU,
            CorrectionInput::Original);
    key.parameters.gateKind = GateKind::Static;
    key.parameters.bias = key.residual = true;
    key.activation = activation;
    keys.push_back(key);
  }
  expectLayers(keys, {1, 4});
}

TEST(Linear, MergedLayers) {
  GpuLinearKey key = makeKey(32, 100, 1);
  correct(key, 12, FactorType::F16, Activation::SiLU,
          CorrectionInput::Original);
  key.parameters.gateKind = GateKind::Static;
  key.parameters.segments = {16, 8, 8};
  key.parameters.segmentRanks = {4, 4, 4};
  Keys keys = {key};
  key = makeKey(23, 64, 2);
  correct(key, 7, FactorType::F16, Activation::SiLU, CorrectionInput::Original);
  key.parameters.gateKind = GateKind::Static;
  key.parameters.rowGate = key.parameters.bias = true;
  key.parameters.segments = {10, 1, 12};
  key.parameters.segmentRanks = {3, 0, 4};
  keys.push_back(key);
  key = makeKey(21, 2560, 8);
  correct(key, 5, FactorType::I8, Activation::Identity,
          CorrectionInput::Quantized);
  key.parameters.segments = {5, 16};
  key.parameters.segmentRanks = {2, 3};
  keys.push_back(key);
  key.parameters.gateKind = GateKind::SigmoidOutput;
  keys.push_back(key);
  expectLayers(keys, {1, 2, 9});
}

/// Whichever block comes last; and what one prologue sets up, each step uses
/// up.
TEST(Linear, GatesOfCompleteRowsInEverySchedule) {
  Keys keys;
  for (int64_t tokens : {1, 4}) {
    GpuLinearKey key = makeKey(150, 640, tokens);
    correct(key, 5, FactorType::F16, Activation::SiLU,
            CorrectionInput::Original);
    key.parameters.gateKind = GateKind::SigmoidOutput;
    key.parameters.gateThreshold = 0.3f;
    key.parameters.bias = key.residual = true;
    keys.push_back(key);
  }
  Compiled compiled = compile(keys);
  EXPECT_GT(compiled.decodes[0].blocks, 1);
  Machine machine(compiled);
  for (auto [index, key] : llvm::enumerate(keys))
    for (uint64_t seed = 0; seed < 6; ++seed) {
      gpusim::LaunchOptions options;
      options.seed = seed;
      machine.expectRun(Layer(key), index, 6, options);
    }
}

/// Equal keys share a kernel, others do not.
TEST(Linear, NamesTellKeysApart) {
  GpuLinearKey key = makeKey(8, 64);
  std::string prologue = key.getPrologueName(), decode = key.getDecodeName();
  key.activation = Activation::ReLU;
  EXPECT_EQ(key.getPrologueName(), prologue);
  EXPECT_NE(key.getDecodeName(), decode);
  Compiled compiled = compile({makeKey(8, 64), makeKey(8, 64), key});
  EXPECT_EQ(compiled.decodes[0].name, compiled.decodes[1].name);
  EXPECT_EQ(compiled.prologues[0].name, compiled.prologues[2].name);
}
