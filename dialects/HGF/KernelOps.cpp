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
  int64_t lanes = acc.getNumElements(), bytes = codes.getNumElements();
  bool words = acc.getElementType().isInteger(16);
  if (getMatrix() && (words || bytes % 16 != 0))
    return emitOpError(
               "dot_step_c2: expected lanes of i32 and pairs of rows of "
               "8 columns but got ")
           << acc << " and " << codes;
  if (lanes * (words ? 2 : 4) == bytes || (words && lanes == bytes))
    return success();
  InFlightDiagnostic error = emitOpError("dot_step_c1: expected ");
  if (words)
    error << bytes << " or ";
  return error << bytes / (words ? 2 : 4) << " lanes of "
               << acc.getElementType() << " for " << codes << " but got "
               << acc;
}

LogicalResult DotWidenOp::verify() {
  VectorType total = getTotal().getType(), acc = getAcc().getType();
  int64_t totals = total.getNumElements(), lanes = acc.getNumElements();
  bool words = acc.getElementType().isInteger(16);
  if (words ? totals * 2 == lanes || totals * 4 == lanes : totals == lanes)
    return success();
  InFlightDiagnostic error = emitOpError("dot_widen_c1: expected ");
  if (words)
    error << lanes / 4 << " or ";
  return error << lanes / (words ? 2 : 1) << " lanes for " << acc << " but got "
               << total;
}

LogicalResult HalfStepOp::verify() {
  if (getAcc().getType().getNumElements() ==
      getLeft().getType().getNumElements())
    return success();
  return emitOpError("half_step_c1: expected as many lanes as ")
         << getLeft().getType() << " but got " << getAcc().getType();
}

LogicalResult MultishiftOp::verify() {
  VectorType type = getSource().getType();
  if (type.getNumElements() % 8 != 0)
    return emitOpError("multishift_c1: expected whole quadwords but got ")
           << type;
  for (int64_t shift : getShifts())
    if (shift < 0 || shift > 63)
      return emitOpError("multishift_c2: expected shifts between 0 and 63 but "
                         "got ")
             << shift;
  if (getShifts().size() == 8)
    return success();
  return emitOpError("multishift_c2: expected 8 shifts but got ")
         << getShifts().size();
}

LogicalResult TableLookupOp::verify() {
  VectorType type = getTable().getType();
  if (llvm::isPowerOf2_64(type.getNumElements()))
    return success();
  return emitOpError("table_lookup_c1: expected a power of two of lanes but "
                     "got ")
         << type;
}
