// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// A batch of rows times one matrix is one product.
// CHECK-LABEL: func.func @main(
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2]]
// CHECK: linalg.matmul ins(%[[ROWS]], %{{.*}} : tensor<?x8xf32>, tensor<8x16xf32>)
// CHECK: tensor.expand_shape {{.*}} : tensor<?x16xf32> into tensor<?x?x16xf32>
func.func @main(%x: tensor<?x?x8xf32> {onnx.dims = ["batch", "length", ""]}, %w: tensor<8x16xf32>) -> !onnx.unknown {
  %y = onnx.node "MatMul"(%x, %w) : (tensor<?x?x8xf32>, tensor<8x16xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Equal batches become one dimension of linalg.batch_matmul.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.batch_matmul ins(%{{.*}} : tensor<?x?x8xf32>, tensor<?x8x?xf32>)
func.func @main(%q: tensor<?x4x?x8xf32> {onnx.dims = ["b", "", "n", ""]}, %k: tensor<?x4x8x?xf32> {onnx.dims = ["b", "", "", "m"]}) -> !onnx.unknown {
  %y = onnx.node "MatMul"(%q, %k) : (tensor<?x4x?x8xf32>, tensor<?x4x8x?xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Half precision is accumulated in f32.
// CHECK-LABEL: func.func @main(
// CHECK: linalg.matmul ins(%{{.*}} : tensor<2x3xf16>, tensor<3x4xf16>) outs(%{{.*}} : tensor<2x4xf32>)
// CHECK: arith.truncf
func.func @main(%x: tensor<2x3xf16>, %w: tensor<3x4xf16>) -> !onnx.unknown {
  %y = onnx.node "MatMul"(%x, %w) : (tensor<2x3xf16>, tensor<3x4xf16>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// CHECK-LABEL: func.func @main(
// CHECK: linalg.matmul indexing_maps = [{{.*}}] ins(%{{.*}} : tensor<2x3xf32>, tensor<4x3xf32>)
// CHECK: arith.addf
func.func @main(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>, %b: tensor<4xf32>) -> !onnx.unknown {
  %y = onnx.node "Gemm"(%x, %w, %b) {transB = 1 : si64} : (tensor<2x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Unsigned activations are extended as unsigned, then the zero point goes.
// CHECK-LABEL: func.func @main(
// CHECK: arith.extui %{{.*}} : i8 to i32
// CHECK: arith.subi
// CHECK: arith.extsi %{{.*}} : i8 to i32
// CHECK: linalg.matmul ins(%{{.*}} : tensor<2x3xi32>, tensor<3x4xi32>) outs(%{{.*}} : tensor<2x4xi32>)
func.func @main(%x: tensor<2x3xui8>, %w: tensor<3x4xi8>, %z: tensor<ui8>) -> !onnx.unknown {
  %y = onnx.node "MatMulInteger"(%x, %w, %z) : (tensor<2x3xui8>, tensor<3x4xi8>, tensor<ui8>) -> !onnx.unknown
  return %y : !onnx.unknown
}
