//===- Pipeline.cpp - The phases of a GPU ---------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/GPU/Passes.h"

#include "hgf/Passes/CPU/Passes.h"
#include "hgf/Passes/Tiling/Passes.h"
#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/GPUCommon/GPUCommonPass.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void hgf::buildKernelLoweringPipeline(OpPassManager &manager) {
  // The same polynomials as on the CPU, so that both compute the same.
  manager.addPass(hgf::createApproximateMath());
  manager.addPass(hgf::createExpandDeviceMath());
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(createConvertVectorToSCFPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createLoopInvariantCodeMotionPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(memref::createExpandStridedMetadataPass());
  kernels.addPass(createLowerAffinePass());
  kernels.addPass(arith::createArithExpandOpsPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createConvertNVVMToLLVMPass());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  manager.addPass(hgf::createCheckKernels());
}

/// Appends the passes that take the host's code to the LLVM dialect.
static void buildHostLowering(OpPassManager &manager) {
  // No loop is parallel any more, but @main gets the runtime's call.
  manager.addPass(hgf::createOutlineParallel());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(hgf::createAssertToFailure());
  manager.addPass(hgf::createExpandReshapes());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(arith::createArithExpandOpsPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createGpuToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

void hgf::buildGPUTilingPipeline(OpPassManager &manager,
                                 const PipelineOptions &options) {
  // Before attention is decomposed.
  manager.addPass(createSelectAttention());
  buildDecompositionPipeline(manager);
}

void hgf::buildGPUPipeline(OpPassManager &manager,
                           const PipelineOptions &options) {
  manager.addPass(createLowerWeights());
  ExpandCopiesOptions copies;
  copies.all = true;
  manager.addPass(createExpandCopies(copies));
  manager.addPass(createMapAttention());
  MapLayersOptions layers;
  llvm::append_range(layers.chips, options.gpus);
  manager.addPass(createMapLayers(layers));
  manager.addPass(createMapLinalg());
  manager.addPass(createMapSerial());
  // Kernels repeat what the host cannot read: what is left of it goes.
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCheckHost());
  buildKernelLoweringPipeline(manager);
  buildHostLowering(manager);
  // Both sides are in the LLVM dialect: a memref is several arguments by now.
  manager.addPass(createConvertLaunches());
  manager.addPass(createEmitEntry());
  // The GPU reads no constant of the host's.
  ExternalizeConstantsOptions constants;
  constants.all = true;
  manager.addPass(createExternalizeConstants(constants));
  for (const std::string &chip : options.gpus) {
    GpuNVVMAttachTargetOptions target;
    target.chip = chip;
    target.optLevel = 3;
    manager.addPass(createGpuNVVMAttachTarget(target));
  }
  // PTX, which needs nothing of the toolkit.
  GpuModuleToBinaryPassOptions binary;
  binary.compilationTarget = "isa";
  manager.addPass(createGpuModuleToBinaryPass(binary));
  manager.addPass(createCanonicalizerPass());
}
