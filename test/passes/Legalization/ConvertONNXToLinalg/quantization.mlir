// RUN: hgf-opt %s --convert-onnx-to-linalg --split-input-file | FileCheck %s

// Rounds to even, adds the zero point, saturates; NaN becomes a bound.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> tensor<?xi8>
// CHECK: arith.divf
// CHECK: arith.uitofp
// CHECK: math.roundeven
// CHECK: arith.maxnumf
// CHECK: arith.minnumf
// CHECK: arith.fptosi
func.func @main(%x: tensor<?xf32>, %s: tensor<f32>, %z: tensor<ui8>) -> !onnx.unknown {
  %y = onnx.node "QuantizeLinear"(%x, %s, %z) : (tensor<?xf32>, tensor<f32>, tensor<ui8>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// Packed two-bit codes, 0b11_10_01_00 each byte, become i8: 0, 1, -2, -1.
// CHECK-LABEL: func.func @main(
// CHECK: arith.constant dense<{{\[\[}}0, 1, -2, -1], [0, 1, -2, -1]]> : tensor<2x4xi8>
// CHECK: arith.mulf
func.func @main(%s: tensor<2xf32>) -> !onnx.unknown {
  %codes = onnx.constant dense<-28> : tensor<2xi8> -> tensor<2x4xi2>
  %y = onnx.node "DequantizeLinear"(%codes, %s) {axis = 0 : si64} : (tensor<2x4xi2>, tensor<2xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// One scale per block of 32 inputs is repeated along the axis.
// CHECK-LABEL: func.func @main(
// CHECK: tensor.collapse_shape %{{.*}} : tensor<4x2x32xf32> into tensor<4x64xf32>
// CHECK: arith.mulf
func.func @main(%x: tensor<4x64xi8>, %s: tensor<4x2xf32>) -> !onnx.unknown {
  %y = onnx.node "DequantizeLinear"(%x, %s) {axis = 1 : si64, block_size = 32 : si64} : (tensor<4x64xi8>, tensor<4x2xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}

// -----

// A weight that was not recognised as ternary is dequantized and multiplied.
// CHECK-LABEL: func.func @main(
// CHECK: arith.shrui
// CHECK: arith.andi
// CHECK: linalg.matmul
func.func @main(%x: tensor<?x64xf32>, %b: tensor<8x2x16xui8>, %s: tensor<8x2xf32>) -> !onnx.unknown {
  %y = onnx.node "com.microsoft" "MatMulNBits"(%x, %b, %s) {K = 64 : si64, N = 8 : si64, bits = 4 : si64, block_size = 32 : si64} : (tensor<?x64xf32>, tensor<8x2x16xui8>, tensor<8x2xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}
