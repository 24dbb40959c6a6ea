//===- ExpandDeviceMath.cpp - Functions of math in kernels ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DoubleMath.h"
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

/// An operation of math as the intrinsic of LLVM with the same operands. It
/// becomes a call and not an operation of the LLVM dialect: for most of these
/// the GPU dialect's lowering insists on NVIDIA's library.
template <typename From> struct ToIntrinsic : OpRewritePattern<From> {
  ToIntrinsic(MLIRContext *context, StringRef name)
      : OpRewritePattern<From>(context), name(name) {}

  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> operands(op->getOperands());
    // Says that zero, or the smallest integer, is no reason for poison.
    if (isa<math::AbsIOp, math::CountLeadingZerosOp,
            math::CountTrailingZerosOp>(op.getOperation()))
      operands.push_back(LLVM::ConstantOp::create(rewriter, op.getLoc(),
                                                  rewriter.getBoolAttr(false)));
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, op.getType(), rewriter.getStringAttr(name), operands);
    return success();
  }

  StringRef name;
};

/// LLVM has no intrinsics for indices.
struct ExpandAbsoluteIndex : OpRewritePattern<math::AbsIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::AbsIOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isIndex())
      return rewriter.notifyMatchFailure(op, "not an index");
    Location location = op.getLoc();
    Value zero = arith::ConstantIndexOp::create(rewriter, location, 0);
    Value negated =
        arith::SubIOp::create(rewriter, location, zero, op.getOperand());
    rewriter.replaceOpWithNewOp<arith::MaxSIOp>(op, op.getOperand(), negated);
    return success();
  }
};

Value callSqrt(OpBuilder &builder, Location location, Value value) {
  return LLVM::CallIntrinsicOp::create(builder, location, value.getType(),
                                       builder.getStringAttr("llvm.sqrt"),
                                       value)
      .getResult(0);
}

/// 1 / sqrt(x), both rounded: the instruction for it only approximates.
struct ExpandReciprocalRoot : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::RsqrtOp op,
                                PatternRewriter &rewriter) const override {
    Location location = op.getLoc();
    Value root = callSqrt(rewriter, location, op.getOperand());
    Value one = arith::ConstantOp::create(rewriter, location,
                                          rewriter.getOneAttr(op.getType()));
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, one, root);
    return success();
  }
};

void addIntrinsics(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<ToIntrinsic<math::AbsFOp>>(context, "llvm.fabs");
  patterns.add<ToIntrinsic<math::AbsIOp>>(context, "llvm.abs");
  patterns.add<ToIntrinsic<math::CeilOp>>(context, "llvm.ceil");
  patterns.add<ToIntrinsic<math::CopySignOp>>(context, "llvm.copysign");
  patterns.add<ToIntrinsic<math::CountLeadingZerosOp>>(context, "llvm.ctlz");
  patterns.add<ToIntrinsic<math::CountTrailingZerosOp>>(context, "llvm.cttz");
  patterns.add<ToIntrinsic<math::CtPopOp>>(context, "llvm.ctpop");
  patterns.add<ToIntrinsic<math::FloorOp>>(context, "llvm.floor");
  patterns.add<ToIntrinsic<math::FmaOp>>(context, "llvm.fma");
  patterns.add<ToIntrinsic<math::RoundOp>>(context, "llvm.round");
  patterns.add<ToIntrinsic<math::RoundEvenOp>>(context, "llvm.roundeven");
  patterns.add<ToIntrinsic<math::SqrtOp>>(context, "llvm.sqrt");
  patterns.add<ToIntrinsic<math::TruncOp>>(context, "llvm.trunc");
  patterns.add<ToIntrinsic<arith::MaxNumFOp>>(context, "llvm.maxnum");
  patterns.add<ToIntrinsic<arith::MinNumFOp>>(context, "llvm.minnum");
  patterns.add<ExpandAbsoluteIndex>(context, /*benefit=*/2);
  patterns.add<ExpandReciprocalRoot>(context);
}

struct ExpandDeviceMath
    : public hgf::impl::ExpandDeviceMathBase<ExpandDeviceMath> {
  void runOnOperation() override {
    auto isFunction = [](StringRef name) {
      return name.starts_with("math.") && !isNative(name);
    };
    RewritePatternSet patterns(&getContext());
    math::populateExpansionPatterns(patterns,
                                    {"tan", "sinh", "cosh", "asinh", "acosh",
                                     "atanh", "fpowi", "powf", "exp2"});
    hgf::populateDoubleMathPatterns(patterns);
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
