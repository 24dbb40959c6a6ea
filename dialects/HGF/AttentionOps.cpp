//===- AttentionOps.cpp - Attention and caches -------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRules.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace hgf;

LogicalResult hgf::verifyAttention(Operation *op, StringRef prefix, Value query,
                                   Value key, Value value, Value result) {
  for (Value tensor : {query, key, value, result})
    if (getShape(tensor).size() != 4)
      return op->emitOpError(prefix)
             << "_c1: expected tensors of rank 4 but got " << tensor.getType();
  ArrayRef<int64_t> q = getShape(query), k = getShape(key), v = getShape(value);
  if (!ShapedType::isDynamic(q[1]) && !ShapedType::isDynamic(k[1]) &&
      (k[1] == 0 || q[1] % k[1] != 0))
    return op->emitOpError(prefix)
           << "_c2: expected the number of query heads to be a multiple of the "
              "key heads but got "
           << q[1] << " and " << k[1];
  if (!agree(q[0], k[0]) || !agree(q[3], k[3]) ||
      !agree(k.take_front(3), v.take_front(3)))
    return op->emitOpError(prefix)
           << "_c3: expected depths, lengths and heads that agree but got "
           << query.getType() << ", " << key.getType() << " and "
           << value.getType();
  int64_t expected[] = {q[0], q[1], q[2], v[3]};
  if (!agree(getShape(result), expected))
    return emitShapeError(op, (prefix + "_c4").str(), "the result", expected,
                          getShape(result));
  return success();
}

LogicalResult AttentionOp::verify() {
  return verifyAttention(*this, "attention", getQuery(), getKey(), getValue(),
                         getY());
}

LogicalResult DifferentialAttentionOp::verify() {
  return verifyAttention(*this, "differential_attention", getQuery1(),
                         getKey1(), getValue(), getY());
}

/// An attribute exactly where the result's type knows the size.
static SmallVector<OpFoldResult> reifyAs(OpBuilder &builder, Operation *op,
                                         SmallVector<OpFoldResult> sizes) {
  ArrayRef<int64_t> shape = getShape(op->getResult(0));
  for (auto [size, known] : llvm::zip_equal(sizes, shape)) {
    if (!ShapedType::isDynamic(known))
      size = builder.getIndexAttr(known);
    else
      size = getValueOrCreateConstantIndexOp(builder, op->getLoc(), size);
  }
  return sizes;
}

/// The query's sizes, with the value's last one.
static SmallVector<OpFoldResult>
reifyAttention(OpBuilder &builder, Operation *op, Value query, Value value) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, op->getLoc(), query);
  sizes.back() = tensor::getMixedSize(builder, op->getLoc(), value, 3);
  return reifyAs(builder, op, sizes);
}

LogicalResult
AttentionOp::reifyResultShapes(OpBuilder &builder,
                               ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyAttention(builder, *this, getQuery(), getValue()));
  return success();
}

LogicalResult DifferentialAttentionOp::reifyResultShapes(
    OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reifyAttention(builder, *this, getQuery1(), getValue()));
  return success();
}

LogicalResult
CacheAppendOp::reifyResultShapes(OpBuilder &builder,
                                 ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, getLoc(), getPast());
  int64_t axis = getAxis();
  OpFoldResult added =
      tensor::getMixedSize(builder, getLoc(), getNewPart(), axis);
  sizes[axis] =
      arith::AddIOp::create(
          builder, getLoc(),
          getValueOrCreateConstantIndexOp(builder, getLoc(), sizes[axis]),
          getValueOrCreateConstantIndexOp(builder, getLoc(), added))
          .getResult();
  shapes.push_back(reifyAs(builder, *this, sizes));
  return success();
}

LogicalResult CacheAppendOp::verify() {
  auto past = cast<RankedTensorType>(getPast().getType());
  for (Value part : {getNewPart(), getCache()}) {
    auto type = cast<RankedTensorType>(part.getType());
    bool same = type.getRank() == past.getRank() &&
                type.getElementType() == past.getElementType() &&
                int64_t(getAxis()) < past.getRank();
    for (int64_t axis = 0; same && axis < past.getRank(); ++axis)
      same = axis == int64_t(getAxis()) ||
             agree(past.getDimSize(axis), type.getDimSize(axis));
    if (!same)
      return emitOpError("cache_append_c1: expected the shape of ")
             << past << " except along axis " << getAxis() << " but got "
             << type;
  }
  return success();
}
