//===- DecomposeElementwise.cpp - What norms and activations mean ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMath.h"

using namespace mlir;
using namespace hgf;

namespace {

/// hgf.rms_norm becomes a mean of squares and a scaling.
struct DecomposeRMSNorm : OpRewritePattern<RMSNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RMSNormOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    SmallVector<OpFoldResult> sizes = math.sizes(op.getX());
    unsigned rank = sizes.size();
    AffineMap all = math.leading(rank, rank);
    AffineMap token = math.leading(rank, rank - 1);
    Value squares =
        math.reduce(ArrayRef(sizes).drop_back(), 1, math.f32(0), {op.getX()},
                    {all}, [](OpBuilder &b, Location l, ValueRange e) -> Value {
                      Value square = arith::MulFOp::create(b, l, e[0], e[0]);
                      return arith::AddFOp::create(b, l, e[1], square);
                    });
    Value count =
        getValueOrCreateConstantIndexOp(rewriter, op.getLoc(), sizes.back());
    float epsilon = op.getEpsilon().convertToFloat();
    Value result = math.map(
        sizes, rewriter.getF32Type(), {op.getX(), squares, op.getWeight()},
        {all, token, math.project(rank, {rank - 1})},
        [&](OpBuilder &b, Location l, ValueRange e) -> Value {
          Value length =
              arith::IndexCastOp::create(b, l, b.getI64Type(), count);
          length = arith::SIToFPOp::create(b, l, b.getF32Type(), length);
          Value mean = arith::DivFOp::create(b, l, e[1], length);
          Value bounded =
              arith::AddFOp::create(b, l, mean, constantF32(b, l, epsilon));
          Value root = math::SqrtOp::create(b, l, bounded);
          Value inverse =
              arith::DivFOp::create(b, l, constantF32(b, l, 1), root);
          Value normal = arith::MulFOp::create(b, l, e[0], inverse);
          return arith::MulFOp::create(b, l, normal, e[2]);
        });
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), result);
    return success();
  }
};

/// hgf.activation becomes its formula.
struct DecomposeActivation : OpRewritePattern<ActivationOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    SmallVector<OpFoldResult> sizes = math.sizes(op.getX());
    Value result =
        math.map(sizes, rewriter.getF32Type(), {op.getX()},
                 {math.leading(sizes.size(), sizes.size())},
                 [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                   return buildActivation(b, l, op.getKind(), e[0]);
                 });
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), result);
    return success();
  }
};

} // namespace

void hgf::populateDecomposeElementwisePatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeRMSNorm, DecomposeActivation>(patterns.getContext());
}
