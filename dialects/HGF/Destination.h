//===- Destination.h - What destination-style layers share ------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_DESTINATION_H
#define HGF_DIALECTS_HGF_DESTINATION_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hgf {

/// The result of a layer on tensors has the shape of its destination.
template <typename Layer>
mlir::LogicalResult
reifyDestination(Layer op, mlir::OpBuilder &builder,
                 mlir::ReifiedRankedShapedTypeDims &shapes) {
  if (!op.getY())
    return mlir::failure();
  shapes.push_back(
      mlir::tensor::getMixedSizes(builder, op.getLoc(), op.getInit()));
  return mlir::success();
}

/// A layer on memrefs writes its destination and, where it has one, `scratch`;
/// it reads all else, and scratch too.
inline void
addDestinationEffects(mlir::Operation *op, const mlir::OpOperand &init,
                      mlir::Value scratch,
                      llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<
                          mlir::MemoryEffects::Effect>> &effects) {
  for (mlir::OpOperand &operand : op->getOpOperands()) {
    if (!mlir::isa<mlir::BaseMemRefType>(operand.get().getType()))
      continue;
    if (&operand == &init || operand.get() == scratch)
      effects.emplace_back(mlir::MemoryEffects::Write::get(), &operand);
    if (&operand != &init)
      effects.emplace_back(mlir::MemoryEffects::Read::get(), &operand);
  }
}

} // namespace hgf

#endif // HGF_DIALECTS_HGF_DESTINATION_H
