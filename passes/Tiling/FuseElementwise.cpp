//===- FuseElementwise.cpp - Elementwise work joins its reader ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Tiling/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"

namespace hgf {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#define GEN_PASS_DEF_DECOMPOSECONCAT
#include "hgf/Passes/Tiling/Passes.h.inc"
} // namespace hgf

using namespace mlir;

/// Whether computing `producer` again for every read costs next to nothing.
static bool isCheap(linalg::GenericOp producer) {
  for (Operation &op : producer.getBody()->without_terminator())
    if (!isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, arith::SIToFPOp,
             arith::UIToFPOp, arith::ConstantOp>(op))
      return false;
  return true;
}

/// Fusion must not compute anything more often than before, so the reader must
/// look at each element once.
static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto reader = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !reader || !producer->hasOneUse())
    return false;
  return reader.getMatchingIndexingMap(operand).isPermutation() ||
         isCheap(producer);
}

namespace {

struct FuseElementwise
    : public hgf::impl::FuseElementwiseBase<FuseElementwise> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

struct DecomposeConcat
    : public hgf::impl::DecomposeConcatBase<DecomposeConcat> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
