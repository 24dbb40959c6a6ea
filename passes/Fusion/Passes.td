//===- Passes.td - Passes of the fusion phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_FUSION_PASSES_TD
#define HGF_PASSES_FUSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseLinear : Pass<"fuse-linear"> {
  let summary = "The parts of a ternary layer become one hgf.linear";
  let description = [{
    Quantization, ternary linear, low-rank correction, gate and bias join into
    one destination-style `hgf.linear`; a ternary linear that stands alone
    becomes one, too. What is left unused goes. The location's name and the form
    found stay as the attributes `hgf.node` and `hgf.form`, which the report
    reads.

    Example:

    ```mlir
    %q, %s = hgf.quantize %x order reciprocal : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?xf32>
    %t = hgf.ternary_linear ins(%q : tensor<?x3xi8>) scale(%s : tensor<?xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) -> tensor<?x2xf32>
    %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
    %y = hgf.gated_add %t, %c gate %alpha : tensor<?x2xf32>, tensor<f32>
    // becomes
    %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%alpha : tensor<f32>) outs(%init : tensor<?x2xf32>) quantization reciprocal gate_kind static -> tensor<?x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_FUSION_PASSES_TD
