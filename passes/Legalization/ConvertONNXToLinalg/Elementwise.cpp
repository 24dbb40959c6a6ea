//===- Elementwise.cpp - Arithmetic, comparison, logic ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

using Predicate = arith::CmpIPredicate;

/// Computes on scalars where every input's elements are known (shape
/// arithmetic); returns false where they are not.
static bool lowerByElements(NodeLowering &node, Type elementType,
                            function_ref<Index(ArrayRef<Index>)> compute) {
  SmallVector<TensorValue *> inputs;
  for (unsigned i = 0; i < node.inputCount(); ++i) {
    TensorValue &input = node.input(i);
    auto integer = dyn_cast<IntegerType>(input.elementType);
    if (!input.elements || !integer ||
        input.isUnsigned() != integer.isInteger(1) ||
        (integer.getWidth() != 1 && integer.getWidth() < 32))
      return false;
    inputs.push_back(&input);
  }
  FailureOr<Dimensions> dims = node.broadcastDims(inputs);
  if (failed(dims))
    return false;
  SmallVector<int64_t> shape;
  int64_t count = 1;
  for (Index size : *dims) {
    shape.push_back(*node.index.constantValue(size));
    count *= shape.back();
  }
  if (count > 64)
    return false;
  SmallVector<Index> results;
  for (int64_t linear = 0; linear < count; ++linear) {
    SmallVector<Index> scalars;
    for (TensorValue *input : inputs) {
      // The input's row-major position of the result's element `linear`.
      int64_t rest = linear, position = 0, stride = 1;
      for (int64_t i = shape.size() - 1; i >= 0; --i) {
        int64_t coordinate = rest % shape[i];
        rest /= shape[i];
        int64_t own = i - (int64_t(shape.size()) - input->rank());
        if (own < 0)
          continue;
        int64_t size = *node.index.constantValue(input->dims[own]);
        position += (size == 1 ? 0 : coordinate) * stride;
        stride *= size;
      }
      scalars.push_back((*input->elements)[position]);
    }
    Index result = compute(scalars);
    if (!result)
      return false;
    results.push_back(result);
  }
  node.setResult(0, node.fromElements(results, *dims, elementType));
  return true;
}

