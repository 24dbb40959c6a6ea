//===- Normalization.cpp - Softmax and the norms ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

TensorValue NodeLowering::softmax(TensorValue &value, int64_t axis) {
  Type compute = getComputeType(value.elementType);
  TensorValue largest = reduce(
      value, {axis}, /*keepDims=*/true, makeScalar(builder, compute, -INFINITY),
      [&](ImplicitLocOpBuilder &inner, ValueRange operands) {
        return convertFloat(inner, operands[0], compute);
      },
      [](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        return arith::MaximumFOp::create(inner, operands[0], operands[1]);
      });
  TensorValue powers = elementwiseOver(
      value.dims, {&value, &largest}, compute,
      [&](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        Value shifted = arith::SubFOp::create(
            inner, convertFloat(inner, operands[0], compute), operands[1]);
        return math::ExpOp::create(inner, shifted);
      });
  TensorValue total = sum(
      powers, {axis}, /*keepDims=*/true,
      [](ImplicitLocOpBuilder &, ValueRange operands) { return operands[0]; });
  return elementwiseOver(
      value.dims, {&powers, &total}, compute,
      [](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        return arith::DivFOp::create(inner, operands[0], operands[1]);
      });
}

/// Softmax and its relatives before opset 13 see a matrix: everything from the
/// axis on is one row.
template <typename Compute>
static LogicalResult lowerAlongAxis(NodeLowering &node, Compute compute) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue input = node.input(0);
  bool flattens = node.opset < 13;
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", flattens ? 1 : -1),
                         input.rank() + (flattens ? 1 : 0));
  if (failed(axis))
    return failure();
  if (!flattens) {
    TensorValue result = compute(input, *axis);
    node.setResult(0, node.cast(result, input.elementType));
    return success();
  }
  ArrayRef<Index> dims = input.dims;
  TensorValue matrix =
      node.reshape(input, {node.index.product(dims.take_front(*axis)),
                           node.index.product(dims.drop_front(*axis))});
  TensorValue result = compute(matrix, 1);
  result = node.cast(result, input.elementType);
  node.setResult(0, node.reshape(result, input.dims));
  return success();
}

/// The maximum over one axis, which stays as 1.
static TensorValue largestAlong(NodeLowering &node, TensorValue &value,
                                int64_t axis, Type compute) {
  return node.reduce(
      value, {axis}, true, makeScalar(node.builder, compute, -INFINITY),
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        return convertFloat(builder, operands[0], compute);
      },
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MaximumFOp::create(builder, operands[0], operands[1]);
      });
}

static LogicalResult lowerSoftmax(NodeLowering &node) {
  return lowerAlongAxis(node, [&](TensorValue &value, int64_t axis) {
    return node.softmax(value, axis);
  });
}

static LogicalResult lowerLogSoftmax(NodeLowering &node) {
  return lowerAlongAxis(node, [&](TensorValue &value, int64_t axis) {
    // log softmax(x) = (x - m) - log Σ exp(x - m).
    Type compute = getComputeType(value.elementType);
    TensorValue largest = largestAlong(node, value, axis, compute);
    TensorValue shifted = node.elementwiseOver(
        value.dims, {&value, &largest}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          return arith::SubFOp::create(
              builder, convertFloat(builder, operands[0], compute),
              operands[1]);
        });
    TensorValue total = node.sum(
        shifted, {axis}, true,
        [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          return math::ExpOp::create(builder, operands[0]);
        });
    return node.elementwiseOver(
        value.dims, {&shifted, &total}, compute,
        [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          return arith::SubFOp::create(
              builder, operands[0], math::LogOp::create(builder, operands[1]));
        });
  });
}

