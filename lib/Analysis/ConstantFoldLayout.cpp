//===- ConstantFoldLayout.cpp - Shapes change, elements do not ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elements move as they are stored: packed constants stay packed.
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace hgf;

static int64_t product(ArrayRef<int64_t> values) {
  int64_t result = 1;
  for (int64_t value : values)
    if (llvm::MulOverflow(result, value, result))
      return -1;
  return result;
}

/// The first input under another shape: the bytes are shared.
static FoldResult reshapeTo(const FoldRequest &request,
                            ArrayRef<int64_t> shape) {
  const ConstantReader &input = request[0];
  if (llvm::any_of(shape, [](int64_t length) { return length < 0; }) ||
      product(shape) != input.getElementCount())
    return std::nullopt;
  ElementsAttr value;
  if (auto constant = request.node.getInputs()[0].getDefiningOp<ConstantOp>())
    value = constant.getValue();
  else if (!matchPattern(request.node.getInputs()[0], m_Constant(&value)))
    return std::nullopt;
  auto type = RankedTensorType::get(shape, input.getElementType());
  if (value.getShapedType() == input.getType()) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
      value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    else
      value = cast<DenseElementsAttr>(value).reshape(type);
  }
  return SmallVector<FoldedConstant, 1>{{type, value}};
}

static FoldResult foldReshape(const FoldRequest &request) {
  std::optional<Shape> wanted = request.getIntegers("shape", 1);
  if (!wanted)
    return std::nullopt;
  ArrayRef<int64_t> from = request[0].getShape();
  bool allowsZero = request.getInteger("allowzero", 0) != 0;
  int64_t inferred = -1;
  for (size_t dim = 0; dim < wanted->size(); ++dim) {
    int64_t &length = (*wanted)[dim];
    if (length == 0 && !allowsZero) {
      if (dim >= from.size())
        return std::nullopt;
      length = from[dim];
    } else if (length == -1) {
      if (inferred != -1)
        return std::nullopt;
      inferred = dim;
    }
  }
  if (inferred != -1) {
    (*wanted)[inferred] = 1;
    int64_t others = product(*wanted);
    if (others <= 0 || request[0].getElementCount() % others != 0)
      return std::nullopt;
    (*wanted)[inferred] = request[0].getElementCount() / others;
  }
  return reshapeTo(request, *wanted);
}

static FoldResult foldUnsqueeze(const FoldRequest &request) {
  std::optional<Shape> axes = request.getIntegers("axes", 1);
  if (!axes)
    return std::nullopt;
  ArrayRef<int64_t> from = request[0].getShape();
  int64_t rank = from.size() + axes->size();
  llvm::SmallVector<bool> isNew(rank, false);
  for (int64_t axis : *axes) {
    std::optional<int64_t> normalized = normalizeAxis(axis, rank);
    if (!normalized || isNew[*normalized])
      return std::nullopt;
    isNew[*normalized] = true;
  }
  Shape shape;
  for (int64_t dim = 0; dim < rank; ++dim) {
    shape.push_back(isNew[dim] ? 1 : from.front());
    if (!isNew[dim])
      from = from.drop_front();
  }
  return reshapeTo(request, shape);
}

static FoldResult foldSqueeze(const FoldRequest &request) {
  std::optional<Shape> axes = request.getIntegers("axes", 1);
  ArrayRef<int64_t> from = request[0].getShape();
  llvm::SmallVector<bool> isGone(from.size(), false);
  if (!axes)
    for (size_t dim = 0; dim < from.size(); ++dim)
      isGone[dim] = from[dim] == 1;
  for (int64_t axis : axes.value_or(Shape())) {
    std::optional<int64_t> normalized = normalizeAxis(axis, from.size());
    if (!normalized || from[*normalized] != 1)
      return std::nullopt;
    isGone[*normalized] = true;
  }
  Shape shape;
  for (size_t dim = 0; dim < from.size(); ++dim)
    if (!isGone[dim])
      shape.push_back(from[dim]);
  return reshapeTo(request, shape);
}

static FoldResult foldFlatten(const FoldRequest &request) {
  ArrayRef<int64_t> from = request[0].getShape();
  int64_t rank = from.size(), axis = request.getInteger("axis", 1);
  if (axis < -rank || axis > rank)
    return std::nullopt;
  axis = axis < 0 ? axis + rank : axis;
  return reshapeTo(request, {product(from.take_front(axis)),
                             product(from.drop_front(axis))});
}

