// RUN: hgf-opt %s --split-input-file --recognise-norms-and-activations | FileCheck %s

// CHECK-LABEL: @silu
// CHECK-NEXT: onnx.node "hgf" "Activation"(%{{.*}}) {kind = "silu"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return
func.func @silu(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %s = onnx.node "Sigmoid"(%x) : (tensor<2x3xf32>) -> !onnx.unknown
  %y = onnx.node "Mul"(%s, %x) : (!onnx.unknown, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// Half precision rounds in between: it stays as written.
// CHECK-LABEL: @half
// CHECK: Sigmoid
func.func @half(%x: tensor<2x3xf16>) -> tensor<2x3xf16> {
  %s = onnx.node "Sigmoid"(%x) : (tensor<2x3xf16>) -> tensor<2x3xf16>
  %y = onnx.node "Mul"(%s, %x) : (tensor<2x3xf16>, tensor<2x3xf16>) -> tensor<2x3xf16>
  return %y : tensor<2x3xf16>
}

// CHECK-LABEL: @relu_squared
// CHECK: {kind = "relu_squared"}
func.func @relu_squared(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %two = onnx.constant dense<2.0> : tensor<f32> -> tensor<f32>
  %r = onnx.node "Relu"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Pow"(%r, %two) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @gelu_by_erf
// CHECK-NEXT: {kind = "gelu"}
func.func @gelu_by_erf(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %root = onnx.constant dense<1.41421354> : tensor<f32> -> tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32> -> tensor<f32>
  %half = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %d = onnx.node "Div"(%x, %root) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %e = onnx.node "Erf"(%d) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %a = onnx.node "Add"(%e, %one) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %m = onnx.node "Mul"(%x, %a) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%m, %half) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @gelu_by_tanh
// CHECK-NEXT: {kind = "gelu_tanh"}
func.func @gelu_by_tanh(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %three = onnx.constant dense<3.0> : tensor<f32> -> tensor<f32>
  %c = onnx.constant dense<0.044715> : tensor<f32> -> tensor<f32>
  %k = onnx.constant dense<0.797884583> : tensor<f32> -> tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32> -> tensor<f32>
  %half = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %cube = onnx.node "Pow"(%x, %three) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %p = onnx.node "Mul"(%cube, %c) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %s = onnx.node "Add"(%x, %p) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %i = onnx.node "Mul"(%k, %s) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %t = onnx.node "Tanh"(%i) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %a = onnx.node "Add"(%one, %t) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %h = onnx.node "Mul"(%half, %x) : (tensor<f32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%h, %a) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// CHECK-LABEL: @rms_norm
// CHECK: onnx.node "RMSNormalization"(%{{.*}}, %{{.*}}) {axis = -1 : si64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return
func.func @rms_norm(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %two = onnx.constant dense<2.0> : tensor<f32> -> tensor<f32>
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %axes = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %q = onnx.node "Pow"(%x, %two) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %m = onnx.node "ReduceMean"(%q, %axes) {keepdims = 1 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %v = onnx.node "Add"(%m, %epsilon) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = onnx.node "Sqrt"(%v) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %i = onnx.node "Reciprocal"(%r) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = onnx.node "Mul"(%x, %i) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%w, %n) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
