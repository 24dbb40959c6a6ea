// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file -verify-diagnostics

// All kinds of unsupported nodes are named in one go.
func.func @main(%x: tensor<3xf32>) -> !onnx.unknown {
  // expected-error@unknown {{node '/a' (Frobnicate-25): not supported (2 nodes of this kind); write it in terms of other operators}}
  %a = onnx.node "Frobnicate"(%x) : (tensor<3xf32>) -> !onnx.unknown loc("/a")
  %b = onnx.node "Frobnicate"(%a) : (!onnx.unknown) -> !onnx.unknown loc("/b")
  // expected-error@unknown {{node '/c' (Loop-25): not supported; export the model without control flow}}
  %c = onnx.node "Loop"(%b) : (!onnx.unknown) -> !onnx.unknown loc("/c")
  return %c : !onnx.unknown
}

// -----

func.func @main(%x: tensor<4xf32>, %shape: tensor<2xi64>) -> !onnx.unknown {
  // expected-error@unknown {{node '/view' (Reshape-25): shape must be computable from input shapes or constants but is a tensor of run-time values; make it an initializer}}
  %y = onnx.node "Reshape"(%x, %shape) : (tensor<4xf32>, tensor<2xi64>) -> !onnx.unknown loc("/view")
  return %y : !onnx.unknown
}

// -----

func.func @main(%x: tensor<4xf32>, %y: tensor<3xf32>) -> !onnx.unknown {
  // expected-error@unknown {{node '/add' (Add-25): shapes do not broadcast: dimension 0 is 4 and 3}}
  %z = onnx.node "Add"(%x, %y) : (tensor<4xf32>, tensor<3xf32>) -> !onnx.unknown loc("/add")
  return %z : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x4xf32>, %y: tensor<3x2xf32>) -> !onnx.unknown {
  // expected-error@unknown {{node '/product' (MatMul-25): expected inner dimensions to be equal but got 4 and 3}}
  %z = onnx.node "MatMul"(%x, %y) : (tensor<2x4xf32>, tensor<3x2xf32>) -> !onnx.unknown loc("/product")
  return %z : !onnx.unknown
}

// -----

// expected-error @below {{input 'x': expected a tensor of known rank but got '!onnx.unknown'; give the model's input a shape}}
func.func @main(%x: !onnx.unknown {onnx.name = "x"}) -> !onnx.unknown {
  %y = onnx.node "Identity"(%x) : (!onnx.unknown) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !onnx.unknown {
  %i = onnx.constant dense<3> : tensor<i64> -> tensor<i64>
  // expected-error@unknown {{node '/pick' (Gather-25): expected an index in [-3, 2] but got 3}}
  %y = onnx.node "Gather"(%x, %i) {axis = 1 : si64} : (tensor<2x3xf32>, tensor<i64>) -> !onnx.unknown loc("/pick")
  return %y : !onnx.unknown
}

// -----

func.func @main(%q: tensor<1x2x3x4xf32>) -> !onnx.unknown {
  // expected-error@unknown {{node '/attend' (Attention-25): qk_matmul_output_mode=4 is not supported; supported: 0, 1, 2, 3}}
  %y = onnx.node "Attention"(%q, %q, %q) {qk_matmul_output_mode = 4 : si64} : (tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>, tensor<1x2x3x4xf32>) -> !onnx.unknown loc("/attend")
  return %y : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3xf32>) -> !onnx.unknown {
  // expected-error@unknown {{node '/cast' (Cast-25): to=8 is not supported; supported: float16, bfloat16, float, double, bool and the integer types}}
  %y = onnx.node "Cast"(%x) {to = 8 : si64} : (tensor<3xf32>) -> !onnx.unknown loc("/cast")
  return %y : !onnx.unknown
}

// -----

// Recognition and folding leave what they cannot read for this pass to refuse.
func.func @main(%x: tensor<2x3xf32>) -> !onnx.unknown {
  // expected-error @below {{(MatMul-25): expected 2 inputs but got 1}}
  %y = onnx.node "MatMul"(%x) {} : (tensor<2x3xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

func.func @main(%x: tensor<2x3xf32>) -> !onnx.unknown {
  // expected-error @below {{(Transpose-25): expected the attribute 'perm' to be a list of integers but got 1 : si64}}
  %y = onnx.node "Transpose"(%x) {perm = 1 : si64} : (tensor<2x3xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3xf32>, %y: tensor<3xi32>) -> !onnx.unknown {
  // expected-error @below {{(Min-25): expected inputs whose types fit the operator but got 'tensor<3xf32>', 'tensor<3xi32>'}}
  %z = onnx.node "Min"(%x, %y) {} : (tensor<3xf32>, tensor<3xi32>) -> !onnx.unknown
  return %z : !onnx.unknown
}

// -----

func.func @main(%x: tensor<3xf32>, %y: tensor<3xi32>) -> !onnx.unknown {
  // expected-error @below {{(Sum-25): expected input 1 to be float but got 'i32'}}
  %z = onnx.node "Sum"(%x, %y) {} : (tensor<3xf32>, tensor<3xi32>) -> !onnx.unknown
  return %z : !onnx.unknown
}
