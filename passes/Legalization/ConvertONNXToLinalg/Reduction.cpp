//===- Reduction.cpp - Sums, extremes, arguments of extremes ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

/// The axes of a reduction: an attribute before opset 18 (13 for ReduceSum),
/// an input after. std::nullopt asks for the input unchanged.
static FailureOr<std::optional<SmallVector<int64_t>>>
getAxes(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  int64_t rank = node.input(0).rank();
  FailureOr<std::optional<SmallVector<int64_t>>> given =
      node.attributeOrInput("axes", 1);
  if (failed(given))
    return failure();
  SmallVector<int64_t> axes;
  if (*given)
    for (int64_t axis : **given) {
      FailureOr<int64_t> position = node.normalizeAxis(axis, rank);
      if (failed(position))
        return failure();
      axes.push_back(*position);
    }
  if (axes.empty()) {
    if (node.integer("noop_with_empty_axes", 0))
      return std::optional<SmallVector<int64_t>>();
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  }
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return std::optional<SmallVector<int64_t>>(axes);
}

static Value pass(ImplicitLocOpBuilder &, ValueRange operands) {
  return operands[0];
}

template <bool isMaximum>
static Value makeExtreme(ImplicitLocOpBuilder &builder, Value left, Value right,
                         bool isUnsigned) {
  if (isa<FloatType>(left.getType())) {
    if (isMaximum)
      return arith::MaximumFOp::create(builder, left, right);
    return arith::MinimumFOp::create(builder, left, right);
  }
  if (isMaximum)
    return isUnsigned ? Value(arith::MaxUIOp::create(builder, left, right))
                      : Value(arith::MaxSIOp::create(builder, left, right));
  return isUnsigned ? Value(arith::MinUIOp::create(builder, left, right))
                    : Value(arith::MinSIOp::create(builder, left, right));
}

/// The value that every other beats: what an empty reduction gives.
template <bool isMaximum>
static Value makeWorst(NodeLowering &node, const TensorValue &value) {
  Type storage = value.storageType();
  if (isa<FloatType>(storage))
    return makeScalar(node.builder, storage, isMaximum ? -INFINITY : INFINITY);
  unsigned width = storage.getIntOrFloatBitWidth();
  APInt worst =
      value.isUnsigned()
          ? (isMaximum ? APInt::getMinValue(width) : APInt::getMaxValue(width))
          : (isMaximum ? APInt::getSignedMinValue(width)
                       : APInt::getSignedMaxValue(width));
  return arith::ConstantOp::create(node.builder,
                                   node.builder.getIntegerAttr(storage, worst));
}

template <bool isMaximum>
static TensorValue reduceExtreme(NodeLowering &node, TensorValue &value,
                                 ArrayRef<int64_t> axes, bool keepDims) {
  bool isUnsigned = value.isUnsigned();
  TensorValue result = node.reduce(
      value, axes, keepDims, makeWorst<isMaximum>(node, value), pass,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        return makeExtreme<isMaximum>(builder, operands[0], operands[1],
                                      isUnsigned);
      });
  result.elementType = value.elementType;
  return result;
}

template <bool isMaximum>
static LogicalResult lowerReduceExtreme(NodeLowering &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = getAxes(node);
  if (failed(axes))
    return failure();
  if (!*axes) {
    node.setResult(0, node.input(0));
    return success();
  }
  TensorValue &input = node.input(0);
  bool keepDims = node.integer("keepdims", 1);
  if (input.elements && input.rank() == 1 && !input.elements->empty()) {
    Index result = input.elements->front();
    for (Index element : llvm::drop_begin(*input.elements))
      result = isMaximum ? node.index.maximum(result, element)
                         : node.index.minimum(result, element);
    node.setResult(0, node.fromElements({result},
                                        keepDims
                                            ? Dimensions{node.index.constant(1)}
                                            : Dimensions{},
                                        input.elementType));
    return success();
  }
  node.setResult(0, reduceExtreme<isMaximum>(node, input, **axes, keepDims));
  return success();
}

namespace {
enum class Sum { Plain, Mean, Square, L1, L2, Log, LogExp };
} // namespace