static LogicalResult setElementwise(NodeLowering &node, Type elementType,
                                    ElementBody body, bool mappable) {
  SmallVector<TensorValue *> inputs;
  for (unsigned i = 0; i < node.inputCount(); ++i)
    inputs.push_back(&node.input(i));
  FailureOr<TensorValue> result =
      node.elementwise(inputs, elementType, body, mappable);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

/// Binary operators take two inputs of one element type.
static LogicalResult expectPair(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  if (node.input(0).elementType == node.input(1).elementType)
    return success();
  return node.error() << "expected inputs of one element type but got "
                      << node.input(0).elementType << " and "
                      << node.input(1).elementType;
}

// -- Arithmetic ---------------------------------------------------------------

template <typename FloatOp, typename IntegerOp,
          Index (SymbolicIndex::*compute)(Index, Index)>
static LogicalResult lowerArithmetic(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  Type type = node.input(0).elementType;
  if (lowerByElements(node, type, [&](ArrayRef<Index> operands) {
        return (node.index.*compute)(operands[0], operands[1]);
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (isa<FloatType>(type))
          return FloatOp::create(builder, operands[0], operands[1]);
        return IntegerOp::create(builder, operands[0], operands[1]);
      },
      /*mappable=*/true);
}

/// Division by zero and of the smallest number by -1 must not trap.
static Value divideIntegers(ImplicitLocOpBuilder &builder, Value left,
                            Value right, bool isUnsigned, bool remainder) {
  Type type = left.getType();
  Value zero = makeScalar(builder, type, 0), one = makeScalar(builder, type, 1);
  Value isZero = arith::CmpIOp::create(builder, Predicate::eq, right, zero);
  Value divisor = arith::SelectOp::create(builder, isZero, one, right);
  if (isUnsigned) {
    if (remainder)
      return arith::RemUIOp::create(builder, left, divisor);
    return arith::DivUIOp::create(builder, left, divisor);
  }
  Value minusOne = makeScalar(builder, type, -1);
  Value isMinusOne =
      arith::CmpIOp::create(builder, Predicate::eq, right, minusOne);
  divisor = arith::SelectOp::create(builder, isMinusOne, one, divisor);
  if (remainder)
    // x rem 1 = x rem -1 = 0.
    return arith::RemSIOp::create(builder, left, divisor);
  Value negated = arith::SubIOp::create(builder, zero, left);
  return arith::SelectOp::create(
      builder, isMinusOne, negated,
      arith::DivSIOp::create(builder, left, divisor));
}

static LogicalResult lowerDiv(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  TensorValue &left = node.input(0);
  Type type = left.elementType;
  bool isUnsigned = left.isUnsigned();
  if (lowerByElements(node, type, [&](ArrayRef<Index> operands) -> Index {
        std::optional<int64_t> divisor = node.index.constantValue(operands[1]);
        if (!divisor || *divisor == 0)
          return {};
        return node.index.truncatingDivide(operands[0], operands[1]);
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (isa<FloatType>(type))
          return arith::DivFOp::create(builder, operands[0], operands[1]);
        return divideIntegers(builder, operands[0], operands[1], isUnsigned,
                              /*remainder=*/false);
      },
      /*mappable=*/left.isFloat());
}

static LogicalResult lowerMod(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  TensorValue &left = node.input(0);
  Type type = left.elementType;
  bool isUnsigned = left.isUnsigned(), truncating = node.integer("fmod", 0);
  if (left.isFloat() && !truncating)
    return node.error() << "fmod=0 is not supported for float inputs; "
                        << "supported: fmod=1";
  if (!truncating &&
      lowerByElements(node, type, [&](ArrayRef<Index> operands) -> Index {
        std::optional<int64_t> divisor = node.index.constantValue(operands[1]);
        if (!divisor || *divisor == 0)
          return {};
        Index quotient = node.index.floorDivide(operands[0], operands[1]);
        return node.index.subtract(operands[0],
                                   node.index.multiply(quotient, operands[1]));
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (isa<FloatType>(type)) {
          Type compute = getComputeType(type);
          Value rest = arith::RemFOp::create(
              builder, convertFloat(builder, operands[0], compute),
              convertFloat(builder, operands[1], compute));
          return convertFloat(builder, rest, type);
        }
        Value rest = divideIntegers(builder, operands[0], operands[1],
                                    isUnsigned, /*remainder=*/true);
        if (isUnsigned || truncating)
          return rest;
        // The result takes the divisor's sign.
        Value zero = makeScalar(builder, rest.getType(), 0);
        Value differs = arith::CmpIOp::create(
            builder, Predicate::slt,
            arith::XOrIOp::create(builder, rest, operands[1]), zero);
        Value isRest =
            arith::CmpIOp::create(builder, Predicate::ne, rest, zero);
        Value adjust = arith::AndIOp::create(builder, differs, isRest);
        return arith::SelectOp::create(
            builder, adjust, arith::AddIOp::create(builder, rest, operands[1]),
            rest);
      },
      /*mappable=*/false);
}

/// The float every element of a constant equals, if there is one.
static std::optional<double> getSplatFloat(const TensorValue &value) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value.constant);
  if (!dense || !dense.isSplat() || !isa<FloatType>(dense.getElementType()))
    return std::nullopt;
  return dense.getSplatValue<APFloat>().convertToDouble();
}

static LogicalResult lowerPow(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  TensorValue &base = node.input(0), &exponent = node.input(1);
  Type type = base.elementType, exponentType = exponent.elementType;
  std::optional<double> known = getSplatFloat(exponent);
  Type compute =
      base.isFloat() ? getComputeType(type) : Type(node.builder.getF64Type());
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        Value x = castScalar(builder, operands[0], type, compute, true);
        Value result;
        if (known == 2.0)
          result = arith::MulFOp::create(builder, x, x);
        else if (known == 3.0)
          result = arith::MulFOp::create(
              builder, arith::MulFOp::create(builder, x, x), x);
        else if (known == 0.5)
          result = math::SqrtOp::create(builder, x);
        else
          result = math::PowFOp::create(
              builder, x,
              castScalar(builder, operands[1], exponentType, compute, true));
        return castScalar(builder, result, compute, type, true);
      },
      /*mappable=*/false);
}

/// Max, Min, Sum and Mean take any number of inputs, folded from the left.
template <bool isMaximum>
static Value takeExtreme(ImplicitLocOpBuilder &builder, Type type, Value left,
                         Value right) {
  if (isa<FloatType>(type)) {
    if (isMaximum)
      return arith::MaximumFOp::create(builder, left, right);
    return arith::MinimumFOp::create(builder, left, right);
  }
  bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
  if (isUnsigned) {
    if (isMaximum)
      return arith::MaxUIOp::create(builder, left, right);
    return arith::MinUIOp::create(builder, left, right);
  }
  if (isMaximum)
    return arith::MaxSIOp::create(builder, left, right);
  return arith::MinSIOp::create(builder, left, right);
}

