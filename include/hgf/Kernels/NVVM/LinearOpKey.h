//===- LinearOpKey.h - Which kernels a layer takes --------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_LINEAROPKEY_H
#define HGF_KERNELS_NVVM_LINEAROPKEY_H

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf {

/// Whether every token of a float32 tensor of this type begins at a multiple of
/// 16 bytes: buffers do.
bool hasAlignedTokens(mlir::MemRefType type);

/// The key of `op`, whose operands are memrefs, for one token at a time.
GpuLinearKey getGpuLinearKey(LinearOp op);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_LINEAROPKEY_H
