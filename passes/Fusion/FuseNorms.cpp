//===- FuseNorms.cpp - A norm joins the layers that read it -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace hgf {
#define GEN_PASS_DEF_FUSENORMS
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// A norm that only layers read goes into them: no one needs its result.
struct FuseNorm : OpRewritePattern<RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RMSNormOp op,
                                PatternRewriter &rewriter) const override {
    if (!matchPattern(op.getWeight(), m_Constant()))
      return rewriter.notifyMatchFailure(op, "its weight is no constant");
    SmallVector<LinearOp> linears;
    for (OpOperand &use : op.getY().getUses()) {
      Operation *user = use.getOwner();
      // The shape is that of the norm's own input.
      if (isa<tensor::DimOp>(user))
        continue;
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear || &use != &linear.getXMutable())
        return rewriter.notifyMatchFailure(
            user, "needs the normalized values, not as a layer's input");
      if (linear.getNormWeight())
        return rewriter.notifyMatchFailure(linear, "has a norm already");
      linears.push_back(linear);
    }
    if (linears.empty())
      return rewriter.notifyMatchFailure(op, "no layer reads it");
    for (LinearOp linear : linears)
      rewriter.modifyOpInPlace(linear, [&] {
        linear.getNormWeightMutable().assign(op.getWeight());
        linear.setNormEpsilonAttr(op.getEpsilonAttr());
      });
    rewriter.replaceOp(op, op.getX());
    return success();
  }
};

struct FuseNorms : public hgf::impl::FuseNormsBase<FuseNorms> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseNorm>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
