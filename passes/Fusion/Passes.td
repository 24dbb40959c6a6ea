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
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<1x3xf16>, %arg3: tensor<2x1xf16>, %arg4: tensor<f32>) -> tensor<4x2xf32> {
      %q, %scale = hgf.quantize %arg0 order reciprocal : tensor<4x3xf32> -> tensor<4x3xi8>, tensor<4xf32>
      %0 = hgf.ternary_linear ins(%q : tensor<4x3xi8>) scale(%scale : tensor<4xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) -> tensor<4x2xf32>
      %1 = hgf.low_rank silu ins(%arg0 : tensor<4x3xf32>) factors(%arg2, %arg3 : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<4x2xf32>
      %2 = hgf.gated_add %0, %1 gate %arg4 : tensor<4x2xf32>, tensor<f32>
      return %2 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %0 = tensor.empty() : tensor<4x2xf32>
    %1 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) correction(%arg2, %arg3 : tensor<1x3xf16>, tensor<2x1xf16>) gate(%arg4 : tensor<f32>) outs(%0 : tensor<4x2xf32>) quantization reciprocal gate_kind static -> tensor<4x2xf32>
    return %1 : tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def DropClosedGates : Pass<"drop-closed-gates"> {
  let summary = "Deletes corrections whose gate is nearly zero";
  let description = [{
    A correction of constant factors goes where every |alpha| of its static gate lies below the
    bound. A remark says how much it could have added to an output. The
    default bound of 0 deletes none.

    Example:

    ```mlir
    // hgf-opt --drop-closed-gates=bound=0.01
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %cst = arith.constant dense<1.0> : tensor<1x3xf16>
      %cst_0 = arith.constant dense<2.0> : tensor<2x1xf16>
      %cst_1 = arith.constant dense<0.001> : tensor<f32>
      %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) correction(%cst, %cst_0 : tensor<1x3xf16>, tensor<2x1xf16>) gate(%cst_1 : tensor<f32>) outs(%arg2 : tensor<4x2xf32>) gate_kind static -> tensor<4x2xf32>
      return %0 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) outs(%arg2 : tensor<4x2xf32>) -> tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect"];
  let options = [
    Option<"bound", "bound", "double", "0",
           "Corrections whose every |alpha| lies below it are deleted">];
}

def ThresholdGates : Pass<"threshold-gates"> {
  let summary = "Sets when a dynamic gate counts as closed";
  let description = [{
    The sigmoid of a dynamic gate is never exactly 0. Below the threshold it
    becomes 0, and for tokens whose gate is closed the kernels read no factor of
    the correction. The attribute `hgf.gate_error`, which the report shows, says
    how much the correction could have added to an output per unit of the
    largest activation. The default of 0 closes none; corrections whose factors
    are no constants stay open.

    Example:

    ```mlir
    // hgf-opt --threshold-gates=threshold=0.125
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<4x2xf32>, %arg3: tensor<3xf32>, %arg4: tensor<f32>) -> tensor<4x2xf32> {
      %cst = arith.constant dense<1.0> : tensor<1x3xf16>
      %cst_0 = arith.constant dense<2.0> : tensor<2x1xf16>
      %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) correction(%cst, %cst_0 : tensor<1x3xf16>, tensor<2x1xf16>) dynamic_gate(%arg3, %arg4 : tensor<3xf32>, tensor<f32>) outs(%arg2 : tensor<4x2xf32>) gate_kind sigmoid_input -> tensor<4x2xf32>
      return %0 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) ... gate_kind sigmoid_input gate_threshold 1.250000e-01 {hgf.gate_error = 7.500000e-01 : f64} -> tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect"];
  let options = [
    Option<"threshold", "threshold", "double", "0",
           "Dynamic gates below it are closed">];
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
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: tensor<4x2xf32>, %arg2: tensor<4x1xf32>) -> (tensor<4x2xf32>, tensor<4x1xf32>) {
      %0 = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
      %1 = hgf.ternary_constant dense<18> : tensor<1xi8>, dense<0.25> : tensor<1xf32> -> !hgf.ternary<1 by 3, scale = tensor>
      %2 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%0 : !hgf.ternary<2 by 3, scale = tensor>) outs(%arg1 : tensor<4x2xf32>) quantization reciprocal -> tensor<4x2xf32>
      %3 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%1 : !hgf.ternary<1 by 3, scale = tensor>) outs(%arg2 : tensor<4x1xf32>) quantization reciprocal -> tensor<4x1xf32>
      return %2, %3 : tensor<4x2xf32>, tensor<4x1xf32>
    }
    ```

    becomes

    ```mlir
    %3 = hgf.ternary_constant dense<[-94, 40, 1]> : tensor<3xi8>, dense<[5.000000e-01, 5.000000e-01, 2.500000e-01]> : tensor<3xf32> -> <3 by 3, scale = row>
    %4 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%3 : !hgf.ternary<3 by 3, scale = row>) ... {segments = array<i64: 2, 1>} -> tensor<4x3xf32>
    %extracted_slice = tensor.extract_slice %4[0, 0] [4, 2] [1, 1] : tensor<4x3xf32> to tensor<4x2xf32>
    %extracted_slice_0 = tensor.extract_slice %4[0, 2] [4, 1] [1, 1] : tensor<4x3xf32> to tensor<4x1xf32>
    return %extracted_slice, %extracted_slice_0 : tensor<4x2xf32>, tensor<4x1xf32>
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
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<4x2xf32>, %arg3: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) outs(%arg2 : tensor<4x2xf32>) -> tensor<4x2xf32>
      %1 = arith.addf %arg3, %0 : tensor<4x2xf32>
      return %1 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) residual(%arg3 : tensor<4x2xf32>) outs(%arg2 : tensor<4x2xf32>) -> tensor<4x2xf32>
    return %0 : tensor<4x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect"];
}

