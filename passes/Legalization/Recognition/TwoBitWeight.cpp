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

} // namespace

std::optional<TernaryWeight> hgf::findTwoBitWeight(ArrayRef<float> values,
                                                   int64_t rows,
                                                   int64_t columns,
                                                   bool transposed) {
  // One value per row would always pass as a scale.
  if (rows < 1 || columns < 2)
    return std::nullopt;
  Matrix matrix{values, rows, columns, transposed};
  TernaryWeight result(rows, columns);
  auto find = [&](Levels levels, Granularity granularity, int64_t group) {
    std::optional<std::vector<float>> scales = findScales(
        matrix, levels, granularity == Granularity::Tensor ? rows : 1,
        group ? group : columns);
    if (!scales)
      return false;
    result.levels = levels;
    result.granularity = granularity;
    result.group = group;
    result.scales = std::move(*scales);
    return true;
  };
  auto findAny = [&] {
    for (Levels levels : {Levels::Odd, Levels::Signed})
      for (Granularity granularity : {Granularity::Tensor, Granularity::Row})
        if (find(levels, granularity, 0))
          return true;
    for (Levels levels : {Levels::Odd, Levels::Signed})
      for (int64_t group : {256, 128, 64, 32})
        if (group < columns && find(levels, Granularity::Group, group))
          return true;
    return false;
  };
  // A matrix of zeros has no levels.
  if (!findAny() || llvm::all_of(result.scales, [](float s) { return s == 0; }))
    return std::nullopt;
  CodeMeaning meaning = getCodeMeaning(result.levels);
  int64_t perRow = result.scales.size() / rows;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      int64_t index = result.granularity == Granularity::Tensor ? 0
                      : result.group ? row * perRow + column / result.group
                                     : row;
      float scale = result.scales[index];
      float weight = scale == 0 ? 0 : matrix.at(row, column) / scale;
      result.setCode(row, column,
                     (std::lrint(weight) + meaning.offset) / meaning.factor);
    }
  return result;
}
