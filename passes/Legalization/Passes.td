//===- Passes.td - Passes of the legalization phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_PASSES_TD
#define HGF_PASSES_LEGALIZATION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ONNXInlineFunctions : Pass<"onnx-inline-functions", "::mlir::ModuleOp"> {
  let summary = "Puts model-local functions in the place of their calls";
  let description = [{
    Every call becomes a copy of the function's body, functions that the body
    calls included. Attributes that refer to the function's take the call's
    value, or the default, or are left out. A copy's name is the call's, a
    slash and the node's own. Functions that nothing calls any more are erased.

    With `keep-layers`, calls of `hgf::Linear` and `hgf::OneBitLinear` in a
    version that docs/ModelFormat.md specifies stay for recognise-functions.

    Example:

    ```mlir
    onnx.function @"local::Double::" ["v"] -> ["w"] required [] defaults {} opsets {} {
    ^body(%v: !onnx.unknown):
      %w = onnx.node "Add"(%v, %v) : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
      onnx.return %w : !onnx.unknown
    }
    func.func @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = onnx.node "local" "Double"(%arg0) : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: tensor<4xf32>) -> tensor<4xf32> {
      %0 = onnx.node "Add"(%arg0, %arg0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::hgf::ONNXDialect"];
  let options = [
    Option<"keepLayers", "keep-layers", "bool", "true",
           "Leave calls of hgf::Linear and hgf::OneBitLinear">,
    Option<"maxNodes", "max-nodes", "int64_t", "1 << 22",
           "Number of nodes beyond which expansion is an error">];
}

def ONNXFoldConstants : Pass<"onnx-fold-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluates subgraphs of initializers";
  let description = [{
    A node whose inputs are all constants becomes a constant, if its result
    takes no more than `max-bytes`: `Constant` nodes, shapes of values whose
    type is static, and everything that exporters wrap around weights. Results
    are rounded once, to nearest even, into their element type; integers wrap
    around. Identity and inactive Dropout vanish, and so does what nothing uses.

    A DequantizeLinear whose input has at most eight bits is left if its result
    reaches a matrix product, through transposition, reshaping or casts: it
    would take four times the bytes or more, and recognition looks for the
    codes. Transposition and reshaping of packed weights keep them packed.

    With `keep-weights` a matrix of a million elements or more is also left
    behind Transpose, Cast, Mul and Div if a matrix product reads it:
    recognition reads the source itself, and a copy of every such weight would
    not fit into memory.

    The bytes of a constant are released with its last use in the module.

    Example:

    ```mlir
    func.func @main() -> tensor<2xf32> {
      %0 = onnx.constant dense<[-1.5, 2.0]> : tensor<2xf32> -> tensor<2xf32>
      %1 = onnx.node "Abs"(%0) : (tensor<2xf32>) -> tensor<2xf32>
      return %1 : tensor<2xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main() -> tensor<2xf32> {
      %0 = onnx.constant dense<[1.500000e+00, 2.000000e+00]> : tensor<2xf32> -> tensor<2xf32>
      return %0 : tensor<2xf32>
    }
    ```
  }];
  let dependentDialects = ["::hgf::ONNXDialect"];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "int64_t(1) << 30",
           "Size up to which a result is computed">,
    Option<"keepWeights", "keep-weights", "bool", "false",
           "Leaves matrices of a million elements and more that recognition "
           "evaluates">];
}

def RecogniseFunctions : Pass<"recognise-functions", "::mlir::ModuleOp"> {
  let summary = "Calls of hgf::Linear and hgf::OneBitLinear become canonical nodes";
  let description = [{
    A call of a model-local function that docs/ModelFormat.md specifies becomes
    canonical nodes of the domain `hgf` over an `hgf.ternary_constant`. A call
    that differs from the specification (version, attribute, parameter, shape,
    a weight that is no constant) is left: the inliner takes it apart like any
    other function.

    Example:

    ```mlir
    onnx.function @"hgf::Linear::" ["x", "weight", "scale"] -> ["y"] required [] defaults {version = 1 : si64} opsets {} {
    ^body(%x: !onnx.unknown, %weight: !onnx.unknown, %scale: !onnx.unknown):
      onnx.return %x : !onnx.unknown
    }
    func.func @main(%arg0: tensor<2x4xf32>) -> tensor<2x2xf32> {
      %0 = onnx.constant dense<[77, 112]> : tensor<2xi8> -> tensor<2x4xi2>
      %1 = onnx.constant dense<[0.5, 0.25]> : tensor<2xf32> -> tensor<2xf32>
      %2 = onnx.node "hgf" "Linear"(%arg0, %0, %1) : (tensor<2x4xf32>, tensor<2x4xi2>, tensor<2xf32>) -> tensor<2x2xf32>
      return %2 : tensor<2x2xf32>
    }
    ```

    becomes

    ```mlir
    %3:2 = onnx.node "hgf" "Quantize"(%arg0) {order = "reciprocal"} : (tensor<2x4xf32>) -> (!onnx.unknown, !onnx.unknown)
    %4 = hgf.ternary_constant dense<[-110, -123]> : tensor<2xi8>, dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32> -> <2 by 4, scale = row>
    %5 = onnx.node "hgf" "TernaryLinear"(%3#0, %3#1, %4, %2) {form = "f"} : (!onnx.unknown, !onnx.unknown, !hgf.ternary<2 by 4, scale = row>, none) -> tensor<2x2xf32>
    return %5 : tensor<2x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
  let options = [
    Option<"reportMissed", "report-missed-ternary", "bool", "false",
           "Remark at every call that is not taken why">];
}

def ConvertONNXToLinalg : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Gives ONNX nodes their meaning in linalg, tensor, arith, math";
  let description = [{
    Lowers every `onnx.node` of `@main`, opsets 11 to 25, with static and
    symbolic dimensions. All dimensions become index arithmetic over the
    dimensions of the function's arguments, at the top of the function; shapes
    that a graph computes are followed as scalars, so that no tensor is made
    for them. Equal dimensions are the same value: arguments whose `onnx.dims`
    share a name share the dimension. What only the run can show is checked by
    `cf.assert` at the top.

    Unsigned integers become signless; types of two and four bits are held in
    `i8`. Every operator that has no lowering is an error that names its node.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<?x4xf32> {onnx.dims = ["n", ""]}, %arg1: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> !onnx.unknown {
      %0 = onnx.node "Add"(%arg0, %arg1) : (tensor<?x4xf32>, tensor<?x4xf32>) -> !onnx.unknown
      return %0 : !onnx.unknown
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: tensor<?x4xf32> {onnx.dims = ["n", ""]}, %arg1: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> tensor<?x4xf32> {
      %0 = arith.addf %arg0, %arg1 : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::hgf::HGFDialect", "::mlir::arith::ArithDialect",
    "::mlir::cf::ControlFlowDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def RecogniseNormsAndActivations
    : Pass<"recognise-norms-and-activations", "::mlir::ModuleOp"> {
  let summary = "Formulas of norms and activations become one node";
  let description = [{
    Finds, in float32, SiLU (`x * Sigmoid(x)`, `Swish`), GELU (by `Erf`, by its
    `Tanh` approximation, `Gelu`), squared ReLU (as canonical nodes), and the
    root-mean-square norm written out (as `RMSNormalization`), with factors and
    operands in any order. A layer before an activation can then take it as its
    own.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %0 = onnx.node "Sigmoid"(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %1 = onnx.node "Mul"(%arg0, %0) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
      return %1 : tensor<2x3xf32>
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %0 = onnx.node "hgf" "Activation"(%arg0) {kind = "silu"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
      return %0 : tensor<2x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
}

def RecogniseLayerNorms : Pass<"recognise-layer-norms", "::mlir::ModuleOp"> {
  let summary = "Layer normalization written out becomes one node";
  let description = [{
    Finds `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)` over the last
    dimension, in float32, multiplied by a constant vector and, if there is one,
    with a constant vector added, as `LayerNormalization`.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %axes = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
      %two = onnx.constant dense<2.0> : tensor<f32> -> tensor<f32>
      %epsilon = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
      %weight = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
      %m = onnx.node "ReduceMean"(%arg0, %axes) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
      %c = onnx.node "Sub"(%arg0, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
      %q = onnx.node "Pow"(%c, %two) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
      %v = onnx.node "ReduceMean"(%q, %axes) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
      %e = onnx.node "Add"(%v, %epsilon) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
      %r = onnx.node "Sqrt"(%e) : (tensor<2x1xf32>) -> tensor<2x1xf32>
      %n = onnx.node "Div"(%c, %r) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
      %y = onnx.node "Mul"(%n, %weight) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
      return %y : tensor<2x3xf32>
    }
    ```

    becomes

    ```mlir
    %1 = onnx.node "LayerNormalization"(%arg0, %0) {axis = -1 : si64, epsilon = 5.000000e-01 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
    return %1 : tensor<2x3xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
}

def RecogniseHeads : Pass<"recognise-heads", "::mlir::ModuleOp"> {
  let summary = "Large float matrices that make the output are stored in fewer bits";
  let description = [{
    Finds the product of activations with a constant float matrix, as MatMul or
    Gemm, whose result reaches an output of the graph through elementwise
    operators, reshaping, softmax or the choice of the largest: the head of a
    language model. Its weight is rounded to float16, or to int8 with one scale
    per output, in the layout of `hgf.head`. Where an embedding gathers rows of
    the same constant it reads the packed matrix, so that one copy is left.

    Matrices of less than `minimum` elements are left, and so are those with a
    value that float16 cannot hold. The module's attribute `hgf.heads` says for
    each head how it is stored and the root mean square of the rounding relative
    to the weights'.

    Example:

    ```mlir
    // hgf-opt --recognise-heads=minimum=4
    func.func @main(%arg0: tensor<2x2xf32>) -> tensor<2x2xf32> {
      %0 = onnx.constant dense<[[0.1, 0.5], [1.0, 2.0]]> : tensor<2x2xf32> -> tensor<2x2xf32>
      %1 = onnx.node "MatMul"(%arg0, %0) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
      return %1 : tensor<2x2xf32>
    }
    ```

    becomes

    ```mlir
    module attributes {hgf.heads = [{bytes = 256 : i64, columns = 2 : i64, embedding = false, node = "", ...
      %0 = onnx.constant dense_resource<head> : tensor<1x1x8x16xf16> -> tensor<1x1x8x16xf16>
      ... = onnx.node "hgf" "Head"(%arg0, %0, %1, %2) {columns = 2 : si64, rows = 2 : si64} : (tensor<2x2xf32>, tensor<1x1x8x16xf16>, none, none) -> tensor<2x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::ONNXDialect"];
  let options = [
    Option<"storage", "storage", "std::string", "\"f16\"",
           "f16, int8, or keep: change nothing">,
    Option<"minimum", "minimum", "int64_t", "65536",
           "Elements below which a matrix is left">,
    Option<"reportMissed", "report-missed", "bool", "false",
           "Remark at matrices that float16 cannot hold">];
}

def RecogniseRotary : Pass<"recognise-rotary", "::mlir::ModuleOp"> {
  let summary = "Rotary embedding written out becomes one node";
  let description = [{
    Finds, in float32 and over the last dimension,

    - `x * cosine + concat(-x2, x1) * sine`, tables as wide as x, and
    - `concat(x1 * cosine - x2 * sine, x2 * cosine + x1 * sine)`, tables of half
      the width (`shared_tables`),

    where x1 and x2 are the halves of x, as the canonical node `Rotary`. Its
    lowering computes each half in one loop and makes no rotated tensor. The
    operations and their roundings stay what they were.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x4xf32>, %arg1: tensor<2x4xf32>, %arg2: tensor<2x4xf32>) -> tensor<2x4xf32> {
      %zero = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
      %half = onnx.constant dense<2> : tensor<1xi64> -> tensor<1xi64>
      %end = onnx.constant dense<4> : tensor<1xi64> -> tensor<1xi64>
      %last = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
      %x1 = onnx.node "Slice"(%arg0, %zero, %half, %last) : (tensor<2x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
      %x2 = onnx.node "Slice"(%arg0, %half, %end, %last) : (tensor<2x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xf32>
      %n = onnx.node "Neg"(%x2) : (tensor<2x2xf32>) -> tensor<2x2xf32>
      %r = onnx.node "Concat"(%n, %x1) {axis = -1 : si64} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x4xf32>
      %a = onnx.node "Mul"(%arg0, %arg1) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
      %b = onnx.node "Mul"(%r, %arg2) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
      %y = onnx.node "Add"(%a, %b) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
      return %y : tensor<2x4xf32>
    }
    ```

    becomes

    ```mlir
    %0 = onnx.node "hgf" "Rotary"(%arg0, %arg1, %arg2) {half = 2 : i64, shared_tables = false} : (tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
}

def RecogniseTernary : Pass<"recognise-ternary", "::mlir::ModuleOp"> {
  let summary = "Products with ternary constants become canonical nodes";
  let description = [{
    Finds ternary linears in plain operators. A weight is ternary where all its
    values are -s, 0 or +s with one s, bit for bit, per tensor, per output or
    per group of 32 to 256 inputs.

    | form | operators |
    |---|---|
    | a | `MatMul` or `Gemm` with a float weight |
    | b | the same with `DequantizeLinear` of integers |
    | c | `MatMulInteger` of int8 codes |
    | d | `com.microsoft.MatMulNBits` of two bits |
    | e | (a) or (b) of activations that are quantized and dequantized |

    Per-token int8 quantization of the activations is recognised in its
    variants, with its scale before or after the product. Scales and biases
    that follow the product join it. `DynamicQuantizeLinear` means something
    else and stays. Whatever does not match exactly stays ordinary code; what
    almost does gets a line of the module's attribute `hgf.report` that says
    which condition failed, and a remark with `report-missed-ternary`.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x1xf32> {
      %0 = onnx.constant dense<[[0.5], [-0.5], [0.0]]> : tensor<3x1xf32> -> tensor<3x1xf32>
      %1 = onnx.node "MatMul"(%arg0, %0) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
      return %1 : tensor<2x1xf32>
    }
    ```

    becomes

    ```mlir
    %0 = onnx.none : none
    %1 = hgf.ternary_constant dense<18> : tensor<1xi8>, dense<5.000000e-01> : tensor<1xf32> -> <1 by 3, scale = tensor>
    %2 = onnx.node "hgf" "TernaryLinear"(%arg0, %0, %1, %0) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<1 by 3, scale = tensor>, none) -> tensor<2x1xf32>
    return %2 : tensor<2x1xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
  let options = [
    Option<"reportMissed", "report-missed-ternary", "bool", "false",
           "Remark at every product that almost is a ternary linear why not">];
}

def RecogniseCorrections : Pass<"recognise-corrections", "::mlir::ModuleOp"> {
  let summary = "Gated low-rank corrections beside ternary linears become canonical nodes";
  let description = [{
    Finds y + alpha * phi(x A) B where y is a ternary linear that
    `recognise-ternary` made and x its input, before or after quantization. phi
    is SiLU or the identity. The gate alpha is a constant or tanh of one, for
    the layer or per output, multiplied to the product, to phi(x A) or to B; or
    a sigmoid per token of x or of the ternary linear. Sums and products may
    stand in either order; a bias may come before or after.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x2xf32> {
      %0 = onnx.none : none
      %1 = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
      %2 = onnx.node "hgf" "TernaryLinear"(%arg0, %0, %1, %0) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<2 by 3, scale = tensor>, none) -> tensor<2x2xf32>
      %3 = onnx.constant dense<0.5> : tensor<3x1xf32> -> tensor<3x1xf32>
      %4 = onnx.constant dense<0.25> : tensor<1x2xf32> -> tensor<1x2xf32>
      %5 = onnx.node "MatMul"(%arg0, %3) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
      %6 = onnx.node "MatMul"(%5, %4) : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
      %7 = onnx.node "Add"(%2, %6) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
      return %7 : tensor<2x2xf32>
    }
    ```

    becomes

    ```mlir
    %3 = onnx.constant dense<5.000000e-01> : tensor<1x3xf16> -> tensor<1x3xf16>
    %4 = onnx.constant dense<2.500000e-01> : tensor<2x1xf16> -> tensor<2x1xf16>
    %7 = onnx.node "hgf" "LowRank"(%arg0, %3, %4, %5, %6) {activation = "identity"} : (tensor<2x3xf32>, tensor<1x3xf16>, tensor<2x1xf16>, none, none) -> !onnx.unknown
    %9 = onnx.node "hgf" "GatedAdd"(%2, %7, %8) : (tensor<2x2xf32>, !onnx.unknown, none) -> tensor<2x2xf32>
    return %9 : tensor<2x2xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
  let options = [
    Option<"reportMissed", "report-missed-ternary", "bool", "false",
           "Remark at every sum that almost has a correction why not">];
}

def RecogniseAttention : Pass<"recognise-attention", "::mlir::ModuleOp"> {
  let summary = "Attention written out becomes one node";
  let description = [{
    Finds `MatMul(Q, Transpose(K))`, `Softmax` over the last axis and the
    product with V, in float32, as the canonical node `Attention`. Constant
    factors may stand at the scores, at Q and at K. A mask may be added, or
    choose by `Where` between a score and a number below -1e30. What something else
    reads in between, such as the weights, leaves the graph as it is.

    Heads stand as in `MatMul`: [B, H, S, D], broadcast. The node becomes
    `hgf.attention` where its shapes allow, and a row that sees no key is then
    zero.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<1x2x3x4xf32>, %arg1: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
      %t = onnx.node "Transpose"(%arg1) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
      %s = onnx.node "MatMul"(%arg0, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
      %p = onnx.node "Softmax"(%s) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
      %y = onnx.node "MatMul"(%p, %arg1) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
      return %y : tensor<1x2x3x4xf32>
    }
    ```

    becomes

    ```mlir
    %0 = onnx.none : none
    %1 = onnx.node "hgf" "Attention"(%arg0, %arg1, %arg1, %0) {scale = 1.000000e+00 : f32} : (tensor<1x2x3x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32>, none) -> tensor<1x2x3x4xf32>
    return %1 : tensor<1x2x3x4xf32>
    ```
  }];
  let dependentDialects = ["::hgf::HGFDialect", "::hgf::ONNXDialect"];
}

#endif // HGF_PASSES_LEGALIZATION_PASSES_TD
