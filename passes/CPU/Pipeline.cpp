//===- Pipeline.cpp - The cpu phase -------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

/// Appends the passes that take memref, scf, vector, arith and math to the LLVM
/// dialect.
static void buildLLVMLowering(OpPassManager &manager) {
  manager.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass());
  manager.addPass(createSCFToControlFlowPass());
  // Needs branches to return early.
  manager.addPass(hgf::createAssertToFailure());
  manager.addPass(createConvertVectorToLLVMPass());
  // What the next pass cannot expand.
  manager.addPass(hgf::createExpandReshapes());
  // Views become pointer arithmetic, which the affine lowering then expands.
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(arith::createArithExpandOpsPass());
  // Intrinsics first: the code generator knows more about them than about
  // calls.
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
}

void hgf::buildCPUPipeline(OpPassManager &manager,
                           const PipelineOptions &options) {
  // Kernels take the addresses of weights, which must be LLVM's symbols.
  manager.addPass(createLowerWeights());
  // Kernels of hgf operations are built here, while loops over threads are
  // still scf.forall and buffers still memrefs.
  LowerLinearOptions lowerLinear;
  lowerLinear.target = options.target;
  lowerLinear.cpu = options.cpu;
  lowerLinear.level = options.level;
  lowerLinear.portableDots = options.portableDots;
  lowerLinear.prefillFrom = options.prefillFrom;
  manager.addPass(createLowerLinear(lowerLinear));
  // Instructions first; the portable lowering takes what they leave.
  manager.addPass(createConvertDotToX86());
  manager.addPass(createConvertDotToArm());
  manager.addPass(createConvertDotToVector());
  manager.addPass(createConvertUnpackToX86());
  manager.addPass(createConvertUnpackToArm());
  manager.addPass(createConvertUnpackToVector());

  // A call of MLIR's C library would be the alternative.
  manager.addPass(createExpandCopies());
  // Before loops hide which operations are equal.
  manager.addPass(createOutlineLinalg());
  manager.addNestedPass<func::FuncOp>(createLowerLinalg());
  // After the kernels, whose threads are outlined with all others.
  manager.addPass(createOutlineParallel());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  // Kernels and loops hold all their arithmetic by now; what is left of math
  // becomes intrinsics or calls, one element at a time.
  manager.addPass(createApproximateMath());
  buildLLVMLowering(manager);
  // Unpacks the runtime's buffers into the expanded memref arguments, so these
  // must exist.
  manager.addPass(createEmitEntry());
  manager.addPass(createExternalizeConstants());
  manager.addPass(createCanonicalizerPass());
}
