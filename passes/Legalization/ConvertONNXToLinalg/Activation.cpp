//===- Activation.cpp - Functions of one element ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

/// Computes `body` on one float input, in f32 at least.
static LogicalResult lowerFloat(NodeLowering &node, ElementBody body,
                                bool mappable = false) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &input = node.input(0);
  Type type = input.elementType, compute = getComputeType(type);
  TensorValue result = node.elementwiseOver(
      input.dims, {&input}, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        if (type == compute)
          return body(builder, operands);
        Value wide = convertFloat(builder, operands[0], compute);
        return convertFloat(builder, body(builder, {wide}), type);
      },
      mappable && type == compute);
  node.setResult(0, result);
  return success();
}

template <typename Operation>
static LogicalResult lowerMath(NodeLowering &node) {
  return lowerFloat(
      node,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return Operation::create(builder, operands[0]);
      },
      /*mappable=*/true);
}

// Short names for bodies, which read like the formulas they compute.
namespace {
struct Formula {
  ImplicitLocOpBuilder &builder;
  Type type;
  Value constant(double value) { return makeScalar(builder, type, value); }
  Value add(Value a, Value b) { return arith::AddFOp::create(builder, a, b); }
  Value sub(Value a, Value b) { return arith::SubFOp::create(builder, a, b); }
  Value mul(Value a, Value b) { return arith::MulFOp::create(builder, a, b); }
  Value div(Value a, Value b) { return arith::DivFOp::create(builder, a, b); }
  Value exp(Value a) { return math::ExpOp::create(builder, a); }
  Value max(Value a, Value b) {
    return arith::MaximumFOp::create(builder, a, b);
  }
  Value min(Value a, Value b) {
    return arith::MinimumFOp::create(builder, a, b);
  }
  Value less(Value a, Value b) {
    return arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, a, b);
  }
  Value select(Value condition, Value a, Value b) {
    return arith::SelectOp::create(builder, condition, a, b);
  }
  /// 1 / (1 + exp(-x)).
  Value sigmoid(Value x) {
    Value negated = arith::NegFOp::create(builder, x);
    return div(constant(1), add(constant(1), exp(negated)));
  }
  /// log(1 + exp(x)) without overflow: max(x, 0) + log1p(exp(-|x|)).
  Value softplus(Value x) {
    Value magnitude = math::AbsFOp::create(builder, x);
    Value decay = exp(arith::NegFOp::create(builder, magnitude));
    return add(max(x, constant(0)), math::Log1pOp::create(builder, decay));
  }
};
} // namespace

using FormulaBody = function_ref<Value(Formula &formula, Value x)>;

static LogicalResult lowerFormula(NodeLowering &node, FormulaBody body) {
  return lowerFloat(node,
                    [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
                      Formula formula{builder, operands[0].getType()};
                      return body(formula, operands[0]);
                    });
}

static LogicalResult lowerReciprocal(NodeLowering &node) {
  return lowerFormula(
      node, [](Formula &f, Value x) { return f.div(f.constant(1), x); });
}

static LogicalResult lowerSigmoid(NodeLowering &node) {
  return lowerFormula(node, [](Formula &f, Value x) { return f.sigmoid(x); });
}

static LogicalResult lowerSwish(NodeLowering &node) {
  double alpha = node.real("alpha", 1.0);
  return lowerFormula(node, [&](Formula &f, Value x) {
    return f.mul(x, f.sigmoid(f.mul(x, f.constant(alpha))));
  });
}

/// com.microsoft's x * sigmoid(1.702 x) by default.
static LogicalResult lowerQuickGelu(NodeLowering &node) {
  double alpha = node.real("alpha", 1.702);
  return lowerFormula(node, [&](Formula &f, Value x) {
    return f.mul(x, f.sigmoid(f.mul(x, f.constant(alpha))));
  });
}

/// x Φ(x), exact or by tanh.
static Value makeGelu(Formula &f, Value x, bool byTanh) {
  Value half = f.mul(f.constant(0.5), x);
  if (byTanh) {
    Value cube = f.mul(f.mul(x, x), x);
    Value inner = f.mul(f.constant(std::sqrt(2 / M_PI)),
                        f.add(x, f.mul(f.constant(0.044715), cube)));
    return f.mul(half,
                 f.add(f.constant(1), math::TanhOp::create(f.builder, inner)));
  }
  Value error = math::ErfOp::create(f.builder, f.mul(x, f.constant(M_SQRT1_2)));
  return f.mul(half, f.add(f.constant(1), error));
}

