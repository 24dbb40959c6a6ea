//===- FlashAttentionOp.cpp - Attention in one pass ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Destination.h"
#include "ShapeRules.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace hgf;

MutableOperandRange FlashAttentionOp::getDpsInitsMutable() {
  return getInitMutable();
}

LogicalResult
FlashAttentionOp::reifyResultShapes(OpBuilder &builder,
                                    ReifiedRankedShapedTypeDims &shapes) {
  return reifyDestination(*this, builder, shapes);
}

void FlashAttentionOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(*this, getInitMutable(), getScratch(), effects);
}

LogicalResult FlashAttentionOp::verify() {
  if (failed(verifyAttention(*this, "flash_attention", getQuery(), getKey(),
                             getValue(), getInit())))
    return failure();
  ArrayRef<int64_t> query = getShape(getQuery()), key = getShape(getKey());
  if (bool(getQuery2()) != bool(getKey2()) ||
      bool(getQuery2()) != bool(getLambda()))
    return emitOpError("flash_attention_c5: expected a second query, a second "
                       "key and lambda, or none of them");
  if (isDifferential()) {
    if (!agree(getShape(getQuery2()), query))
      return emitShapeError(*this, "flash_attention_c5", "the second query",
                            query, getShape(getQuery2()));
    if (!agree(getShape(getKey2()), key))
      return emitShapeError(*this, "flash_attention_c5", "the second key", key,
                            getShape(getKey2()));
    if (!getShape(getLambda()).empty())
      return emitShapeError(*this, "flash_attention_c5", "lambda", {},
                            getShape(getLambda()));
  }
  if (getMask()) {
    int64_t scores[] = {query[0], query[1], query[2], key[2]};
    ArrayRef<int64_t> mask = getShape(getMask());
    bool fits = mask.size() <= 4;
    if (fits)
      for (auto [size, score] :
           llvm::zip_equal(mask, ArrayRef(scores).take_back(mask.size())))
        fits &= size == 1 || agree(size, score);
    if (!fits)
      return emitOpError("flash_attention_c6: expected a mask that can be "
                         "broadcast to the scores but got ")
             << getMask().getType();
  }
  for (Value operand : getOperands())
    if (operand != getScratch() &&
        !cast<ShapedType>(operand.getType()).getElementType().isF32())
      return emitOpError("flash_attention_c7: expected float32 but got ")
             << operand.getType();
  return success();
}
