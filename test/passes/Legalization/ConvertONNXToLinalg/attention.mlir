// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Heads are split from the last dimension, the cache joins along the length,
// groups of query heads share a key; the present key is a result.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<?x?x32xf32>, tensor<?x2x?x8xf32>)
// CHECK: linalg.transpose
// CHECK: %[[KEY:.*]] = tensor.concat dim(2)
// CHECK: hgf.attention %{{.*}}, %[[KEY]], %{{.*}} scale 0.353553385 causal : tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32> -> tensor<?x4x?x8xf32>
// CHECK: return %{{.*}}, %[[KEY]]
func.func @main(%q: tensor<?x?x32xf32> {onnx.dims = ["b", "n", ""]}, %k: tensor<?x?x16xf32> {onnx.dims = ["b", "n", ""]}, %pk: tensor<?x2x?x8xf32> {onnx.dims = ["b", "", "p", ""]}) -> (!onnx.unknown, !onnx.unknown) {
  %none = onnx.none : none
  %y:3 = onnx.node "Attention"(%q, %k, %k, %none, %pk, %pk) {is_causal = 1 : si64, q_num_heads = 4 : si64, kv_num_heads = 2 : si64} : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, none, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>) -> (!onnx.unknown, !onnx.unknown, !onnx.unknown)
  return %y#0, %y#1 : !onnx.unknown, !onnx.unknown
}

// -----

// Causal from the first key on: key j is seen by query i where j <= i. That is
// another rule than hgf.attention's where the lengths differ.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: hgf.attention
// CHECK: linalg.batch_matmul
// CHECK: arith.cmpi sle
// CHECK: math.exp
// CHECK: linalg.batch_matmul
func.func @main(%q: tensor<1x2x?x8xf32> {onnx.dims = ["", "", "n", ""]}, %k: tensor<1x2x?x8xf32> {onnx.dims = ["", "", "m", ""]}) -> !onnx.unknown {
  %y = onnx.node "Attention"(%q, %k, %k) {is_causal = 1 : si64} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// What recognise-attention made; a mask that may broadcast as the product does.
// CHECK-LABEL: func.func @main(
// CHECK: hgf.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} scale 5.000000e-01 :
func.func @main(%q: tensor<1x2x?x8xf32> {onnx.dims = ["", "", "n", ""]}, %k: tensor<1x2x?x8xf32> {onnx.dims = ["", "", "m", ""]}, %m: tensor<?x?xf32> {onnx.dims = ["n", "m"]}) -> !onnx.unknown {
  %y = onnx.node "hgf" "Attention"(%q, %k, %k, %m) {scale = 0.5 : f32} : (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<?x?xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
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
