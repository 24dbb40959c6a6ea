//===- ConstantMatrix.h - Matrices that constants make -*- C++ -* -------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTMATRIX_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTMATRIX_H

#include "GraphMatcher.h"

namespace hgf {

/// A dense matrix of float32: the bytes of the model file where these are
/// float32 already, so that a matrix costs no memory.
class ConstantMatrix {
public:
  ConstantMatrix() = default;
  ConstantMatrix(int64_t rows, int64_t columns)
      : rows(rows), columns(columns) {}

  /// Refers to memory that outlives the matrix.
  void refer(llvm::ArrayRef<float> elements) { values = elements; }
  /// Memory of the matrix's own, with the same values or zeros.
  llvm::MutableArrayRef<float> edit();

  llvm::ArrayRef<float> values;
  /// As the values are stored, row by row.
  int64_t rows = 0, columns = 0;
  /// The matrix is the transpose of what is stored.
  bool transposed = false;

  int64_t height() const { return transposed ? columns : rows; }
  int64_t width() const { return transposed ? rows : columns; }
  float at(int64_t row, int64_t column) const {
    return transposed ? values[column * columns + row]
                      : values[row * columns + column];
  }

private:
  /// Shared by copies until one of them is edited.
  std::shared_ptr<std::vector<float>> storage;
};

/// The matrix that `value` is: a constant through casts that keep its
/// elements, transposition, dequantization, and products or quotients with
/// constants.
std::optional<ConstantMatrix> evaluateMatrix(mlir::Value value);

/// A constant [height, width] of the matrix or of its transpose; float16 where
/// that holds every value exactly.
mlir::Value makeFactorConstant(mlir::OpBuilder &builder,
                               mlir::Location location,
                               const ConstantMatrix &matrix, bool transpose);

/// Whether `value` is dequantized from integers.
bool isDequantized(mlir::Value value);

/// The weight [N, K] of a com.microsoft.MatMulNBits of two bits.
std::optional<ConstantMatrix> evaluateBlockWeight(NodeOp node,
                                                  std::string &why);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTMATRIX_H