static LogicalResult lowerGelu(NodeLowering &node) {
  std::string form = node.text("approximate", "none");
  if (form != "none" && form != "tanh")
    return node.error() << "approximate='" << form
                        << "' is not supported; supported: none, tanh";
  return lowerFormula(node, [&](Formula &f, Value x) {
    return makeGelu(f, x, form == "tanh");
  });
}

/// com.microsoft's FastGelu (tanh) and BiasGelu (exact): gelu(x + bias).
template <bool byTanh>
static LogicalResult lowerGeluWithBias(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)) || failed(node.expectFloats(2)))
    return failure();
  SmallVector<TensorValue *> inputs{&node.input(0)};
  if (node.has(1))
    inputs.push_back(&node.input(1));
  Type type = node.input(0).elementType, compute = getComputeType(type);
  FailureOr<TensorValue> result = node.elementwise(
      inputs, type, [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        Formula f{builder, compute};
        Value x = convertFloat(builder, operands[0], compute);
        if (operands.size() == 2)
          x = f.add(x, convertFloat(builder, operands[1], compute));
        return convertFloat(builder, makeGelu(f, x, byTanh), type);
      });
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

static LogicalResult lowerRelu(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  Type type = input.elementType;
  node.setResult(
      0, node.elementwiseOver(
             input.dims, {&input}, type,
             [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               Value zero = makeScalar(builder, operands[0].getType(), 0);
               if (isa<FloatType>(type))
                 return arith::MaximumFOp::create(builder, operands[0], zero);
               return arith::MaxSIOp::create(builder, operands[0], zero);
             }));
  return success();
}

static LogicalResult lowerLeakyRelu(NodeLowering &node) {
  double alpha = node.real("alpha", 0.01);
  return lowerFormula(node, [&](Formula &f, Value x) {
    return f.select(f.less(x, f.constant(0)), f.mul(x, f.constant(alpha)), x);
  });
}

static LogicalResult lowerThresholdedRelu(NodeLowering &node) {
  double alpha = node.real("alpha", 1.0);
  return lowerFormula(node, [&](Formula &f, Value x) {
    return f.select(f.less(f.constant(alpha), x), x, f.constant(0));
  });
}

static LogicalResult lowerPRelu(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)) || failed(node.expectFloat(0)))
    return failure();
  Type type = node.input(0).elementType;
  FailureOr<TensorValue> result = node.elementwise(
      {&node.input(0), &node.input(1)}, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        Formula f{builder, type};
        return f.select(f.less(operands[0], f.constant(0)),
                        f.mul(operands[0], operands[1]), operands[0]);
      });
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

/// alpha (exp(x / scale) - 1) below zero, gamma times all.
static LogicalResult lowerExponentialUnit(NodeLowering &node, double alpha,
                                          double scale, double gamma) {
  return lowerFormula(node, [&](Formula &f, Value x) {
    Value below =
        f.mul(f.constant(alpha),
              math::ExpM1Op::create(f.builder, f.div(x, f.constant(scale))));
    Value unit = f.select(f.less(x, f.constant(0)), below, x);
    return gamma == 1.0 ? unit : f.mul(f.constant(gamma), unit);
  });
}

static LogicalResult lowerElu(NodeLowering &node) {
  return lowerExponentialUnit(node, node.real("alpha", 1.0), 1.0, 1.0);
}

static LogicalResult lowerSelu(NodeLowering &node) {
  return lowerExponentialUnit(
      node, node.real("alpha", 1.67326319217681884765625), 1.0,
      node.real("gamma", 1.05070102214813232421875));
}

static LogicalResult lowerCelu(NodeLowering &node) {
  double alpha = node.real("alpha", 1.0);
  return lowerExponentialUnit(node, alpha, alpha, 1.0);
}

static LogicalResult lowerHardSigmoid(NodeLowering &node) {
  double alpha = node.real("alpha", 0.2), beta = node.real("beta", 0.5);
  return lowerFormula(node, [&](Formula &f, Value x) {
    Value line = f.add(f.mul(f.constant(alpha), x), f.constant(beta));
    return f.max(f.constant(0), f.min(f.constant(1), line));
  });
}

