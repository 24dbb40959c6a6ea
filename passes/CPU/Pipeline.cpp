//===- Pipeline.cpp - The cpu phase ------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Pass/PassManager.h"

void hgf::buildCPUPipeline(mlir::OpPassManager &manager,
                           const PipelineOptions &options) {}
