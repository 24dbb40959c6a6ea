//===- DecomposeAttention.cpp - What attention means -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMath.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include <limits>

using namespace mlir;
using namespace hgf;

namespace {

/// softmax(scale * Q K^t + mask) V, one linalg operation per step.
FailureOr<Value> buildAttention(TensorMath &math, Value query, Value key,
                                Value value, Value mask, float scale,
                                bool causal) {
  auto queryType = cast<RankedTensorType>(query.getType());
  auto keyType = cast<RankedTensorType>(key.getType());
  if (queryType.isDynamicDim(1) || keyType.isDynamicDim(1))
    return failure();
  int64_t headsPerGroup = queryType.getDimSize(1) / keyType.getDimSize(1);
  OpBuilder &builder = math.rewriter;
  MLIRContext *context = builder.getContext();
  SmallVector<OpFoldResult> q = math.sizes(query), k = math.sizes(key),
                            v = math.sizes(value);
  SmallVector<OpFoldResult> scoreSizes{q[0], q[1], q[2], k[2]};
  // Loops: batch, head, query row, key row, depth.
  AffineExpr group = builder.getAffineDimExpr(1).floorDiv(headsPerGroup);
  AffineExpr batch = builder.getAffineDimExpr(0);
  AffineMap keyMap = AffineMap::get(
      5, 0,
      {batch, group, builder.getAffineDimExpr(3), builder.getAffineDimExpr(4)},
      context);
  auto multiplyAdd = [](OpBuilder &b, Location l, ValueRange e) -> Value {
    Value product = arith::MulFOp::create(b, l, e[0], e[1]);
    return arith::AddFOp::create(b, l, e[2], product);
  };
  Value raw = math.reduce(scoreSizes, 1, math.f32(0), {query, key},
                          {math.project(5, {0, 1, 2, 4}), keyMap}, multiplyAdd);

  SmallVector<Value> inputs{raw};
  SmallVector<AffineMap> maps{math.leading(4, 4)};
  if (mask) {
    auto maskType = cast<RankedTensorType>(mask.getType());
    SmallVector<AffineExpr> indices;
    for (auto [axis, size] : llvm::enumerate(maskType.getShape()))
      indices.push_back(
          size == 1 ? builder.getAffineConstantExpr(0)
                    : builder.getAffineDimExpr(4 - maskType.getRank() + axis));
    inputs.push_back(mask);
    maps.push_back(AffineMap::get(4, 0, indices, context));
  }
  Value keys = getValueOrCreateConstantIndexOp(builder, math.location, k[2]);
  Value queries = getValueOrCreateConstantIndexOp(builder, math.location, q[2]);
  float infinity = std::numeric_limits<float>::infinity();
  Value scores = math.map(
      scoreSizes, builder.getF32Type(), inputs, maps,
      [&](OpBuilder &b, Location l, ValueRange e) -> Value {
        Value score =
            arith::MulFOp::create(b, l, e[0], constantF32(b, l, scale));
        if (mask)
          score = arith::AddFOp::create(b, l, score, e[1]);
        if (!causal)
          return score;
        // Visible where key <= query + keys - queries, without subtraction.
        Value row = linalg::IndexOp::create(b, l, 2);
        Value column = linalg::IndexOp::create(b, l, 3);
        Value visible =
            arith::CmpIOp::create(b, l, arith::CmpIPredicate::sle,
                                  arith::AddIOp::create(b, l, column, queries),
                                  arith::AddIOp::create(b, l, row, keys));
        return arith::SelectOp::create(b, l, visible, score,
                                       constantF32(b, l, -infinity));
      });

  ArrayRef<OpFoldResult> rowSizes = ArrayRef(scoreSizes).take_front(3);
  AffineMap all = math.leading(4, 4), row = math.leading(4, 3);
  Value maximum =
      math.reduce(rowSizes, 1, math.f32(-infinity), {scores}, {all},
                  [](OpBuilder &b, Location l, ValueRange e) -> Value {
                    return arith::MaximumFOp::create(b, l, e[0], e[1]);
                  });
  Value powers =
      math.map(scoreSizes, builder.getF32Type(), {scores, maximum}, {all, row},
               [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                 // A row that sees nothing has the maximum -infinity: its
                 // weights are 0.
                 Value empty =
                     arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ,
                                           e[1], constantF32(b, l, -infinity));
                 Value difference = arith::SubFOp::create(b, l, e[0], e[1]);
                 Value power = math::ExpOp::create(b, l, difference);
                 return arith::SelectOp::create(b, l, empty,
                                                constantF32(b, l, 0), power);
               });
  Value sum = math.reduce(rowSizes, 1, math.f32(0), {powers}, {all},
                          [](OpBuilder &b, Location l, ValueRange e) -> Value {
                            return arith::AddFOp::create(b, l, e[1], e[0]);
                          });
  Value weights =
      math.map(scoreSizes, builder.getF32Type(), {powers, sum}, {all, row},
               [](OpBuilder &b, Location l, ValueRange e) -> Value {
                 Value empty =
                     arith::CmpFOp::create(b, l, arith::CmpFPredicate::OEQ,
                                           e[1], constantF32(b, l, 0));
                 Value quotient = arith::DivFOp::create(b, l, e[0], e[1]);
                 return arith::SelectOp::create(b, l, empty, e[0], quotient);
               });
  // Loops: batch, head, query row, value column, key row.
  AffineMap valueMap = AffineMap::get(
      5, 0,
      {batch, group, builder.getAffineDimExpr(4), builder.getAffineDimExpr(3)},
      context);
  return math.reduce({q[0], q[1], q[2], v[3]}, 1, math.f32(0), {weights, value},
                     {math.project(5, {0, 1, 2, 4}), valueMap}, multiplyAdd);
}

