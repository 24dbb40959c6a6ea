//===- Layer.cpp - A layer with random parameters -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <numeric>

using namespace hgf;
using namespace hgf::test;

/// Appends `value` as the type stores it, and gives back what was stored.
static double appendFactor(Bytes &bytes, FactorType type, double value) {
  auto append = [&](uint64_t bits) {
    for (int64_t byte = 0; byte < getElementBytes(type); ++byte)
      bytes.push_back(bits >> 8 * byte);
  };
  if (type == FactorType::I8) {
    append(int8_t(value));
    return int8_t(value);
  }
  const llvm::fltSemantics *semantics = &llvm::APFloat::IEEEsingle();
  if (type == FactorType::F16)
    semantics = &llvm::APFloat::IEEEhalf();
  if (type == FactorType::BF16)
    semantics = &llvm::APFloat::BFloat();
  llvm::APFloat number(value);
  bool losesBits;
  number.convert(*semantics, llvm::APFloat::rmNearestTiesToEven, &losesBits);
  append(number.bitcastToAPInt().getZExtValue());
  number.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesBits);
  return number.convertToDouble();
}

Layer::Layer(const GpuLinearKey &key) : key(key) {
  int64_t rows = parameters().rows, columns = parameters().columns,
          rank = parameters().rank;
  std::mt19937 random(llvm::hash_value(key.getDecodeName()));
  std::normal_distribution<double> normal;
  auto uniform = [&](size_t count, float low, float high) {
    std::uniform_real_distribution<float> distribution(low, high);
    Floats result(count);
    for (float &value : result)
      value = distribution(random);
    return result;
  };
  codes.resize((rows * columns + 3) / 4);
  int levels = parameters().levels == Levels::Ternary ? 3 : 4;
  for (int64_t index = 0; index < rows * columns; ++index)
    codes[index / 4] |= random() % levels << 2 * (index % 4);
  int64_t scaleCount = 1;
  if (parameters().granularity == Granularity::Row)
    scaleCount = rows;
  if (key.isGrouped())
    scaleCount = rows * llvm::divideCeil(columns, parameters().group);
  scales = uniform(scaleCount, 0.25, 2);
  auto factor = [&](Doubles &target, Bytes &bytes, FactorType type,
                    int64_t count, int64_t length) {
    for (int64_t index = 0; index < count; ++index)
      target.push_back(appendFactor(
          bytes, type,
          type == FactorType::I8 ? double(random() % 256) - 128
                                 : normal(random) / std::sqrt(length + 1.0)));
  };
  if (parameters().hasCorrection()) {
    int64_t elements = rows * rank;
    if (!parameters().segments.empty())
      elements = std::inner_product(
          parameters().segments.begin(), parameters().segments.end(),
          parameters().segmentRanks.begin(), int64_t(0));
    factor(a, aBytes, parameters().a, rank * columns, columns);
    factor(b, bBytes, parameters().b, elements, rank);
    if (parameters().a == FactorType::I8)
      aScale = uniform(rank, 1e-3, 2e-3);
    if (parameters().b == FactorType::I8)
      bScale = uniform(rank, 1e-3, 2e-3);
  }
  if (parameters().gateKind == GateKind::Static)
    gate = uniform(parameters().rowGate ? rows : 1, -1, 1);
  int64_t width = key.gatesInput() ? columns : key.gatesOutput() ? rows : 0;
  for (int64_t index = 0; index < width; ++index)
    gateWeight.push_back(normal(random) / std::sqrt(width) /
                         (key.gatesInput() ? 1 : 30));
  gateBias = normal(random);
  if (parameters().bias)
    bias = uniform(rows, -2, 2);
  if (parameters().norm)
    norm = uniform(columns, 0.5, 2);
}

Bytes Layer::makeBlob() const {
  auto bytes = [](const Floats &floats) {
    return llvm::ArrayRef<uint8_t>(
        reinterpret_cast<const uint8_t *>(floats.data()), floats.size() * 4);
  };
  LinearConstants constants;
  constants.codes = codes;
  constants.scales = bytes(scales);
  constants.a = aBytes;
  constants.aScale = bytes(aScale);
  constants.b = bBytes;
  constants.bScale = bytes(bScale);
  constants.gate = bytes(gate);
  constants.gateWeight = bytes(gateWeight);
  Floats gateBiases(gateWeight.empty() ? 0 : 1, gateBias);
  constants.gateBias = bytes(gateBiases);
  constants.bias = bytes(bias);
  constants.norm = bytes(norm);
  Bytes blob(computeGpuWeightLayout(parameters()).byteCount);
  packGpuWeights(parameters(), constants, blob);
  return blob;
}

Feed Layer::makeFeed(int64_t tokens, unsigned seed) const {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  int64_t columns = parameters().columns;
  Feed feed;
  feed.tokens = tokens;
  for (int64_t token = 0; token < tokens; ++token)
    for (int64_t column = 0; column < columns; ++column) {
      float x = normal(random);
      if (token % 8 == 1)
        x = 0;
      if (token % 8 == 2) // Every code is -127 or 127.
        x = x < 0 ? -1 : 1;
      if (token % 8 == 3)
        x = -1;
      if (token % 8 == 4) // Halves, which round to even.
        x = column ? (int(random() % 509) - 254) / 2.0f : 127;
      if (parameters().norm) // Sums of squares without rounding.
        x = std::clamp(std::nearbyint(20 * x), -64.0f, 64.0f);
      feed.x.push_back(x);
    }
  if (key.residual)
    for (int64_t index = 0; index < tokens * parameters().rows; ++index)
      feed.residual.push_back(normal(random));
  return feed;
}