static LogicalResult lowerHardmax(NodeLowering &node) {
  return lowerAlongAxis(node, [&](TensorValue &value, int64_t axis) {
    // The first of the largest: no larger one anywhere, no equal one before.
    Type compute = getComputeType(value.elementType);
    TensorValue largest = largestAlong(node, value, axis, compute);
    Type position = node.builder.getI64Type();
    TensorValue places = node.elementwiseOver(
        value.dims, {&value, &largest}, position,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          Value is = arith::CmpFOp::create(
              builder, arith::CmpFPredicate::OEQ,
              convertFloat(builder, operands[0], compute), operands[1]);
          Value own = arith::IndexCastOp::create(
              builder, position, linalg::IndexOp::create(builder, axis));
          return arith::SelectOp::create(
              builder, is, own,
              arith::ConstantOp::create(builder,
                                        builder.getI64IntegerAttr(INT64_MAX)));
        });
    TensorValue first = node.reduce(
        places, {axis}, true,
        arith::ConstantOp::create(node.builder,
                                  node.builder.getI64IntegerAttr(INT64_MAX)),
        [](ImplicitLocOpBuilder &, ValueRange operands) { return operands[0]; },
        [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          return arith::MinSIOp::create(builder, operands[0], operands[1]);
        });
    return node.elementwiseOver(
        value.dims, {&places, &first}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          Value is = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq,
                                           operands[0], operands[1]);
          return arith::UIToFPOp::create(builder, compute, is);
        });
  });
}

namespace {
/// The results of a norm, all in the compute type and of full rank.
struct Norm {
  TensorValue normalized;
  TensorValue mean;
  TensorValue inverse;
};
} // namespace

/// (x - mean) / sqrt(mean((x - mean)²) + epsilon) over `axes`; without the
/// means where it does not `center`.
static Norm normalize(NodeLowering &node, TensorValue &x,
                      ArrayRef<int64_t> axes, double epsilon, bool center) {
  Type compute = getComputeType(x.elementType);
  Index count = node.index.constant(1);
  for (int64_t axis : axes)
    count = node.index.multiply(count, x.dims[axis]);
  std::optional<int64_t> known = node.index.constantValue(count);
  Value countValue = known ? Value() : node.index.value(count);
  auto divideByCount = [&](ImplicitLocOpBuilder &builder,
                           Value total) -> Value {
    Value divisor;
    if (known)
      divisor = makeScalar(builder, compute, double(*known));
    else
      divisor = arith::UIToFPOp::create(
          builder, compute,
          arith::IndexCastOp::create(builder, builder.getI64Type(),
                                     countValue));
    return arith::DivFOp::create(builder, total, divisor);
  };
  Norm norm;
  TensorValue centered = x;
  if (center) {
    TensorValue total = node.sum(
        x, axes, true, [](ImplicitLocOpBuilder &, ValueRange operands) {
          return operands[0];
        });
    norm.mean = node.elementwiseOver(
        total.dims, {&total}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
          return divideByCount(builder, operands[0]);
        });
    centered = node.elementwiseOver(
        x.dims, {&x, &norm.mean}, compute,
        [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
          return arith::SubFOp::create(
              builder, convertFloat(builder, operands[0], compute),
              operands[1]);
        });
  }
  TensorValue squares = node.sum(
      centered, axes, true,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MulFOp::create(builder, operands[0], operands[0]);
      });
  norm.inverse = node.elementwiseOver(
      squares.dims, {&squares}, compute,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        Value variance = divideByCount(builder, operands[0]);
        Value root = math::SqrtOp::create(
            builder,
            arith::AddFOp::create(builder, variance,
                                  makeScalar(builder, compute, epsilon)));
        return arith::DivFOp::create(builder, makeScalar(builder, compute, 1),
                                     root);
      });
  norm.normalized = node.elementwiseOver(
      x.dims, {&centered, &norm.inverse}, compute,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MulFOp::create(
            builder, convertFloat(builder, operands[0], compute), operands[1]);
      });
  return norm;
}

