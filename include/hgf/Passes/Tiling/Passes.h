//===- Passes.h - Passes of the tiling phase ---------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_TILING_PASSES_H
#define HGF_PASSES_TILING_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/Tiling/Passes.h.inc"

/// Appends the tiling phase: work is split over M, N and threads; other
/// operations are tiled, fused and vectorized.
void buildTilingPipeline(mlir::OpPassManager &manager,
                         const PipelineOptions &options);

/// Appends what the tiling phases of all targets share: what no kernel
/// implements becomes linalg.
void buildDecompositionPipeline(mlir::OpPassManager &manager);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/Tiling/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_TILING_PASSES_H
