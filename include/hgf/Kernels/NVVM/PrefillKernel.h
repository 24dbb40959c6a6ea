//===- PrefillKernel.h - A ternary layer on many tokens ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_PREFILLKERNEL_H
#define HGF_KERNELS_NVVM_PREFILLKERNEL_H

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf {

/// Whether a GPU, such as "sm_90a", has what the kernel is made of:
/// asynchronous copies to shared memory, and products of 16 x 32 by 32 x 8
/// bytes. They came with sm_80; on older GPUs the decode kernel takes all
/// tokens.
bool hasPrefill(llvm::StringRef chip);

/// Whether there is a prefill kernel for the layer; otherwise the decode kernel
/// takes all tokens. There is none for
/// - float activations, whose products no unit computes exactly;
/// - gates that read the output: the block that finishes last would gate a
///   whole row of the output, which the decode kernel has in one place;
/// - groups of other than 32 or a multiple of 64 columns, and groups in rows
///   that do not fill whole blocks of 256 columns: then one step of 64 columns
///   has more groups than the kernel tells apart.
bool hasPrefill(const GpuLinearKey &key);

/// The `tokens` of the key that suits `tokens` tokens: 16, 32 or 64.
int64_t getPrefillTokens(int64_t tokens);

/// A symbol that equal keys share and no others.
std::string getPrefillName(const GpuLinearKey &key);

/// The kernel of `key`, for which hasPrefill() holds, with `tokens` tokens per
/// block; found in `module` by name, or built into it. It takes
/// DecodeArguments, after the same prologue as the decode kernel.
///
/// What differs from the decode kernel is the correction: B h is a sum of
/// products of f16 or bf16, with h as a sum of such numbers. For bf16 and int8
/// B these are three and keep 24 bits of h. For f16 B these are two: 22 bits of
/// h as long as abs(h) is between 2^-3 and 131008; below, an absolute error of
/// 2^-25; above, h saturates.
GpuKernel getOrBuildPrefill(mlir::gpu::GPUModuleOp module,
                            const GpuLinearKey &key);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_PREFILLKERNEL_H
