//===- Passes.h - Passes of the bufferization phase ---------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_BUFFERIZATION_PASSES_H
#define HGF_PASSES_BUFFERIZATION_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/Bufferization/Passes.h.inc"

/// Appends the bufferization phase: tensors become memrefs in one planned arena
/// per call.
void buildBufferizationPipeline(mlir::OpPassManager &manager,
                                const PipelineOptions &options);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/Bufferization/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_BUFFERIZATION_PASSES_H
