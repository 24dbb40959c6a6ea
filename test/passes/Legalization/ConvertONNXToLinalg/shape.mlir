// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Shape arithmetic is followed as scalars: the view [batch, length, heads, 64]
// and its inverse are reshapes without run-time shape tensors.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<?x?x4x64xf32>, tensor<?x?x256xf32>)
// CHECK-NOT: tensor.from_elements
// CHECK: %[[SPLIT:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]]
// CHECK-NOT: tensor.collapse_shape %{{.*}} {{\[\[}}0, 1
// CHECK: %[[JOINED:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0], [1], [2, 3]]
func.func @main(%x: tensor<?x?x256xf32> {onnx.dims = ["batch", "length", ""]}) -> (!onnx.unknown, !onnx.unknown) {
  %shape = onnx.node "Shape"(%x) {start = 0 : si64, end = 2 : si64} : (tensor<?x?x256xf32>) -> !onnx.unknown
  %heads = onnx.constant dense<[4, -1]> : tensor<2xi64> -> tensor<2xi64>
  %view = onnx.node "Concat"(%shape, %heads) {axis = 0 : si64} : (!onnx.unknown, tensor<2xi64>) -> !onnx.unknown
  %split = onnx.node "Reshape"(%x, %view) : (tensor<?x?x256xf32>, !onnx.unknown) -> !onnx.unknown
  %sum = onnx.node "Add"(%split, %split) : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  %minus = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %back = onnx.node "Concat"(%shape, %minus) {axis = 0 : si64} : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  %joined = onnx.node "Reshape"(%sum, %back) : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  return %split, %joined : !onnx.unknown, !onnx.unknown
}

// -----

// A range over dimensions; its length is the dimension itself.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>) -> tensor<?xi64>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: tensor.empty(%[[N]]) : tensor<?xi64>
// CHECK: linalg.index 0
func.func @main(%x: tensor<?xf32>) -> !onnx.unknown {
  %zero = onnx.constant dense<0> : tensor<i64> -> tensor<i64>
  %one = onnx.constant dense<1> : tensor<i64> -> tensor<i64>
  %n = onnx.node "Size"(%x) : (tensor<?xf32>) -> !onnx.unknown
  %range = onnx.node "Range"(%zero, %n, %one) : (tensor<i64>, !onnx.unknown, tensor<i64>) -> !onnx.unknown
  return %range : !onnx.unknown
}

// -----

// Opset 11's Unsqueeze and Squeeze have their axes as attributes.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2]] output_shape [1, 3, 1]
// CHECK: tensor.collapse_shape
module attributes {onnx.opsets = {ai.onnx = 11 : i64}} {
  func.func @main(%x: tensor<3xf32>) -> (!onnx.unknown, !onnx.unknown) {
    %y = onnx.node "Unsqueeze"(%x) {axes = array<i64: 0, 2>} : (tensor<3xf32>) -> !onnx.unknown
    %z = onnx.node "Squeeze"(%y) {axes = array<i64: 0>} : (!onnx.unknown) -> !onnx.unknown
    return %y, %z : !onnx.unknown, !onnx.unknown
  }
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> tensor<?x3x2xf32>
// CHECK: linalg.transpose {{.*}} permutation = [2, 0, 1]
func.func @main(%x: tensor<3x2x?xf32>) -> !onnx.unknown {
  %y = onnx.node "Transpose"(%x) {perm = array<i64: 2, 0, 1>} : (tensor<3x2x?xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// The bytes of a large constant are only handed on.
// CHECK-LABEL: func.func @main(
// CHECK: arith.constant dense_resource<weights> : tensor<2x2xf32>
func.func @main(%x: tensor<4xf32>) -> !onnx.unknown {
  %w = onnx.constant dense_resource<weights> : tensor<4xf32> -> tensor<4xf32>
  %shape = onnx.constant dense<2> : tensor<2xi64> -> tensor<2xi64>
  %y = onnx.node "Reshape"(%w, %shape) : (tensor<4xf32>, tensor<2xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

{-#
  dialect_resources: {
    builtin: {
      weights: "0x400000000000803F000000400000404000008040"
    }
  }
#-}
