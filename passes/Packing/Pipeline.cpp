//===- Pipeline.cpp - The packing phase ---------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Packing/Passes.h"

#include "mlir/Pass/PassManager.h"

void hgf::buildPackingPipeline(mlir::OpPassManager &manager,
                               const PipelineOptions &options) {
  PackWeightsOptions packWeights;
  packWeights.target = options.target;
  packWeights.cpu = options.cpu;
  packWeights.level = options.level;
  packWeights.encoding = options.encoding;
  manager.addPass(createPackWeights(packWeights));
}

void hgf::buildGPUPackingPipeline(mlir::OpPassManager &manager,
                                  const PipelineOptions &options) {
  PackWeightsOptions packWeights;
  packWeights.gpu = true;
  manager.addPass(createPackWeights(packWeights));
}
