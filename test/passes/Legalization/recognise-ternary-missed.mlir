// RUN: hgf-opt %s --split-input-file --recognise-ternary=report-missed-ternary=true -verify-diagnostics | FileCheck %s

// CHECK: module attributes {hgf.report = [{columns = 3 : i64, form = "float", kernel = "none", missed = "weight has 3 distinct values; {{.*}}", node = "MatMul", rows = 1 : i64}]}
// CHECK-LABEL: @four_values
// CHECK-NOT: ternary
func.func @four_values(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<[[0.5], [-0.5], [0.25]]> : tensor<3x1xf32> -> tensor<3x1xf32>
  // expected-remark @+1 {{node (MatMul) is not taken as a ternary layer: weight has 3 distinct values; expected -s, 0 and +s of one s per tensor, row or group of inputs}}
  %y = onnx.node "MatMul"(%x, %w) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: @four_bit_activations
// CHECK: {form = "a"}
// CHECK-NOT: onnx.node {{.*}}Quantize
func.func @four_bit_activations(%x: tensor<2x2xf32>) -> tensor<2x1xf32> {
  %steps = onnx.constant dense<7.0> : tensor<f32> -> tensor<f32>
  %low = onnx.constant dense<-8.0> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[[1.0], [-1.0]]> : tensor<2x1xf32> -> tensor<2x1xf32>
  %round = onnx.node "Round"(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %codes = onnx.node "Clip"(%round, %low, %steps) : (tensor<2x2xf32>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  // expected-remark @+1 {{activation quantizer clips to [-8, 7]; expected [-128, 127]}}
  %y = onnx.node "MatMul"(%codes, %w) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: @per_tensor_activations
// CHECK: MatMulInteger
func.func @per_tensor_activations(%x: tensor<2x2xf32>) -> tensor<2x1xi32> {
  %w = onnx.constant dense<[[1], [0]]> : tensor<2x1xi8> -> tensor<2x1xi8>
  %q:3 = onnx.node "DynamicQuantizeLinear"(%x) : (tensor<2x2xf32>) -> (tensor<2x2xui8>, tensor<f32>, tensor<ui8>)
  // expected-remark @+1 {{DynamicQuantizeLinear quantizes per tensor to unsigned integers; expected int8 per token}}
  %y = onnx.node "MatMulInteger"(%q#0, %w, %q#2) : (tensor<2x2xui8>, tensor<2x1xi8>, tensor<ui8>) -> tensor<2x1xi32>
  return %y : tensor<2x1xi32>
}

// -----

// Blocks smaller than a group of inputs, each with a scale of its own: floats.
// CHECK-LABEL: @small_blocks
// CHECK: onnx.constant dense<{{.*}}> : tensor<8x1xf32>
// CHECK: onnx.node "MatMul"
func.func @small_blocks(%x: tensor<2x8xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<228> : tensor<1x2x1xui8> -> tensor<1x2x1xui8>
  %s = onnx.constant dense<[[1.0, 0.75]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  // expected-remark @+1 {{weight has 7 distinct values}}
  %y = onnx.node "com.microsoft" "MatMulNBits"(%x, %w, %s) {K = 8 : si64, N = 1 : si64, bits = 2 : si64, block_size = 4 : si64} : (tensor<2x8xf32>, tensor<1x2x1xui8>, tensor<1x2xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}
