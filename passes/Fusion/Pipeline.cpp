//===- Pipeline.cpp - The fusion phase ------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

void hgf::buildFusionPipeline(mlir::OpPassManager &manager,
                              const PipelineOptions &options) {
  manager.addPass(mlir::createCanonicalizerPass());
  manager.addPass(mlir::createCSEPass());
  manager.addPass(createFuseLinear());
  DropClosedGatesOptions gates;
  gates.bound = options.closedGateBound;
  manager.addPass(createDropClosedGates(gates));
  ThresholdGatesOptions threshold;
  threshold.threshold = options.gateThreshold;
  manager.addPass(createThresholdGates(threshold));
  // Merging wants linears without epilogue.
  manager.addPass(createMergeLinears());
  // Last of those that look into factors: segments keep their own scales.
  if (options.int8Corrections)
    manager.addPass(createQuantizeCorrections());
  manager.addPass(createFuseEpilogues());
  // Knows all readers of a norm only when layers have merged.
  manager.addPass(createFuseNorms());
  manager.addPass(createAppendCache());
  manager.addPass(mlir::createCanonicalizerPass());
  manager.addPass(mlir::createCSEPass());
}