static LogicalResult lowerHardSwish(NodeLowering &node) {
  return lowerFormula(node, [](Formula &f, Value x) {
    Value line = f.add(f.mul(f.constant(1.0 / 6), x), f.constant(0.5));
    return f.mul(x, f.max(f.constant(0), f.min(f.constant(1), line)));
  });
}

static LogicalResult lowerSoftplus(NodeLowering &node) {
  return lowerFormula(node, [](Formula &f, Value x) { return f.softplus(x); });
}

static LogicalResult lowerMish(NodeLowering &node) {
  return lowerFormula(node, [](Formula &f, Value x) {
    return f.mul(x, math::TanhOp::create(f.builder, f.softplus(x)));
  });
}

static LogicalResult lowerSoftsign(NodeLowering &node) {
  return lowerFormula(node, [](Formula &f, Value x) {
    Value magnitude = math::AbsFOp::create(f.builder, x);
    return f.div(x, f.add(f.constant(1), magnitude));
  });
}

static LogicalResult lowerShrink(NodeLowering &node) {
  double bias = node.real("bias", 0.0), lambda = node.real("lambd", 0.5);
  return lowerFormula(node, [&](Formula &f, Value x) {
    Value above = f.select(f.less(f.constant(lambda), x),
                           f.sub(x, f.constant(bias)), f.constant(0));
    return f.select(f.less(x, f.constant(-lambda)), f.add(x, f.constant(bias)),
                    above);
  });
}

/// Abs, Neg and Sign also take integers.
static LogicalResult lowerOfAnyType(
    NodeLowering &node,
    function_ref<Value(ImplicitLocOpBuilder &, Value, bool isUnsigned)> body) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  bool isUnsigned = input.isUnsigned();
  node.setResult(0,
                 node.elementwiseOver(
                     input.dims, {&input}, input.elementType,
                     [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
                       return body(builder, operands[0], isUnsigned);
                     },
                     /*mappable=*/input.isFloat()));
  return success();
}

static LogicalResult lowerAbs(NodeLowering &node) {
  return lowerOfAnyType(
      node,
      [](ImplicitLocOpBuilder &builder, Value x, bool isUnsigned) -> Value {
        if (isa<FloatType>(getElementTypeOrSelf(x)))
          return math::AbsFOp::create(builder, x);
        return isUnsigned ? x : Value(math::AbsIOp::create(builder, x));
      });
}

static LogicalResult lowerNeg(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  if (input.elements && !input.isUnsigned()) {
    SmallVector<Index> elements;
    for (Index element : *input.elements)
      elements.push_back(node.index.multiply(element, node.index.constant(-1)));
    node.setResult(0,
                   node.fromElements(elements, input.dims, input.elementType));
    return success();
  }
  return lowerOfAnyType(
      node, [](ImplicitLocOpBuilder &builder, Value x, bool) -> Value {
        if (isa<FloatType>(getElementTypeOrSelf(x)))
          return arith::NegFOp::create(builder, x);
        return arith::SubIOp::create(builder,
                                     makeScalar(builder, x.getType(), 0), x);
      });
}

static LogicalResult lowerSign(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  Type type = input.elementType;
  bool isUnsigned = input.isUnsigned();
  node.setResult(
      0,
      node.elementwiseOver(
          input.dims, {&input}, type,
          [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
            Value x = operands[0];
            Value zero = makeScalar(builder, x.getType(), 0);
            Value one = makeScalar(builder, x.getType(), 1);
            Value minusOne = makeScalar(builder, x.getType(), -1);
            Value above, below;
            if (isa<FloatType>(type)) {
              using Predicate = arith::CmpFPredicate;
              above = arith::CmpFOp::create(builder, Predicate::OGT, x, zero);
              below = arith::CmpFOp::create(builder, Predicate::OLT, x, zero);
            } else {
              using Predicate = arith::CmpIPredicate;
              above = arith::CmpIOp::create(
                  builder, isUnsigned ? Predicate::ugt : Predicate::sgt, x,
                  zero);
              if (isUnsigned)
                return arith::SelectOp::create(builder, above, one, zero);
              below = arith::CmpIOp::create(builder, Predicate::slt, x, zero);
            }
            // NaN has no sign: it stays.
            Value rest = isa<FloatType>(type) ? x : zero;
            return arith::SelectOp::create(
                builder, above, one,
                arith::SelectOp::create(builder, below, minusOne, rest));
          }));
  return success();
}

