// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Softmax subtracts the row's maximum first.
// CHECK-LABEL: func.func @main(
// CHECK: arith.maximumf
// CHECK: arith.subf
// CHECK: math.exp
// CHECK: arith.addf
// CHECK: arith.divf
func.func @main(%x: tensor<?x8xf32>) -> !onnx.unknown {
  %y = onnx.node "Softmax"(%x) {axis = -1 : si64} : (tensor<?x8xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Before opset 13, everything from the axis on is one row.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.collapse_shape %{{.*}} {{\[\[}}0], [1, 2]] : tensor<2x3x4xf32> into tensor<2x12xf32>
// CHECK: tensor.expand_shape %{{.*}} : tensor<2x12xf32> into tensor<2x3x4xf32>
module attributes {onnx.opsets = {ai.onnx = 11 : i64}} {
  func.func @main(%x: tensor<2x3x4xf32>) -> !onnx.unknown {
    %y = onnx.node "Softmax"(%x) : (tensor<2x3x4xf32>) -> !onnx.unknown
    return %y : !onnx.unknown
  }
}

// -----

// RMSNormalization has no mean, LayerNormalization has; both add epsilon
// under the root.
// CHECK-LABEL: func.func @main(
// CHECK: hgf.rms_norm %{{.*}}, %{{.*}} epsilon 9.99999997E-7 : tensor<?x8xf32>, tensor<8xf32>
// CHECK-NOT: arith.subf
// CHECK: arith.addf %{{.*}}, %[[EPSILON:.*]] : f32
// CHECK: math.sqrt
// CHECK: arith.subf
// CHECK: math.sqrt
func.func @main(%x: tensor<?x8xf32>, %s: tensor<8xf32>, %t: tensor<?x8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %rms = onnx.node "RMSNormalization"(%x, %s) {epsilon = 1.0e-6 : f32} : (tensor<?x8xf32>, tensor<8xf32>) -> !onnx.unknown
  %whole = onnx.node "RMSNormalization"(%x, %t) {axis = 0 : i64} : (tensor<?x8xf32>, tensor<?x8xf32>) -> !onnx.unknown
  %layer = onnx.node "LayerNormalization"(%x, %s) : (tensor<?x8xf32>, tensor<8xf32>) -> !onnx.unknown
  return %rms, %whole, %layer : !onnx.unknown, !onnx.unknown, !onnx.unknown
}

// -----

// The fourth result is the sum that was normalised.
// CHECK-LABEL: func.func @main(
// CHECK: %[[SUM:.*]] = linalg.generic
// CHECK: return %{{.*}}, %[[SUM]]
func.func @main(%x: tensor<?x8xf32> {onnx.dims = ["n", ""]}, %skip: tensor<?x8xf32> {onnx.dims = ["n", ""]}, %s: tensor<8xf32>) -> (!onnx.unknown, !onnx.unknown) {
  %y:4 = onnx.node "com.microsoft" "SkipSimplifiedLayerNormalization"(%x, %skip, %s) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %y#0, %y#3 : !onnx.unknown, !onnx.unknown
}
