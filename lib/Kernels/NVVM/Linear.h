//===- Linear.h - The kernels of a layer ------------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_LINEAR_H
#define HGF_LIB_KERNELS_NVVM_LINEAR_H

#include "GpuBuilder.h"

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf {

/// The shape of a launch for one key.
struct LaunchShape {
  int64_t threads, blocks;
};
LaunchShape getPrologueShape(const GpuLinearKey &key);
LaunchShape getDecodeShape(const GpuLinearKey &key);
LaunchShape getPrefillShape(const GpuLinearKey &key);

void buildPrologue(GpuBuilder &k, const GpuLinearKey &key);
void buildDecode(GpuBuilder &k, const GpuLinearKey &key);
void buildPrefill(GpuBuilder &k, const GpuLinearKey &key);

/// alpha = sigmoid(sum + bias), or 0 below the threshold; `biasPointer` is that
/// of the layout's gateBias.
mlir::Value emitDynamicGate(GpuBuilder &k, mlir::Value sum,
                            mlir::Value biasPointer);

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_LINEAR_H
