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

def DropClosedGates : Pass<"drop-closed-gates"> {
  let summary = "Deletes corrections whose gate is nearly zero";
  let description = [{
    A correction goes where every |alpha| of its static gate lies below the
    bound. A remark says how much it could have added to an output. The
    default bound of 0 deletes none.

    Example: with `bound=0.01`,

    ```mlir
    %alpha = arith.constant dense<0.001> : tensor<f32>
    %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%alpha : tensor<f32>) outs(%init : tensor<4x2xf32>) gate_kind static -> tensor<4x2xf32>
    // becomes
    %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%init : tensor<4x2xf32>) -> tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect"];
  let options = [
    Option<"bound", "bound", "double", "0",
           "Corrections whose every |alpha| lies below it are deleted">];
}

def MergeLinears : Pass<"merge-linears"> {
  let summary = "Linears that share their input become one";
  let description = [{
    Queries, keys and values, or gate and up, read the same activations: one
    linear with all their rows quantizes once and reads x once. Rows and their
    scales stand one behind the other; `segments` and `segment_ranks` say whose
    they are. The parts are taken out with tensor.extract_slice. Linears merge
    that agree in quantization, in what their correction is and reads, and in
    the kind of gate (open or static).

    Example:

    ```mlir
    %q = hgf.linear ins(%x : tensor<4x3xf32>) weight(%wq : !hgf.ternary<2 by 3, scale = tensor>) outs(%i : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
    %k = hgf.linear ins(%x : tensor<4x3xf32>) weight(%wk : !hgf.ternary<1 by 3, scale = tensor>) outs(%j : tensor<4x1xf32>) quantization reciprocal -> tensor<4x1xf32>
    // becomes
    %qk = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<3 by 3, scale = row>) outs(%init : tensor<4x3xf32>) quantization reciprocal {segments = array<i64: 2, 1>} -> tensor<4x3xf32>
    %q = tensor.extract_slice %qk[0, 0] [4, 2] [1, 1] : tensor<4x3xf32> to tensor<4x2xf32>
    %k = tensor.extract_slice %qk[0, 2] [4, 1] [1, 1] : tensor<4x3xf32> to tensor<4x1xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseEpilogues : Pass<"fuse-epilogues"> {
  let summary = "Activation and residual join the layer before them";
  let description = [{
    An `hgf.activation` that is the only reader of an `hgf.linear` becomes the
    linear's own; so does the other operand of an `arith.addf`, as residual.
    This comes after merging, which needs linears without epilogue.

    Example:

    ```mlir
    %t = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) outs(%init : tensor<4x2xf32>) -> tensor<4x2xf32>
    %y = arith.addf %r, %t : tensor<4x2xf32>
    // becomes
    %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) residual(%r : tensor<4x2xf32>) outs(%init : tensor<4x2xf32>) -> tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect"];
}

def AppendCache : Pass<"append-cache", "::mlir::ModuleOp"> {
  let summary = "State that grows along one axis grows in place";
  let description = [{
    The model's metadata `hgf.state` (`onnx.metadata`) pair inputs with the
    outputs that are fed to them in the next call. An output that is its input
    followed by something new becomes `hgf.cache_append`. Every such argument
    gets `hgf.state_result`, the index of its result, and `hgf.state_axis`, the
    axis along which it grows, or -1.

    Example:

    ```mlir
    %present = tensor.concat dim(2) %past, %new : (tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32>
    // becomes
    %present = hgf.cache_append %past, %new axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_FUSION_PASSES_TD
