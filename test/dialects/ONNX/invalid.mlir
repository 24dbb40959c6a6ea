// RUN: hgf-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{module_c2: expected 'onnx.ir_version' to be an integer but got "8"}}
module attributes {onnx.ir_version = "8"} {}

// -----

// expected-error @below {{module_c3: expected 'onnx.opsets' to map domains to integers}}
module attributes {onnx.opsets = {ai.onnx = "20"}} {}

// -----

// expected-error @below {{module_c4: expected 'onnx.metadata' to map strings to strings}}
module attributes {onnx.metadata = {a = 1 : i64}} {}

// -----

// expected-error @below {{module_c1: expected 'onnx.opsets' on a module only}}
func.func private @main() attributes {onnx.opsets = {}}

// -----

// expected-error @below {{value_c1: expected 'onnx.name' of argument 0 to be a string but got 1}}
func.func private @main(tensor<2xf32> {onnx.name = 1 : i64})

// -----

// expected-error @below {{value_c2: expected 'onnx.dtype' of argument 0 to be an integer but got "f32"}}
func.func private @main(tensor<2xf32> {onnx.dtype = "f32"})

// -----

// expected-error @below {{value_c3: expected 'onnx.dims' of result 0 to be an array of strings}}
func.func private @main() -> (tensor<2xf32> {onnx.dims = [1]})

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @below {{node_c1: expected an operator but got an empty name}}
  %y = onnx.node ""(%x) : (tensor<2xf32>) -> !onnx.unknown
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @below {{node_c2: expected the domain of ONNX's own operators to be empty}}
  %y = onnx.node "ai.onnx" "Abs"(%x) : (tensor<2xf32>) -> !onnx.unknown
  return
}

// -----

func.func @main(%x: index) {
  // expected-error @below {{node_c3: expected input 0 to be a tensor but got 'index'}}
  %y = onnx.node "Abs"(%x) : (index) -> !onnx.unknown
  return
}

// -----

func.func @main(%x: tensor<2xf32>) {
  // expected-error @below {{node_c4: expected the reference "onnx.ref.axis" to be a string and in a function}}
  %y = onnx.node "Softmax"(%x) {onnx.ref.axis = "axis"} : (tensor<2xf32>) -> !onnx.unknown
  return
}

// -----

func.func @main() {
  // expected-error @below {{constant_c1: expected a ranked tensor of fixed shape but got 'tensor<?xf32>'}}
  %w = onnx.constant dense<1.0> : tensor<2xf32> -> tensor<?xf32>
  return
}

// -----

func.func @main() {
  // expected-error @below {{constant_c2: expected a value of type 'tensor<2xf16>' but got 'tensor<2xf32>'}}
  %w = onnx.constant dense<1.0> : tensor<2xf32> -> tensor<2xf16>
  return
}

// -----

func.func @main() {
  // expected-error @below {{constant_c3: expected 2 bytes but got 3}}
  %w = onnx.constant dense<1> : tensor<3xi8> -> tensor<2x3xi2>
  return
}

// -----

// expected-error @below {{function_c1: expected 2 arguments, one per input name, but got 1}}
onnx.function @"local::F::" ["x", "b"] -> ["y"] required [] defaults {} opsets {} {
^body(%x: !onnx.unknown):
  onnx.return %x : !onnx.unknown
}

// -----

// expected-error @below {{function_c2: expected an onnx.return of 2 values, one per output name, at the end}}
onnx.function @"local::F::" ["x"] -> ["y", "z"] required [] defaults {} opsets {} {
^body(%x: !onnx.unknown):
  onnx.return %x : !onnx.unknown
}
