//===- LowerKernels.cpp - From kernels to NVVM ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/LowerKernels.h"

#include "hgf/Kernels/ApproximateMath.h"

#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace {

/// An op on float32, or on vectors of it, as arithmetic on its bits.
class BitsOf {
public:
  BitsOf(PatternRewriter &rewriter, Location location, Type type)
      : b(location, rewriter), type(type) {
    integers = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      integers = vector.clone(integers);
  }
  Value masked(Value value, uint32_t mask) {
    TypedAttr bits = b.getI32IntegerAttr(mask);
    if (auto vector = dyn_cast<VectorType>(type))
      bits =
          DenseElementsAttr::get(cast<ShapedType>(integers), Attribute(bits));
    return arith::AndIOp::create(b,
                                 arith::BitcastOp::create(b, integers, value),
                                 arith::ConstantOp::create(b, bits));
  }
  Value joined(Value left, Value right) {
    return toFloat(arith::OrIOp::create(b, left, right));
  }
  Value toFloat(Value bits) { return arith::BitcastOp::create(b, type, bits); }

private:
  ImplicitLocOpBuilder b;
  Type type, integers;
};

constexpr uint32_t signMask = 0x80000000, magnitudeMask = 0x7fffffff;

struct ExpandAbsolute : OpRewritePattern<math::AbsFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::AbsFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not on float32");
    BitsOf bits(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(
        op, bits.toFloat(bits.masked(op.getOperand(), magnitudeMask)));
    return success();
  }
};

struct ExpandCopySign : OpRewritePattern<math::CopySignOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::CopySignOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return rewriter.notifyMatchFailure(op, "not on float32");
    BitsOf bits(rewriter, op.getLoc(), op.getType());
    rewriter.replaceOp(op, bits.joined(bits.masked(op.getLhs(), magnitudeMask),
                                       bits.masked(op.getRhs(), signMask)));
    return success();
  }
};

/// The IEEE square root: int8 codes hang on its last bit.
struct ExpandSquareRoot : OpRewritePattern<math::SqrtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::SqrtOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF32())
      return rewriter.notifyMatchFailure(op, "not on one float32");
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr("llvm.nvvm.sqrt.rn.f"),
        op.getOperand());
    return success();
  }
};

template <typename Op, typename Intrinsic>
struct ToIntrinsic : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<Intrinsic>(op, op.getType(), op.getLhs(),
                                           op.getRhs());
    return success();
  }
};

/// What the conversion to NVVM would make calls of a device library, without
/// IEEE square roots even.
struct ExpandMath : PassWrapper<ExpandMath, OperationPass<gpu::GPUModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMath)

  StringRef getName() const override { return "ExpandMath"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry
        .insert<arith::ArithDialect, math::MathDialect, LLVM::LLVMDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    hgf::populateApproximateMathPatterns(patterns);
    patterns.add<ExpandAbsolute, ExpandCopySign, ExpandSquareRoot,
                 ToIntrinsic<arith::MaxNumFOp, LLVM::MaxNumOp>,
                 ToIntrinsic<arith::MinNumFOp, LLVM::MinNumOp>>(&getContext());
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
  // Fused multiply-adds, which would be calls otherwise.
  kernels.addPass(createConvertMathToLLVMPass());
  kernels.addPass(createConvertGpuOpsToNVVMOps());
  kernels.addPass(createReconcileUnrealizedCastsPass());
  kernels.addPass(createCanonicalizerPass());
  kernels.addPass(createCSEPass());
}