/// Fills a tensor of `shape` from the first input, read under `strides` from
/// element `start`.
static FoldResult gatherStrided(const FoldRequest &request,
                                ArrayRef<int64_t> shape, Shape strides,
                                int64_t start = 0) {
  const ConstantReader &input = request[0];
  auto result = request.build(shape, input.getElementType());
  if (!result)
    return std::nullopt;
  forEachElement(shape, {strides}, [&](int64_t index, const int64_t *offsets) {
    result->setBits(index, input.getBits(start + offsets[0]));
  });
  return finish(*result);
}

static FoldResult foldTranspose(const FoldRequest &request) {
  ArrayRef<int64_t> from = request[0].getShape();
  int64_t rank = from.size();
  Shape order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  if (auto perm =
          dyn_cast_or_null<DenseI64ArrayAttr>(request.getAttribute("perm")))
    order.assign(perm.asArrayRef().begin(), perm.asArrayRef().end());
  llvm::SmallVector<bool> seen(rank, false);
  Shape own = getStrides(from), shape, strides;
  for (int64_t dim : order) {
    std::optional<int64_t> axis = normalizeAxis(dim, rank);
    if (!axis || seen[*axis])
      return std::nullopt;
    seen[*axis] = true;
    shape.push_back(from[*axis]);
    strides.push_back(own[*axis]);
  }
  if (static_cast<int64_t>(shape.size()) != rank)
    return std::nullopt;
  return gatherStrided(request, shape, strides);
}

static FoldResult foldExpand(const FoldRequest &request) {
  std::optional<Shape> wanted = request.getIntegers("", 1);
  if (!wanted)
    return std::nullopt;
  std::optional<Shape> shape =
      broadcastShapes({request[0].getShape(), *wanted});
  if (!shape || llvm::any_of(*shape, [](int64_t dim) { return dim < 0; }))
    return std::nullopt;
  return gatherStrided(request, *shape,
                       getBroadcastStrides(request[0].getShape(), *shape));
}

