//===- TernaryWeight.cpp - The test for ternary weights ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TernaryWeight.h"

#include "ConstantTensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>
#include <set>

using namespace mlir;
using namespace hgf;

TernaryWeight::TernaryWeight(int64_t rows, int64_t columns)
    : rows(rows), columns(columns), codes(getTwoBitByteCount(rows * columns)) {}

void TernaryWeight::scale(ArrayRef<float> factors) {
  if (factors.size() == 1) {
    for (float &scale : scales)
      scale *= factors[0];
    return;
  }
  if (granularity == Granularity::Tensor) {
    scales.assign(rows, scales[0]);
    granularity = Granularity::Row;
  }
  int64_t perRow = scales.size() / rows;
  for (int64_t index = 0; index < int64_t(scales.size()); ++index)
    scales[index] *= factors[index / perRow];
}

Value TernaryWeight::materialize(OpBuilder &builder, Location location) const {
  auto type =
      TernaryType::get(builder.getContext(), rows, columns, granularity, group);
  ElementsAttr codeElements = makeElements({int64_t(codes.size())},
                                           builder.getI8Type(), codes, "codes");
  auto scaleType =
      RankedTensorType::get({int64_t(scales.size())}, builder.getF32Type());
  auto scaleElements =
      DenseElementsAttr::get(scaleType, ArrayRef<float>(scales));
  return TernaryConstantOp::create(builder, location, type, codeElements,
                                   scaleElements);
}

namespace {

/// The magnitude that all non-zero values seen so far share.
struct Magnitude {
  float value = 0;
  bool unique = true;

  void add(float element) {
    float magnitude = std::fabs(element);
    if (magnitude == 0 || !unique)
      return;
    if (value == 0)
      value = magnitude;
    else if (value != magnitude)
      unique = false;
  }
};

/// One scale per group of each row; fails where a group has two magnitudes.
std::optional<std::vector<float>>
findScales(llvm::function_ref<float(int64_t, int64_t)> at, int64_t rows,
           int64_t columns, int64_t group) {
  int64_t groups = llvm::divideCeil(columns, group);
  std::vector<float> scales(rows * groups);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t index = 0; index < groups; ++index) {
      Magnitude magnitude;
      int64_t end = std::min(columns, (index + 1) * group);
      for (int64_t column = index * group; column < end; ++column)
        magnitude.add(at(row, column));
      if (!magnitude.unique)
        return std::nullopt;
      scales[row * groups + index] = magnitude.value;
    }
  return scales;
}

/// How many values the matrix has, counted up to a bound.
size_t countValues(ArrayRef<float> values, size_t bound) {
  std::set<float> found;
  for (float value : values) {
    found.insert(value);
    if (found.size() > bound)
      break;
  }
  return found.size();
}

} // namespace

std::optional<TernaryWeight>
hgf::findTernaryWeight(ArrayRef<float> values, int64_t rows, int64_t columns,
                       bool transposed, std::string &why, bool &near) {
  near = false;
  // One value per row would always pass as a scale.
  if (rows < 1 || columns < 2) {
    why = "weight has fewer than two inputs";
    return std::nullopt;
  }
  if (!llvm::all_of(values, [](float value) { return std::isfinite(value); })) {
    why = "weight holds a value that is not finite";
    return std::nullopt;
  }
  auto at = [&](int64_t row, int64_t column) {
    return values[transposed ? column * rows + row : row * columns + column];
  };
  TernaryWeight result(rows, columns);
  std::optional<std::vector<float>> scales;
  Magnitude whole;
  for (float value : values)
    whole.add(value);
  if (whole.value == 0) {
    why = "weight is all zeros";
    return std::nullopt;
  }
  if (whole.unique) {
    scales = std::vector<float>{whole.value};
  } else if ((scales = findScales(at, rows, columns, columns))) {
    result.granularity = Granularity::Row;
  } else {
    result.granularity = Granularity::Group;
    for (int64_t group : {256, 128, 64, 32}) {
      if (group >= columns)
        continue;
      result.group = group;
      if ((scales = findScales(at, rows, columns, group)))
        break;
    }
  }
  if (!scales) {
    constexpr size_t bound = 16;
    size_t count = countValues(values, bound);
    near = count <= bound;
    why = near ? llvm::formatv("weight has {0} distinct values; expected "
                               "-s, 0 and +s of one s per tensor, row or "
                               "group of inputs",
                               count)
                     .str()
               : "weight has more than two magnitudes in a group of 32 inputs; "
                 "expected -s, 0 and +s";
    return std::nullopt;
  }
  result.scales = std::move(*scales);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      float value = at(row, column);
      result.set(row, column, value > 0 ? 1 : value < 0 ? -1 : 0);
    }
  return result;
}
