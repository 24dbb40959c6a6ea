//===- HeadKernel.h - A kernel without a body ----------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_HEADKERNEL_H
#define HGF_KERNELS_NVVM_HEADKERNEL_H

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf {

/// What decides the code of the kernel of `hgf.head`.
struct GpuHeadKey {
  int64_t rows = 0;
  int64_t columns = 0;
  /// The weight is int8 with one scale per row; float16 otherwise.
  bool isInt8 = false;
  bool bias = false;
  /// x and the bytes from one of its tokens to the next are multiples of 16.
  bool alignedInput = false;
  /// Tokens of one block: 1 or 4.
  int64_t tokens = 1;

  std::string getName() const;
};

/// The key of `op`, whose operands are memrefs, for one token at a time.
GpuHeadKey getGpuHeadKey(HeadOp op);

/// Pointers are !llvm.ptr<1>, numbers i64. Scales and bias are not read where
/// the key has none.
enum GpuHeadArgument : unsigned {
  GpuHeadInput,
  /// Bytes from one token to the next.
  GpuHeadInputStride,
  /// The weight as `hgf.head` describes it.
  GpuHeadWeights,
  GpuHeadScales,
  GpuHeadBias,
  GpuHeadOutput,
  GpuHeadOutputStride,
  /// The number of tokens, M.
  GpuHeadTokens,
  gpuHeadArgumentCount
};

/// The kernel of `key`: found in `module` by name, or built into it. A warp
/// reads the 512 contiguous bytes of eight rows that one step takes.
GpuKernel getOrBuildHead(mlir::gpu::GPUModuleOp module, const GpuHeadKey &key);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_HEADKERNEL_H
