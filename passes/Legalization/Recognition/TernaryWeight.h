//===- TernaryWeight.h - The test for ternary weights -*- C++ -* ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_TERNARYWEIGHT_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_TERNARYWEIGHT_H

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "mlir/IR/Builders.h"

namespace hgf {

/// A ternary or two-bit matrix of `rows` outputs by `columns` inputs, as
/// `hgf.ternary_constant` holds it.
struct TernaryWeight {
  int64_t rows = 0, columns = 0;
  Granularity granularity = Granularity::Tensor;
  int64_t group = 0;
  Levels levels = Levels::Ternary;
  /// Two bits each; T + 1 where the matrix is ternary.
  std::vector<char> codes;
  std::vector<float> scales;

  TernaryWeight(int64_t rows, int64_t columns);

  /// `code` is 0 to 3. Each element is set once.
  void setCode(int64_t row, int64_t column, int code) {
    int64_t index = row * columns + column;
    codes[index / 4] |= char(code << (index % 4 * 2));
  }
  /// `value` is -1, 0 or 1. Each element is set once.
  void set(int64_t row, int64_t column, int value) {
    setCode(row, column, value + 1);
  }
  /// Multiplies the scales by one factor, or by one per row.
  void scale(llvm::ArrayRef<float> factors);
  mlir::Value materialize(mlir::OpBuilder &builder,
                          mlir::Location location) const;
};

/// Takes a dense matrix as ternary where every value is -s, 0 or +s with one
/// s, bit for bit, per tensor, per row, or per group of 256, 128, 64 or 32
/// inputs. Element (row, column) is values[row * columns + column], or
/// values[column * rows + row] where `transposed`. Otherwise `why` tells what
/// is wrong, and `near` whether it was close.
std::optional<TernaryWeight> findTernaryWeight(llvm::ArrayRef<float> values,
                                               int64_t rows, int64_t columns,
                                               bool transposed,
                                               std::string &why, bool &near);

/// Takes a dense matrix that is not ternary as one of two bits where every
/// value is s w with one s and w in {-3, -1, 1, 3} or {-2, -1, 0, 1}, bit for
/// bit, per tensor, per row, or per group of 256, 128, 64 or 32 inputs. The
/// scale is negative where w is the negative of a value of the latter.
std::optional<TernaryWeight> findTwoBitWeight(llvm::ArrayRef<float> values,
                                              int64_t rows, int64_t columns,
                                              bool transposed);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_TERNARYWEIGHT_H
