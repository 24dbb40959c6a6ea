//===- ApproximateMath.cpp - Exponentials as vector arithmetic -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "hgf/Kernels/ApproximateMath.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace hgf {
#define GEN_PASS_DEF_APPROXIMATEMATH
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct ApproximateMath
    : public hgf::impl::ApproximateMathBase<ApproximateMath> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    hgf::populateApproximateMathPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
