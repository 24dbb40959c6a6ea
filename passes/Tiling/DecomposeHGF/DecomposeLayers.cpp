//===- DecomposeLayers.cpp - What the parts of a layer mean
//-----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMath.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

using namespace mlir;
using namespace hgf;

namespace {

/// The matrix of a ternary constant as i8 in {-1, 0, 1}: decoded where it is
/// used, so that a dump stays as small as the codes.
FailureOr<Value> buildMatrix(TensorMath &math, Value weight) {
  auto constant = weight.getDefiningOp<TernaryConstantOp>();
  if (!constant)
    return failure();
  TernaryType type = constant.getType();
  OpBuilder &builder = math.rewriter;
  Value codes = arith::ConstantOp::create(builder, math.location,
                                          cast<TypedAttr>(constant.getCodes()));
  SmallVector<OpFoldResult> sizes{builder.getIndexAttr(type.getRows()),
                                  builder.getIndexAttr(type.getColumns())};
  return math.map(
      sizes, builder.getI8Type(), {}, {},
      [&](OpBuilder &b, Location l, ValueRange) -> Value {
        auto index = [&](int64_t value) -> Value {
          return arith::ConstantIndexOp::create(b, l, value);
        };
        Value row = linalg::IndexOp::create(b, l, 0);
        Value column = linalg::IndexOp::create(b, l, 1);
        Value begin =
            arith::MulIOp::create(b, l, row, index(type.getColumns()));
        Value position = arith::AddIOp::create(b, l, begin, column);
        Value byte = tensor::ExtractOp::create(
            b, l, codes,
            ValueRange{arith::DivUIOp::create(b, l, position, index(4))});
        Value shift = arith::MulIOp::create(
            b, l, arith::RemUIOp::create(b, l, position, index(4)), index(2));
        shift = arith::IndexCastOp::create(b, l, b.getI8Type(), shift);
        Value three = arith::ConstantIntOp::create(b, l, b.getI8Type(), 3);
        Value code = arith::AndIOp::create(
            b, l, arith::ShRUIOp::create(b, l, byte, shift), three);
        CodeMeaning meaning = getCodeMeaning(type.getLevels());
        auto number = [&](int64_t value) -> Value {
          return arith::ConstantIntOp::create(b, l, b.getI8Type(), value);
        };
        if (meaning.factor != 1)
          code = arith::MulIOp::create(b, l, code, number(meaning.factor));
        return arith::SubIOp::create(b, l, code, number(meaning.offset));
      });
}

/// The scales of a ternary constant: [1], [N] or [N, groups].
Value buildScales(TensorMath &math, Value weight) {
  auto constant = weight.getDefiningOp<TernaryConstantOp>();
  TernaryType type = constant.getType();
  auto scales = cast<DenseElementsAttr>(constant.getScales());
  SmallVector<int64_t> shape{type.getScaleCount()};
  if (type.getGranularity() == Granularity::Group)
    shape = {type.getRows(), type.getScaleCount() / type.getRows()};
  return arith::ConstantOp::create(
      math.rewriter, math.location,
      scales.reshape(RankedTensorType::get(shape, math.rewriter.getF32Type())));
}

/// hgf.quantize becomes an absolute maximum and a rounding.
struct DecomposeQuantize : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    SmallVector<OpFoldResult> sizes = math.sizes(op.getX());
    unsigned rank = sizes.size();
    AffineMap all = math.leading(rank, rank);
    AffineMap token = math.leading(rank, rank - 1);
    ArrayRef<OpFoldResult> tokenSizes = ArrayRef(sizes).drop_back();
    // 1e-5 bounds the maximum from below, so it is the start.
    Value maximum =
        math.reduce(tokenSizes, 1, math.f32(1e-5f), {op.getX()}, {all},
                    [](OpBuilder &b, Location l, ValueRange e) -> Value {
                      return arith::MaxNumFOp::create(
                          b, l, math::AbsFOp::create(b, l, e[0]), e[1]);
                    });
    Quantization order = op.getOrder();
    Value q = math.map(
        sizes, rewriter.getI8Type(), {op.getX(), maximum}, {all, token},
        [&](OpBuilder &b, Location l, ValueRange e) -> Value {
          Value limit = constantF32(b, l, 127.0f);
          Value scaled;
          if (order == Quantization::Division) {
            scaled = arith::DivFOp::create(
                b, l, e[0], arith::DivFOp::create(b, l, e[1], limit));
          } else {
            Value factor;
            if (order == Quantization::Reciprocal)
              factor = arith::DivFOp::create(b, l, limit, e[1]);
            else
              factor = arith::MulFOp::create(
                  b, l,
                  arith::DivFOp::create(b, l, constantF32(b, l, 1.0f), e[1]),
                  limit);
            scaled = arith::MulFOp::create(b, l, e[0], factor);
          }
          Value rounded = math::RoundEvenOp::create(b, l, scaled);
          // The numeric forms turn a NaN into a bound: the conversion to an
          // integer must never see one.
          Value above = arith::MaxNumFOp::create(b, l, rounded,
                                                 constantF32(b, l, -128.0f));
          Value inside = arith::MinNumFOp::create(b, l, above, limit);
          return arith::FPToSIOp::create(b, l, b.getI8Type(), inside);
        });
    AffineMap identity = math.leading(rank - 1, rank - 1);
    Value scale = math.map(
        tokenSizes, rewriter.getF32Type(), {maximum}, {identity},
        [](OpBuilder &b, Location l, ValueRange e) -> Value {
          return arith::DivFOp::create(b, l, e[0], constantF32(b, l, 127.0f));
        });
    Value castQ = rewriter.createOrFold<tensor::CastOp>(op.getLoc(),
                                                        op.getQ().getType(), q);
    Value castScale = rewriter.createOrFold<tensor::CastOp>(
        op.getLoc(), op.getScale().getType(), scale);
    rewriter.replaceOp(op, {castQ, castScale});
    return success();
  }
};