template <bool isMaximum>
static LogicalResult lowerExtreme(NodeLowering &node) {
  if (failed(node.expectInputs(1, ~0u)))
    return failure();
  Type type = node.input(0).elementType;
  if (lowerByElements(node, type, [&](ArrayRef<Index> operands) {
        Index result = operands[0];
        for (Index operand : operands.drop_front())
          result = isMaximum ? node.index.maximum(result, operand)
                             : node.index.minimum(result, operand);
        return result;
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        Value result = operands[0];
        for (Value operand : operands.drop_front())
          result = takeExtreme<isMaximum>(builder, type, result, operand);
        return result;
      },
      /*mappable=*/node.inputCount() > 1);
}

template <bool isMean>
static LogicalResult lowerVariadicSum(NodeLowering &node) {
  if (failed(node.expectInputs(1, ~0u)) ||
      failed(node.expectFloats(node.inputCount())))
    return failure();
  Type type = node.input(0).elementType, compute = getComputeType(type);
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        Value total = convertFloat(builder, operands[0], compute);
        for (Value operand : operands.drop_front())
          total = arith::AddFOp::create(
              builder, total, convertFloat(builder, operand, compute));
        if (isMean)
          total = arith::DivFOp::create(
              builder, total,
              makeScalar(builder, compute, double(operands.size())));
        return convertFloat(builder, total, type);
      },
      /*mappable=*/false);
}

// -- Comparison and logic -----------------------------------------------------

template <arith::CmpFPredicate ofFloats, Predicate ofIntegers,
          Predicate ofUnsigned>
static LogicalResult lowerCompare(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  TensorValue &left = node.input(0);
  bool isFloat = left.isFloat(), isUnsigned = left.isUnsigned();
  Type boolean = node.builder.getI1Type();
  if (lowerByElements(node, boolean, [&](ArrayRef<Index> operands) {
        return node.index.compare(ofIntegers, operands[0], operands[1]);
      }))
    return success();
  return setElementwise(
      node, boolean,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (isFloat)
          return arith::CmpFOp::create(builder, ofFloats, operands[0],
                                       operands[1]);
        return arith::CmpIOp::create(builder,
                                     isUnsigned ? ofUnsigned : ofIntegers,
                                     operands[0], operands[1]);
      },
      /*mappable=*/true);
}

template <typename Operation, int booleanKind>
static LogicalResult lowerBitwise(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  Type type = node.input(0).elementType;
  if (!isa<IntegerType>(type))
    return node.error() << "expected integer or bool inputs but got " << type;
  if (type.isInteger(1) &&
      lowerByElements(node, type, [&](ArrayRef<Index> operands) -> Index {
        if (booleanKind == 0)
          return node.index.minimum(operands[0], operands[1]);
        if (booleanKind == 1)
          return node.index.maximum(operands[0], operands[1]);
        return node.index.compare(Predicate::ne, operands[0], operands[1]);
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return Operation::create(builder, operands[0], operands[1]);
      },
      /*mappable=*/true);
}

static LogicalResult lowerBitShift(NodeLowering &node) {
  if (failed(expectPair(node)))
    return failure();
  bool left = node.text("direction", "") == "LEFT";
  Type type = node.input(0).elementType;
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        // A shift by the width or more gives zero instead of poison.
        Type storage = operands[0].getType();
        Value width =
            makeScalar(builder, storage, storage.getIntOrFloatBitWidth());
        Value inRange =
            arith::CmpIOp::create(builder, Predicate::ult, operands[1], width);
        Value zero = makeScalar(builder, storage, 0);
        Value amount =
            arith::SelectOp::create(builder, inRange, operands[1], zero);
        Value shifted;
        if (left)
          shifted = arith::ShLIOp::create(builder, operands[0], amount);
        else
          shifted = arith::ShRUIOp::create(builder, operands[0], amount);
        return arith::SelectOp::create(builder, inRange, shifted, zero);
      },
      /*mappable=*/false);
}

static LogicalResult lowerNot(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  Type type = input.elementType;
  if (type.isInteger(1) &&
      lowerByElements(node, type, [&](ArrayRef<Index> operands) {
        return node.index.subtract(node.index.constant(1), operands[0]);
      }))
    return success();
  return setElementwise(
      node, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::XOrIOp::create(
            builder, operands[0],
            makeScalar(builder, operands[0].getType(), -1));
      },
      /*mappable=*/false);
}

static LogicalResult lowerWhere(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)))
    return failure();
  Type type = node.input(1).elementType;
  if (!node.input(0).elementType.isInteger(1) ||
      node.input(2).elementType != type)
    return node.error() << "expected a bool and two inputs of one type but got "
                        << node.input(0).elementType << ", " << type << " and "
                        << node.input(2).elementType;
  if (lowerByElements(node, type, [&](ArrayRef<Index> operands) {
        return node.index.select(operands[0], operands[1], operands[2]);
      }))
    return success();
  return setElementwise(
      node, type,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::SelectOp::create(builder, operands[0], operands[1],
                                       operands[2]);
      },
      /*mappable=*/true);
}

