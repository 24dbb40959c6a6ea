//===- Pipeline.cpp - The tiling phase ----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Tiling/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void hgf::buildDecompositionPipeline(OpPassManager &manager) {
  // What no kernel implements takes the way of all other operations.
  manager.addPass(hgf::createDecomposeHGF());
  // What attention takes from a cache's length has to follow from the inputs.
  manager.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
  // One form for all elementwise work; it also knows its shape.
  manager.addPass(createConvertElementwiseToLinalgPass());
  // While operations still know their shapes: loops tell less.
  manager.addPass(hgf::createEmitOutputDims());
  manager.addPass(hgf::createDecomposeConcat());
  // Fusion sees generic operations only.
  manager.addPass(createLinalgGeneralizeNamedOpsPass());
  manager.addPass(hgf::createFuseElementwise());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void hgf::buildTilingPipeline(OpPassManager &manager,
                              const PipelineOptions &options) {
  buildDecompositionPipeline(manager);
  // Last: loops hide operations from every other pass.
  manager.addPass(createSplitThreads());
}
