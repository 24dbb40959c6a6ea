//===- DoubleMath.cpp - Functions of float64 as arithmetic ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DoubleMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

/// ln 2 in two parts; the first has so few bits that its products with
/// exponents are exact.
static constexpr double ln2High = 0x1.62e42fefa38p-1;
static constexpr double ln2Low = 0x1.ef35793c7673p-45;
static constexpr int64_t mantissaBits = 52, exponentBias = 1023;

namespace {

/// Arithmetic on float64 and on its bits.
class Doubles {
public:
  Doubles(PatternRewriter &rewriter, Location location)
      : b(location, rewriter) {}

  Value real(double value) {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
  }
  Value integer(int64_t value) {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(value));
  }
  Value multiplyAdd(Value left, Value right, Value sum) {
    return math::FmaOp::create(b, left, right, sum);
  }
  Value bits(Value value) {
    return arith::BitcastOp::create(b, b.getI64Type(), value);
  }
  Value fromBits(Value value) {
    return arith::BitcastOp::create(b, b.getF64Type(), value);
  }
  Value select(arith::CmpFPredicate predicate, Value left, Value right,
               Value yes, Value no) {
    Value holds = arith::CmpFOp::create(b, predicate, left, right);
    return arith::SelectOp::create(b, holds, yes, no);
  }
  /// 2^exponent for a normal result.
  Value power(Value exponent) {
    Value biased = arith::AddIOp::create(b, exponent, integer(exponentBias));
    return fromBits(arith::ShLIOp::create(b, biased, integer(mantissaBits)));
  }

  Value exponential(Value x);
  Value logarithm(Value x);

  ImplicitLocOpBuilder b;
};

} // namespace

/// e^x = 2^n e^r with abs(r) <= ln 2 / 2, and Taylor's series for e^r.
Value Doubles::exponential(Value x) {
  // Beyond these the result is infinite or zero in any case; NaN stays.
  Value highest = real(710), lowest = real(-746);
  x = select(arith::CmpFPredicate::OGT, x, highest, highest, x);
  x = select(arith::CmpFPredicate::OLT, x, lowest, lowest, x);
  // Adding it leaves the nearest integer in the last bits.
  Value shifter = real(0x1.8p52);
  Value shifted = multiplyAdd(x, real(0x1.71547652b82fep0), shifter);
  Value exponent = arith::SubIOp::create(b, bits(shifted), bits(shifter));
  Value n = arith::SubFOp::create(b, shifted, shifter);
  Value r = multiplyAdd(n, real(-ln2High), x);
  r = multiplyAdd(n, real(-ln2Low), r);
  constexpr int64_t degree = 13;
  double factorial = 1;
  SmallVector<double> coefficients = {1};
  for (int64_t term = 1; term <= degree; ++term) {
    factorial *= term;
    coefficients.push_back(1 / factorial);
  }
  Value sum = real(coefficients.back());
  for (double coefficient : llvm::reverse(ArrayRef(coefficients).drop_back()))
    sum = multiplyAdd(sum, r, real(coefficient));
  // In two steps, because 2^n alone may be no normal number.
  Value half = arith::ShRSIOp::create(b, exponent, integer(1));
  Value rest = arith::SubIOp::create(b, exponent, half);
  sum = arith::MulFOp::create(b, sum, power(half));
  return arith::MulFOp::create(b, sum, power(rest));
}

/// log x = e ln 2 + log m with m around 1, and log m = 2 artanh s with
/// s = (m - 1) / (m + 1).
Value Doubles::logarithm(Value x) {
  Value smallest = real(0x1p-1022);
  Value scaled = arith::MulFOp::create(b, x, real(0x1p54));
  Value normal = select(arith::CmpFPredicate::OLT, x, smallest, scaled, x);
  Value offset =
      select(arith::CmpFPredicate::OLT, x, smallest, real(-54), real(0));
  Value pattern = bits(normal);
  Value exponent = arith::SubIOp::create(
      b, arith::ShRUIOp::create(b, pattern, integer(mantissaBits)),
      integer(exponentBias));
  Value e = arith::AddFOp::create(
      b, arith::SIToFPOp::create(b, b.getF64Type(), exponent), offset);
  Value mantissa = arith::AndIOp::create(
      b, pattern, integer((int64_t(1) << mantissaBits) - 1));
  Value m = fromBits(
      arith::OrIOp::create(b, mantissa, integer(exponentBias << mantissaBits)));
  Value root = real(0x1.6a09e667f3bcdp0);
  Value halved = arith::MulFOp::create(b, m, real(0.5));
  Value next = arith::AddFOp::create(b, e, real(1));
  e = select(arith::CmpFPredicate::OGT, m, root, next, e);
  m = select(arith::CmpFPredicate::OGT, m, root, halved, m);
  Value f = arith::SubFOp::create(b, m, real(1));
  Value s = arith::DivFOp::create(b, f, arith::AddFOp::create(b, f, real(2)));
  Value square = arith::MulFOp::create(b, s, s);
  constexpr int64_t lastTerm = 21;
  Value sum = real(2.0 / lastTerm);
  for (int64_t term = lastTerm - 2; term >= 1; term -= 2)
    sum = multiplyAdd(sum, square, real(2.0 / term));
  Value series = multiplyAdd(e, real(ln2Low), arith::MulFOp::create(b, sum, s));
  Value result = multiplyAdd(e, real(ln2High), series);
  double infinity = std::numeric_limits<double>::infinity();
  result = select(arith::CmpFPredicate::OEQ, x, real(infinity), x, result);
  result =
      select(arith::CmpFPredicate::OEQ, x, real(0), real(-infinity), result);
  // Also NaN.
  return select(arith::CmpFPredicate::OGE, x, real(0), result,
                real(std::numeric_limits<double>::quiet_NaN()));
}

namespace {

template <typename Op> struct ExpandDouble : OpRewritePattern<Op> {
  using Function = Value (Doubles::*)(Value);
  ExpandDouble(MLIRContext *context, Function function)
      : OpRewritePattern<Op>(context), function(function) {}

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!op.getType().isF64())
      return rewriter.notifyMatchFailure(op, "not on one float64");
    Doubles doubles(rewriter, op.getLoc());
    rewriter.replaceOp(op, (doubles.*function)(op.getOperand()));
    return success();
  }

  Function function;
};

} // namespace

void hgf::populateDoubleMathPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandDouble<math::ExpOp>>(patterns.getContext(),
                                          &Doubles::exponential);
  patterns.add<ExpandDouble<math::LogOp>>(patterns.getContext(),
                                          &Doubles::logarithm);
}