/// normalized * scale + bias, in the type of the node's first input.
static FailureOr<TensorValue> scaleAndShift(NodeLowering &node,
                                            TensorValue &normalized,
                                            TensorValue *scale,
                                            TensorValue *bias, Type type) {
  Type compute = normalized.elementType;
  SmallVector<TensorValue *> operands{&normalized};
  if (scale)
    operands.push_back(scale);
  if (bias)
    operands.push_back(bias);
  FailureOr<Dimensions> dims = node.broadcastDims(operands);
  if (failed(dims))
    return failure();
  return node.elementwiseOver(
      normalized.dims, operands, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
        Value x = scalars[0];
        if (scale)
          x = arith::MulFOp::create(builder, x,
                                    convertFloat(builder, scalars[1], compute));
        if (bias)
          x = arith::AddFOp::create(
              builder, x, convertFloat(builder, scalars.back(), compute));
        return convertFloat(builder, x, type);
      });
}

/// x / sqrt(mean(x^2) + epsilon) * scale over the last dimension as one
/// operation, which a layer behind it can take in; std::nullopt where the types
/// are not that operation's.
static std::optional<TensorValue> lowerRootMeanSquare(NodeLowering &node,
                                                      TensorValue &x,
                                                      TensorValue &scale,
                                                      double epsilon) {
  if (!x.elementType.isF32() || !scale.elementType.isF32() || x.rank() < 1 ||
      scale.rank() != 1)
    return std::nullopt;
  RankedTensorType type = node.tensorType(x.dims, x.elementType);
  int64_t columns = type.getShape().back();
  if (ShapedType::isDynamic(columns) ||
      node.tensorType(scale.dims, scale.elementType).getDimSize(0) != columns)
    return std::nullopt;
  Value result =
      RMSNormOp::create(node.builder, type, node.tensor(x), node.tensor(scale),
                        node.builder.getF32FloatAttr(epsilon));
  return node.wrap(result, x.dims, x.elementType);
}

/// LayerNormalization, RMSNormalization and SimplifiedLayerNormalization: over
/// all axes from `axis` on.
template <bool center> static LogicalResult lowerLayerNorm(NodeLowering &node) {
  if (failed(node.expectInputs(2, 3)) || failed(node.expectFloats(3)))
    return failure();
  TensorValue &x = node.input(0);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(*axis, x.rank()));
  double epsilon = node.real("epsilon", 1e-5);
  if (!center && !node.has(2) && !node.isResultUsed(1) && *axis == x.rank() - 1)
    if (auto fused = lowerRootMeanSquare(node, x, node.input(1), epsilon)) {
      node.setResult(0, *fused);
      return success();
    }
  Norm norm = normalize(node, x, axes, epsilon, center);
  FailureOr<TensorValue> result =
      scaleAndShift(node, norm.normalized, &node.input(1),
                    node.has(2) ? &node.input(2) : nullptr, x.elementType);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  if (center && node.isResultUsed(1))
    node.setResult(1, norm.mean);
  unsigned inverse = center ? 2 : 1;
  if (node.isResultUsed(inverse))
    node.setResult(inverse, norm.inverse);
  return success();
}

