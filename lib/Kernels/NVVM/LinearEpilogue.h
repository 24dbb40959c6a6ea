//===- LinearEpilogue.h - What follows a layer's products -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_LINEAREPILOGUE_H
#define HGF_LIB_KERNELS_NVVM_LINEAREPILOGUE_H

#include "GpuBuilder.h"

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf {

/// Of one row and token; those that the layer lacks are not set.
struct EpilogueInputs {
  mlir::Value bias, gate, residual;
};

/// From the scaled product `y` to the output: bias, alpha * correction,
/// activation, residual; in the order of the CPU's kernels.
mlir::Value emitEpilogue(GpuBuilder &k, const GpuLinearKey &key, mlir::Value y,
                         mlir::Value correction, const EpilogueInputs &inputs);

/// Rows and ranks of each merged layer; one for a layer alone.
llvm::SmallVector<std::pair<int64_t, int64_t>>
getSegments(const LinearParameters &parameters);

/// Of a row's segment: where the row starts in B, in elements; its first rank
/// and the number of ranks.
struct RowRanks {
  mlir::Value start, first, count;
};
RowRanks emitRowRanks(GpuBuilder &k, const LinearParameters &parameters,
                      mlir::Value row);

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_LINEAREPILOGUE_H
