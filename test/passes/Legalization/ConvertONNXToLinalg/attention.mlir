// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Heads are split from the last dimension, the cache joins along the length,
// key heads repeat to query heads; the present key is a result.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>)
// CHECK: linalg.transpose
// CHECK: %[[KEY:.*]] = tensor.concat dim(2)
// CHECK: linalg.batch_matmul
// Causal: key j is seen by query i where j <= past + i.
// CHECK: arith.cmpi sle
// CHECK: math.exp
// CHECK: linalg.batch_matmul
// CHECK: return %{{.*}}, %[[KEY]]
func.func @main(%q: tensor<?x?x32xf32> {onnx.dims = ["b", "n", ""]}, %k: tensor<?x?x16xf32> {onnx.dims = ["b", "n", ""]}, %pk: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "p", ""]}) -> (!onnx.unknown, !onnx.unknown) {
  %none = onnx.none : none
  %y:3 = onnx.node "Attention"(%q, %k, %k, %none, %pk, %pk) {is_causal = 1 : si64, q_num_heads = 4 : si64, kv_num_heads = 2 : si64} : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, none, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %y#0, %y#1 : !onnx.unknown, !onnx.unknown
}

// -----

// Positions outside the table read its border.
// CHECK-LABEL: func.func @main(
// CHECK: arith.minsi
// CHECK: arith.maxsi
// CHECK: arith.subf
func.func @main(%x: tensor<1x4x?x8xf32> {onnx.dims = ["", "", "n", ""]}, %cos: tensor<64x4xf32>, %sin: tensor<64x4xf32>, %p: tensor<1x?xi64> {onnx.dims = ["", "n"]}) -> !onnx.unknown {
  %y = onnx.node "RotaryEmbedding"(%x, %cos, %sin, %p) : (tensor<1x4x?x8xf32>, tensor<64x4xf32>, tensor<64x4xf32>, tensor<1x?xi64>) -> !onnx.unknown
  return %y : !onnx.unknown
}
