//===- CorrectionBound.cpp - How much a correction can add --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CorrectionBound.h"

#include "ConstantBytes.h"

#include <cmath>

using namespace mlir;

std::optional<double> hgf::boundCorrection(LinearOp linear, double alpha) {
  auto a = getConstantFloats(linear.getA());
  auto b = getConstantFloats(linear.getB());
  if (!a || !b)
    return std::nullopt;
  size_t rank = cast<ShapedType>(linear.getA().getType()).getDimSize(0);
  size_t columns = a->size() / rank;
  std::vector<float> ones(rank, 1.0f);
  auto aScale = linear.getAScale() ? getConstantFloats(linear.getAScale())
                                   : std::optional(ones);
  auto bScale = linear.getBScale() ? getConstantFloats(linear.getBScale())
                                   : std::optional(ones);
  if (!aScale || !bScale)
    return std::nullopt;
  std::vector<double> hidden(rank);
  for (size_t index = 0; index < a->size(); ++index)
    hidden[index / columns] +=
        std::fabs((*a)[index] * (*aScale)[index / columns]);
  double largest = 0;
  for (size_t row = 0; row < b->size() / rank; ++row) {
    double sum = 0;
    for (size_t r = 0; r < rank; ++r)
      sum += std::fabs((*b)[row * rank + r] * (*bScale)[r]) * hidden[r];
    largest = std::max(largest, sum);
  }
  return alpha * largest;
}
