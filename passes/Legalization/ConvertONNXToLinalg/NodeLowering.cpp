//===- NodeLowering.cpp - A node's inputs and attributes --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

NodeLowering::NodeLowering(NodeOp node, LoweringContext &context)
    : node(node), context(context), index(context.index()),
      builder(node.getLoc(), node), opset(context.opset(node.getDomain())) {}

bool NodeLowering::has(unsigned i) {
  return i < inputCount() && !node.getInputs()[i].getDefiningOp<NoneOp>();
}

TensorValue &NodeLowering::input(unsigned i) {
  if (!has(i)) {
    error() << "expected input " << i << " but it is not given";
    missing = scalar(0, builder.getF32Type());
    return missing;
  }
  return *context.find(node.getInputs()[i]);
}

bool NodeLowering::isResultUsed(unsigned i) {
  return i < resultCount() && !node.getOutputs()[i].use_empty();
}

void NodeLowering::setResult(unsigned i, TensorValue value) {
  if (i < resultCount())
    context.set(node.getOutputs()[i], std::move(value));
}

/// The name of the node at `location`.
static StringRef getNodeName(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringRef name = getNodeName(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return getNodeName(call.getCallee());
  return "";
}

InFlightDiagnostic NodeLowering::error() {
  erred = true;
  InFlightDiagnostic diagnostic = emitError(node.getLoc());
  diagnostic << "node '" << getNodeName(node.getLoc()) << "' (";
  if (!node.getDomain().empty())
    diagnostic << node.getDomain() << "::";
  diagnostic << node.getOpType() << "-" << opset << "): ";
  return diagnostic;
}

LogicalResult NodeLowering::expectInputs(unsigned least, unsigned most) {
  bool complete = inputCount() >= least && inputCount() <= most;
  for (unsigned i = 0; complete && i < least; ++i)
    complete = has(i);
  if (complete)
    return success();
  InFlightDiagnostic diagnostic = error();
  diagnostic << "expected " << least;
  if (most == ~0u)
    diagnostic << " or more";
  else if (most != least)
    diagnostic << " to " << most;
  return diagnostic << " inputs but got " << inputCount();
}

LogicalResult NodeLowering::expectFloat(unsigned i) {
  if (input(i).isFloat())
    return success();
  return error() << "expected input " << i << " to be float but got "
                 << input(i).elementType;
}

LogicalResult NodeLowering::expectFloats(unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    if (has(i) && failed(expectFloat(i)))
      return failure();
  return success();
}

bool NodeLowering::hasAttribute(StringRef name) {
  return node.getNodeAttributesAttr().contains(name);
}

/// The attribute `name`, null where it is absent; `what` it has to be.
template <typename T>
static T getAttribute(NodeLowering &node, StringRef name, StringRef what) {
  Attribute attribute = node.node.getNodeAttributesAttr().get(name);
  if (attribute && !isa<T>(attribute))
    node.error() << "expected the attribute '" << name << "' to be " << what
                 << " but got " << attribute;
  return dyn_cast_or_null<T>(attribute);
}

int64_t NodeLowering::integer(StringRef name, int64_t otherwise) {
  auto value = getAttribute<IntegerAttr>(*this, name, "an integer");
  return value ? value.getValue().getSExtValue() : otherwise;
}

double NodeLowering::real(StringRef name, double otherwise) {
  auto value = getAttribute<FloatAttr>(*this, name, "a float");
  return value ? value.getValueAsDouble() : otherwise;
}

std::string NodeLowering::text(StringRef name, StringRef otherwise) {
  auto value = getAttribute<StringAttr>(*this, name, "a string");
  return value ? value.getValue().str() : otherwise.str();
}

std::optional<SmallVector<int64_t>> NodeLowering::integers(StringRef name) {
  auto values =
      getAttribute<DenseI64ArrayAttr>(*this, name, "a list of integers");
  return values ? std::optional(SmallVector<int64_t>(values.asArrayRef()))
                : std::nullopt;
}

FailureOr<int64_t> NodeLowering::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    error() << "expected an axis in [" << -rank << ", " << rank - 1
            << "] but got " << axis;
    return failure();
  }
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<Index>> NodeLowering::elements(unsigned i,
                                                     StringRef what) {
  TensorValue &value = input(i);
  if (value.elements)
    return *value.elements;
  error() << what << " must be computable from input shapes or constants"
          << " but is a tensor of run-time values; make it an initializer";
  return failure();
}

