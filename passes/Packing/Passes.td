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

    The encoding is the one that the target's table expects to be fastest, for
    weights read from memory or, in small models, from a cache; or the one that
    `encoding` names.

    Adds one line per layer to the module's attribute `hgf.report`: form, node,
    rows, columns, rank, encoding, encoding_reason, residency (dram or cache),
    kernel, bits (of a weight), effective_bits (all bytes of the layer, in bits
    per weight), or why the layer has no kernel (missed). Such a layer is marked `hgf.missed` and decomposed later.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %0 = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
      %1 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%0 : !hgf.ternary<2 by 3, scale = tensor>) outs(%arg1 : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
      return %1 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    module attributes {hgf.report = [{bits = 2.000000e+00 : f64, columns = 3 : i64, ... kernel = "planes2_int8_tensor", ...
      hgf.weights @hgf_weights_0 dense_resource<hgf_weights_0> : tensor<576xi8> size 576
      func.func @main(%arg0: tensor<4x3xf32>, %arg1: tensor<4x2xf32>) -> tensor<4x2xf32> {
        %0 = hgf.packed_constant @hgf_weights_0 : <2 by 3, encoding = "planes2", scale = tensor>
        %1 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%0 : !hgf.packed<2 by 3, encoding = "planes2", scale = tensor>) ...
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "",
           "target triple; empty means the machine that compiles">,
    Option<"cpu", "cpu", "std::string", "\"portable\"",
           "LLVM CPU name, 'native', or 'portable'">,
    Option<"level", "level", "std::string", "",
           "the one instruction level to use, whatever the CPU">,
    Option<"encoding", "encoding", "std::string", "\"auto\"",
           "name of an encoding, or 'auto'">,
    Option<"gpu", "gpu", "bool", "false",
           "the layout of NVIDIA GPUs, whatever the CPU">
  ];
  let dependentDialects = ["::hgf::HGFDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_PACKING_PASSES_TD
