// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Arguments that share a dimension's name have equal shapes: no loop is needed.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32> {onnx.dims = ["n", ""]}, %[[Y:.*]]: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> tensor<?x4xf32>
// CHECK-NOT: cf.assert
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[Y]] : tensor<?x4xf32>
// CHECK: return %[[SUM]]
func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["n", ""]}, %y: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> !onnx.unknown {
  %sum = onnx.node "Add"(%x, %y) : (tensor<?x4xf32>, tensor<?x4xf32>) -> !onnx.unknown
  return %sum : !onnx.unknown
}

// -----

// A static dimension of 1 broadcasts by its map.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[ROW:.*]], #{{.*}}], iterator_types = ["parallel", "parallel"]}
// CHECK: arith.mulf
func.func @main(%x: tensor<?x4xf32>, %row: tensor<4xf32>) -> !onnx.unknown {
  %y = onnx.node "Mul"(%x, %row) : (tensor<?x4xf32>, tensor<4xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Whether %b is broadcast shows only when the model runs: the fit is checked
// at the top, and %b is read by computed coordinates.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %{{.*}}: tensor<?xf32>, %[[B:.*]]: tensor<?xf32>)
// CHECK: cf.assert %{{.*}}, "shapes do not broadcast to each other"
// CHECK: linalg.generic
// CHECK: tensor.extract %[[B]]
func.func @main(%a: tensor<?xf32>, %b: tensor<?xf32>) -> !onnx.unknown {
  %y = onnx.node "Sub"(%a, %b) : (tensor<?xf32>, tensor<?xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Unsigned types lose their sign, not their meaning; division cannot trap.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %{{.*}}: tensor<3xi8>, %{{.*}}: tensor<3xi8>) -> tensor<3xi8>
// CHECK: %[[SAFE:.*]] = arith.select
// CHECK: arith.divui %{{.*}}, %[[SAFE]] : i8
func.func @main(%a: tensor<3xui8>, %b: tensor<3xui8>) -> tensor<3xui8> {
  %y = onnx.node "Div"(%a, %b) : (tensor<3xui8>, tensor<3xui8>) -> tensor<3xui8>
  return %y : tensor<3xui8>
}

// -----

// Half precision is computed in f32.
// CHECK-LABEL: func.func @main(
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: math.exp %{{.*}} : f32
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @main(%x: tensor<3xf16>) -> !onnx.unknown {
  %y = onnx.node "Sigmoid"(%x) : (tensor<3xf16>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: math.roundeven %{{.*}} : tensor<3xf32>
func.func @main(%x: tensor<3xf32>) -> !onnx.unknown {
  %y = onnx.node "Round"(%x) : (tensor<3xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// A scalar constant becomes part of the loop's body; x^2 is a product.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: math.powf
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X:.*]], %[[X]] : f32
func.func @main(%x: tensor<3xf32>) -> !onnx.unknown {
  %two = onnx.constant dense<2.0> : tensor<f32> -> tensor<f32>
  %y = onnx.node "Pow"(%x, %two) : (tensor<3xf32>, tensor<f32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Opset 6's Clip has its bounds as attributes.
// CHECK-LABEL: func.func @main(
// CHECK: arith.constant -1.000000e+00 : f32
// CHECK: arith.maximumf
// CHECK-NOT: arith.minimumf
module attributes {onnx.opsets = {ai.onnx = 6 : i64}} {
  func.func @main(%x: tensor<3xf32>) -> !onnx.unknown {
    %y = onnx.node "Clip"(%x) {min = -1.0 : f32} : (tensor<3xf32>) -> !onnx.unknown
    return %y : !onnx.unknown
  }
}