template <Sum kind> static LogicalResult lowerReduceSum(NodeLowering &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = getAxes(node);
  if (failed(axes))
    return failure();
  TensorValue &input = node.input(0);
  bool keepDims = node.integer("keepdims", 1);
  // Without axes each element is its own sum.
  SmallVector<int64_t> over = *axes ? **axes : SmallVector<int64_t>();
  if (kind == Sum::Plain && !*axes) {
    node.setResult(0, input);
    return success();
  }
  if (kind == Sum::Plain && input.elements && input.rank() == 1 && *axes) {
    Index total = node.index.constant(0);
    for (Index element : *input.elements)
      total = node.index.add(total, element);
    node.setResult(0, node.fromElements({total},
                                        keepDims
                                            ? Dimensions{node.index.constant(1)}
                                            : Dimensions{},
                                        input.elementType));
    return success();
  }
  bool isFloat = input.isFloat();
  TensorValue shift;
  TensorValue operand = input;
  Type compute = getComputeType(input.storageType());
  if (kind == Sum::LogExp) {
    // log Σ exp(x) = m + log Σ exp(x - m): no overflow.
    if (!isFloat)
      return node.error() << "expected a float input but got "
                          << input.elementType;
    shift = reduceExtreme<true>(node, input, over, /*keepDims=*/true);
    operand = node.elementwiseOver(
        input.dims, {&input, &shift}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          Value difference = arith::SubFOp::create(
              builder, convertFloat(builder, operands[0], compute),
              convertFloat(builder, operands[1], compute));
          return math::ExpOp::create(builder, difference);
        });
  }
  TensorValue total = node.sum(
      operand, over, kind == Sum::LogExp || keepDims,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        Value x = operands[0];
        if (kind == Sum::Square || kind == Sum::L2)
          return isFloat ? Value(arith::MulFOp::create(builder, x, x))
                         : Value(arith::MulIOp::create(builder, x, x));
        if (kind == Sum::L1)
          return isFloat ? Value(math::AbsFOp::create(builder, x))
                         : Value(math::AbsIOp::create(builder, x));
        return x;
      });
  SmallVector<TensorValue *> operands{&total};
  if (kind == Sum::LogExp)
    operands.push_back(&shift);
  Index count = node.index.constant(1);
  for (int64_t axis : over)
    count = node.index.multiply(count, input.dims[axis]);
  std::optional<int64_t> knownCount = node.index.constantValue(count);
  Value countValue =
      kind == Sum::Mean && !knownCount ? node.index.value(count) : Value();
  Type type = input.elementType;
  TensorValue result = node.elementwiseOver(
      total.dims, operands, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) -> Value {
        Value x = scalars[0];
        if (kind == Sum::Mean) {
          if (!isFloat) {
            Value divisor =
                countValue
                    ? arith::IndexCastOp::create(builder, compute, countValue)
                    : makeScalar(builder, compute,
                                 std::max<int64_t>(*knownCount, 1));
            return input.isUnsigned()
                       ? Value(arith::DivUIOp::create(builder, x, divisor))
                       : Value(arith::DivSIOp::create(builder, x, divisor));
          }
          Value divisor;
          if (countValue)
            divisor = arith::UIToFPOp::create(
                builder, compute,
                arith::IndexCastOp::create(builder, builder.getI64Type(),
                                           countValue));
          else
            divisor = makeScalar(builder, compute, double(*knownCount));
          x = arith::DivFOp::create(builder, x, divisor);
        }
        if (kind == Sum::L2) {
          if (!isFloat) {
            x = castScalar(builder, x, compute, builder.getF32Type(), true);
            x = math::SqrtOp::create(builder, x);
            return castScalar(builder, x, builder.getF32Type(), type, true);
          }
          x = math::SqrtOp::create(builder, x);
        }
        if (kind == Sum::Log || kind == Sum::LogExp)
          x = math::LogOp::create(builder, x);
        if (kind == Sum::LogExp)
          x = arith::AddFOp::create(builder, x,
                                    convertFloat(builder, scalars[1], compute));
        return isFloat ? convertFloat(builder, x, type) : x;
      });
  if (kind == Sum::LogExp && !keepDims) {
    Dimensions dims;
    for (int64_t i = 0; i < input.rank(); ++i)
      if (!llvm::is_contained(over, i))
        dims.push_back(input.dims[i]);
    result = node.reshape(result, dims);
  }
  node.setResult(0, result);
  return success();
}

