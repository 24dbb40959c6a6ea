// RUN: hgf-opt %s --split-input-file --recognise-ternary | FileCheck %s

// CHECK-LABEL: @form_a_per_tensor
// CHECK: %[[W:.*]] = hgf.ternary_constant dense<18> : tensor<1xi8>, dense<5.000000e-01> : tensor<1xf32> -> <1 by 3, scale = tensor>
// CHECK: onnx.node "hgf" "TernaryLinear"(%{{.*}}, %{{.*}}, %[[W]], %{{.*}}) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<1 by 3, scale = tensor>, none) -> tensor<2x1xf32>
func.func @form_a_per_tensor(%x: tensor<2x3xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<[[0.5], [-0.5], [-0.0]]> : tensor<3x1xf32> -> tensor<3x1xf32>
  %y = onnx.node "MatMul"(%x, %w) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// Gemm's own bias and factor; a row of zeros; one scale per row.
// CHECK-LABEL: @gemm_per_row
// CHECK-DAG: hgf.ternary_constant {{.*}}, dense<[1.000000e+00, 0.000000e+00, 5.000000e-01]> : tensor<3xf32> -> <3 by 2, scale = row>
// CHECK-DAG: %[[B:.*]] = onnx.constant dense<[2.000000e+00, 4.000000e+00, 6.000000e+00]>
// CHECK: "TernaryLinear"(%{{.*}}, %{{.*}}, %{{.*}}, %[[B]])
func.func @gemm_per_row(%x: tensor<2x2xf32>) -> tensor<2x3xf32> {
  %w = onnx.constant dense<[[0.5, -0.5], [0.0, 0.0], [0.25, 0.25]]> : tensor<3x2xf32> -> tensor<3x2xf32>
  %c = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> -> tensor<3xf32>
  %y = onnx.node "Gemm"(%x, %w, %c) {alpha = 2.0 : f32, beta = 2.0 : f32, transB = 1 : si64} : (tensor<2x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Scale after the product, and a bias.
// CHECK-LABEL: @form_b
// CHECK: hgf.ternary_constant {{.*}}, dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf32> -> <2 by 2, scale = row>
// CHECK: "TernaryLinear"(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) {form = "b"} : (tensor<1x2xf32>, none, !hgf.ternary<2 by 2, scale = row>, tensor<2xf32>) -> tensor<1x2xf32>
// CHECK-NEXT: return
func.func @form_b(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %q = onnx.constant dense<[[2, 0], [0, 1]]> : tensor<2x2xui8> -> tensor<2x2xui8>
  %s = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %z = onnx.constant dense<1> : tensor<ui8> -> tensor<ui8>
  %w = onnx.node "DequantizeLinear"(%q, %s, %z) : (tensor<2x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x2xf32>
  %t = onnx.node "Transpose"(%w) {perm = array<i64: 1, 0>} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %f = onnx.constant dense<[2.0, 1.0]> : tensor<2xf32> -> tensor<2xf32>
  %b = onnx.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32> -> tensor<1x2xf32>
  %y = onnx.node "MatMul"(%x, %t) : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %m = onnx.node "Mul"(%f, %y) : (tensor<2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %a = onnx.node "Add"(%m, %b) : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  return %a : tensor<1x2xf32>
}

// -----

// Codes to int8, the product in int32, the scales behind it.
// CHECK-LABEL: @form_c
// CHECK: %[[Q:.*]]:2 = onnx.node "hgf" "Quantize"(%{{.*}}) {order = "reciprocal"}
// CHECK: hgf.ternary_constant dense<6> : tensor<1xi8>, dense<2.500000e-01> : tensor<1xf32> -> <1 by 2, scale = tensor>
// CHECK: "TernaryLinear"(%[[Q]]#0, %[[Q]]#1, %{{.*}}, %{{.*}}) {form = "c"} : ({{.*}}) -> tensor<2x1xf32>
// CHECK-NEXT: return
func.func @form_c(%x: tensor<2x2xf32>) -> tensor<2x1xf32> {
  %steps = onnx.constant dense<127.0> : tensor<f32> -> tensor<f32>
  %low = onnx.constant dense<-128.0> : tensor<f32> -> tensor<f32>
  %least = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %axes = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %w = onnx.constant dense<[[1], [0]]> : tensor<2x1xi8> -> tensor<2x1xi8>
  %ws = onnx.constant dense<0.25> : tensor<f32> -> tensor<f32>
  %abs = onnx.node "Abs"(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %max = onnx.node "ReduceMax"(%abs, %axes) {keepdims = 1 : si64} : (tensor<2x2xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  %a = onnx.node "Max"(%least, %max) : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %s = onnx.node "Div"(%steps, %a) : (tensor<f32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %scaled = onnx.node "Mul"(%x, %s) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %round = onnx.node "Round"(%scaled) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %above = onnx.node "Max"(%round, %low) : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %clip = onnx.node "Min"(%above, %steps) : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  %codes = onnx.node "Cast"(%clip) {to = 3 : si64} : (tensor<2x2xf32>) -> tensor<2x2xi8>
  %product = onnx.node "MatMulInteger"(%codes, %w) : (tensor<2x2xi8>, tensor<2x1xi8>) -> tensor<2x1xi32>
  %float = onnx.node "Cast"(%product) {to = 1 : si64} : (tensor<2x1xi32>) -> tensor<2x1xf32>
  %y = onnx.node "Div"(%float, %s) : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %z = onnx.node "Mul"(%y, %ws) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  return %z : tensor<2x1xf32>
}

// -----

// Codes 3, 1, 2, 2 with the zero point 2.
// CHECK-LABEL: @form_d
// CHECK: hgf.ternary_constant dense<82> : tensor<1xi8>, dense<5.000000e-01> : tensor<1xf32> -> <1 by 4, scale = tensor>
// CHECK: "TernaryLinear"({{.*}}) {form = "d"}
func.func @form_d(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<167> : tensor<1x1x1xui8> -> tensor<1x1x1xui8>
  %s = onnx.constant dense<0.5> : tensor<1x1xf32> -> tensor<1x1xf32>
  %y = onnx.node "com.microsoft" "MatMulNBits"(%x, %w, %s) {K = 4 : si64, N = 1 : si64, bits = 2 : si64, block_size = 4 : si64} : (tensor<2x4xf32>, tensor<1x1x1xui8>, tensor<1x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// CHECK-LABEL: @form_e
// CHECK: %[[Q:.*]]:2 = onnx.node "hgf" "Quantize"(%{{.*}}) {order = "division"}
// CHECK: "TernaryLinear"(%[[Q]]#0, %[[Q]]#1, {{.*}}) {form = "e"}
func.func @form_e(%x: tensor<2x2xf32>) -> tensor<2x1xf32> {
  %steps = onnx.constant dense<127.0> : tensor<f32> -> tensor<f32>
  %low = onnx.constant dense<-128.0> : tensor<f32> -> tensor<f32>
  %least = onnx.constant dense<1.0e-5> : tensor<f32> -> tensor<f32>
  %w = onnx.constant dense<[[1.0], [-1.0]]> : tensor<2x1xf32> -> tensor<2x1xf32>
  %abs = onnx.node "Abs"(%x) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %max = onnx.node "ReduceMax"(%abs) {axes = array<i64: 1>, keepdims = 1 : si64} : (tensor<2x2xf32>) -> tensor<2x1xf32>
  %none = onnx.none : none
  %a = onnx.node "Clip"(%max, %least, %none) : (tensor<2x1xf32>, tensor<f32>, none) -> tensor<2x1xf32>
  %d = onnx.node "Div"(%a, %steps) : (tensor<2x1xf32>, tensor<f32>) -> tensor<2x1xf32>
  %scaled = onnx.node "Div"(%x, %d) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %round = onnx.node "Round"(%scaled) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %codes = onnx.node "Clip"(%round, %low, %steps) : (tensor<2x2xf32>, tensor<f32>, tensor<f32>) -> tensor<2x2xf32>
  %fake = onnx.node "Mul"(%d, %codes) : (tensor<2x1xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.node "MatMul"(%fake, %w) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

// Nodes that lack inputs, outputs or both are left for the conversion to refuse.
// CHECK-LABEL: func.func @main
// CHECK: "MatMul"() : ()
// CHECK: "MatMul"(%{{.*}}) : (tensor<1x2xf32>)
// CHECK: "Mul"(%{{.*}}) : (!onnx.unknown)
func.func @main(%x: tensor<1x2xf32>) -> (!onnx.unknown, !onnx.unknown) {
  %none = onnx.node "MatMul"() {} : () -> !onnx.unknown
  %y = onnx.node "MatMul"(%x) {} : (tensor<1x2xf32>) -> !onnx.unknown
  %scaled = onnx.node "Mul"(%y) {} : (!onnx.unknown) -> !onnx.unknown
  return %none, %scaled : !onnx.unknown, !onnx.unknown
}
