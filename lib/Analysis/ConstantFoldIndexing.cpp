//===- ConstantFoldIndexing.cpp - Gather, ScatterND, Pad ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

using namespace mlir;
using namespace hgf;

static int64_t product(ArrayRef<int64_t> values) {
  int64_t result = 1;
  for (int64_t value : values)
    result *= value;
  return result;
}

static FoldResult foldGather(const FoldRequest &request) {
  if (!request.has(1) || request[1].isFloat())
    return std::nullopt;
  const ConstantReader &data = request[0], &indices = request[1];
  ArrayRef<int64_t> from = data.getShape();
  std::optional<int64_t> axis =
      normalizeAxis(request.getInteger("axis", 0), from.size());
  if (!axis)
    return std::nullopt;
  Shape shape(from.take_front(*axis));
  shape.append(indices.getShape().begin(), indices.getShape().end());
  shape.append(from.begin() + *axis + 1, from.end());
  auto result = request.build(shape, data.getElementType());
  if (!result)
    return std::nullopt;
  int64_t outer = product(from.take_front(*axis));
  int64_t inner = product(from.drop_front(*axis + 1));
  int64_t count = indices.getElementCount();
  for (int64_t i = 0; i < count; ++i) {
    std::optional<int64_t> chosen =
        normalizeAxis(indices.at<int64_t>(i), from[*axis]);
    if (!chosen)
      return std::nullopt;
    for (int64_t before = 0; before < outer; ++before)
      for (int64_t after = 0; after < inner; ++after)
        result->setBits(
            (before * count + i) * inner + after,
            data.getBits((before * from[*axis] + *chosen) * inner + after));
  }
  return finish(*result);
}

static FoldResult foldScatterND(const FoldRequest &request) {
  if (!request.has(1) || !request.has(2) || request[1].isFloat() ||
      request.getString("reduction", "none") != "none" ||
      request[0].getElementType() != request[2].getElementType())
    return std::nullopt;
  const ConstantReader &data = request[0], &indices = request[1],
                       &updates = request[2];
  ArrayRef<int64_t> shape = data.getShape();
  if (indices.getShape().empty())
    return std::nullopt;
  int64_t depth = indices.getShape().back();
  if (depth > static_cast<int64_t>(shape.size()))
    return std::nullopt;
  Shape expected(indices.getShape().drop_back());
  expected.append(shape.begin() + depth, shape.end());
  if (updates.getShape() != ArrayRef<int64_t>(expected))
    return std::nullopt;
  auto result = request.build(shape, data.getElementType());
  if (!result)
    return std::nullopt;
  for (int64_t i = 0, count = data.getElementCount(); i < count; ++i)
    result->setBits(i, data.getBits(i));
  int64_t inner = product(shape.drop_front(depth));
  Shape strides = getStrides(shape);
  int64_t tuples = product(indices.getShape().drop_back());
  for (int64_t tuple = 0; tuple < tuples; ++tuple) {
    int64_t start = 0;
    for (int64_t dim = 0; dim < depth; ++dim) {
      std::optional<int64_t> position =
          normalizeAxis(indices.at<int64_t>(tuple * depth + dim), shape[dim]);
      if (!position)
        return std::nullopt;
      start += *position * strides[dim];
    }
    for (int64_t i = 0; i < inner; ++i)
      result->setBits(start + i, updates.getBits(tuple * inner + i));
  }
  return finish(*result);
}

/// The element of a dimension of `length` that pads position `position`, or
/// empty where the constant stands.
static std::optional<int64_t> getPaddingSource(int64_t position, int64_t length,
                                               StringRef mode) {
  if (position >= 0 && position < length)
    return position;
  if (length == 0 || mode == "constant")
    return std::nullopt;
  if (mode == "edge")
    return position < 0 ? 0 : length - 1;
  if (mode == "wrap")
    return ((position % length) + length) % length;
  if (length == 1)
    return 0;
  int64_t period = 2 * (length - 1);
  position = ((position % period) + period) % period;
  return position < length ? position : period - position;
}

static FoldResult foldPad(const FoldRequest &request) {
  const ConstantReader &data = request[0];
  std::optional<Shape> pads = request.getIntegers("pads", 1);
  std::optional<Shape> axes = request.getIntegers("", 3);
  StringRef mode = request.getString("mode", "constant");
  ArrayRef<int64_t> from = data.getShape();
  if (!axes) {
    axes.emplace();
    for (size_t dim = 0; dim < from.size(); ++dim)
      axes->push_back(dim);
  }
  if (!pads || pads->size() != 2 * axes->size() ||
      (mode != "constant" && mode != "edge" && mode != "reflect" &&
       mode != "wrap") ||
      (request.has(2) &&
       (request[2].getElementType() != data.getElementType() ||
        request[2].getElementCount() != 1)))
    return std::nullopt;
  constexpr int64_t longest = int64_t(1) << 40;
  Shape shape(from), before(from.size(), 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    std::optional<int64_t> axis = normalizeAxis((*axes)[i], from.size());
    int64_t low = (*pads)[i], high = (*pads)[axes->size() + i];
    if (!axis || low < -longest || low > longest || high < -longest ||
        high > longest)
      return std::nullopt;
    before[*axis] += low;
    shape[*axis] += low + high;
  }
  auto result = request.build(shape, data.getElementType());
  if (!result)
    return std::nullopt;
  uint64_t filler = request.has(2) ? request[2].getBits(0) : 0;
  Shape strides = getStrides(shape), own = getStrides(from);
  for (int64_t index = 0; index < result->getElementCount(); ++index) {
    int64_t source = 0;
    bool isInside = true;
    for (size_t dim = 0; dim < shape.size() && isInside; ++dim) {
      std::optional<int64_t> position = getPaddingSource(
          index / strides[dim] % shape[dim] - before[dim], from[dim], mode);
      isInside = position.has_value();
      source += isInside ? *position * own[dim] : 0;
    }
    result->setBits(index, isInside ? data.getBits(source) : filler);
  }
  return finish(*result);
}

FoldResult hgf::foldIndexing(const FoldRequest &request, StringRef type) {
  if (!request.has(0))
    return std::nullopt;
  if (type == "Gather")
    return foldGather(request);
  if (type == "ScatterND")
    return foldScatterND(request);
  if (type == "Pad")
    return foldPad(request);
  return std::nullopt;
}
