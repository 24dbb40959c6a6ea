//===- LowerKernels.h - From kernels to NVVM --------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_LOWERKERNELS_H
#define HGF_KERNELS_NVVM_LOWERKERNELS_H

#include "mlir/Pass/PassManager.h"

namespace hgf {

/// From the kernels in the gpu.modules of a builtin.module to the LLVM and NVVM
/// dialects, without calls of a device library.
void buildKernelLoweringPipeline(mlir::OpPassManager &manager);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_LOWERKERNELS_H
