//===- Rotary.cpp - Rotary embedding that was written out ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

namespace {

/// The part [begin, end) of the last dimension of `value`; all of it where that
/// is 1 and broadcasts.
TensorValue lastPart(NodeLowering &node, TensorValue &value, Index begin,
                     Index end) {
  if (value.rank() == 0 || node.index.constantValue(value.dims.back()) == 1)
    return value;
  Dimensions offsets(value.rank(), node.index.constant(0));
  Dimensions sizes = value.dims;
  offsets.back() = begin;
  sizes.back() = node.index.subtract(end, begin);
  return node.slice(value, offsets, sizes);
}

/// x * cosine and y * sine, added or subtracted; each operation rounds to the
/// tensors' type, as nodes of their own would.
FailureOr<TensorValue> turn(NodeLowering &node, TensorValue &x,
                            TensorValue &cosine, TensorValue &y,
                            TensorValue &sine, bool subtract) {
  Type type = x.elementType, wide = getComputeType(type);
  return node.elementwise(
      {&x, &cosine, &y, &sine}, type,
      [&](ImplicitLocOpBuilder &b, ValueRange e) -> Value {
        auto widen = [&](Value value) { return convertFloat(b, value, wide); };
        auto multiply = [&](Value left, Value right) {
          Value product = arith::MulFOp::create(b, widen(left), widen(right));
          return widen(convertFloat(b, product, type));
        };
        Value left = multiply(e[0], e[1]), right = multiply(e[2], e[3]);
        Value sum = subtract
                        ? arith::SubFOp::create(b, left, right).getResult()
                        : arith::AddFOp::create(b, left, right).getResult();
        return convertFloat(b, sum, type);
      });
}

/// Each half of the result in one loop, without making the rotated tensor.
LogicalResult lowerRotary(NodeLowering &node) {
  auto half = node.node.getNodeAttributes().getAs<IntegerAttr>("half");
  auto shared = node.node.getNodeAttributes().getAs<BoolAttr>("shared_tables");
  if (node.inputCount() != 3 || !half || !shared)
    return node.error() << "operators of domain hgf need a model-local "
                           "function of their name; add it to the model";
  if (failed(node.expectFloats(3)))
    return failure();
  TensorValue &x = node.input(0);
  if (x.rank() < 1)
    return node.error() << "expected a tensor with a last dimension";
  for (unsigned i : {1u, 2u})
    if (node.input(i).elementType != x.elementType)
      return node.error() << "expected tables of the input's type "
                          << x.elementType << " but got "
                          << node.input(i).elementType;
  SymbolicIndex &index = node.index;
  Index zero = index.constant(0), width = x.dims.back();
  Index middle = half.getInt() ? index.constant(half.getInt())
                               : index.ceilDivide(width, index.constant(2));
  if (!index.require(index.compare(arith::CmpIPredicate::sle, middle, width),
                     "the rotated dimension is shorter than its first part"))
    return node.error() << "expected a last dimension of at least "
                        << half.getInt();
  // What stands where in the result: concat(-x[middle:], x[:middle]) changes
  // sides at width - middle.
  Index turnAt = index.subtract(width, middle);
  bool sharedTables = shared.getValue();
  TensorValue low = lastPart(node, x, zero, sharedTables ? middle : turnAt);
  TensorValue high = lastPart(node, x, middle, width);
  auto table = [&](unsigned i, bool second) {
    if (sharedTables)
      return node.input(i);
    return second ? lastPart(node, node.input(i), turnAt, width)
                  : lastPart(node, node.input(i), zero, turnAt);
  };
  TensorValue firstCosine = table(1, false), firstSine = table(2, false);
  TensorValue secondCosine = table(1, true), secondSine = table(2, true);
  FailureOr<TensorValue> first =
      turn(node, low, firstCosine, high, firstSine, /*subtract=*/true);
  TensorValue plain = sharedTables ? high : lastPart(node, x, turnAt, width);
  TensorValue turned = sharedTables ? low : lastPart(node, x, zero, middle);
  FailureOr<TensorValue> second =
      turn(node, plain, secondCosine, turned, secondSine, /*subtract=*/false);
  if (failed(first) || failed(second))
    return failure();
  TensorValue *parts[] = {&*first, &*second};
  FailureOr<TensorValue> result =
      node.concat(parts, int64_t(first->dims.size()) - 1);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

} // namespace

void hgf::populateRotaryLowerings(LoweringTable &table) {
  table.add("hgf", "Rotary", lowerRotary);
}