/// hgf.ternary_linear becomes a contraction and a scaling.
struct DecomposeTernaryLinear : OpRewritePattern<TernaryLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TernaryLinearOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    FailureOr<Value> matrix = buildMatrix(math, op.getWeight());
    if (failed(matrix))
      return rewriter.notifyMatchFailure(op, "the weight is not a constant");
    auto type = cast<TernaryType>(op.getWeight().getType());
    Value scales = buildScales(math, op.getWeight());
    SmallVector<OpFoldResult> sizes =
        withLast(math.sizes(op.getX()), rewriter.getIndexAttr(type.getRows()));
    unsigned rank = sizes.size(), loops = rank + 1;
    SmallVector<AffineMap> maps{math.contracted(rank),
                                math.project(loops, {rank - 1, rank})};
    SmallVector<Value> inputs{op.getX(), *matrix};
    bool grouped = type.getGranularity() == Granularity::Group;
    bool integer = bool(op.getScale());
    Value sum;
    if (grouped) {
      // Scales differ within the sum: float64 keeps it exact enough to judge
      // kernels by.
      inputs.push_back(scales);
      maps.push_back(AffineMap::get(
          loops, 0,
          {rewriter.getAffineDimExpr(rank - 1),
           rewriter.getAffineDimExpr(rank).floorDiv(type.getGroup())},
          rewriter.getContext()));
      Value wide = math.reduce(
          sizes, 1, rewriter.getF64FloatAttr(0), inputs, maps,
          [](OpBuilder &b, Location l, ValueRange e) -> Value {
            auto extend = [&](Value value) -> Value {
              return arith::ExtFOp::create(b, l, b.getF64Type(),
                                           toF32(b, l, value));
            };
            Value product =
                arith::MulFOp::create(b, l, extend(e[0]), extend(e[1]));
            product = arith::MulFOp::create(b, l, product, extend(e[2]));
            return arith::AddFOp::create(b, l, e[3], product);
          });
      sum = math.map(
          sizes, rewriter.getF32Type(), {wide}, {math.leading(rank, rank)},
          [](OpBuilder &b, Location l, ValueRange e) -> Value {
            return arith::TruncFOp::create(b, l, b.getF32Type(), e[0]);
          });
    } else if (integer) {
      sum = math.reduce(
          sizes, 1, rewriter.getI32IntegerAttr(0), inputs, maps,
          [](OpBuilder &b, Location l, ValueRange e) -> Value {
            auto extend = [&](Value value) -> Value {
              return arith::ExtSIOp::create(b, l, b.getI32Type(), value);
            };
            Value product =
                arith::MulIOp::create(b, l, extend(e[0]), extend(e[1]));
            return arith::AddIOp::create(b, l, e[2], product);
          });
    } else {
      sum = math.reduce(sizes, 1, math.f32(0), inputs, maps,
                        [](OpBuilder &b, Location l, ValueRange e) -> Value {
                          Value product = arith::MulFOp::create(
                              b, l, e[0], toF32(b, l, e[1]));
                          return arith::AddFOp::create(b, l, e[2], product);
                        });
    }
    rewriter.replaceOp(op, buildEpilogue(math, op, sum, scales, sizes));
    return success();
  }

  /// sum * s * scale + bias.
  static Value buildEpilogue(TensorMath &math, TernaryLinearOp op, Value sum,
                             Value scales, ArrayRef<OpFoldResult> sizes) {
    auto type = cast<TernaryType>(op.getWeight().getType());
    unsigned rank = sizes.size();
    SmallVector<Value> inputs{sum};
    SmallVector<AffineMap> maps{math.leading(rank, rank)};
    Granularity granularity = type.getGranularity();
    if (granularity != Granularity::Group) {
      inputs.push_back(scales);
      maps.push_back(
          granularity == Granularity::Row
              ? math.project(rank, {rank - 1})
              : AffineMap::get(rank, 0,
                               math.rewriter.getAffineConstantExpr(0)));
    }
    if (op.getScale()) {
      inputs.push_back(op.getScale());
      maps.push_back(math.leading(rank, rank - 1));
    }
    size_t factors = inputs.size();
    if (op.getBias()) {
      inputs.push_back(op.getBias());
      maps.push_back(math.project(rank, {rank - 1}));
    }
    Value result =
        math.map(sizes, math.rewriter.getF32Type(), inputs, maps,
                 [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                   Value value = toF32(b, l, e[0]);
                   for (Value factor : e.slice(1, factors - 1))
                     value = arith::MulFOp::create(b, l, value, factor);
                   if (op.getBias())
                     value = arith::AddFOp::create(b, l, value, e[factors]);
                   return value;
                 });
    return math.rewriter.createOrFold<tensor::CastOp>(
        math.location, op.getY().getType(), result);
  }
};

