//===- HeadOp.cpp - A large matrix of floats ---------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Destination.h"
#include "ShapeRules.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hgf;

MutableOperandRange HeadOp::getDpsInitsMutable() { return getInitMutable(); }

LogicalResult HeadOp::reifyResultShapes(OpBuilder &builder,
                                        ReifiedRankedShapedTypeDims &shapes) {
  return reifyDestination(*this, builder, shapes);
}

void HeadOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(*this, getInitMutable(), Value(), effects);
}

LogicalResult HeadOp::verify() {
  ArrayRef<int64_t> x = getShape(getX()), weight = getShape(getWeight()),
                    init = getShape(getInit());
  Type element = cast<ShapedType>(getWeight().getType()).getElementType();
  if (x.empty() || ShapedType::isDynamic(x.back()))
    return emitOpError("head_c1: expected x with a known last dimension but "
                       "got ")
           << getX().getType();
  SmallVector<int64_t> expected = {
      weight.empty() ? 1 : weight[0],
      static_cast<int64_t>(llvm::divideCeil(x.back(), blockColumns)), blockRows,
      blockColumns};
  if (!llvm::equal(weight, expected))
    return emitShapeError(*this, "head_c1", "weight", expected, weight);
  if (!element.isF16() && !element.isInteger(8))
    return emitOpError("head_c1: expected a weight of f16 or i8 but got ")
           << element;
  int64_t rows = weight[0] * blockRows;
  SmallVector<int64_t> expectedInit(x);
  expectedInit.back() = init.empty() ? rows : init.back();
  if (!agree(init, expectedInit))
    return emitShapeError(*this, "head_c2", "init", expectedInit, init);
  if (ShapedType::isDynamic(init.back()) || init.back() > rows ||
      init.back() <= rows - blockRows)
    return emitOpError("head_c2: expected between ")
           << rows - blockRows + 1 << " and " << rows << " outputs but got "
           << init.back();
  if (bool(getScales()) != element.isInteger(8))
    return emitOpError("head_c3: expected scales exactly where the weight is "
                       "i8 but got ")
           << element << (getScales() ? " with" : " without") << " scales";
  if (getScales() && !agree(getShape(getScales()), {rows}))
    return emitShapeError(*this, "head_c3", "scales", {rows},
                          getShape(getScales()));
  if (getBias() && !agree(getShape(getBias()), {rows}))
    return emitShapeError(*this, "head_c4", "bias", {rows},
                          getShape(getBias()));
  return success();
}
