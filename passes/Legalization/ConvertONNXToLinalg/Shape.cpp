//===- Shape.cpp - Shapes, reshapes, constants ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

static LogicalResult lowerConstantNode(NodeLowering &node) {
  DictionaryAttr attributes = node.node.getNodeAttributesAttr();
  Builder &builder = node.builder;
  if (auto value = attributes.getAs<ElementsAttr>("value")) {
    auto type = cast<ShapedType>(value.getType());
    Type elementType = type.getElementType();
    if (elementType != getStorageType(elementType)) {
      auto dense = dyn_cast<DenseElementsAttr>(value);
      if (!dense || elementType.getIntOrFloatBitWidth() < 8)
        return node.error() << "a constant of " << elementType
                            << " is not supported as an attribute; make it an "
                               "initializer";
      value = DenseElementsAttr::getFromRawBuffer(
          type.clone(getStorageType(elementType)), dense.getRawData());
    }
    node.setResult(0, makeConstant(node.builder, node.builder.getLoc(), value,
                                   elementType));
    return success();
  }
  if (node.hasAttribute("value_float")) {
    node.setResult(
        0, node.scalar(node.real("value_float", 0), builder.getF32Type()));
    return success();
  }
  if (node.hasAttribute("value_int")) {
    node.setResult(0, node.fromElements(
                          {node.index.constant(node.integer("value_int", 0))},
                          {}, builder.getI64Type()));
    return success();
  }
  if (auto integers = node.integers("value_ints")) {
    auto type = RankedTensorType::get({int64_t(integers->size())},
                                      builder.getI64Type());
    auto value = DenseElementsAttr::get(type, ArrayRef<int64_t>(*integers));
    node.setResult(0, makeConstant(node.builder, node.builder.getLoc(), value,
                                   builder.getI64Type()));
    return success();
  }
  if (node.hasAttribute("value_floats")) {
    SmallVector<float> reals;
    Attribute attribute = attributes.get("value_floats");
    if (auto dense = dyn_cast<DenseF32ArrayAttr>(attribute))
      reals.append(dense.asArrayRef().begin(), dense.asArrayRef().end());
    else if (auto array = dyn_cast<ArrayAttr>(attribute))
      for (FloatAttr real : array.getAsRange<FloatAttr>())
        reals.push_back(real.getValueAsDouble());
    auto type =
        RankedTensorType::get({int64_t(reals.size())}, builder.getF32Type());
    node.setResult(
        0, makeConstant(node.builder, node.builder.getLoc(),
                        DenseElementsAttr::get(type, ArrayRef<float>(reals)),
                        builder.getF32Type()));
    return success();
  }
  return node.error() << "string and sparse constants are not supported";
}

/// A dimension from an element of a shape; fails where it is negative.
static LogicalResult expectSize(NodeLowering &node, Index size) {
  std::optional<int64_t> known = node.index.constantValue(size);
  if (!known || *known >= 0)
    return success();
  return node.error() << "expected a size of at least 0 but got " << *known;
}

static LogicalResult lowerConstantOfShape(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  FailureOr<SmallVector<Index>> shape = node.elements(0, "shape");
  if (failed(shape))
    return failure();
  Type elementType = node.builder.getF32Type();
  TypedAttr scalar = node.builder.getF32FloatAttr(0);
  if (auto value =
          node.node.getNodeAttributesAttr().getAs<DenseElementsAttr>("value")) {
    elementType = value.getElementType();
    auto signless = RankedTensorType::get({1}, getStorageType(elementType));
    if (value.getNumElements() != 1 ||
        (isa<IntegerType>(elementType) &&
         elementType.getIntOrFloatBitWidth() != 1 &&
         elementType.getIntOrFloatBitWidth() < 8))
      return node.error() << "expected one value of at least a byte";
    scalar = cast<TypedAttr>(
        DenseElementsAttr::getFromRawBuffer(signless, value.getRawData())
            .getSplatValue<Attribute>());
  }
  Dimensions dims;
  int64_t count = 1;
  for (Index size : *shape) {
    if (failed(expectSize(node, size)))
      return failure();
    dims.push_back(size);
    std::optional<int64_t> known = node.index.constantValue(size);
    count = known && count >= 0 && *known <= 64 ? count * *known : -1;
    if (count > 64)
      count = -1;
  }
  if (count >= 0) {
    auto type = node.tensorType(dims, scalar.getType());
    node.setResult(0, makeConstant(node.builder, node.builder.getLoc(),
                                   DenseElementsAttr::get(type, scalar),
                                   elementType));
    return success();
  }
  Value value = arith::ConstantOp::create(node.builder, scalar);
  node.setResult(0, node.wrap(node.fill(dims, value), dims, elementType));
  return success();
}