FailureOr<SmallVector<int64_t>> NodeLowering::constantElements(unsigned i,
                                                               StringRef what) {
  FailureOr<SmallVector<Index>> values = elements(i, what);
  if (failed(values))
    return failure();
  SmallVector<int64_t> result;
  for (Index value : *values) {
    std::optional<int64_t> known = index.constantValue(value);
    if (!known) {
      error() << what << " must be constant but depends on an input's shape; "
              << "make it an initializer";
      return failure();
    }
    result.push_back(*known);
  }
  return result;
}

FailureOr<std::optional<SmallVector<int64_t>>>
NodeLowering::attributeOrInput(StringRef name, unsigned i) {
  if (hasAttribute(name))
    return integers(name);
  if (!has(i))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<SmallVector<int64_t>> values = constantElements(i, name);
  if (failed(values))
    return failure();
  return std::optional<SmallVector<int64_t>>(*values);
}

FailureOr<double> NodeLowering::constantScalar(unsigned i, StringRef what) {
  TensorValue &value = input(i);
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(value.constant))
    if (dense.getNumElements() == 1) {
      if (isa<FloatType>(dense.getElementType()))
        return dense.getSplatValue<APFloat>().convertToDouble();
    }
  if (value.elements && value.elements->size() == 1)
    if (std::optional<int64_t> known =
            index.constantValue((*value.elements)[0]))
      return static_cast<double>(*known);
  error() << what << " must be a constant scalar; make it an initializer";
  return failure();
}

Value NodeLowering::tensor(TensorValue &value) {
  return context.materialize(value, builder, builder.getLoc());
}

RankedTensorType NodeLowering::tensorType(ArrayRef<Index> dims,
                                          Type storageType) {
  SmallVector<int64_t> shape;
  for (Index size : dims)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, storageType);
}

TensorValue NodeLowering::wrap(Value tensor, Dimensions dims,
                               Type elementType) {
  TensorValue result;
  RankedTensorType type = tensorType(dims, getStorageType(elementType));
  if (tensor.getType() != type)
    tensor = tensor::CastOp::create(builder, type, tensor);
  result.tensor = tensor;
  result.dims = std::move(dims);
  result.elementType = elementType;
  return result;
}

TensorValue NodeLowering::fromElements(SmallVector<Index> elements,
                                       Dimensions dims, Type elementType) {
  TensorValue result;
  result.elements = std::move(elements);
  result.dims = std::move(dims);
  result.elementType = elementType;
  return result;
}

TensorValue NodeLowering::scalar(double value, Type elementType) {
  auto type = RankedTensorType::get({}, getStorageType(elementType));
  Attribute attribute;
  if (isa<FloatType>(elementType))
    attribute = builder.getFloatAttr(elementType, value);
  else
    attribute = builder.getIntegerAttr(type.getElementType(),
                                       static_cast<int64_t>(value));
  return makeConstant(builder, builder.getLoc(),
                      DenseElementsAttr::get(type, attribute), elementType);
}

Value NodeLowering::empty(ArrayRef<Index> dims, Type storageType) {
  return tensor::EmptyOp::create(builder, dims, storageType);
}

Value NodeLowering::fill(ArrayRef<Index> dims, Value value) {
  return linalg::FillOp::create(builder, value, empty(dims, value.getType()))
      .getResult(0);
}

Value NodeLowering::zero(Type type) {
  return arith::ConstantOp::create(builder, builder.getZeroAttr(type));
}
