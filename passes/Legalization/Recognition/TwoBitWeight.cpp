//===- TwoBitWeight.cpp - The test for weights of four levels ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TernaryWeight.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

namespace {

/// The magnitudes that the values of one scale have, and on which side.
struct Magnitudes {
  float small = 0, large = 0;
  bool zero = false, largePositive = false, largeNegative = false;

  /// False where there is a third magnitude.
  bool add(float value) {
    float magnitude = std::fabs(value);
    if (!std::isfinite(value))
      return false;
    if (magnitude == 0) {
      zero = true;
      return true;
    }
    if (small == 0)
      small = magnitude;
    if (magnitude < small) {
      if (large != 0)
        return false;
      large = small;
      small = magnitude;
      largePositive = smallPositive;
      largeNegative = smallNegative;
      smallPositive = smallNegative = false;
    } else if (magnitude > small) {
      if (large != 0 && large != magnitude)
        return false;
      large = magnitude;
    }
    bool isLarge = magnitude == large;
    (value > 0 ? (isLarge ? largePositive : smallPositive)
               : (isLarge ? largeNegative : smallNegative)) = true;
    return true;
  }

  /// The scale that makes all values integers of `levels`.
  std::optional<float> getScale(Levels levels) const {
    if (levels == Levels::Odd)
      return !zero && (large == 0 || large == 3 * small) ? std::optional(small)
                                                         : std::nullopt;
    if (large == 0)
      return small;
    if (large != 2 * small || (largePositive && largeNegative))
      return std::nullopt;
    return largePositive ? -small : small;
  }

private:
  bool smallPositive = false, smallNegative = false;
};

/// A matrix by its rows of outputs.
struct Matrix {
  ArrayRef<float> values;
  int64_t rows, columns;
  bool transposed;

  float at(int64_t row, int64_t column) const {
    return values[transposed ? column * rows + row : row * columns + column];
  }
};

/// One scale per block of `blockRows` by `group` values.
std::optional<std::vector<float>> findScales(const Matrix &matrix,
                                             Levels levels, int64_t blockRows,
                                             int64_t group) {
  std::vector<float> scales;
  for (int64_t top = 0; top < matrix.rows; top += blockRows)
    for (int64_t first = 0; first < matrix.columns; first += group) {
      Magnitudes magnitudes;
      for (int64_t row = top; row < top + blockRows; ++row)
        for (int64_t column = first;
             column < std::min(matrix.columns, first + group); ++column)
          if (!magnitudes.add(matrix.at(row, column)))
            return std::nullopt;
      std::optional<float> scale = magnitudes.getScale(levels);
      if (!scale)
        return std::nullopt;
      scales.push_back(*scale);
    }
  return scales;
}

/// How the values of a matrix are scaled integers.
struct Scaling {
  Levels levels;
  Granularity granularity;
  int64_t group;
  std::vector<float> scales;

  float at(int64_t row, int64_t column, int64_t rows) const {
    int64_t perRow = scales.size() / rows;
    if (granularity == Granularity::Tensor)
      return scales[0];
    return scales[group ? row * perRow + column / group : row];
  }
};

/// The coarsest scaling, or none.
std::optional<Scaling> findScaling(const Matrix &matrix) {
  auto find = [&](Levels levels, Granularity granularity,
                  int64_t group) -> std::optional<Scaling> {
    int64_t blockRows = granularity == Granularity::Tensor ? matrix.rows : 1;
    std::optional<std::vector<float>> scales =
        findScales(matrix, levels, blockRows, group ? group : matrix.columns);
    if (!scales)
      return std::nullopt;
    return Scaling{levels, granularity, group, std::move(*scales)};
  };
  for (Levels levels : {Levels::Odd, Levels::Signed})
    for (Granularity granularity : {Granularity::Tensor, Granularity::Row})
      if (auto scaling = find(levels, granularity, 0))
        return scaling;
  for (Levels levels : {Levels::Odd, Levels::Signed})
    for (int64_t group : {256, 128, 64, 32})
      if (group < matrix.columns)
        if (auto scaling = find(levels, Granularity::Group, group))
          return scaling;
  return std::nullopt;
}

} // namespace

std::optional<TernaryWeight> hgf::findTwoBitWeight(ArrayRef<float> values,
                                                   int64_t rows,
                                                   int64_t columns,
                                                   bool transposed) {
  // One value per row would always pass as a scale.
  if (rows < 1 || columns < 2)
    return std::nullopt;
  Matrix matrix{values, rows, columns, transposed};
  std::optional<Scaling> scaling = findScaling(matrix);
  // A matrix of zeros has no levels.
  if (!scaling || llvm::all_of(scaling->scales, [](float s) { return s == 0; }))
    return std::nullopt;
  // Only now: most matrices that come here are floats, and large.
  TernaryWeight result(rows, columns);
  CodeMeaning meaning = getCodeMeaning(scaling->levels);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      float scale = scaling->at(row, column, rows);
      float weight = scale == 0 ? 0 : matrix.at(row, column) / scale;
      result.setCode(row, column,
                     (std::lrint(weight) + meaning.offset) / meaning.factor);
    }
  result.levels = scaling->levels;
  result.granularity = scaling->granularity;
  result.group = scaling->group;
  result.scales = std::move(scaling->scales);
  return result;
}
