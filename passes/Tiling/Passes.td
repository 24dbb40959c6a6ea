//===- Passes.td - Passes of the tiling phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_TILING_PASSES_TD
#define HGF_PASSES_TILING_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeHGF : Pass<"decompose-hgf"> {
  let summary = "Replace hgf operations by linalg operations of the same meaning";
  let description = [{
    The executable meaning of the dialect: every kernel is tested against it.
    In a compilation it lowers what no kernel implements; `hgf.linear` and
    `hgf.cache_append` stay, unless `fused` is set. Weights are decoded from
    their two-bit codes where they are used.

    Example: `hgf.activation relu` becomes a `linalg.generic` over
    `arith.maximumf`.
  }];
  let options = [Option<"fused", "fused", "bool", "false",
      "also decompose hgf.linear and hgf.cache_append">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
      "::mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_TILING_PASSES_TD
