// RUN: hgf-opt %s --split-input-file --recognise-attention | FileCheck %s

// CHECK-LABEL: @plain
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x3x4xf32>, %[[K:.*]]: tensor<1x2x5x4xf32>, %[[V:.*]]: tensor<1x2x5x4xf32>)
// CHECK-NEXT: %[[NONE:.*]] = onnx.none : none
// CHECK-NEXT: onnx.node "hgf" "Attention"(%[[Q]], %[[K]], %[[V]], %[[NONE]]) {scale = 1.000000e+00 : f32}
// CHECK-NEXT: return
func.func @plain(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %p = onnx.node "Softmax"(%s) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// Factors at the query, at the transposed key and at the scores; a mask.
// CHECK-LABEL: @factors
// CHECK-SAME: (%[[Q:.*]]: tensor<1x2x3x4xf32>, %[[K:.*]]: tensor<1x2x5x4xf32>, %[[V:.*]]: tensor<1x2x5x4xf32>, %[[M:.*]]: tensor<3x5xf32>)
// CHECK-NEXT: onnx.node "hgf" "Attention"(%[[Q]], %[[K]], %[[V]], %[[M]]) {scale = 1.250000e-01 : f32}
// CHECK-NEXT: return
func.func @factors(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>, %m: tensor<3x5xf32>) -> tensor<1x2x3x4xf32> {
  %half = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %two = onnx.constant dense<2.0> : tensor<1xf32> -> tensor<1xf32>
  %qs = onnx.node "Mul"(%half, %q) : (tensor<f32>, tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
  %ts = onnx.node "Mul"(%t, %half) : (!onnx.unknown, tensor<f32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%qs, %ts) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %d = onnx.node "Div"(%s, %two) : (!onnx.unknown, tensor<1xf32>) -> !onnx.unknown
  %a = onnx.node "Add"(%m, %d) : (tensor<3x5xf32>, !onnx.unknown) -> !onnx.unknown
  %p = onnx.node "Softmax"(%a) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// The key comes as [B, T, G, D]; the mask chooses.
// CHECK-LABEL: @chosen
// CHECK-DAG: %[[LOW:.*]] = onnx.constant dense<-3.40282347E+38>
// CHECK-DAG: %[[KEY:.*]] = onnx.node "Transpose"(%{{.*}}) {perm = array<i64: 0, 2, 1, 3>}
// CHECK-DAG: %[[ZERO:.*]] = onnx.constant dense<0.000000e+00>
// CHECK: %[[MASK:.*]] = onnx.node "Where"(%{{.*}}, %[[ZERO]], %[[LOW]])
// CHECK-NEXT: onnx.node "hgf" "Attention"(%{{.*}}, %[[KEY]], %{{.*}}, %[[MASK]])
// CHECK-NEXT: return
func.func @chosen(%q: tensor<1x2x3x4xf32>, %k: tensor<1x5x2x4xf32>, %v: tensor<1x2x5x4xf32>, %m: tensor<3x5xi1>) -> tensor<1x2x3x4xf32> {
  %low = onnx.constant dense<-3.40282347E+38> : tensor<f32> -> tensor<f32>
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x5x2x4xf32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %w = onnx.node "Where"(%m, %s, %low) : (tensor<3x5xi1>, !onnx.unknown, tensor<f32>) -> !onnx.unknown
  %p = onnx.node "Softmax"(%w) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// A row that sees nothing would see everything alike.
// CHECK-LABEL: @finite
// CHECK-NOT: "Attention"
// CHECK: return
func.func @finite(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>, %m: tensor<3x5xi1>) -> tensor<1x2x3x4xf32> {
  %low = onnx.constant dense<-1.0e+4> : tensor<f32> -> tensor<f32>
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %w = onnx.node "Where"(%m, %s, %low) : (tensor<3x5xi1>, !onnx.unknown, tensor<f32>) -> !onnx.unknown
  %p = onnx.node "Softmax"(%w) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// Softmax over the heads is no attention.
// CHECK-LABEL: @other_axis
// CHECK-NOT: "Attention"
// CHECK: return
func.func @other_axis(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32> {
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %p = onnx.node "Softmax"(%s) {axis = 1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y : tensor<1x2x3x4xf32>
}

// The weights are a result as well.
// CHECK-LABEL: @weights_used
// CHECK-NOT: "Attention"
// CHECK: return
func.func @weights_used(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x5x4xf32>, %v: tensor<1x2x5x4xf32>) -> (tensor<1x2x3x4xf32>, tensor<1x2x3x5xf32>) {
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf32>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf32>, !onnx.unknown) -> !onnx.unknown
  %p = onnx.node "Softmax"(%s) {axis = -1 : si64} : (!onnx.unknown) -> tensor<1x2x3x5xf32>
  %y = onnx.node "MatMul"(%p, %v) : (tensor<1x2x3x5xf32>, tensor<1x2x5x4xf32>) -> tensor<1x2x3x4xf32>
  return %y, %p : tensor<1x2x3x4xf32>, tensor<1x2x3x5xf32>
}

// Half precision rounds in between.
// CHECK-LABEL: @half
// CHECK-NOT: "Attention"
// CHECK: return
func.func @half(%q: tensor<1x2x3x4xf16>, %k: tensor<1x2x5x4xf16>, %v: tensor<1x2x5x4xf16>) -> tensor<1x2x3x4xf16> {
  %t = onnx.node "Transpose"(%k) {perm = array<i64: 0, 1, 3, 2>} : (tensor<1x2x5x4xf16>) -> !onnx.unknown
  %s = onnx.node "MatMul"(%q, %t) : (tensor<1x2x3x4xf16>, !onnx.unknown) -> !onnx.unknown
  %p = onnx.node "Softmax"(%s) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "MatMul"(%p, %v) : (!onnx.unknown, tensor<1x2x5x4xf16>) -> tensor<1x2x3x4xf16>
  return %y : tensor<1x2x3x4xf16>
}