static LogicalResult lowerShape(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  int64_t rank = input.rank();
  auto clamp = [&](int64_t position) {
    return std::clamp(position < 0 ? position + rank : position, int64_t(0),
                      rank);
  };
  int64_t begin = clamp(node.integer("start", 0));
  int64_t end = clamp(node.integer("end", rank));
  SmallVector<Index> elements;
  for (int64_t i = begin; i < end; ++i)
    elements.push_back(input.dims[i]);
  Index count = node.index.constant(elements.size());
  node.setResult(
      0, node.fromElements(elements, {count}, node.builder.getI64Type()));
  return success();
}

static LogicalResult lowerSize(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  node.setResult(0, node.fromElements({node.index.product(node.input(0).dims)},
                                      {}, node.builder.getI64Type()));
  return success();
}

static LogicalResult lowerReshape(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  TensorValue &input = node.input(0);
  SmallVector<Index> shape;
  if (node.has(1)) {
    FailureOr<SmallVector<Index>> elements = node.elements(1, "shape");
    if (failed(elements))
      return failure();
    shape = *elements;
  } else {
    // Opset 1 had the shape as an attribute.
    std::optional<SmallVector<int64_t>> attribute = node.integers("shape");
    if (!attribute)
      return node.error() << "expected a shape but got none";
    for (int64_t size : *attribute)
      shape.push_back(node.index.constant(size));
  }
  bool allowZero = node.integer("allowzero", 0);
  std::optional<size_t> inferred;
  Dimensions dims;
  Index known = node.index.constant(1);
  for (auto [i, size] : llvm::enumerate(shape)) {
    std::optional<int64_t> constant = node.index.constantValue(size);
    if (constant == -1) {
      if (inferred)
        return node.error() << "expected one dimension of -1 but got two";
      inferred = i;
      dims.push_back(size);
      continue;
    }
    if (failed(expectSize(node, size)))
      return failure();
    if (constant == 0 && !allowZero) {
      if (int64_t(i) >= input.rank())
        return node.error() << "a dimension of 0 copies dimension " << i
                            << " of an input that has rank " << input.rank();
      size = input.dims[i];
    }
    dims.push_back(size);
    known = node.index.multiply(known, size);
  }
  Index total = node.index.product(input.dims);
  if (inferred) {
    // 0 / 0: an empty tensor's missing dimension is 0.
    Index quotient = node.index.constant(0);
    if (node.index.constantValue(known) != 0)
      quotient = node.index.floorDivide(total, known);
    // Where the factors do not cancel, the divisor may be 0 at run time.
    if (!node.index.constantValue(known) &&
        !node.index.equal(node.index.multiply(quotient, known), total))
      quotient = node.index.floorDivide(
          total, node.index.maximum(known, node.index.constant(1)));
    dims[*inferred] = quotient;
  }
  Index made = node.index.product(dims);
  std::optional<int64_t> before = node.index.constantValue(total);
  std::optional<int64_t> after = node.index.constantValue(made);
  if (before && after && *before != *after)
    return node.error() << "expected a shape of " << *before
                        << " elements but got one of " << *after;
  node.setResult(0, node.reshape(input, dims));
  return success();
}

static LogicalResult lowerFlatten(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  int64_t axis = node.integer("axis", 1);
  if (axis < -input.rank() || axis > input.rank())
    return node.error() << "expected an axis in [" << -input.rank() << ", "
                        << input.rank() << "] but got " << axis;
  if (axis < 0)
    axis += input.rank();
  ArrayRef<Index> dims = input.dims;
  node.setResult(
      0, node.reshape(input, {node.index.product(dims.take_front(axis)),
                              node.index.product(dims.drop_front(axis))}));
  return success();
}

static LogicalResult lowerSqueeze(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.attributeOrInput("axes", 1);
  if (failed(axes))
    return failure();
  SmallVector<bool> removed(input.rank(), false);
  if (*axes) {
    for (int64_t axis : **axes) {
      FailureOr<int64_t> position = node.normalizeAxis(axis, input.rank());
      if (failed(position))
        return failure();
      Index size = input.dims[*position];
      if (!node.index.require(node.index.compare(arith::CmpIPredicate::eq, size,
                                                 node.index.constant(1)),
                              "squeezed dimension is not 1"))
        return node.error()
               << "expected dimension " << *position << " to be 1 but got "
               << *node.index.constantValue(size);
      removed[*position] = true;
    }
  } else {
    for (int64_t i = 0; i < input.rank(); ++i)
      removed[i] = node.index.constantValue(input.dims[i]) == 1;
  }
  Dimensions dims;
  for (int64_t i = 0; i < input.rank(); ++i)
    if (!removed[i])
      dims.push_back(input.dims[i]);
  node.setResult(0, node.reshape(input, dims));
  return success();
}