/// com.microsoft's norm of input + skip (+ bias), whose fourth result is the
/// sum itself. Inputs: x, skip, gamma[, beta], bias.
template <bool center> static LogicalResult lowerSkipNorm(NodeLowering &node) {
  unsigned biasInput = center ? 4 : 3;
  if (failed(node.expectInputs(3, biasInput + 1)) ||
      failed(node.expectFloats(5)))
    return failure();
  TensorValue &x = node.input(0);
  SmallVector<TensorValue *> terms{&x, &node.input(1)};
  if (node.has(biasInput))
    terms.push_back(&node.input(biasInput));
  Type type = x.elementType, compute = getComputeType(type);
  FailureOr<TensorValue> total = node.elementwise(
      terms, type, [&](ImplicitLocOpBuilder &builder, ValueRange operands) {
        Value sum = convertFloat(builder, operands[0], compute);
        for (Value operand : operands.drop_front())
          sum = arith::AddFOp::create(builder, sum,
                                      convertFloat(builder, operand, compute));
        return convertFloat(builder, sum, type);
      });
  if (failed(total))
    return failure();
  double epsilon = node.real("epsilon", 1e-12);
  bool onlySum = !node.isResultUsed(1) && !node.isResultUsed(2);
  if (!center && onlySum)
    if (auto fused =
            lowerRootMeanSquare(node, *total, node.input(2), epsilon)) {
      node.setResult(0, *fused);
      node.setResult(3, *total);
      return success();
    }
  Norm norm = normalize(node, *total, {total->rank() - 1}, epsilon, center);
  bool hasBeta = center && node.has(3);
  FailureOr<TensorValue> result =
      scaleAndShift(node, norm.normalized, &node.input(2),
                    hasBeta ? &node.input(3) : nullptr, type);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  if (!onlySum)
    return node.error() << "the results mean and inv_std_var are not supported";
  node.setResult(3, *total);
  return success();
}

/// A vector over channels, as a factor of [N, C, ...].
static TensorValue overChannels(NodeLowering &node, TensorValue &vector,
                                int64_t rank) {
  if (vector.rank() != 1 || rank < 2) {
    node.error()
        << "expected channels as dimension 1 of the input, and vectors "
           "over them";
    return vector;
  }
  Dimensions dims(rank - 1, node.index.constant(1));
  dims[0] = vector.dims[0];
  return node.reshape(vector, dims);
}

static LogicalResult lowerInstanceNorm(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)) || failed(node.expectFloats(3)))
    return failure();
  TensorValue &x = node.input(0);
  if (x.rank() < 3)
    return node.error() << "expected an input of rank 3 or more";
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, x.rank()));
  Norm norm = normalize(node, x, axes, node.real("epsilon", 1e-5), true);
  TensorValue scale = overChannels(node, node.input(1), x.rank());
  TensorValue bias = overChannels(node, node.input(2), x.rank());
  FailureOr<TensorValue> result =
      scaleAndShift(node, norm.normalized, &scale, &bias, x.elementType);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

static LogicalResult lowerGroupNorm(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)) || failed(node.expectFloats(3)))
    return failure();
  TensorValue &x = node.input(0);
  if (x.rank() < 2)
    return node.error() << "expected an input of rank 2 or more";
  SymbolicIndex &index = node.index;
  Index groups =
      index.constant(std::max<int64_t>(node.integer("num_groups", 1), 1));
  Index perGroup = index.floorDivide(x.dims[1], groups);
  Dimensions grouped{x.dims[0], groups, perGroup};
  grouped.append(x.dims.begin() + 2, x.dims.end());
  TensorValue split = node.reshape(x, grouped);
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(2, split.rank()));
  Norm norm = normalize(node, split, axes, node.real("epsilon", 1e-5), true);
  // Opset 18 has one scale per group, opset 21 one per channel.
  auto vector = [&](unsigned i) {
    TensorValue &given = node.input(i);
    bool perChannel = node.opset >= 21;
    Dimensions dims(split.rank() - 1, index.constant(1));
    dims[0] = groups;
    if (perChannel)
      dims[1] = perGroup;
    return node.reshape(given, dims);
  };
  TensorValue scale = vector(1), bias = vector(2);
  FailureOr<TensorValue> result =
      scaleAndShift(node, norm.normalized, &scale, &bias, x.elementType);
  if (failed(result))
    return failure();
  node.setResult(0, node.reshape(*result, x.dims));
  return success();
}

