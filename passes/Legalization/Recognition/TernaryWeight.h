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

/// A ternary matrix of `rows` outputs by `columns` inputs, as
/// `hgf.ternary_constant` holds it.
struct TernaryWeight {
  int64_t rows = 0, columns = 0;
  Granularity granularity = Granularity::Tensor;
  int64_t group = 0;
  /// T + 1, two bits each.
  std::vector<char> codes;
  std::vector<float> scales;

  TernaryWeight(int64_t rows, int64_t columns);

  /// `code` is -1, 0 or 1. Each element is set once.
  void set(int64_t row, int64_t column, int code) {
    int64_t index = row * columns + column;
    codes[index / 4] |= char((code + 1) << (index % 4 * 2));
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

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_TERNARYWEIGHT_H
