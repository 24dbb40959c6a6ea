//===- ConstantFoldReduction.cpp - Reduce* --------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace hgf;

namespace {
enum class Kind { None, Mean, Sum, Max, Min, Prod, L1, L2, SumSquare };
} // namespace

static Kind getKind(StringRef type) {
  return llvm::StringSwitch<Kind>(type)
      .Case("ReduceMean", Kind::Mean)
      .Case("ReduceSum", Kind::Sum)
      .Case("ReduceMax", Kind::Max)
      .Case("ReduceMin", Kind::Min)
      .Case("ReduceProd", Kind::Prod)
      .Case("ReduceL1", Kind::L1)
      .Case("ReduceL2", Kind::L2)
      .Case("ReduceSumSquare", Kind::SumSquare)
      .Default(Kind::None);
}

template <typename T> static T getNeutral(Kind kind, bool isUnsigned) {
  using Limits = std::numeric_limits<T>;
  switch (kind) {
  case Kind::Max:
    return Limits::has_infinity ? -Limits::infinity()
           : isUnsigned         ? T(0)
                                : Limits::lowest();
  case Kind::Min:
    return Limits::has_infinity ? Limits::infinity() : Limits::max();
  case Kind::Prod:
    return T(1);
  default:
    return T(0);
  }
}

static double accumulate(Kind kind, double sum, double value) {
  switch (kind) {
  case Kind::Max:
    return value > sum || value != value ? value : sum;
  case Kind::Min:
    return value < sum || value != value ? value : sum;
  case Kind::Prod:
    return sum * value;
  case Kind::L1:
    return sum + std::fabs(value);
  case Kind::L2:
  case Kind::SumSquare:
    return sum + value * value;
  default:
    return sum + value;
  }
}

/// Sums and products wrap around, which unsigned arithmetic does.
static int64_t accumulate(Kind kind, int64_t sum, int64_t value) {
  switch (kind) {
  case Kind::Max:
    return std::max(sum, value);
  case Kind::Min:
    return std::min(sum, value);
  case Kind::Prod:
    return static_cast<int64_t>(uint64_t(sum) * uint64_t(value));
  case Kind::L1:
    return static_cast<int64_t>(
        uint64_t(sum) + (value < 0 ? -uint64_t(value) : uint64_t(value)));
  case Kind::SumSquare:
    return static_cast<int64_t>(uint64_t(sum) +
                                uint64_t(value) * uint64_t(value));
  default:
    return static_cast<int64_t>(uint64_t(sum) + uint64_t(value));
  }
}

template <typename T>
static SmallVector<T> reduce(const ConstantReader &input, Kind kind,
                             const Shape &strides, int64_t resultCount) {
  bool isUnsigned = input.getElementType().isUnsignedInteger();
  SmallVector<T> sums(resultCount, getNeutral<T>(kind, isUnsigned));
  forEachElement(input.getShape(), {strides},
                 [&](int64_t index, const int64_t *offsets) {
                   T &sum = sums[offsets[0]];
                   sum = accumulate(kind, sum, input.at<T>(index));
                 });
  return sums;
}

FoldResult hgf::foldReduction(const FoldRequest &request, StringRef type) {
  Kind kind = getKind(type);
  if (kind == Kind::None || !request.has(0))
    return std::nullopt;
  const ConstantReader &input = request[0];
  Type elementType = input.getElementType();
  // Integers of 64 bits without sign and means of integers have no user.
  if (elementType.isInteger(1) || elementType.isUnsignedInteger(64) ||
      (!input.isFloat() && (kind == Kind::Mean || kind == Kind::L2)))
    return std::nullopt;
  ArrayRef<int64_t> from = input.getShape();
  std::optional<Shape> axes = request.getIntegers("axes", 1);
  bool reducesAll = !axes || axes->empty();
  if (reducesAll && request.getInteger("noop_with_empty_axes", 0) != 0)
    return std::nullopt;
  SmallVector<bool> isReduced(from.size(), reducesAll);
  for (int64_t axis : axes.value_or(Shape())) {
    std::optional<int64_t> normalized = normalizeAxis(axis, from.size());
    if (!normalized)
      return std::nullopt;
    isReduced[*normalized] = true;
  }
  Shape kept, shape;
  int64_t reducedCount = 1;
  bool keepsDims = request.getInteger("keepdims", 1) != 0;
  for (size_t dim = 0; dim < from.size(); ++dim) {
    kept.push_back(isReduced[dim] ? 1 : from[dim]);
    if (isReduced[dim])
      reducedCount *= from[dim];
    if (keepsDims || !isReduced[dim])
      shape.push_back(kept.back());
  }
  auto result = request.build(shape, elementType);
  if (!result || reducedCount == 0)
    return std::nullopt;
  Shape strides = getBroadcastStrides(kept, from);
  int64_t count = result->getElementCount();
  if (!input.isFloat()) {
    auto sums = reduce<int64_t>(input, kind, strides, count);
    for (int64_t i = 0; i < count; ++i)
      result->setInteger(i, sums[i]);
    return finish(*result);
  }
  auto sums = reduce<double>(input, kind, strides, count);
  for (int64_t i = 0; i < count; ++i)
    result->setFloat(i, kind == Kind::Mean ? sums[i] / reducedCount
                        : kind == Kind::L2 ? std::sqrt(sums[i])
                                           : sums[i]);
  return finish(*result);
}