/// hgf.attention becomes scores, softmax and a weighted sum.
struct DecomposeAttention : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    FailureOr<Value> result = buildAttention(
        math, op.getQuery(), op.getKey(), op.getValue(), op.getMask(),
        op.getScale().convertToFloat(), op.getCausal());
    if (failed(result))
      return rewriter.notifyMatchFailure(op, "the number of heads is dynamic");
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), *result);
    return success();
  }
};

/// hgf.differential_attention becomes a difference of two attentions.
struct DecomposeDifferentialAttention
    : OpRewritePattern<DifferentialAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DifferentialAttentionOp op,
                                PatternRewriter &rewriter) const override {
    auto attend = [&](Value query, Value key) -> Value {
      return AttentionOp::create(rewriter, op.getLoc(), op.getType(), query,
                                 key, op.getValue(), op.getMask(),
                                 op.getScaleAttr(), op.getCausalAttr());
    };
    Value first = attend(op.getQuery1(), op.getKey1());
    Value second = attend(op.getQuery2(), op.getKey2());
    TensorMath math(rewriter, op.getLoc());
    AffineMap all = math.leading(4, 4);
    Value difference = math.map(
        math.sizes(first), rewriter.getF32Type(),
        {first, second, op.getLambda()}, {all, all, math.project(4, {})},
        [](OpBuilder &b, Location l, ValueRange e) -> Value {
          Value part = arith::MulFOp::create(b, l, e[2], e[1]);
          return arith::SubFOp::create(b, l, e[0], part);
        });
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), difference);
    return success();
  }
};

/// hgf.flash_attention becomes the attention that it computes.
struct DecomposeFlashAttention : OpRewritePattern<FlashAttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(FlashAttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getY())
      return rewriter.notifyMatchFailure(op, "has no tensors any more");
    if (op.isDifferential() &&
        (op.getQuery().getType() != op.getQuery2().getType() ||
         op.getKey().getType() != op.getKey2().getType()))
      return rewriter.notifyMatchFailure(op, "the two attentions differ in "
                                             "type");
    if (op.isDifferential())
      rewriter.replaceOpWithNewOp<DifferentialAttentionOp>(
          op, op.getY().getType(), op.getQuery(), op.getKey(), op.getQuery2(),
          op.getKey2(), op.getValue(), op.getLambda(), op.getMask(),
          op.getScaleAttr(), op.getCausalAttr());
    else
      rewriter.replaceOpWithNewOp<AttentionOp>(
          op, op.getY().getType(), op.getQuery(), op.getKey(), op.getValue(),
          op.getMask(), op.getScaleAttr(), op.getCausalAttr());
    return success();
  }
};

} // namespace

void hgf::populateDecomposeFlashAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeFlashAttention>(patterns.getContext());
}

void hgf::populateDecomposeAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeAttention, DecomposeDifferentialAttention>(
      patterns.getContext());
}