static LogicalResult lowerUnsqueeze(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<std::optional<SmallVector<int64_t>>> axes =
      node.attributeOrInput("axes", 1);
  if (failed(axes))
    return failure();
  if (!*axes)
    return node.error() << "expected axes but got none";
  int64_t rank = input.rank() + (*axes)->size();
  SmallVector<bool> added(rank, false);
  for (int64_t axis : **axes) {
    FailureOr<int64_t> position = node.normalizeAxis(axis, rank);
    if (failed(position))
      return failure();
    if (added[*position])
      return node.error() << "expected distinct axes but got " << axis
                          << " twice";
    added[*position] = true;
  }
  Dimensions dims;
  const Index *next = input.dims.begin();
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(added[i] ? node.index.constant(1) : *next++);
  node.setResult(0, node.reshape(input, dims));
  return success();
}

static LogicalResult lowerExpand(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<SmallVector<Index>> shape = node.elements(1, "shape");
  if (failed(shape))
    return failure();
  TensorValue target;
  for (Index size : *shape) {
    if (failed(expectSize(node, size)))
      return failure();
    target.dims.push_back(size);
  }
  FailureOr<Dimensions> dims = node.broadcastDims({&input, &target});
  if (failed(dims))
    return failure();
  bool isSmall = input.elements && input.elements->size() == 1;
  int64_t count = 1;
  for (Index size : *dims) {
    std::optional<int64_t> known = node.index.constantValue(size);
    count = known && count >= 0 && *known <= 64 ? count * *known : -1;
    if (count > 64)
      count = -1;
  }
  if (isSmall && count >= 0) {
    node.setResult(
        0, node.fromElements(SmallVector<Index>(count, (*input.elements)[0]),
                             *dims, input.elementType));
    return success();
  }
  node.setResult(0, node.broadcastTo(input, *dims));
  return success();
}

static LogicalResult lowerTranspose(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  SmallVector<int64_t> permutation;
  if (auto given = node.integers("perm"))
    permutation = *given;
  else
    for (int64_t i = input.rank(); i-- > 0;)
      permutation.push_back(i);
  SmallVector<int64_t> sorted = permutation;
  llvm::sort(sorted);
  bool isPermutation = int64_t(sorted.size()) == input.rank();
  for (size_t i = 0; isPermutation && i < sorted.size(); ++i)
    isPermutation = sorted[i] == int64_t(i);
  if (!isPermutation)
    return node.error() << "expected perm to be a permutation of "
                        << input.rank() << " dimensions";
  node.setResult(0, node.transpose(input, permutation));
  return success();
}

static LogicalResult lowerTile(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<SmallVector<Index>> repeats = node.elements(1, "repeats");
  if (failed(repeats))
    return failure();
  if (int64_t(repeats->size()) != input.rank())
    return node.error() << "expected " << input.rank() << " repeats but got "
                        << repeats->size();
  // [a, b] becomes [1, a, 1, b], is broadcast to [r, a, s, b], and collapses.
  Dimensions spread, wide, dims;
  for (auto [size, repeat] : llvm::zip(input.dims, *repeats)) {
    if (failed(expectSize(node, repeat)))
      return failure();
    dims.push_back(node.index.multiply(size, repeat));
    if (node.index.constantValue(repeat) != 1) {
      spread.push_back(node.index.constant(1));
      wide.push_back(repeat);
    }
    spread.push_back(size);
    wide.push_back(size);
  }
  TensorValue source = node.reshape(input, spread);
  TensorValue copied = node.broadcastTo(source, wide);
  node.setResult(0, node.reshape(copied, dims));
  return success();
}