static LogicalResult lowerReduceProd(NodeLowering &node) {
  FailureOr<std::optional<SmallVector<int64_t>>> axes = getAxes(node);
  if (failed(axes))
    return failure();
  TensorValue &input = node.input(0);
  bool keepDims = node.integer("keepdims", 1);
  if (!*axes) {
    node.setResult(0, input);
    return success();
  }
  if (input.elements && input.rank() == 1) {
    node.setResult(0, node.fromElements({node.index.product(*input.elements)},
                                        keepDims
                                            ? Dimensions{node.index.constant(1)}
                                            : Dimensions{},
                                        input.elementType));
    return success();
  }
  Type compute = getComputeType(input.storageType());
  bool isFloat = input.isFloat();
  TensorValue product = node.reduce(
      input, **axes, keepDims, makeScalar(node.builder, compute, 1),
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        return isFloat ? convertFloat(builder, operands[0], compute)
                       : operands[0];
      },
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (isFloat)
          return arith::MulFOp::create(builder, operands[0], operands[1]);
        return arith::MulIOp::create(builder, operands[0], operands[1]);
      });
  if (!isFloat)
    product.elementType = input.elementType;
  node.setResult(0, node.cast(product, input.elementType));
  return success();
}

/// The position of the largest or smallest element along one axis. The pair
/// (value, position) is ordered totally, so that the loop may run in any order.
template <bool isMaximum>
static LogicalResult lowerArgument(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 0), input.rank());
  if (failed(axis))
    return failure();
  bool last = node.integer("select_last_index", 0);
  int64_t rank = input.rank();
  MLIRContext *context = node.builder.getContext();
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators[*axis] = utils::IteratorType::reduction;
  SmallVector<AffineExpr> expressions;
  Dimensions reduced, kept = input.dims;
  kept[*axis] = node.index.constant(1);
  for (int64_t i = 0; i < rank; ++i)
    if (i != *axis) {
      expressions.push_back(getAffineDimExpr(i, context));
      reduced.push_back(input.dims[i]);
    }
  Type position = node.builder.getI64Type();
  Value bestValues = node.fill(reduced, makeWorst<isMaximum>(node, input));
  Value bestPositions = node.fill(
      reduced,
      arith::ConstantOp::create(
          node.builder, node.builder.getI64IntegerAttr(last ? -1 : INT64_MAX)));
  AffineMap map = AffineMap::get(rank, 0, expressions, context);
  bool isUnsigned = input.isUnsigned();
  auto loop = linalg::GenericOp::create(
      node.builder, TypeRange{bestValues.getType(), bestPositions.getType()},
      ValueRange{node.tensor(input)}, ValueRange{bestValues, bestPositions},
      ArrayRef<AffineMap>{node.builder.getMultiDimIdentityMap(rank), map, map},
      iterators,
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder builder(location, nested);
        Value own = arith::IndexCastOp::create(
            builder, position, linalg::IndexOp::create(builder, *axis));
        Value better, equal;
        if (isa<FloatType>(arguments[0].getType())) {
          using Predicate = arith::CmpFPredicate;
          better = arith::CmpFOp::create(
              builder, isMaximum ? Predicate::OGT : Predicate::OLT,
              arguments[0], arguments[1]);
          equal = arith::CmpFOp::create(builder, Predicate::OEQ, arguments[0],
                                        arguments[1]);
        } else {
          using Predicate = arith::CmpIPredicate;
          Predicate less = isUnsigned ? Predicate::ult : Predicate::slt;
          Predicate greater = isUnsigned ? Predicate::ugt : Predicate::sgt;
          better = arith::CmpIOp::create(builder, isMaximum ? greater : less,
                                         arguments[0], arguments[1]);
          equal = arith::CmpIOp::create(builder, Predicate::eq, arguments[0],
                                        arguments[1]);
        }
        Value preferred = arith::CmpIOp::create(
            builder,
            last ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::slt, own,
            arguments[2]);
        Value take = arith::OrIOp::create(
            builder, better, arith::AndIOp::create(builder, equal, preferred));
        Value value =
            arith::SelectOp::create(builder, take, arguments[0], arguments[1]);
        Value at = arith::SelectOp::create(builder, take, own, arguments[2]);
        linalg::YieldOp::create(builder, ValueRange{value, at});
      });
  TensorValue result = node.wrap(loop.getResult(1), reduced, position);
  node.setResult(0, node.integer("keepdims", 1) ? node.reshape(result, kept)
                                                : result);
  return success();
}