def FuseNorms : Pass<"fuse-norms"> {
  let summary = "A norm joins the layers that read it";
  let description = [{
    An `hgf.rms_norm` whose every reader takes it as the input of an
    `hgf.linear` becomes a part of them: the kernel that quantizes x normalizes
    it first, while it lies in the cache. A norm that something else reads, too
    (a residual), stays, and the layers read its result. This comes after
    merging, so that most norms are computed once.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %cst = arith.constant dense<2.0> : tensor<3xf32>
      %0 = hgf.rms_norm %arg0, %cst epsilon 1.0e-5 : tensor<4x3xf32>, tensor<3xf32>
      %1 = hgf.linear ins(%0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) outs(%arg2 : tensor<4x2xf32>) -> tensor<4x2xf32>
      return %1 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) norm(%cst : tensor<3xf32>) outs(%arg2 : tensor<4x2xf32>) norm_epsilon 9.99999974E-6 -> tensor<4x2xf32>
    return %0 : tensor<4x2xf32>
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
    module attributes {onnx.metadata = {hgf.state = "past=present"}} {
      func.func @main(%arg0: tensor<1x4x?x8xf32> {onnx.name = "past"}, %arg1: tensor<1x4x1x8xf32> {onnx.name = "new"}) -> (tensor<1x4x?x8xf32> {onnx.name = "present"}) {
        %concat = tensor.concat dim(2) %arg0, %arg1 : (tensor<1x4x?x8xf32>, tensor<1x4x1x8xf32>) -> tensor<1x4x?x8xf32>
        return %concat : tensor<1x4x?x8xf32>
      }
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: tensor<1x4x?x8xf32> {hgf.state_axis = 2 : i32, hgf.state_result = 0 : i32, onnx.name = "past"}, ...
      %0 = hgf.cache_append %arg0, %arg1 axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x1x8xf32> -> tensor<1x4x?x8xf32>
      return %0 : tensor<1x4x?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def QuantizeCorrections : Pass<"quantize-corrections"> {
  let summary = "Corrections become int8 with one scale per rank";
  let description = [{
    A row of A and a column of B belong to one rank; each gets the scale
    max |w| / 127, and its elements the nearest multiples. Constant f16, bf16
    and f32 factors change, all others stay. The attribute
    `hgf.correction_error`, which the report shows, has the largest error
    relative to the factor's largest element and the root mean square error
    relative to the factor's, each that of the worse factor.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<4x3xf32>, %arg1: !hgf.ternary<2 by 3, scale = row>, %arg2: tensor<4x2xf32>) -> tensor<4x2xf32> {
      %cst = arith.constant dense<[[1.27, -0.1, 0.02]]> : tensor<1x3xf32>
      %cst_0 = arith.constant dense<[[2.54], [-0.5]]> : tensor<2x1xf32>
      %0 = hgf.linear ins(%arg0 : tensor<4x3xf32>) weight(%arg1 : !hgf.ternary<2 by 3, scale = row>) correction(%cst, %cst_0 : tensor<1x3xf32>, tensor<2x1xf32>) outs(%arg2 : tensor<4x2xf32>) -> tensor<4x2xf32>
      return %0 : tensor<4x2xf32>
    }
    ```

    becomes

    ```mlir
    %cst_1 = arith.constant dense<[[127, -10, 2]]> : tensor<1x3xi8>
    %cst_2 = arith.constant dense<0.00999999977> : tensor<1xf32>
    %cst_3 = arith.constant dense<[[127], [-25]]> : tensor<2x1xi8>
    %cst_4 = arith.constant dense<2.000000e-02> : tensor<1xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::mlir::arith::ArithDialect"];
}

#endif // HGF_PASSES_FUSION_PASSES_TD