/// x W^t with f32 sums: W is [rows, columns] of any factor type, optionally
/// with one scale per row or per column.
Value buildProjection(TensorMath &math, Value x, Value factor, Value scale,
                      bool scalePerRow, Activation activation) {
  SmallVector<OpFoldResult> factorSizes = math.sizes(factor);
  SmallVector<OpFoldResult> sizes = withLast(math.sizes(x), factorSizes[0]);
  unsigned rank = sizes.size(), loops = rank + 1;
  SmallVector<Value> inputs{x, factor};
  SmallVector<AffineMap> maps{math.contracted(rank),
                              math.project(loops, {rank - 1, rank})};
  if (scale) {
    inputs.push_back(scale);
    maps.push_back(math.project(loops, {scalePerRow ? rank - 1 : rank}));
  }
  Value sum =
      math.reduce(sizes, 1, math.f32(0), inputs, maps,
                  [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                    Value product =
                        arith::MulFOp::create(b, l, e[0], toF32(b, l, e[1]));
                    if (scale)
                      product = arith::MulFOp::create(b, l, product, e[2]);
                    return arith::AddFOp::create(b, l, e.back(), product);
                  });
  if (activation == Activation::Identity)
    return sum;
  return math.map(sizes, math.rewriter.getF32Type(), {sum},
                  {math.leading(rank, rank)},
                  [&](OpBuilder &b, Location l, ValueRange e) -> Value {
                    return buildActivation(b, l, activation, e[0]);
                  });
}

/// hgf.low_rank becomes two contractions.
struct DecomposeLowRank : OpRewritePattern<LowRankOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LowRankOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    Value hidden = buildProjection(math, op.getX(), op.getA(), op.getAScale(),
                                   /*scalePerRow=*/true, op.getActivation());
    Value result = buildProjection(math, hidden, op.getB(), op.getBScale(),
                                   /*scalePerRow=*/false, Activation::Identity);
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), result);
    return success();
  }
};

/// hgf.static_gate becomes tanh.
struct DecomposeStaticGate : OpRewritePattern<StaticGateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(StaticGateOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<math::TanhOp>(op, op.getG());
    return success();
  }
};