/// Prefix sums, each computed from its own terms: quadratic along the axis,
/// which is a sequence length at most.
static LogicalResult lowerCumSum(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<double> given = node.constantScalar(1, "axis");
  if (failed(given))
    return failure();
  FailureOr<int64_t> axis = node.normalizeAxis(int64_t(*given), input.rank());
  if (failed(axis))
    return failure();
  bool exclusive = node.integer("exclusive", 0);
  bool reverse = node.integer("reverse", 0);
  int64_t rank = input.rank();
  MLIRContext *context = node.builder.getContext();
  // Loops: the result's dimensions, then the terms.
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  SmallVector<AffineExpr> source, result;
  for (int64_t i = 0; i < rank; ++i) {
    result.push_back(getAffineDimExpr(i, context));
    source.push_back(getAffineDimExpr(i == *axis ? rank : i, context));
  }
  Type compute = getComputeType(input.storageType());
  bool isFloat = input.isFloat();
  Value accumulator = node.fill(input.dims, node.zero(compute));
  using Predicate = arith::CmpIPredicate;
  Predicate within = exclusive ? (reverse ? Predicate::ugt : Predicate::ult)
                               : (reverse ? Predicate::uge : Predicate::ule);
  auto loop = linalg::GenericOp::create(
      node.builder, TypeRange{accumulator.getType()},
      ValueRange{node.tensor(input)}, ValueRange{accumulator},
      ArrayRef<AffineMap>{AffineMap::get(rank + 1, 0, source, context),
                          AffineMap::get(rank + 1, 0, result, context)},
      iterators,
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder builder(location, nested);
        Value term = linalg::IndexOp::create(builder, rank);
        Value position = linalg::IndexOp::create(builder, *axis);
        Value counts = arith::CmpIOp::create(builder, within, term, position);
        Value value = isFloat ? convertFloat(builder, arguments[0], compute)
                              : arguments[0];
        Value total =
            isFloat
                ? Value(arith::AddFOp::create(builder, arguments[1], value))
                : Value(arith::AddIOp::create(builder, arguments[1], value));
        linalg::YieldOp::create(
            builder, Value(arith::SelectOp::create(builder, counts, total,
                                                   arguments[1])));
      });
  TensorValue sums = node.wrap(loop.getResult(0), input.dims,
                               isFloat ? compute : input.elementType);
  node.setResult(0, node.cast(sums, input.elementType));
  return success();
}

void hgf::populateReductionLowerings(LoweringTable &table) {
  table.add("", "ReduceSum", lowerReduceSum<Sum::Plain>);
  table.add("", "ReduceMean", lowerReduceSum<Sum::Mean>);
  table.add("", "ReduceSumSquare", lowerReduceSum<Sum::Square>);
  table.add("", "ReduceL1", lowerReduceSum<Sum::L1>);
  table.add("", "ReduceL2", lowerReduceSum<Sum::L2>);
  table.add("", "ReduceLogSum", lowerReduceSum<Sum::Log>);
  table.add("", "ReduceLogSumExp", lowerReduceSum<Sum::LogExp>);
  table.add("", "ReduceProd", lowerReduceProd);
  table.add("", "ReduceMax", lowerReduceExtreme<true>);
  table.add("", "ReduceMin", lowerReduceExtreme<false>);
  table.add("", "ArgMax", lowerArgument<true>);
  table.add("", "ArgMin", lowerArgument<false>);
  table.add("", "CumSum", lowerCumSum);
}
