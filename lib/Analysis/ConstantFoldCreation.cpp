//===- ConstantFoldCreation.cpp - Constants from attributes and shapes ----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

/// A copy of `elements` in the form that onnx.constant wants.
static FoldResult storeElements(const FoldRequest &request,
                                ElementsAttr elements) {
  auto type = dyn_cast<RankedTensorType>(elements.getShapedType());
  if (!type)
    return std::nullopt;
  if (!isPackedElementType(type.getElementType()))
    return SmallVector<FoldedConstant, 1>{{type, elements}};
  auto reader = ConstantReader::get(elements, type);
  auto result = request.build(type.getShape(), type.getElementType());
  if (!reader || !result)
    return std::nullopt;
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    result->setBits(i, reader->getBits(i));
  return finish(*result);
}

static FoldResult foldConstant(const FoldRequest &request) {
  Builder builder(request.node.getContext());
  if (auto value =
          dyn_cast_or_null<ElementsAttr>(request.getAttribute("value")))
    return storeElements(request, value);
  if (auto value =
          dyn_cast_or_null<FloatAttr>(request.getAttribute("value_float"))) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return SmallVector<FoldedConstant, 1>{
        {type, DenseElementsAttr::get(type, value.getValue())}};
  }
  if (request.getAttribute("value_int")) {
    auto result = request.build({}, builder.getI64Type());
    result->setInteger(0, request.getInteger("value_int", 0));
    return finish(*result);
  }
  if (auto values = dyn_cast_or_null<DenseF32ArrayAttr>(
          request.getAttribute("value_floats"))) {
    auto result = request.build({values.size()}, builder.getF32Type());
    for (int64_t i = 0; result && i < values.size(); ++i)
      result->setFloat(i, values[i]);
    return result ? finish(*result) : std::nullopt;
  }
  if (auto values = dyn_cast_or_null<DenseI64ArrayAttr>(
          request.getAttribute("value_ints"))) {
    auto result = request.build({values.size()}, builder.getI64Type());
    for (int64_t i = 0; result && i < values.size(); ++i)
      result->setInteger(i, values[i]);
    return result ? finish(*result) : std::nullopt;
  }
  return std::nullopt;
}

static FoldResult foldConstantOfShape(const FoldRequest &request) {
  std::optional<Shape> shape = request.getIntegers("", 0);
  if (!shape)
    return std::nullopt;
  Type elementType = Float32Type::get(request.node.getContext());
  uint64_t bits = 0;
  if (auto value =
          dyn_cast_or_null<ElementsAttr>(request.getAttribute("value"))) {
    auto type = dyn_cast<RankedTensorType>(value.getShapedType());
    auto reader = type ? ConstantReader::get(value, type) : std::nullopt;
    if (!reader || reader->getElementCount() != 1)
      return std::nullopt;
    elementType = reader->getElementType();
    bits = reader->getBits(0);
    if (elementType.isInteger(1))
      bits = bits != 0;
  }
  auto result = request.build(*shape, elementType);
  if (!result)
    return std::nullopt;
  for (int64_t i = 0; bits != 0 && i < result->getElementCount(); ++i)
    result->setBits(i, bits);
  return finish(*result);
}

static FoldResult foldRange(const FoldRequest &request) {
  if (!request.has(0) || !request.has(1) || !request.has(2))
    return std::nullopt;
  Type elementType = request[0].getElementType();
  for (size_t i = 0; i < 3; ++i)
    if (request[i].getElementCount() != 1 ||
        request[i].getElementType() != elementType)
      return std::nullopt;
  double start = request[0].at<double>(0), limit = request[1].at<double>(0),
         step = request[2].at<double>(0);
  double count = std::ceil((limit - start) / step);
  // Also false for a step of zero and for NaN.
  if (!(count < 1e15))
    return std::nullopt;
  auto result = request.build({std::max<int64_t>(0, count)}, elementType);
  if (!result)
    return std::nullopt;
  for (int64_t i = 0; i < result->getElementCount(); ++i) {
    if (request[0].isFloat())
      result->setFloat(i, start + i * step);
    else
      result->setInteger(
          i, static_cast<int64_t>(request[0].at<uint64_t>(0) +
                                  uint64_t(i) * request[2].at<uint64_t>(0)));
  }
  return finish(*result);
}

/// The shape of the input's type, where it is known.
static FoldResult foldShape(const FoldRequest &request,
                            StringRef operatorType) {
  if (request.node.getInputs().size() != 1)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(request.node.getInputs()[0].getType());
  if (!type)
    return std::nullopt;
  Type elementType = IntegerType::get(request.node.getContext(), 64);
  if (operatorType == "Size") {
    auto result = request.build({}, elementType);
    if (!type.hasStaticShape() || !result)
      return std::nullopt;
    result->setInteger(0, type.getNumElements());
    return finish(*result);
  }
  int64_t rank = type.getRank();
  int64_t start = request.getInteger("start", 0);
  int64_t end = request.getInteger("end", rank);
  start = std::clamp<int64_t>(start < 0 ? start + rank : start, 0, rank);
  end = std::clamp<int64_t>(end < 0 ? end + rank : end, start, rank);
  ArrayRef<int64_t> lengths = type.getShape().slice(start, end - start);
  if (llvm::any_of(lengths, ShapedType::isDynamic))
    return std::nullopt;
  auto result =
      request.build({static_cast<int64_t>(lengths.size())}, elementType);
  for (size_t i = 0; result && i < lengths.size(); ++i)
    result->setInteger(i, lengths[i]);
  return result ? finish(*result) : std::nullopt;
}

FoldResult hgf::foldCreation(const FoldRequest &request, StringRef type) {
  if (type == "Constant")
    return foldConstant(request);
  if (type == "ConstantOfShape")
    return foldConstantOfShape(request);
  if (type == "Range")
    return foldRange(request);
  if (type == "Shape" || type == "Size")
    return foldShape(request, type);
  return std::nullopt;
}
