//===- VaryingValues.h - What differs from call to call ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_VARYINGVALUES_H
#define HGF_PASSES_GPU_VARYINGVALUES_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace hgf {

/// The values of the host's @main that follow from the length of state which
/// grows, and from dimensions that have the same name as such a length. All
/// others are equal in two calls of a session whose other shapes are equal.
class VaryingValues {
public:
  /// `main` has the runtime's call as first argument, and then the tensors of
  /// the module's hgf.inputs and hgf.outputs as expanded memrefs.
  VaryingValues(mlir::ModuleOp module, mlir::LLVM::LLVMFuncOp main);

  bool contains(mlir::Value value);

private:
  mlir::LLVM::LLVMFuncOp main;
  llvm::DenseMap<mlir::Value, bool> known;
};

} // namespace hgf

#endif // HGF_PASSES_GPU_VARYINGVALUES_H
