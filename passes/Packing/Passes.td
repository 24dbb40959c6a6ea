//===- Passes.td - Passes of the packing phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_PACKING_PASSES_TD
#define HGF_PASSES_PACKING_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackWeights : Pass<"pack-weights", "mlir::ModuleOp"> {
  let summary = "Encodes each layer's constants for the target";
  let description = [{
    Chooses an encoding for each `hgf.linear` with a constant weight and writes
    codes, scales, correction, gate and bias into one blob, `hgf.weights`, in the
    order in which kernels read them. The weight becomes an
    `hgf.packed_constant`; the source bytes are released before the next layer
    is packed. `hgf.onebit_linear` becomes a ternary linear on x * u whose row
    scales are v.

    Adds one line per layer to the module's attribute `hgf.report`: form, node,
    rows, columns, rank, encoding, kernel, bits (of a weight), effective_bits
    (all bytes of the layer, in bits per weight), or why the layer has no
    kernel (missed). Such a layer is marked `hgf.missed` and decomposed later.

    ```mlir
    %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
    // becomes
    %w = hgf.packed_constant @hgf_weights_0 : !hgf.packed<2 by 3, encoding = "planes2", scale = tensor>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_PACKING_PASSES_TD
