//===- Passes.h - Passes of the fusion phase ---------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_FUSION_PASSES_H
#define HGF_PASSES_FUSION_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/Fusion/Passes.h.inc"

/// Appends the fusion phase: gate, correction, bias, activation and residual
/// join the backbone as `hgf.linear`; linears that share their input merge;
/// caches append in place.
void buildFusionPipeline(mlir::OpPassManager &manager,
                         const PipelineOptions &options);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/Fusion/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_FUSION_PASSES_H
