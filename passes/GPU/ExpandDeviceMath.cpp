//===- ExpandDeviceMath.cpp - Functions of math in kernels ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace hgf {
#define GEN_PASS_DEF_EXPANDDEVICEMATH
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// What the GPU has instructions for, or LLVM expansions.
bool isNative(StringRef name) {
  return llvm::is_contained(
      {"math.absf", "math.absi", "math.ceil", "math.copysign", "math.ctlz",
       "math.ctpop", "math.cttz", "math.floor", "math.fma", "math.isfinite",
       "math.isinf", "math.isnan", "math.isnormal", "math.round",
       "math.roundeven", "math.rsqrt", "math.sqrt", "math.trunc"},
      name);
}

/// An operation of math as LLVM's intrinsic: the GPU dialect's lowering would
/// call NVIDIA's library for it.
template <typename From, typename To> struct ToIntrinsic : OpRewritePattern<From> {
  using OpRewritePattern<From>::OpRewritePattern;

  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<To>(op, op.getType(), op->getOperands());
    return success();
  }
};

/// The same where the intrinsic asks whether some operand is poison.
template <typename From, typename To>
struct ToFlaggedIntrinsic : OpRewritePattern<From> {
  using OpRewritePattern<From>::OpRewritePattern;

  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<To>(op, op.getType(), op.getOperand(),
                                    /*isPoison=*/false);
    return success();
  }
};

/// 1 / sqrt(x), both rounded: the instruction for it only approximates.
struct ExpandReciprocalRoot : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::RsqrtOp op,
                                PatternRewriter &rewriter) const override {
    Location location = op.getLoc();
    Value root = LLVM::SqrtOp::create(rewriter, location, op.getType(),
                                      op.getOperand());
    Value one = arith::ConstantOp::create(
        rewriter, location, rewriter.getOneAttr(op.getType()));
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, one, root);
    return success();
  }
};

void addIntrinsics(RewritePatternSet &patterns) {
  patterns.add<ToIntrinsic<math::AbsFOp, LLVM::FAbsOp>,
               ToIntrinsic<math::CeilOp, LLVM::FCeilOp>,
               ToIntrinsic<math::CopySignOp, LLVM::CopySignOp>,
               ToIntrinsic<math::CtPopOp, LLVM::CtPopOp>,
               ToIntrinsic<math::FloorOp, LLVM::FFloorOp>,
               ToIntrinsic<math::FmaOp, LLVM::FMAOp>,
               ToIntrinsic<math::RoundOp, LLVM::RoundOp>,
               ToIntrinsic<math::RoundEvenOp, LLVM::RoundEvenOp>,
               ToIntrinsic<math::SqrtOp, LLVM::SqrtOp>,
               ToIntrinsic<math::TruncOp, LLVM::FTruncOp>,
               ToFlaggedIntrinsic<math::AbsIOp, LLVM::AbsOp>,
               ToFlaggedIntrinsic<math::CountLeadingZerosOp,
                                  LLVM::CountLeadingZerosOp>,
               ToFlaggedIntrinsic<math::CountTrailingZerosOp,
                                  LLVM::CountTrailingZerosOp>,
               ExpandReciprocalRoot>(patterns.getContext());
}

struct ExpandDeviceMath
    : public hgf::impl::ExpandDeviceMathBase<ExpandDeviceMath> {
  void runOnOperation() override {
    auto isFunction = [](StringRef name) {
      return name.starts_with("math.") && !isNative(name);
    };
    RewritePatternSet patterns(&getContext());
    math::populateExpansionPatterns(patterns, {"tan", "sinh", "cosh", "asinh",
                                               "acosh", "atanh", "fpowi",
                                               "powf", "exp2"});
    addIntrinsics(patterns);
    populateMathF32ExpansionPatterns(patterns, isFunction);
    populateMathPolynomialApproximationPatterns(patterns, isFunction);
    FrozenRewritePatternSet frozen(std::move(patterns));
    for (auto kernels : getOperation().getOps<gpu::GPUModuleOp>())
      if (failed(applyPatternsGreedily(kernels, frozen)))
        return signalPassFailure();
  }
};

} // namespace