static FoldResult foldSlice(const FoldRequest &request) {
  ArrayRef<int64_t> from = request[0].getShape();
  int64_t rank = from.size();
  std::optional<Shape> starts = request.getIntegers("starts", 1);
  std::optional<Shape> ends = request.getIntegers("ends", 2);
  std::optional<Shape> axes = request.getIntegers("axes", 3);
  std::optional<Shape> steps = request.getIntegers("steps", 4);
  if (!starts || !ends || starts->size() != ends->size())
    return std::nullopt;
  if (!axes) {
    axes.emplace(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps)
    steps.emplace(starts->size(), 1);
  if (axes->size() != starts->size() || steps->size() != starts->size())
    return std::nullopt;
  Shape shape(from.begin(), from.end()), strides = getStrides(from);
  Shape own = strides;
  int64_t offset = 0;
  llvm::SmallVector<bool> seen(rank, false);
  for (size_t i = 0; i < starts->size(); ++i) {
    std::optional<int64_t> axis = normalizeAxis((*axes)[i], rank);
    int64_t step = (*steps)[i];
    if (!axis || seen[*axis] || step == 0 || step == INT64_MIN)
      return std::nullopt;
    seen[*axis] = true;
    int64_t length = from[*axis], start = (*starts)[i], end = (*ends)[i];
    start = start < 0 ? std::max<int64_t>(start, -length) + length : start;
    if (end < 0)
      end = std::max<int64_t>(end, -length - 1) + length;
    start = std::clamp<int64_t>(start, 0, step > 0 ? length : length - 1);
    end = std::clamp<int64_t>(end, step > 0 ? 0 : -1, length);
    if (length == 0)
      start = end = 0;
    int64_t count = step > 0
                        ? (end > start ? (end - start - 1) / step + 1 : 0)
                        : (start > end ? (start - end - 1) / -step + 1 : 0);
    shape[*axis] = count;
    offset += count > 0 ? start * own[*axis] : 0;
    // One element needs no stride, and a huge step must not overflow.
    strides[*axis] = count > 1 ? own[*axis] * step : 0;
  }
  return gatherStrided(request, shape, strides, offset);
}

static FoldResult foldSplit(const FoldRequest &request) {
  ArrayRef<int64_t> from = request[0].getShape();
  std::optional<int64_t> axis =
      normalizeAxis(request.getInteger("axis", 0), from.size());
  int64_t count = request.node.getNumResults();
  if (!axis || count == 0)
    return std::nullopt;
  std::optional<Shape> lengths = request.getIntegers("split", 1);
  int64_t total = from[*axis];
  if (!lengths) {
    lengths.emplace(count, llvm::divideCeil(total, count));
    lengths->back() = total - lengths->front() * (count - 1);
  }
  int64_t sum = 0;
  for (int64_t length : *lengths)
    if (length < 0 || length > total - sum)
      return std::nullopt;
    else
      sum += length;
  if (sum != total || static_cast<int64_t>(lengths->size()) != count)
    return std::nullopt;
  Shape shape(from.begin(), from.end()), strides = getStrides(from);
  SmallVector<FoldedConstant, 1> results;
  int64_t start = 0;
  for (int64_t length : *lengths) {
    shape[*axis] = length;
    FoldResult part =
        gatherStrided(request, shape, strides, start * strides[*axis]);
    if (!part)
      return std::nullopt;
    results.push_back(part->front());
    start += length;
  }
  return results;
}

static FoldResult foldConcat(const FoldRequest &request) {
  ArrayRef<int64_t> first = request[0].getShape();
  std::optional<int64_t> axis =
      normalizeAxis(request.getInteger("axis", 0), first.size());
  if (!axis || !request.getAttribute("axis"))
    return std::nullopt;
  Shape shape(first.begin(), first.end());
  shape[*axis] = 0;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (!request.has(i) || request[i].getShape().size() != first.size() ||
        request[i].getElementType() != request[0].getElementType())
      return std::nullopt;
    for (size_t dim = 0; dim < first.size(); ++dim)
      if (static_cast<int64_t>(dim) == *axis)
        shape[dim] += request[i].getShape()[dim];
      else if (request[i].getShape()[dim] != first[dim])
        return std::nullopt;
  }
  auto result = request.build(shape, request[0].getElementType());
  if (!result)
    return std::nullopt;
  Shape strides = getStrides(shape);
  int64_t start = 0;
  for (const std::optional<ConstantReader> &input : request.inputs) {
    forEachElement(input->getShape(), {strides},
                   [&](int64_t index, const int64_t *offsets) {
                     result->setBits(start + offsets[0], input->getBits(index));
                   });
    start += input->getShape()[*axis] * strides[*axis];
  }
  return finish(*result);
}

static FoldResult foldTile(const FoldRequest &request) {
  std::optional<Shape> repeats = request.getIntegers("", 1);
  ArrayRef<int64_t> from = request[0].getShape();
  if (!repeats || repeats->size() != from.size())
    return std::nullopt;
  Shape shape, own = getStrides(from);
  for (auto [length, times] : llvm::zip(from, *repeats)) {
    int64_t total = 0;
    if (times < 0 || llvm::MulOverflow(length, times, total))
      return std::nullopt;
    shape.push_back(total);
  }
  auto result = request.build(shape, request[0].getElementType());
  if (!result)
    return std::nullopt;
  Shape strides = getStrides(shape);
  for (int64_t index = 0; index < result->getElementCount(); ++index) {
    int64_t source = 0;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      source += index / strides[dim] % shape[dim] % from[dim] * own[dim];
    result->setBits(index, request[0].getBits(source));
  }
  return finish(*result);
}

FoldResult hgf::foldLayout(const FoldRequest &request, StringRef type) {
  using Folder = FoldResult (*)(const FoldRequest &);
  Folder folder = llvm::StringSwitch<Folder>(type)
                      .Case("Reshape", foldReshape)
                      .Case("Unsqueeze", foldUnsqueeze)
                      .Case("Squeeze", foldSqueeze)
                      .Case("Flatten", foldFlatten)
                      .Case("Transpose", foldTranspose)
                      .Case("Expand", foldExpand)
                      .Case("Slice", foldSlice)
                      .Case("Split", foldSplit)
                      .Case("Concat", foldConcat)
                      .Case("Tile", foldTile)
                      .Default(nullptr);
  return folder && request.has(0) ? folder(request) : std::nullopt;
}
