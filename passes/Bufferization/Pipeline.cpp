//===- Pipeline.cpp - The bufferization phase ---------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Bufferization/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void hgf::buildBufferizationPipeline(OpPassManager &manager,
                                     const PipelineOptions &options) {
  // Before bufferization, so that results are computed in the caller's memory.
  manager.addPass(createMakeBoundary());
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions bufferize;
  // State that grows in place is still returned.
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::FullyDynamicLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(bufferize));
  // Before the arena is planned, which then holds the scratch memory too.
  manager.addPass(createAllocateScratch());
  // Sizes of allocations become expressions of the arguments' dims.
  manager.addPass(memref::createResolveShapedTypeResultDimsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createPlanArena());
  manager.addPass(createCanonicalizerPass());
}
