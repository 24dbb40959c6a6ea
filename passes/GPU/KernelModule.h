//===- KernelModule.h - Where a pass puts its kernels -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_KERNELMODULE_H
#define HGF_PASSES_GPU_KERNELMODULE_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// The grid of one launch.
struct LaunchGrid {
  /// Blocks along x, an index.
  mlir::Value blocks;
  /// Blocks along y; null for 1.
  mlir::Value rows;
  /// Threads of a block.
  int64_t threads;
};

/// The module's one gpu.module, and the launches of its kernels. Equal kernels
/// are one.
class KernelModule {
public:
  /// The gpu.module of all kernels.
  static constexpr llvm::StringLiteral name = "hgf_kernels";

  explicit KernelModule(mlir::ModuleOp module);

  /// Emits, before `op`, a launch of a kernel on `values`; `build` writes the
  /// kernel's body and finds the values' places in the mapping. Instead of
  /// being passed, constants among the values are cloned, and so is what
  /// follows from single elements of inputs or constants: the host cannot read
  /// those. The kernel's name begins with `prefix`.
  void
  launch(mlir::Operation *op, llvm::ArrayRef<mlir::Value> values,
         const LaunchGrid &shape,
         llvm::function_ref<void(mlir::OpBuilder &, mlir::IRMapping &)> build,
         llvm::StringRef prefix = "hgf_operation");

  /// Emits a launch of `kernel`, one of module().
  static void launch(mlir::ImplicitLocOpBuilder &b, mlir::gpu::GPUFuncOp kernel,
                     mlir::ValueRange arguments, const LaunchGrid &shape);

  mlir::gpu::GPUModuleOp module() { return kernels; }

private:
  mlir::gpu::GPUModuleOp kernels;
  /// Kernels by the text of what they do.
  llvm::StringMap<mlir::gpu::GPUFuncOp> known;
};

/// The smallest power of two that is not below `value`, an index, but at most
/// `most`.
mlir::Value roundUpToPowerOfTwo(mlir::ImplicitLocOpBuilder &b,
                                mlir::Value value, int64_t most);

} // namespace hgf

#endif // HGF_PASSES_GPU_KERNELMODULE_H
