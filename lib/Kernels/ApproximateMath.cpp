//===- ApproximateMath.cpp - Exponentials as arithmetic --------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/ApproximateMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace {

/// Arithmetic on a float32 or a vector of them.
class Arithmetic {
public:
  Arithmetic(PatternRewriter &rewriter, Location location, Type type)
      : b(location, rewriter), type(type) {
    Type integer = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      integers = vector.clone(integer);
    else
      integers = integer;
  }

  Value real(float value) { return constant(type, b.getF32FloatAttr(value)); }
  Value integer(int32_t value) {
    return constant(integers, b.getI32IntegerAttr(value));
  }
  Value multiply(Value left, Value right) {
    return arith::MulFOp::create(b, left, right);
  }
  /// One rounding where the target has the instruction, two elsewhere: the
  /// polynomials hold their error bounds both ways.
  Value multiplyAdd(Value left, Value right, Value sum) {
    auto contract = arith::FastMathFlagsAttr::get(
        b.getContext(), arith::FastMathFlags::contract);
    Value product = arith::MulFOp::create(b, left, right, contract);
    return arith::AddFOp::create(b, product, sum, contract);
  }
  /// Coefficients of the highest power first, in Horner's scheme.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = real(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      sum = multiplyAdd(sum, x, real(coefficient));
    return sum;
  }
  /// min(x, limit), where a NaN stays one.
  Value limitAbove(Value x, float limit) {
    return select(arith::CmpFPredicate::OGT, x, real(limit), real(limit), x);
  }
  Value limitBelow(Value x, float limit) {
    return select(arith::CmpFPredicate::OLT, x, real(limit), real(limit), x);
  }
  Value select(arith::CmpFPredicate predicate, Value left, Value right,
               Value yes, Value no) {
    Value holds = arith::CmpFOp::create(b, predicate, left, right);
    return arith::SelectOp::create(b, holds, yes, no);
  }
  Value absolute(Value x) { return math::AbsFOp::create(b, x); }
  Value withSignOf(Value magnitude, Value sign) {
    return math::CopySignOp::create(b, magnitude, sign);
  }

  Value exponential(Value x);
  Value hyperbolicTangent(Value x);
  Value errorFunction(Value x);

private:
  Value constant(Type type, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(type))
      value = DenseElementsAttr::get(vector, Attribute(value));
    return arith::ConstantOp::create(b, value);
  }
  /// 2^n as a float32, for n in [-126, 127].
  Value powerOfTwo(Value n) {
    Value exponent = arith::AddIOp::create(b, n, integer(127));
    Value bits = arith::ShLIOp::create(b, exponent, integer(23));
    return arith::BitcastOp::create(b, type, bits);
  }

  ImplicitLocOpBuilder b;
  Type type, integers;
};

/// exp(x) = 2^n exp(r) with n = round(x / log 2) and |r| <= log 2 / 2; the
/// polynomial for exp(r) is that of the Cephes library.
Value Arithmetic::exponential(Value x) {
  // Beyond these all results are infinite, or zero.
  x = limitBelow(limitAbove(x, 90.0f), -105.0f);
  // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
  constexpr float magic = 0x1.8p23f;
  Value shifted = multiplyAdd(x, real(0x1.715476p+0f), real(magic));
  Value n = arith::SubIOp::create(
      b, arith::BitcastOp::create(b, integers, shifted), integer(0x4b400000));
  Value rounded = arith::SubFOp::create(b, shifted, real(magic));
  // n times the head of log 2 is exact: the head has 15 bits.
  constexpr float head = 0x1.62e4p-1f;
  constexpr double logarithmOfTwo = 0.69314718055994530942;
  Value r = multiplyAdd(rounded, real(-head), x);
  r = multiplyAdd(rounded, real(-float(logarithmOfTwo - head)), r);
  Value tail =
      polynomial(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                     4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f});
  Value power = multiplyAdd(tail, multiply(r, r), r);
  power = arith::AddFOp::create(b, power, real(1));
  // 2^n need not be a normal number; the square roots of it are.
  Value half = arith::ShRSIOp::create(b, n, integer(1));
  Value rest = arith::SubIOp::create(b, n, half);
  return multiply(multiply(power, powerOfTwo(half)), powerOfTwo(rest));
}

/// x + x^3 P(x^2) near zero (Cephes), 1 - 2 / (exp(2 |x|) + 1) elsewhere.
Value Arithmetic::hyperbolicTangent(Value x) {
  Value magnitude = absolute(x), square = multiply(x, x);
  Value series = polynomial(square, {-5.70498872745e-3f, 2.06390887954e-2f,
                                     -5.37397155531e-2f, 1.33314422036e-1f,
                                     -3.33332819422e-1f});
  Value small = multiplyAdd(multiply(series, square), magnitude, magnitude);
  Value power = exponential(arith::AddFOp::create(b, magnitude, magnitude));
  Value quotient = arith::DivFOp::create(
      b, real(2), arith::AddFOp::create(b, power, real(1)));
  Value large = arith::SubFOp::create(b, real(1), quotient);
  Value result =
      select(arith::CmpFPredicate::OLT, magnitude, real(0.625f), small, large);
  return withSignOf(result, x);
}

/// x + x P(x^2) near zero, 1 - exp(-|x| Q(|x|)) elsewhere: minimax polynomials
/// of N. Juffa.
Value Arithmetic::errorFunction(Value x) {
  // From 4 on all results are one.
  Value magnitude = absolute(x), t = limitAbove(magnitude, 4.0f);
  Value square = multiply(t, t);
  Value upper = polynomial(t, {-1.72853470e-5f, 3.83197126e-4f});
  Value lower = polynomial(t, {-3.88396438e-3f, 2.42546219e-2f});
  Value sum = multiplyAdd(upper, square, lower);
  for (float coefficient : {-1.06777877e-1f, -6.34846687e-1f, -1.28717512e-1f})
    sum = multiplyAdd(sum, t, real(coefficient));
  sum = multiplyAdd(sum, t, arith::NegFOp::create(b, t));
  Value large = arith::SubFOp::create(b, real(1), exponential(sum));
  Value series =
      polynomial(square, {-5.96761703e-4f, 4.99119423e-3f, -2.67681349e-2f,
                          1.12819925e-1f, -3.76125336e-1f, 1.28379166e-1f});
  Value small = multiplyAdd(series, t, t);
  Value result = select(arith::CmpFPredicate::OGT, magnitude,
                        real(0.927734375f), large, small);
  return withSignOf(result, x);
}

template <typename Op> struct Approximate : OpRewritePattern<Op> {
  using Function = Value (Arithmetic::*)(Value);
  Approximate(MLIRContext *context, Function function)
      : OpRewritePattern<Op>(context), function(function) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    auto vector = dyn_cast<VectorType>(type);
    if (!getElementTypeOrSelf(type).isF32() || (vector && vector.isScalable()))
      return rewriter.notifyMatchFailure(op, "not on float32 of known size");
    Arithmetic arithmetic(rewriter, op.getLoc(), type);
    rewriter.replaceOp(op, (arithmetic.*function)(op.getOperand()));
    return success();
  }

  Function function;
};

} // namespace

void hgf::populateApproximateMathPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  patterns.add<Approximate<math::ExpOp>>(context, &Arithmetic::exponential);
  patterns.add<Approximate<math::TanhOp>>(context,
                                          &Arithmetic::hyperbolicTangent);
  patterns.add<Approximate<math::ErfOp>>(context, &Arithmetic::errorFunction);
}
