//===- DecomposeHGF.cpp - The meaning of the hgf dialect ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecomposeHGF/TensorMath.h"
#include "hgf/Passes/Tiling/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace hgf {
#define GEN_PASS_DEF_DECOMPOSEHGF
#include "hgf/Passes/Tiling/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// hgf.linear, hgf.flash_attention and hgf.cache_append stay unless `fused` is
/// set: kernels and buffers implement them.
struct DecomposeHGF : hgf::impl::DecomposeHGFBase<DecomposeHGF> {
  using DecomposeHGFBase::DecomposeHGFBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    hgf::populateDecomposeLayerPatterns(patterns);
    hgf::populateDecomposeElementwisePatterns(patterns);
    hgf::populateDecomposeAttentionPatterns(patterns);
    if (fused) {
      hgf::populateDecomposeFusedPatterns(patterns);
      hgf::populateDecomposeFlashAttentionPatterns(patterns);
    } else {
      hgf::populateDecomposeMissedPatterns(patterns);
    }
    tensor::CastOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
