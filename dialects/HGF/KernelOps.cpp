//===- KernelOps.cpp - Operations inside kernels -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"

using namespace mlir;
using namespace hgf;

LogicalResult DotStepOp::verify() {
  VectorType acc = getAcc().getType(), codes = getCodes().getType();
  int64_t perLane = acc.getElementType().isInteger(16) ? 2 : 4;
  if (acc.getNumElements() * perLane == codes.getNumElements())
    return success();
  return emitOpError("dot_step_c1: expected ")
         << codes.getNumElements() / perLane << " lanes of "
         << acc.getElementType() << " for " << codes << " but got " << acc;
}

LogicalResult DotWidenOp::verify() {
  VectorType total = getTotal().getType(), acc = getAcc().getType();
  int64_t perLane = acc.getElementType().isInteger(16) ? 2 : 1;
  if (total.getNumElements() * perLane == acc.getNumElements())
    return success();
  return emitOpError("dot_widen_c1: expected ")
         << acc.getNumElements() / perLane << " lanes for " << acc
         << " but got " << total;
}
