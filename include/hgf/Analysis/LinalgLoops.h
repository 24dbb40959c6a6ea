//===- LinalgLoops.h - How linalg operations walk memory --------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_ANALYSIS_LINALGLOOPS_H
#define HGF_ANALYSIS_LINALGLOOPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace hgf {

/// How well neighbouring steps of `loop` suit neighbouring elements: one point
/// for each operand that is contiguous along it, minus one for each other that
/// depends on it.
int64_t getContiguity(mlir::linalg::LinalgOp op, unsigned loop);

/// Where `operand` of `op`, a memref, is accessed in the step that `indices`,
/// one for each loop, give.
llvm::SmallVector<mlir::Value>
getElementIndices(mlir::OpBuilder &builder, mlir::linalg::LinalgOp op,
                  mlir::OpOperand &operand,
                  llvm::ArrayRef<mlir::Value> indices);

} // namespace hgf

#endif // HGF_ANALYSIS_LINALGLOOPS_H
