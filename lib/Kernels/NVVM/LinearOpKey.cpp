//===- LinearOpKey.cpp - Which kernels a layer takes ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/LinearOpKey.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

/// Elements of float32 that one aligned load of 16 bytes takes.
static constexpr int64_t alignedElements = 4;

bool hgf::hasAlignedTokens(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  auto suits = [](int64_t elements) {
    return !ShapedType::isDynamic(elements) && elements % alignedElements == 0;
  };
  if (!suits(offset))
    return false;
  for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
    if (type.getDimSize(axis) != 1 && !suits(strides[axis]))
      // Dense dimensions have dynamic strides only where sizes between them
      // are dynamic, and are multiples of the innermost row.
      if (!type.getLayout().isIdentity() || !suits(type.getShape().back()))
        return false;
  return true;
}

hgf::GpuLinearKey hgf::getGpuLinearKey(LinearOp op) {
  GpuLinearKey key;
  key.parameters = getLinearParameters(op);
  key.quantization = op.getQuantization();
  key.correctionActivation = op.getCorrectionActivation();
  key.correctionInput = op.getCorrectionInput();
  key.activation = op.getActivation();
  key.residual = bool(op.getResidual());
  key.alignedInput = hasAlignedTokens(cast<MemRefType>(op.getX().getType()));
  return key;
}
