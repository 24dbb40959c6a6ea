//===- KernelFunction.h - A kernel without a body ------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_KERNELFUNCTION_H
#define HGF_LIB_KERNELS_NVVM_KERNELFUNCTION_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace hgf {

/// A kernel's argument, and what is promised of a pointer.
enum class ArgumentKind { Number, Pointer, ReadOnlyPointer };

/// A kernel at the end of `module` without a body, for blocks of `threads`.
/// Numbers are i64, pointers !llvm.ptr<1>.
mlir::gpu::GPUFuncOp makeKernelFunction(mlir::gpu::GPUModuleOp module,
                                        llvm::StringRef name,
                                        llvm::ArrayRef<ArgumentKind> arguments,
                                        int64_t threads);

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_KERNELFUNCTION_H