// -- Clip and Cast
// ---------------------------------------------------------------

static LogicalResult lowerClip(NodeLowering &node) {
  if (failed(node.expectInputs(1, 3)))
    return failure();
  TensorValue &input = node.input(0);
  Type type = input.elementType;
  SmallVector<TensorValue *> operands{&input};
  TensorValue low, high;
  bool hasLow = node.has(1), hasHigh = node.has(2);
  if (node.opset < 11) {
    // Attributes with defaults that do not clip.
    hasLow = node.hasAttribute("min");
    hasHigh = node.hasAttribute("max");
    low = node.scalar(node.real("min", 0), type);
    high = node.scalar(node.real("max", 0), type);
  } else {
    if (hasLow)
      low = node.input(1);
    if (hasHigh)
      high = node.input(2);
  }
  if ((hasLow && low.elementType != type) ||
      (hasHigh && high.elementType != type))
    return node.error() << "expected bounds of the input's type " << type;
  // Bounds are scalars; some exporters write them with shape [1].
  if (hasLow)
    operands.push_back(&(low = node.reshape(low, {})));
  if (hasHigh)
    operands.push_back(&(high = node.reshape(high, {})));
  TensorValue result = node.elementwiseOver(
      input.dims, operands, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
        Value value = scalars[0];
        if (hasLow)
          value = takeExtreme<true>(builder, type, value, scalars[1]);
        if (hasHigh)
          value = takeExtreme<false>(builder, type, value, scalars.back());
        return value;
      });
  node.setResult(0, result);
  return success();
}

static LogicalResult lowerCast(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  Type type = getElementTypeOfCode(node.builder, node.integer("to", 0));
  if (!type)
    return node.error() << "to=" << node.integer("to", 0)
                        << " is not supported; supported: float16, bfloat16, "
                           "float, double, bool and the integer types";
  node.setResult(0,
                 node.cast(node.input(0), type, node.integer("saturate", 1)));
  return success();
}

static LogicalResult lowerCastLike(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  node.setResult(0, node.cast(node.input(0), node.input(1).elementType,
                              node.integer("saturate", 1)));
  return success();
}

static LogicalResult lowerIdentity(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  node.setResult(0, node.input(0));
  return success();
}

void hgf::populateElementwiseLowerings(LoweringTable &table) {
  table.add("", "Add",
            lowerArithmetic<arith::AddFOp, arith::AddIOp, &SymbolicIndex::add>);
  table.add(
      "", "Sub",
      lowerArithmetic<arith::SubFOp, arith::SubIOp, &SymbolicIndex::subtract>);
  table.add(
      "", "Mul",
      lowerArithmetic<arith::MulFOp, arith::MulIOp, &SymbolicIndex::multiply>);
  table.add("", "Div", lowerDiv);
  table.add("", "Mod", lowerMod);
  table.add("", "Pow", lowerPow);
  table.add("", "Max", lowerExtreme<true>);
  table.add("", "Min", lowerExtreme<false>);
  table.add("", "Sum", lowerVariadicSum<false>);
  table.add("", "Mean", lowerVariadicSum<true>);
  using Float = arith::CmpFPredicate;
  table.add("", "Equal",
            lowerCompare<Float::OEQ, Predicate::eq, Predicate::eq>);
  table.add("", "Less",
            lowerCompare<Float::OLT, Predicate::slt, Predicate::ult>);
  table.add("", "LessOrEqual",
            lowerCompare<Float::OLE, Predicate::sle, Predicate::ule>);
  table.add("", "Greater",
            lowerCompare<Float::OGT, Predicate::sgt, Predicate::ugt>);
  table.add("", "GreaterOrEqual",
            lowerCompare<Float::OGE, Predicate::sge, Predicate::uge>);
  table.add("", "And", lowerBitwise<arith::AndIOp, 0>);
  table.add("", "Or", lowerBitwise<arith::OrIOp, 1>);
  table.add("", "Xor", lowerBitwise<arith::XOrIOp, 2>);
  table.add("", "BitwiseAnd", lowerBitwise<arith::AndIOp, 0>);
  table.add("", "BitwiseOr", lowerBitwise<arith::OrIOp, 1>);
  table.add("", "BitwiseXor", lowerBitwise<arith::XOrIOp, 2>);
  table.add("", "BitwiseNot", lowerNot);
  table.add("", "BitShift", lowerBitShift);
  table.add("", "Not", lowerNot);
  table.add("", "Where", lowerWhere);
  table.add("", "Clip", lowerClip);
  table.add("", "Cast", lowerCast);
  table.add("", "CastLike", lowerCastLike);
  table.add("", "Identity", lowerIdentity);
}