static LogicalResult lowerRange(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)))
    return failure();
  Type type = node.input(0).elementType;
  if (isa<FloatType>(type)) {
    SmallVector<double> parts;
    for (unsigned i = 0; i < 3; ++i) {
      FailureOr<double> part = node.constantScalar(i, "a float range's bound");
      if (failed(part))
        return failure();
      parts.push_back(*part);
    }
    if (parts[2] == 0)
      return node.error() << "expected a delta other than 0";
    int64_t count = std::max(0.0, std::ceil((parts[1] - parts[0]) / parts[2]));
    node.setResult(
        0,
        node.generate(
            {node.index.constant(count)}, type,
            [&](ImplicitLocOpBuilder &builder,
                ValueRange coordinates) -> Value {
              Type compute = getComputeType(type);
              Value position = arith::IndexCastOp::create(
                  builder, builder.getI64Type(), coordinates[0]);
              Value step = arith::SIToFPOp::create(builder, compute, position);
              Value offset = arith::MulFOp::create(
                  builder, step, makeScalar(builder, compute, parts[2]));
              return convertFloat(
                  builder,
                  arith::AddFOp::create(builder, offset,
                                        makeScalar(builder, compute, parts[0])),
                  type);
            }));
    return success();
  }
  SmallVector<Index> parts;
  for (unsigned i = 0; i < 3; ++i) {
    FailureOr<SmallVector<Index>> part = node.elements(i, "a range's bound");
    if (failed(part))
      return failure();
    if (part->size() != 1)
      return node.error() << "expected scalar bounds";
    parts.push_back((*part)[0]);
  }
  if (node.index.constantValue(parts[2]) == 0)
    return node.error() << "expected a delta other than 0";
  SymbolicIndex &index = node.index;
  Index count = index.maximum(
      index.constant(0),
      index.ceilDivide(index.subtract(parts[1], parts[0]), parts[2]));
  std::optional<int64_t> known = index.constantValue(count);
  if (known && *known <= 64) {
    SmallVector<Index> elements;
    for (int64_t i = 0; i < *known; ++i)
      elements.push_back(
          index.add(parts[0], index.multiply(parts[2], index.constant(i))));
    node.setResult(0, node.fromElements(elements, {count}, type));
    return success();
  }
  Value first = index.value(parts[0]), step = index.value(parts[2]);
  bool unitStep = index.constantValue(parts[2]) == 1;
  bool fromZero = index.constantValue(parts[0]) == 0;
  node.setResult(
      0, node.generate({count}, type,
                       [&](ImplicitLocOpBuilder &builder,
                           ValueRange coordinates) -> Value {
                         Value value = coordinates[0];
                         if (!unitStep)
                           value = arith::MulIOp::create(builder, value, step);
                         if (!fromZero)
                           value = arith::AddIOp::create(builder, value, first);
                         return arith::IndexCastOp::create(
                             builder, getStorageType(type), value);
                       }));
  return success();
}

static LogicalResult lowerEyeLike(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  if (input.rank() != 2 || node.hasAttribute("dtype"))
    return node.error() << "dtype is not supported; supported: the input's "
                           "type, rank 2";
  int64_t offset = node.integer("k", 0);
  Type storage = input.storageType();
  node.setResult(
      0,
      node.generate(
          input.dims, input.elementType,
          [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
            Value shifted = arith::AddIOp::create(
                builder, coordinates[0],
                makeScalar(builder, builder.getIndexType(), offset));
            Value on = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq,
                                             shifted, coordinates[1]);
            return arith::SelectOp::create(builder, on,
                                           makeScalar(builder, storage, 1),
                                           makeScalar(builder, storage, 0));
          }));
  return success();
}

/// Inference: the data passes, the mask is all true.
static LogicalResult lowerDropout(NodeLowering &node) {
  if (failed(node.expectInputs(1, 3)))
    return failure();
  if (node.has(2)) {
    FailureOr<double> training = node.constantScalar(2, "training_mode");
    if (failed(training))
      return failure();
    if (*training != 0)
      return node.error() << "training_mode=1 is not supported; export the "
                             "model for inference";
  }
  TensorValue input = node.input(0);
  if (node.isResultUsed(1)) {
    Value yes = makeScalar(node.builder, node.builder.getI1Type(), 1);
    node.setResult(1, node.wrap(node.fill(input.dims, yes), input.dims,
                                node.builder.getI1Type()));
  }
  node.setResult(0, input);
  return success();
}

void hgf::populateShapeLowerings(LoweringTable &table) {
  table.add("", "Constant", lowerConstantNode);
  table.add("", "ConstantOfShape", lowerConstantOfShape);
  table.add("", "Shape", lowerShape);
  table.add("", "Size", lowerSize);
  table.add("", "Reshape", lowerReshape);
  table.add("", "Flatten", lowerFlatten);
  table.add("", "Squeeze", lowerSqueeze);
  table.add("", "Unsqueeze", lowerUnsqueeze);
  table.add("", "Expand", lowerExpand);
  table.add("", "Transpose", lowerTranspose);
  table.add("", "Tile", lowerTile);
  table.add("", "Range", lowerRange);
  table.add("", "EyeLike", lowerEyeLike);
  table.add("", "Dropout", lowerDropout);
}
