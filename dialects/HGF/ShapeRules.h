//===- ShapeRules.h - Comparisons that verifiers share ----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_SHAPERULES_H
#define HGF_DIALECTS_HGF_SHAPERULES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace hgf {

/// Whether two sizes can be the same; a dynamic one can be any.
inline bool agree(int64_t first, int64_t second) {
  return mlir::ShapedType::isDynamic(first) ||
         mlir::ShapedType::isDynamic(second) || first == second;
}

/// Whether two shapes can be the same.
inline bool agree(llvm::ArrayRef<int64_t> first,
                  llvm::ArrayRef<int64_t> second) {
  return first.size() == second.size() &&
         llvm::all_of_zip(first, second, [](int64_t one, int64_t other) {
           return agree(one, other);
         });
}

inline llvm::ArrayRef<int64_t> getShape(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType()).getShape();
}

inline bool hasInt8Elements(mlir::Value value) {
  return llvm::cast<mlir::ShapedType>(value.getType())
      .getElementType()
      .isInteger(8);
}

/// The rules that every form of attention shares; `prefix` names the rules.
mlir::LogicalResult verifyAttention(mlir::Operation *op, llvm::StringRef prefix,
                                    mlir::Value query, mlir::Value key,
                                    mlir::Value value, mlir::Value result);

/// Rows and columns of a ternary or packed matrix type.
std::pair<int64_t, int64_t> getMatrixShape(mlir::Type type);

/// "rule: expected WHAT of shape EXPECTED but got shape FOUND".
mlir::LogicalResult emitShapeError(mlir::Operation *op, llvm::StringRef rule,
                                   llvm::StringRef what,
                                   llvm::ArrayRef<int64_t> expected,
                                   llvm::ArrayRef<int64_t> found);

} // namespace hgf

#endif // HGF_DIALECTS_HGF_SHAPERULES_H