static LogicalResult lowerIsNaN(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &input = node.input(0);
  node.setResult(
      0, node.elementwiseOver(
             input.dims, {&input}, node.builder.getI1Type(),
             [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               return arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO,
                                            operands[0], operands[0]);
             },
             /*mappable=*/true));
  return success();
}

static LogicalResult lowerIsInf(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &input = node.input(0);
  bool positive = node.integer("detect_positive", 1);
  bool negative = node.integer("detect_negative", 1);
  Type type = input.elementType;
  node.setResult(
      0, node.elementwiseOver(
             input.dims, {&input}, node.builder.getI1Type(),
             [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               auto is = [&](double sign) -> Value {
                 return arith::CmpFOp::create(
                     builder, arith::CmpFPredicate::OEQ, operands[0],
                     makeScalar(builder, type, sign * INFINITY));
               };
               Value result = arith::ConstantOp::create(
                   builder, builder.getBoolAttr(false));
               if (positive)
                 result = arith::OrIOp::create(builder, result, is(1));
               if (negative)
                 result = arith::OrIOp::create(builder, result, is(-1));
               return result;
             }));
  return success();
}

void hgf::populateActivationLowerings(LoweringTable &table) {
  table.add("", "Exp", lowerMath<math::ExpOp>);
  table.add("", "Log", lowerMath<math::LogOp>);
  table.add("", "Sqrt", lowerMath<math::SqrtOp>);
  table.add("", "Sin", lowerMath<math::SinOp>);
  table.add("", "Cos", lowerMath<math::CosOp>);
  table.add("", "Tan", lowerMath<math::TanOp>);
  table.add("", "Asin", lowerMath<math::AsinOp>);
  table.add("", "Acos", lowerMath<math::AcosOp>);
  table.add("", "Atan", lowerMath<math::AtanOp>);
  table.add("", "Sinh", lowerMath<math::SinhOp>);
  table.add("", "Cosh", lowerMath<math::CoshOp>);
  table.add("", "Asinh", lowerMath<math::AsinhOp>);
  table.add("", "Acosh", lowerMath<math::AcoshOp>);
  table.add("", "Atanh", lowerMath<math::AtanhOp>);
  table.add("", "Erf", lowerMath<math::ErfOp>);
  table.add("", "Tanh", lowerMath<math::TanhOp>);
  table.add("", "Floor", lowerMath<math::FloorOp>);
  table.add("", "Ceil", lowerMath<math::CeilOp>);
  table.add("", "Round", lowerMath<math::RoundEvenOp>);
  table.add("", "Reciprocal", lowerReciprocal);
  table.add("", "Abs", lowerAbs);
  table.add("", "Neg", lowerNeg);
  table.add("", "Sign", lowerSign);
  table.add("", "IsNaN", lowerIsNaN);
  table.add("", "IsInf", lowerIsInf);
  table.add("", "Relu", lowerRelu);
  table.add("", "Sigmoid", lowerSigmoid);
  table.add("", "Swish", lowerSwish);
  table.add("", "Gelu", lowerGelu);
  table.add("", "LeakyRelu", lowerLeakyRelu);
  table.add("", "ThresholdedRelu", lowerThresholdedRelu);
  table.add("", "PRelu", lowerPRelu);
  table.add("", "Elu", lowerElu);
  table.add("", "Selu", lowerSelu);
  table.add("", "Celu", lowerCelu);
  table.add("", "HardSigmoid", lowerHardSigmoid);
  table.add("", "HardSwish", lowerHardSwish);
  table.add("", "Softplus", lowerSoftplus);
  table.add("", "Softsign", lowerSoftsign);
  table.add("", "Mish", lowerMish);
  table.add("", "Shrink", lowerShrink);
  table.add("com.microsoft", "Gelu", lowerGelu);
  table.add("com.microsoft", "QuickGelu", lowerQuickGelu);
  table.add("com.microsoft", "FastGelu", lowerGeluWithBias<true>);
  table.add("com.microsoft", "BiasGelu", lowerGeluWithBias<false>);
}
