//===- LowerKernels.cpp - From kernels to NVVM ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/LowerKernels.h"

#include "hgf/Kernels/ApproximateMath.h"

#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {

/// An operation as a call of LLVM's intrinsic, which is one instruction. The
/// conversion to NVVM makes calls of a device library of LLVM's own operations,
/// too.
template <typename Op> struct CallIntrinsic : OpRewritePattern<Op> {
  CallIntrinsic(MLIRContext *context, StringRef name)
      : OpRewritePattern<Op>(context), name(name) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(name), op->getOperands());
    return success();
  }

  StringRef name;
};

/// Without it exponentials would be calls of a device library.
struct ExpandMath : PassWrapper<ExpandMath, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMath)

  StringRef getName() const override { return "ExpandMath"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry
        .insert<arith::ArithDialect, LLVM::LLVMDialect, math::MathDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    hgf::populateApproximateMathPatterns(patterns);
    patterns.add<CallIntrinsic<math::AbsFOp>>(&getContext(), "llvm.fabs");
    patterns.add<CallIntrinsic<math::CopySignOp>>(&getContext(),
                                                  "llvm.copysign");
    patterns.add<CallIntrinsic<math::FmaOp>>(&getContext(), "llvm.fma");
    patterns.add<CallIntrinsic<math::SqrtOp>>(&getContext(), "llvm.sqrt");
    patterns.add<CallIntrinsic<arith::MaxNumFOp>>(&getContext(), "llvm.maxnum");
    patterns.add<CallIntrinsic<arith::MinNumFOp>>(&getContext(), "llvm.minnum");
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void hgf::buildKernelLoweringPipeline(OpPassManager &manager) {
  OpPassManager &kernels = manager.nest<gpu::GPUModuleOp>();
  kernels.addPass(std::make_unique<ExpandMath>());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
  kernels.addPass(createSCFToControlFlowPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}
