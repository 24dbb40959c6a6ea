// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// "All but the last": clamping a position that is known to lie inside folds.
// CHECK-LABEL: func.func @main(
// CHECK: %[[N:.*]] = tensor.dim
// CHECK: tensor.extract_slice %{{.*}}[0, 4] [%[[N]], 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
func.func @main(%x: tensor<?x8xf32>) -> !onnx.unknown {
  %start = onnx.constant dense<4> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<9223372036854775807> : tensor<1xi64> -> tensor<1xi64>
  %axis = onnx.constant dense<1> : tensor<1xi64> -> tensor<1xi64>
  %y = onnx.node "Slice"(%x, %start, %end, %axis) : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// The new rows of past + new: no clamp is left, and the size is a dimension.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[PAST:.*]]: tensor<?xf32>, %[[NEW:.*]]: tensor<?xf32>) -> tensor<?xf32>
// CHECK-DAG: %[[P:.*]] = tensor.dim %[[PAST]]
// CHECK-DAG: %[[N:.*]] = tensor.dim %[[NEW]]
// CHECK-NOT: arith.minsi
// CHECK: tensor.extract_slice %{{.*}}[%[[P]]] [%[[N]]] [1]
func.func @main(%past: tensor<?xf32>, %new: tensor<?xf32>) -> !onnx.unknown {
  %all = onnx.node "Concat"(%past, %new) {axis = 0 : si64} : (tensor<?xf32>, tensor<?xf32>) -> !onnx.unknown
  %start = onnx.node "Shape"(%past) : (tensor<?xf32>) -> !onnx.unknown
  %end = onnx.node "Shape"(%all) : (!onnx.unknown) -> !onnx.unknown
  %y = onnx.node "Slice"(%all, %start, %end) : (!onnx.unknown, !onnx.unknown, !onnx.unknown) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// A negative step reads backwards.
// CHECK-LABEL: func.func @main(
// CHECK: arith.constant -1 : index
// CHECK: tensor.extract %{{.*}} : tensor<5xf32>
func.func @main(%x: tensor<5xf32>) -> !onnx.unknown {
  %start = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<-9223372036854775808> : tensor<1xi64> -> tensor<1xi64>
  %axis = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
  %step = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %y = onnx.node "Slice"(%x, %start, %end, %axis, %step) : (tensor<5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<2xf32>, tensor<2xf32>, tensor<1xf32>)
func.func @main(%x: tensor<5xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown) {
  %y:3 = onnx.node "Split"(%x) {num_outputs = 3 : si64} : (tensor<5xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %y#0, %y#1, %y#2 : !onnx.unknown, !onnx.unknown, !onnx.unknown
}
