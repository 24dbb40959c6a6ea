//===- DecomposeFused.cpp - What the fused layer means -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMath.h"

using namespace mlir;
using namespace hgf;

namespace {

/// x after quantization: q * scale.
Value buildDequantized(TensorMath &math, Value q, Value scale) {
  SmallVector<OpFoldResult> sizes = math.sizes(q);
  unsigned rank = sizes.size();
  return math.map(sizes, math.rewriter.getF32Type(), {q, scale},
                  {math.leading(rank, rank), math.leading(rank, rank - 1)},
                  [](OpBuilder &b, Location l, ValueRange e) -> Value {
                    return arith::MulFOp::create(b, l, toF32(b, l, e[0]), e[1]);
                  });
}

/// alpha, or 0 where it is below the threshold.
Value buildClosed(TensorMath &math, Value alpha, const APFloat &threshold) {
  SmallVector<OpFoldResult> sizes = math.sizes(alpha);
  return math.map(sizes, math.rewriter.getF32Type(), {alpha},
                  {math.leading(sizes.size(), sizes.size())},
                  [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                    Value bound = constantF32(b, l, threshold.convertToFloat());
                    Value closed = arith::CmpFOp::create(
                        b, l, arith::CmpFPredicate::OLT, e[0], bound);
                    return arith::SelectOp::create(b, l, closed,
                                                   constantF32(b, l, 0), e[0]);
                  });
}

/// The correction; merged layers are taken apart, segment by segment.
Value buildCorrection(TensorMath &math, LinearOp op, Value input,
                      Type resultType) {
  RewriterBase &rewriter = math.rewriter;
  Location location = math.location;
  if (op.getSegments().empty())
    return LowRankOp::create(rewriter, location, resultType, input, op.getA(),
                             op.getB(), op.getAScale(), op.getBScale(),
                             op.getCorrectionActivation());
  auto slice = [&](Value source, int64_t begin, int64_t count) -> Value {
    SmallVector<OpFoldResult> sizes = math.sizes(source);
    SmallVector<OpFoldResult> offsets(sizes.size(), rewriter.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), rewriter.getIndexAttr(1));
    offsets[0] = rewriter.getIndexAttr(begin);
    sizes[0] = rewriter.getIndexAttr(count);
    return tensor::ExtractSliceOp::create(rewriter, location, source, offsets,
                                          sizes, strides);
  };
  SmallVector<Value> parts;
  int64_t rankBegin = 0, factorBegin = 0;
  for (size_t segment = 0; segment < op.getSegments().size(); ++segment) {
    int64_t rows = op.getSegments()[segment];
    int64_t rank = op.getSegmentRanks()[segment];
    auto partShape = llvm::to_vector(cast<ShapedType>(resultType).getShape());
    partShape.back() = rows;
    Value flat = slice(op.getB(), factorBegin, rows * rank);
    auto matrixType = RankedTensorType::get(
        {rows, rank}, cast<ShapedType>(flat.getType()).getElementType());
    SmallVector<ReassociationIndices> reassociation{{0, 1}};
    Value b = tensor::ExpandShapeOp::create(rewriter, location, matrixType,
                                            flat, reassociation);
    auto scaleOf = [&](Value scale) {
      return scale ? slice(scale, rankBegin, rank) : Value();
    };
    parts.push_back(LowRankOp::create(
        rewriter, location,
        RankedTensorType::get(partShape, rewriter.getF32Type()), input,
        slice(op.getA(), rankBegin, rank), b, scaleOf(op.getAScale()),
        scaleOf(op.getBScale()), op.getCorrectionActivation()));
    rankBegin += rank;
    factorBegin += rows * rank;
  }
  int64_t last = cast<ShapedType>(resultType).getRank() - 1;
  return tensor::ConcatOp::create(rewriter, location, resultType, last, parts);
}

