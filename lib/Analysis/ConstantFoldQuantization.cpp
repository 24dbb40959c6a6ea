//===- ConstantFoldQuantization.cpp - QuantizeLinear and its inverse ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace hgf;

/// Under which strides the elements of `input` meet those of `scale`: per
/// tensor, along one axis, or in blocks along it. `block` is the number of
/// elements that share a scale along `axis`.
static bool matchScale(const FoldRequest &request, const ConstantReader &input,
                       const ConstantReader &scale, int64_t &axis,
                       int64_t &block) {
  ArrayRef<int64_t> from = input.getShape(), shape = scale.getShape();
  axis = -1;
  block = 1;
  if (scale.getElementCount() == 1 && shape.size() <= 1)
    return true;
  std::optional<int64_t> normalized =
      normalizeAxis(request.getInteger("axis", 1), from.size());
  if (!normalized)
    return false;
  axis = *normalized;
  if (shape.size() == 1)
    return shape[0] == from[axis];
  if (shape.size() != from.size() || shape[axis] == 0)
    return false;
  block = request.getInteger("block_size", 0);
  if (block <= 0 ||
      llvm::divideCeil(from[axis], block) != static_cast<uint64_t>(shape[axis]))
    return false;
  for (size_t dim = 0; dim < from.size(); ++dim)
    if (static_cast<int64_t>(dim) != axis && from[dim] != shape[dim])
      return false;
  return true;
}

/// Calls `body(index, scaleIndex)` for every element of `from`.
template <typename Body>
static void forEachScaled(ArrayRef<int64_t> from, ArrayRef<int64_t> scaleShape,
                          int64_t axis, int64_t block, Body body) {
  Shape strides(from.size(), 0), axisStride(from.size(), 0);
  int64_t step = 1;
  if (axis >= 0) {
    axisStride[axis] = 1;
    if (scaleShape.size() == from.size() && from.size() > 1) {
      strides = getStrides(scaleShape);
      step = strides[axis];
      strides[axis] = 0;
    }
  }
  forEachElement(from, {strides, axisStride},
                 [&](int64_t index, const int64_t *offsets) {
                   body(index, offsets[0] + offsets[1] / block * step);
                 });
}

/// The scale and the zero point agree with each other and with the input.
static bool hasFittingParameters(const FoldRequest &request, int64_t &axis,
                                 int64_t &block) {
  if (!request.has(0) || !request.has(1) || !request[1].isFloat() ||
      (request.has(2) &&
       request[2].getElementCount() != request[1].getElementCount()))
    return false;
  return matchScale(request, request[0], request[1], axis, block);
}

static FoldResult foldDequantize(const FoldRequest &request) {
  int64_t axis, block;
  if (!hasFittingParameters(request, axis, block) ||
      (request.has(2) &&
       request[2].getElementType() != request[0].getElementType()))
    return std::nullopt;
  Type elementType = request[1].getElementType();
  if (int64_t dataType = request.getInteger("output_dtype", 0))
    elementType = getFoldedElementType(request.node.getContext(), dataType);
  if (!isa_and_nonnull<FloatType>(elementType))
    return std::nullopt;
  auto result = request.build(request[0].getShape(), elementType);
  if (!result)
    return std::nullopt;
  forEachScaled(request[0].getShape(), request[1].getShape(), axis, block,
                [&](int64_t index, int64_t scaleIndex) {
                  double value = request[0].at<double>(index);
                  if (request.has(2))
                    value -= request[2].at<double>(scaleIndex);
                  result->setFloat(index,
                                   value * request[1].at<double>(scaleIndex));
                });
  return finish(*result);
}

static FoldResult foldQuantize(const FoldRequest &request) {
  int64_t axis, block;
  // What precision the division has for other types is not agreed upon.
  if (!hasFittingParameters(request, axis, block) ||
      !request[0].getElementType().isF32() ||
      !request[1].getElementType().isF32() ||
      request.getInteger("precision", 0) != 0)
    return std::nullopt;
  MLIRContext *context = request.node.getContext();
  Type elementType = IntegerType::get(context, 8, IntegerType::Unsigned);
  if (request.has(2))
    elementType = request[2].getElementType();
  else if (int64_t dataType = request.getInteger("output_dtype", 0))
    elementType = getFoldedElementType(context, dataType);
  auto integerType = dyn_cast_or_null<IntegerType>(elementType);
  if (!integerType || integerType.getWidth() == 1 ||
      integerType.getWidth() > 16)
    return std::nullopt;
  auto result = request.build(request[0].getShape(), elementType);
  if (!result)
    return std::nullopt;
  unsigned width = integerType.getWidth();
  bool isUnsigned = integerType.isUnsigned();
  double smallest = isUnsigned ? 0 : -std::ldexp(1, width - 1);
  double largest = std::ldexp(1, isUnsigned ? width : width - 1) - 1;
  forEachScaled(request[0].getShape(), request[1].getShape(), axis, block,
                [&](int64_t index, int64_t scaleIndex) {
                  float quotient = request[0].at<float>(index) /
                                   request[1].at<float>(scaleIndex);
                  double value = std::nearbyint(quotient);
                  if (request.has(2))
                    value += request[2].at<double>(scaleIndex);
                  value = value != value ? 0 : value;
                  result->setInteger(index,
                                     static_cast<int64_t>(std::fmin(
                                         std::fmax(value, smallest), largest)));
                });
  return finish(*result);
}

FoldResult hgf::foldQuantization(const FoldRequest &request, StringRef type) {
  if (type == "DequantizeLinear")
    return foldDequantize(request);
  if (type == "QuantizeLinear")
    return foldQuantize(request);
  return std::nullopt;
}
