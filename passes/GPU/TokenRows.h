//===- TokenRows.h - Tensors as layers see them -----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_TOKENROWS_H
#define HGF_PASSES_GPU_TOKENROWS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// A tensor of one row per token, in the GPU's memory.
struct TokenRows {
  /// The first element, !llvm.ptr<1>.
  mlir::Value pointer;
  /// Bytes from one token to the next, i64.
  mlir::Value stride;
};

/// The address of the first element of `memref` as !llvm.ptr<1>; a null pointer
/// for no value.
mlir::Value getDevicePointer(mlir::ImplicitLocOpBuilder &b, mlir::Value memref);

/// `memref`, of float32, whose tokens are at one distance from each other (see
/// allocate-scratch); null pointer and 0 for no value.
TokenRows getTokenRows(mlir::ImplicitLocOpBuilder &b, mlir::Value memref);

/// The product of all dimensions but the last, i64.
mlir::Value countTokens(mlir::ImplicitLocOpBuilder &b, mlir::Value memref);

/// What to emit for up to so many tokens.
struct TokenRange {
  int64_t upTo;
  llvm::function_ref<void()> emit;
};

/// Emits the first of `ranges` that suits `tokens`, by a choice at run time
/// where their number is not known; `otherwise` where there are more.
void chooseByTokens(mlir::ImplicitLocOpBuilder &b, mlir::Value tokens,
                    llvm::ArrayRef<TokenRange> ranges,
                    llvm::function_ref<void()> otherwise);

} // namespace hgf

#endif // HGF_PASSES_GPU_TOKENROWS_H
