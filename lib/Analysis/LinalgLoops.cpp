//===- LinalgLoops.cpp - How linalg operations walk memory ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Analysis/LinalgLoops.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"

using namespace mlir;

int64_t hgf::getContiguity(linalg::LinalgOp op, unsigned loop) {
  int64_t score = 0;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    if (map.getNumResults() == 0 || !map.isFunctionOfDim(loop))
      continue;
    bool inner = map.getResults().back().isFunctionOfDim(loop);
    for (AffineExpr outer : map.getResults().drop_back())
      inner &= !outer.isFunctionOfDim(loop);
    score += inner ? 1 : -1;
  }
  return score;
}

SmallVector<Value> hgf::getElementIndices(OpBuilder &builder,
                                          linalg::LinalgOp op,
                                          OpOperand &operand,
                                          ArrayRef<Value> indices) {
  Location location = op.getLoc();
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<Value> result;
  for (AffineExpr expression : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expression)) {
      result.push_back(indices[dim.getPosition()]);
      continue;
    }
    SmallVector<OpFoldResult> operands(indices.begin(), indices.end());
    result.push_back(getValueOrCreateConstantIndexOp(
        builder, location,
        affine::makeComposedFoldedAffineApply(
            builder, location,
            AffineMap::get(map.getNumDims(), map.getNumSymbols(), expression),
            operands)));
  }
  return result;
}
