//===- Passes.h - Passes of the gpu phases ----------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_PASSES_H
#define HGF_PASSES_GPU_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/GPU/Passes.h.inc"

/// Appends the tiling phase of a GPU: kernels spread their work themselves, and
/// nothing is split over the host's threads.
void buildGPUTilingPipeline(mlir::OpPassManager &manager,
                            const PipelineOptions &options);

/// Appends the gpu phase: work becomes launches of kernels, kernels become PTX,
/// and everything else the LLVM dialect of the host.
void buildGPUPipeline(mlir::OpPassManager &manager,
                      const PipelineOptions &options);

/// Appends the passes that take the kernels in a module's gpu.modules to the
/// LLVM and NVVM dialects, without calls of a device library.
void buildKernelLoweringPipeline(mlir::OpPassManager &manager);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/GPU/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_GPU_PASSES_H