/// hgf.linear becomes its parts.
struct DecomposeLinear : OpRewritePattern<LinearOp> {
  DecomposeLinear(MLIRContext *context, bool onlyMissed = false)
      : OpRewritePattern(context), onlyMissed(onlyMissed) {}

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getY())
      return rewriter.notifyMatchFailure(op, "works on buffers");
    if (onlyMissed && !op->hasAttr("hgf.missed"))
      return rewriter.notifyMatchFailure(op, "a kernel implements it");
    Location location = op.getLoc();
    TensorMath math(rewriter, location);
    auto inputType = cast<RankedTensorType>(op.getX().getType());
    auto type = cast<RankedTensorType>(op.getY().getType());
    Value x = op.getX();
    if (op.getNormWeight())
      x = RMSNormOp::create(rewriter, location, inputType, x,
                            op.getNormWeight(), op.getNormEpsilonAttr());
    Value q = x, scale;
    if (op.getQuantization() != Quantization::None) {
      auto quantize = QuantizeOp::create(
          rewriter, location, inputType.clone(rewriter.getI8Type()),
          RankedTensorType::get(inputType.getShape().drop_back(),
                                rewriter.getF32Type()),
          x, op.getQuantization());
      q = quantize.getQ();
      scale = quantize.getScale();
    }
    // A dynamic gate may read the backbone's output, which has no bias yet.
    Value backbone = TernaryLinearOp::create(rewriter, location, type, q, scale,
                                             op.getWeight(), /*bias=*/Value());
    Value result = backbone;
    if (op.getA()) {
      bool quantized = op.getCorrectionInput() == CorrectionInput::Quantized;
      Value input = quantized && scale ? buildDequantized(math, q, scale) : x;
      Value correction = buildCorrection(math, op, input, type);
      Value gate = op.getGate();
      if (op.getGateWeight()) {
        Value source =
            op.getGateKind() == GateKind::SigmoidInput ? x : backbone;
        auto gateShape =
            llvm::to_vector(cast<ShapedType>(source.getType()).getShape());
        gateShape.back() = 1;
        gate = DynamicGateOp::create(
            rewriter, location,
            RankedTensorType::get(gateShape, rewriter.getF32Type()), source,
            op.getGateWeight(), op.getGateBias());
        if (!op.getGateThreshold().isZero())
          gate = buildClosed(math, gate, op.getGateThreshold());
      }
      result = GatedAddOp::create(rewriter, location, type, result, correction,
                                  gate);
    }
    unsigned rank = type.getRank();
    AffineMap all = math.leading(rank, rank);
    auto add = [&](Value value, AffineMap map) {
      result = math.map(math.sizes(result), rewriter.getF32Type(),
                        {result, value}, {all, map},
                        [](OpBuilder &b, Location l, ValueRange e) -> Value {
                          return arith::AddFOp::create(b, l, e[0], e[1]);
                        });
    };
    if (op.getBias())
      add(op.getBias(), math.project(rank, {rank - 1}));
    if (op.getActivation() != Activation::Identity)
      result = ActivationOp::create(rewriter, location, result.getType(),
                                    op.getActivation(), result);
    if (op.getResidual())
      add(op.getResidual(), all);
    rewriter.replaceOp(
        op, rewriter.createOrFold<tensor::CastOp>(location, type, result));
    return success();
  }

  /// Leaves layers that pack-weights has packed.
  bool onlyMissed;
};

/// hgf.cache_append becomes a concatenation.
struct DecomposeCacheAppend : OpRewritePattern<CacheAppendOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CacheAppendOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<tensor::ConcatOp>(
        op, op.getCache().getType(), op.getAxis(),
        ValueRange{op.getPast(), op.getNewPart()});
    return success();
  }
};

} // namespace

void hgf::populateDecomposeFusedPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeLinear, DecomposeCacheAppend>(patterns.getContext());
}

void hgf::populateDecomposeMissedPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeLinear>(patterns.getContext(), /*onlyMissed=*/true);
}
