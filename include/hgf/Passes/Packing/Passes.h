//===- Passes.h - Passes of the packing phase ---------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_PACKING_PASSES_H
#define HGF_PASSES_PACKING_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/Packing/Passes.h.inc"

/// Appends the packing phase: a weight encoding is chosen per layer by target
/// and shape, and constants are packed.
void buildPackingPipeline(mlir::OpPassManager &manager,
                          const PipelineOptions &options);

/// The same with the layout that GPU kernels read.
void buildGPUPackingPipeline(mlir::OpPassManager &manager,
                             const PipelineOptions &options);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/Packing/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_PACKING_PASSES_H