static LogicalResult lowerBatchNorm(NodeLowering &node) {
  if (failed(node.expectInputs(5, 5)) || failed(node.expectFloats(5)))
    return failure();
  if (node.integer("training_mode", 0) || node.resultCount() > 1)
    return node.error() << "training_mode=1 is not supported; export the model "
                           "for inference";
  TensorValue &x = node.input(0);
  SmallVector<TensorValue> vectors;
  for (unsigned i = 1; i < 5; ++i)
    vectors.push_back(overChannels(node, node.input(i), x.rank()));
  Type type = x.elementType, compute = getComputeType(type);
  double epsilon = node.real("epsilon", 1e-5);
  node.setResult(
      0,
      node.elementwiseOver(
          x.dims, {&x, &vectors[0], &vectors[1], &vectors[2], &vectors[3]},
          type, [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
            SmallVector<Value> wide;
            for (Value scalar : scalars)
              wide.push_back(convertFloat(builder, scalar, compute));
            Value root = math::SqrtOp::create(
                builder,
                arith::AddFOp::create(builder, wide[4],
                                      makeScalar(builder, compute, epsilon)));
            Value factor = arith::DivFOp::create(builder, wide[1], root);
            Value centered = arith::SubFOp::create(builder, wide[0], wide[3]);
            Value result = arith::AddFOp::create(
                builder, arith::MulFOp::create(builder, centered, factor),
                wide[2]);
            return convertFloat(builder, result, type);
          }));
  return success();
}

static LogicalResult lowerMeanVariance(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &x = node.input(0);
  SmallVector<int64_t> axes =
      node.integers("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  for (int64_t &axis : axes) {
    FailureOr<int64_t> position = node.normalizeAxis(axis, x.rank());
    if (failed(position))
      return failure();
    axis = *position;
  }
  Norm norm = normalize(node, x, axes, 1e-9, true);
  node.setResult(0, node.cast(norm.normalized, x.elementType));
  return success();
}

/// x / ||x|| along one axis; a row of zeros stays zero.
static LogicalResult lowerLpNorm(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &x = node.input(0);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", -1), x.rank());
  if (failed(axis))
    return failure();
  bool squares = node.integer("p", 2) == 2;
  Type type = x.elementType, compute = getComputeType(type);
  TensorValue total = node.sum(
      x, {*axis}, true,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        if (squares)
          return arith::MulFOp::create(builder, operands[0], operands[0]);
        return math::AbsFOp::create(builder, operands[0]);
      });
  node.setResult(
      0, node.elementwiseOver(
             x.dims, {&x, &total}, type,
             [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
               Value norm = scalars[1];
               if (squares)
                 norm = math::SqrtOp::create(builder, norm);
               Value zero = makeScalar(builder, compute, 0);
               Value isZero = arith::CmpFOp::create(
                   builder, arith::CmpFPredicate::OEQ, norm, zero);
               norm = arith::SelectOp::create(
                   builder, isZero, makeScalar(builder, compute, 1), norm);
               Value result = arith::DivFOp::create(
                   builder, convertFloat(builder, scalars[0], compute), norm);
               return convertFloat(builder, result, type);
             }));
  return success();
}

void hgf::populateNormalizationLowerings(LoweringTable &table) {
  table.add("", "Softmax", lowerSoftmax);
  table.add("", "LogSoftmax", lowerLogSoftmax);
  table.add("", "Hardmax", lowerHardmax);
  table.add("", "LayerNormalization", lowerLayerNorm<true>);
  table.add("", "RMSNormalization", lowerLayerNorm<false>);
  table.add("", "SimplifiedLayerNormalization", lowerLayerNorm<false>);
  table.add("", "InstanceNormalization", lowerInstanceNorm);
  table.add("", "GroupNormalization", lowerGroupNorm);
  table.add("", "BatchNormalization", lowerBatchNorm);
  table.add("", "MeanVarianceNormalization", lowerMeanVariance);
  table.add("", "LpNormalization", lowerLpNorm);
  table.add("com.microsoft", "SimplifiedLayerNormalization",
            lowerLayerNorm<false>);
  table.add("com.microsoft", "SkipSimplifiedLayerNormalization",
            lowerSkipNorm<false>);
  table.add("com.microsoft", "SkipLayerNormalization", lowerSkipNorm<true>);
}