/// hgf.dynamic_gate becomes a dot product and a sigmoid.
struct DecomposeDynamicGate : OpRewritePattern<DynamicGateOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DynamicGateOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    SmallVector<OpFoldResult> sizes =
        withLast(math.sizes(op.getH()), rewriter.getIndexAttr(1));
    unsigned rank = sizes.size(), loops = rank + 1;
    Value sum =
        math.reduce(sizes, 1, math.f32(0), {op.getH(), op.getW()},
                    {math.contracted(rank), math.project(loops, {rank})},
                    [](OpBuilder &b, Location l, ValueRange e) -> Value {
                      Value product = arith::MulFOp::create(b, l, e[0], e[1]);
                      return arith::AddFOp::create(b, l, e[2], product);
                    });
    Value gate = math.map(sizes, rewriter.getF32Type(), {sum, op.getB()},
                          {math.leading(rank, rank), math.project(rank, {})},
                          [](OpBuilder &b, Location l, ValueRange e) -> Value {
                            return buildSigmoid(
                                b, l, arith::AddFOp::create(b, l, e[0], e[1]));
                          });
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(), gate);
    return success();
  }
};

/// hgf.gated_add becomes a multiply and an add.
struct DecomposeGatedAdd : OpRewritePattern<GatedAddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatedAddOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    SmallVector<OpFoldResult> sizes = math.sizes(op.getY());
    unsigned rank = sizes.size();
    SmallVector<Value> inputs{op.getY(), op.getC()};
    SmallVector<AffineMap> maps(2, math.leading(rank, rank));
    if (Value alpha = op.getAlpha()) {
      auto type = cast<RankedTensorType>(alpha.getType());
      AffineMap map = math.project(rank, {});
      if (type.getRank() == 1 && rank > 0 &&
          (rank > 1 || type.getDimSize(0) != 1)) {
        map = math.project(rank, {rank - 1});
      } else if (type.getRank() > 0) {
        SmallVector<AffineExpr> indices;
        for (unsigned axis = 0; axis + 1 < rank; ++axis)
          indices.push_back(rewriter.getAffineDimExpr(axis));
        indices.push_back(rewriter.getAffineConstantExpr(0));
        map = AffineMap::get(rank, 0, indices, rewriter.getContext());
      }
      inputs.push_back(alpha);
      maps.push_back(map);
    }
    Value result =
        math.map(sizes, rewriter.getF32Type(), inputs, maps,
                 [](OpBuilder &b, Location l, ValueRange e) -> Value {
                   Value correction = e[1];
                   if (e.size() > 3)
                     correction = arith::MulFOp::create(b, l, e[2], correction);
                   return arith::AddFOp::create(b, l, e[0], correction);
                 });
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getResult().getType(),
                                                result);
    return success();
  }
};

/// hgf.onebit_linear becomes a contraction between two scalings.
struct DecomposeOneBitLinear : OpRewritePattern<OneBitLinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(OneBitLinearOp op,
                                PatternRewriter &rewriter) const override {
    TensorMath math(rewriter, op.getLoc());
    FailureOr<Value> matrix = buildMatrix(math, op.getWeight());
    if (failed(matrix))
      return rewriter.notifyMatchFailure(op, "the weight is not a constant");
    auto scale = [&](Value x, Value vector) -> Value {
      SmallVector<OpFoldResult> sizes = math.sizes(x);
      unsigned rank = sizes.size();
      return math.map(
          sizes, rewriter.getF32Type(), {x, vector},
          {math.leading(rank, rank), math.project(rank, {rank - 1})},
          [](OpBuilder &b, Location l, ValueRange e) -> Value {
            return arith::MulFOp::create(b, l, e[0], toF32(b, l, e[1]));
          });
    };
    Value sum = buildProjection(math, scale(op.getX(), op.getU()), *matrix,
                                /*scale=*/Value(), /*scalePerRow=*/false,
                                Activation::Identity);
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getType(),
                                                scale(sum, op.getV()));
    return success();
  }
};

} // namespace

void hgf::populateDecomposeLayerPatterns(RewritePatternSet &patterns) {
  patterns.add<DecomposeQuantize, DecomposeTernaryLinear, DecomposeLowRank,
               DecomposeStaticGate, DecomposeDynamicGate, DecomposeGatedAdd,
               DecomposeOneBitLinear>(patterns.getContext());
}
