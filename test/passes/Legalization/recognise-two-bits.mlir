// RUN: hgf-opt %s --split-input-file --recognise-ternary | FileCheck %s

// Codes 0, 1, 2, 3 around the zero point 1.5: the scale is that of half steps.
// CHECK-LABEL: @four_levels
// CHECK: hgf.ternary_constant dense<-28> : tensor<1xi8>, dense<5.000000e-01> : tensor<1xf32> -> <1 by 4 of odd, scale = tensor>
// CHECK: "TernaryLinear"({{.*}}) {form = "d"}
func.func @four_levels(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<228> : tensor<1x1x1xui8> -> tensor<1x1x1xui8>
  %s = onnx.constant dense<1.0> : tensor<1x1xf32> -> tensor<1x1xf32>
  %z = onnx.constant dense<1.5> : tensor<1x1xf32> -> tensor<1x1xf32>
  %y = onnx.node "com.microsoft" "MatMulNBits"(%x, %w, %s, %z) {K = 4 : si64, N = 1 : si64, bits = 2 : si64, block_size = 4 : si64} : (tensor<2x4xf32>, tensor<1x1x1xui8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// The zero point that MatMulNBits has without being told: 2.
// CHECK-LABEL: @twos_complement
// CHECK: hgf.ternary_constant dense<-28> : tensor<1xi8>, dense<2.500000e-01> : tensor<1xf32> -> <1 by 4 of signed, scale = tensor>
func.func @twos_complement(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<228> : tensor<1x1x1xui8> -> tensor<1x1x1xui8>
  %s = onnx.constant dense<0.25> : tensor<1x1xf32> -> tensor<1x1xf32>
  %y = onnx.node "com.microsoft" "MatMulNBits"(%x, %w, %s) {K = 4 : si64, N = 1 : si64, bits = 2 : si64, block_size = 4 : si64} : (tensor<2x4xf32>, tensor<1x1x1xui8>, tensor<1x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// -1, 0, 1, 2 are the negatives of 1, 0, -1, -2; a row of each sign.
// CHECK-LABEL: @per_row
// CHECK: hgf.ternary_constant {{.*}}, dense<[-5.000000e-01, 2.500000e-01]> : tensor<2xf32> -> <2 by 4 of signed, scale = row>
func.func @per_row(%x: tensor<2x4xf32>) -> tensor<2x2xf32> {
  %w = onnx.constant dense<[[-0.5, 0.0, 0.5, 1.0], [0.25, -0.25, -0.5, 0.0]]> : tensor<2x4xf32> -> tensor<2x4xf32>
  %y = onnx.node "Gemm"(%x, %w) {transB = 1 : si64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
