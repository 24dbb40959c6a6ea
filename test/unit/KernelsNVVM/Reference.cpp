//===- Reference.cpp - What a layer computes, by its definition ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include <cmath>
#include <numeric>

using namespace hgf;
using namespace hgf::test;

static double sigmoid(double x) { return (1 + std::tanh(x / 2)) / 2; }

double hgf::test::activate(double x, Activation activation) {
  switch (activation) {
  case Activation::Identity:
    return x;
  case Activation::SiLU:
    return x * sigmoid(x);
  case Activation::ReLU:
    return std::max(x, 0.0);
  case Activation::ReLUSquared:
    return std::max(x, 0.0) * std::max(x, 0.0);
  case Activation::GELU:
    return x * (1 + std::erf(x / std::sqrt(2.0))) / 2;
  case Activation::GELUTanh:
    return x *
           (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))) /
           2;
  case Activation::Sigmoid:
    return sigmoid(x);
  case Activation::Tanh:
    return std::tanh(x);
  }
  llvm_unreachable("unknown activation");
}

float Layer::scale(int64_t row, int64_t column) const {
  if (parameters().granularity == Granularity::Tensor)
    return scales[0];
  if (parameters().granularity == Granularity::Row)
    return scales[row];
  int64_t groups = llvm::divideCeil(parameters().columns, parameters().group);
  return scales[row * groups + column / parameters().group];
}

Floats Layer::normalize(const Feed &feed, int64_t token) const {
  int64_t columns = parameters().columns;
  Floats x(feed.x.begin() + token * columns,
           feed.x.begin() + (token + 1) * columns);
  if (!parameters().norm)
    return x;
  float sum = std::inner_product(x.begin(), x.end(), x.begin(), 0.0f);
  float factor = 1 / std::sqrt(sum / columns + parameters().normEpsilon);
  for (int64_t column = 0; column < columns; ++column)
    x[column] = x[column] * factor * norm[column];
  return x;
}

std::vector<int> Layer::quantize(const Floats &x, float &inputScale) const {
  float maximum = 1e-5f;
  for (float value : x)
    maximum = std::max(maximum, std::abs(value));
  inputScale = maximum / 127;
  std::vector<int> result;
  for (float value : x) {
    float scaled = 0;
    if (key.quantization == Quantization::Reciprocal)
      scaled = value * (127 / maximum);
    if (key.quantization == Quantization::Division)
      scaled = value / (maximum / 127);
    if (key.quantization == Quantization::ReciprocalProduct)
      scaled = value * (1 / maximum * 127);
    result.push_back(std::clamp(int(std::nearbyint(scaled)), -128, 127));
  }
  return result;
}

Doubles Layer::correct(const Doubles &x) const {
  int64_t rows = parameters().rows, columns = parameters().columns;
  Doubles h;
  for (int64_t rank = 0; rank < parameters().rank; ++rank) {
    double sum = 0;
    for (int64_t column = 0; column < columns; ++column)
      sum += x[column] * a[rank * columns + column];
    if (!aScale.empty())
      sum *= aScale[rank];
    sum = activate(sum, key.correctionActivation);
    h.push_back(bScale.empty() ? sum : sum * bScale[rank]);
  }
  llvm::SmallVector<int64_t> segments = {rows}, ranks = {parameters().rank};
  if (!parameters().segments.empty()) {
    segments = parameters().segments;
    ranks = parameters().segmentRanks;
  }
  Doubles result;
  int64_t first = 0, element = 0;
  for (auto [count, width] : llvm::zip_equal(segments, ranks)) {
    for (int64_t row = 0; row < count; ++row) {
      double sum = 0;
      for (int64_t rank = 0; rank < width; ++rank)
        sum += b[element++] * h[first + rank];
      result.push_back(sum);
    }
    first += width;
  }
  return result;
}

bool Layer::isExact() const {
  return !key.isFloat() && !key.isGrouped() && !parameters().hasCorrection() &&
         !parameters().bias && !key.residual &&
         key.activation == Activation::Identity;
}

Floats Layer::computeExactly(const Feed &feed, int64_t token) const {
  float inputScale;
  std::vector<int> q = quantize(normalize(feed, token), inputScale);
  Floats y;
  for (int64_t row = 0; row < parameters().rows; ++row) {
    int64_t sum = 0;
    for (int64_t column = 0; column < parameters().columns; ++column)
      sum += weight(row, column) * q[column];
    y.push_back(float(sum) * (scale(row, 0) * inputScale));
  }
  return y;
}

Doubles Layer::compute(const Feed &feed, int64_t token) const {
  Floats normal = normalize(feed, token);
  Doubles x(normal.begin(), normal.end()), input = x;
  if (!key.isFloat()) {
    float inputScale;
    std::vector<int> q = quantize(normal, inputScale);
    for (size_t column = 0; column < q.size(); ++column)
      input[column] = double(q[column]) * inputScale;
  }
  int64_t rows = parameters().rows, columns = parameters().columns;
  Doubles y(rows);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      y[row] += input[column] * weight(row, column) * scale(row, column);
  Doubles correction(rows);
  double alpha = 1;
  if (parameters().hasCorrection()) {
    correction = correct(key.correctsQuantized() ? input : x);
    if (!gateWeight.empty()) {
      const Doubles &source = key.gatesInput() ? x : y;
      alpha = gateBias;
      for (size_t index = 0; index < source.size(); ++index)
        alpha += source[index] * gateWeight[index];
      alpha = sigmoid(alpha);
      if (alpha < parameters().gateThreshold)
        alpha = 0;
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    if (!gate.empty())
      alpha = gate[parameters().rowGate ? row : 0];
    double value = y[row] + alpha * correction[row];
    if (parameters().bias)
      value += bias[row];
    y[row] = activate(value, key.activation);
    if (key.residual)
      y[row] += feed.residual[token * rows + row];
  }
  return y;
}
