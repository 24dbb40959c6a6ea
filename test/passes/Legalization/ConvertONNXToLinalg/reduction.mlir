// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Sums of half precision accumulate in f32; the mean of a dynamic dimension
// divides by its size.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> tensor<2x1xf16>
// CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK: arith.addf %{{.*}} : f32
// CHECK: arith.uitofp
// CHECK: arith.divf
// CHECK: arith.truncf
func.func @main(%x: tensor<2x?xf16>) -> !onnx.unknown {
  %axes = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %y = onnx.node "ReduceMean"(%x, %axes) : (tensor<2x?xf16>, tensor<1xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Opset 13's ReduceMax has its axes as an attribute, ReduceSum as an input.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<2xf32>, tensor<3xf32>)
// CHECK: arith.constant 0xFF800000 : f32
// CHECK: arith.maximumf
// CHECK: arith.addf
module attributes {onnx.opsets = {ai.onnx = 13 : i64}} {
  func.func @main(%x: tensor<2x3xf32>) -> (!onnx.unknown, !onnx.unknown) {
    %axes = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
    %largest = onnx.node "ReduceMax"(%x) {axes = array<i64: 1>, keepdims = 0 : si64} : (tensor<2x3xf32>) -> !onnx.unknown
    %sum = onnx.node "ReduceSum"(%x, %axes) {keepdims = 0 : si64} : (tensor<2x3xf32>, tensor<1xi64>) -> !onnx.unknown
    return %largest, %sum : !onnx.unknown, !onnx.unknown
  }
}

// -----

// The product of a shape is a scalar, not a loop.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: linalg.generic
// CHECK: %[[COUNT:.*]] = arith.muli
// CHECK: arith.index_cast %[[COUNT]]
func.func @main(%x: tensor<?x?xf32>) -> !onnx.unknown {
  %shape = onnx.node "Shape"(%x) : (tensor<?x?xf32>) -> !onnx.unknown
  %count = onnx.node "ReduceProd"(%shape) {keepdims = 0 : si64} : (!onnx.unknown) -> !onnx.unknown
  return %count : !onnx.unknown
}

// -----

// Ties are decided by position, so that the loop may run in any order.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<2xf32>, tensor<2xi64>)
// CHECK: arith.cmpf ogt
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpi slt
func.func @main(%x: tensor<2x3xf32>) -> !onnx.unknown {
  %y = onnx.node "ArgMax"(%x) {axis = 1 : si64, keepdims = 0 : si64} : (tensor<2x3xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}
