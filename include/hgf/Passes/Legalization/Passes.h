//===- Passes.h - Passes of the legalization phase ---------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_PASSES_H
#define HGF_PASSES_LEGALIZATION_PASSES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/Pass.h"

namespace hgf {

#define GEN_PASS_DECL
#include "hgf/Passes/Legalization/Passes.h.inc"

/// Appends the legalization phase: `onnx` to `hgf` + linalg/tensor/arith/math:
/// older opsets are brought to one form, constants folded, ternary patterns
/// recognised.
void buildLegalizationPipeline(mlir::OpPassManager &manager,
                               const PipelineOptions &options);

#define GEN_PASS_REGISTRATION
#include "hgf/Passes/Legalization/Passes.h.inc"

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_PASSES_H
