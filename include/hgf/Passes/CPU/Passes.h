//===- Passes.h - Passes of the cpu phase ---------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_PASSES_H
#define HGF_PASSES_CPU_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/CPU/Passes.h.inc"

/// Appends the cpu phase: kernels are built for each key and everything is
/// lowered to the LLVM dialect.
void buildCPUPipeline(mlir::OpPassManager &manager,
                      const PipelineOptions &options);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/CPU/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_CPU_PASSES_H
