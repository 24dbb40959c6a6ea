//===- FuseEpilogues.cpp - Activation and residual join the layer -------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace hgf {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// The activation of a layer's only reader becomes its own.
struct FuseActivation : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    auto linear = op.getX().getDefiningOp<LinearOp>();
    if (!linear)
      return rewriter.notifyMatchFailure(op, "reads no fused layer");
    if (!op.getX().hasOneUse())
      return rewriter.notifyMatchFailure(op, "the layer has other readers");
    if (linear.getResidual() || linear.getActivation() != Activation::Identity)
      return rewriter.notifyMatchFailure(op, "the layer has an epilogue");
    rewriter.modifyOpInPlace(linear,
                             [&] { linear.setActivation(op.getKind()); });
    rewriter.replaceOp(op, linear.getY());
    return success();
  }
};

/// The sum of a layer with another tensor becomes its residual. The layer
/// moves to where the sum was: the other tensor is defined there.
struct FuseResidual : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    if (!isa<RankedTensorType>(op.getType()))
      return rewriter.notifyMatchFailure(op, "adds scalars");
    for (auto [sum, residual] : {std::pair{op.getLhs(), op.getRhs()},
                                 std::pair{op.getRhs(), op.getLhs()}}) {
      auto linear = sum.getDefiningOp<LinearOp>();
      if (!linear || !sum.hasOneUse() || linear.getResidual() ||
          linear->getBlock() != op->getBlock())
        continue;
      rewriter.moveOpBefore(linear, op);
      rewriter.modifyOpInPlace(linear, [&, value = residual] {
        linear.getResidualMutable().assign(value);
      });
      rewriter.replaceOp(op, linear.getY());
      return success();
    }
    return rewriter.notifyMatchFailure(
        op, "neither side is a fused layer with one reader and no residual");
  }
};

struct FuseEpilogues : public hgf::impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseActivation, FuseResidual>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
