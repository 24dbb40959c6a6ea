// RUN: hgf-opt %s --split-input-file --recognise-layer-norms | FileCheck %s

// CHECK-LABEL: @with_shift
// CHECK: onnx.node "LayerNormalization"(%{{.*}}, %{{.*}}, %{{.*}}) {axis = -1 : si64, epsilon = 9.99999974E-6 : f32} : (tensor<2x3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: return
func.func @with_shift(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %axes = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %two = onnx.constant dense<2.0> : tensor<f32> -> tensor<f32>
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %b = onnx.constant dense<[3.0, 2.0, 1.0]> : tensor<3xf32> -> tensor<3xf32>
  %m = onnx.node "ReduceMean"(%x, %axes) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %c = onnx.node "Sub"(%x, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %q = onnx.node "Pow"(%c, %two) : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %u = onnx.node "ReduceMean"(%q, %axes) : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %e = onnx.node "Add"(%u, %epsilon) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %r = onnx.node "Sqrt"(%e) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = onnx.node "Div"(%c, %r) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %s = onnx.node "Mul"(%n, %w) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Add"(%s, %b) : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// The square as a product, each difference on its own, axes as an attribute.
// CHECK-LABEL: @without_shift
// CHECK: onnx.node "LayerNormalization"(%{{.*}}, %{{.*}}) {axis = -1 : si64
// CHECK-NEXT: return
func.func @without_shift(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %m = onnx.node "ReduceMean"(%x) {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %c = onnx.node "Sub"(%x, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %d = onnx.node "Sub"(%x, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %q = onnx.node "Mul"(%d, %d) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %u = onnx.node "ReduceMean"(%q) {axes = array<i64: -1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %e = onnx.node "Add"(%epsilon, %u) : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %r = onnx.node "Sqrt"(%e) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = onnx.node "Div"(%c, %r) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%w, %n) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// The variance of another tensor.
// CHECK-LABEL: @other_variance
// CHECK-NOT: "LayerNormalization"
// CHECK: return
func.func @other_variance(%x: tensor<2x3xf32>, %z: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %m = onnx.node "ReduceMean"(%x) {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %c = onnx.node "Sub"(%x, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %d = onnx.node "Sub"(%z, %m) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %q = onnx.node "Mul"(%d, %d) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %u = onnx.node "ReduceMean"(%q) {axes = array<i64: -1>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %e = onnx.node "Add"(%epsilon, %u) : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %r = onnx.node "Sqrt"(%e) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %n = onnx.node "Div"(%c, %r) : (tensor<2x3xf32>, tensor<2x1xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%w, %n) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// A mean over the tokens is no layer norm.
// CHECK-LABEL: @other_axis
// CHECK-NOT: "LayerNormalization"
// CHECK: return
func.func @other_axis(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %epsilon = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %m = onnx.node "ReduceMean"(%x) {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %c = onnx.node "Sub"(%x, %m) : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  %q = onnx.node "Mul"(%c, %c) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %u = onnx.node "ReduceMean"(%q) {axes = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<1x3xf32>
  %e = onnx.node "Add"(%epsilon, %u) : (tensor<f32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  %r = onnx.node "Sqrt"(%e) : (tensor<1x3xf32>) -> tensor<1x3xf32>
  %n = onnx.node "Div"(%c, %r) : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>
  %y = onnx.node "Mul"(%w, %n) : (tensor<3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}
