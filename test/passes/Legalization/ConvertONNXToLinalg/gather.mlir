// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// An embedding: negative indices count from the end, and none reads outside.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> tensor<?x?x8xf32>
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<?x?xi64>)
// CHECK: arith.cmpi slt
// CHECK: arith.select
// CHECK: %[[LOW:.*]] = arith.minsi
// CHECK: %[[ROW:.*]] = arith.maxsi %[[LOW]]
// CHECK: tensor.extract %{{.*}}[%[[ROW]], %{{.*}}] : tensor<100x8xf32>
func.func @main(%table: tensor<100x8xf32>, %tokens: tensor<?x?xi64>) -> !onnx.unknown {
  %y = onnx.node "Gather"(%table, %tokens) : (tensor<100x8xf32>, tensor<?x?xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// One known position is a slice.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: linalg.generic
// CHECK: tensor.extract_slice %{{.*}}[0, 5, 0] [%{{.*}}, 1, 8] [1, 1, 1]
func.func @main(%x: tensor<?x6x8xf32>) -> !onnx.unknown {
  %last = onnx.constant dense<-1> : tensor<i64> -> tensor<i64>
  %y = onnx.node "Gather"(%x, %last) {axis = 1 : si64} : (tensor<?x6x8xf32>, tensor<i64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Borders: positions outside give the value, and no read leaves the tensor.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> tensor<?xf32>
// CHECK: arith.cmpi ult
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: tensor.extract
// CHECK: arith.select
func.func @main(%x: tensor<?xf32>) -> !onnx.unknown {
  %pads = onnx.constant dense<[1, 2]> : tensor<2xi64> -> tensor<2xi64>
  %y = onnx.node "Pad"(%x, %pads) : (tensor<?xf32>, tensor<2xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Writes outside the cache are left out.
// CHECK-LABEL: func.func @main(
// CHECK: scf.for
// CHECK: scf.if
// CHECK: tensor.insert
func.func @main(%cache: tensor<1x2x16x4xf32>, %new: tensor<1x2x?x4xf32>, %at: tensor<1xi64>) -> !onnx.unknown {
  %y = onnx.node "TensorScatter"(%cache, %new, %at) : (tensor<1x2x16x4xf32>, tensor<1x2x?x4xf32>, tensor<1xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}
