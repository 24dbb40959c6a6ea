// RUN: hgf-opt %s --split-input-file --fuse-linear | FileCheck %s

// CHECK-LABEL: @whole
// CHECK-NOT: hgf.gated_add
func.func @whole(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>, %bias: tensor<2xf32>) -> tensor<?x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %alpha = arith.constant dense<0.25> : tensor<f32>
  %q, %s = hgf.quantize %x order reciprocal : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?xf32>
  %t = hgf.ternary_linear ins(%q : tensor<?x3xi8>) scale(%s : tensor<?xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) bias(%bias : tensor<2xf32>) {hgf.form = "f"} -> tensor<?x2xf32> loc("layer")
  %c = hgf.low_rank identity ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
  %y = hgf.gated_add %t, %c gate %alpha : tensor<?x2xf32>, tensor<f32>
  // CHECK: %[[INIT:.*]] = tensor.empty(%{{.*}}) : tensor<?x2xf32>
  // CHECK: hgf.linear ins(%{{.*}}) weight(%{{.*}}) correction(%{{.*}}) gate(%{{.*}}) bias(%{{.*}}) outs(%[[INIT]] : tensor<?x2xf32>) quantization reciprocal correction_activation identity gate_kind static {hgf.form = "f", hgf.node = "layer"}
  return %y : tensor<?x2xf32>
}

// -----

// A backbone that is also read without its correction stays for that reader.
// CHECK-LABEL: @backbone_read_twice
// CHECK-COUNT-2: hgf.linear
func.func @backbone_read_twice(%x: tensor<4x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %t = hgf.ternary_linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) -> tensor<4x2xf32>
  %c = hgf.low_rank silu ins(%x : tensor<4x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<4x2xf32>
  %y = hgf.gated_add %t, %c : tensor<4x2xf32>
  return %t, %y : tensor<4x2xf32>, tensor<4x2xf32>
}

// -----

// The gate of hgf.linear reads the output before the bias.
// CHECK-LABEL: @sigmoid_output
func.func @sigmoid_output(%x: tensor<4x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) -> tensor<4x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %gw = arith.constant dense<[10.0, 100.0]> : tensor<2xf32>
  %gb = arith.constant dense<5.0> : tensor<f32>
  %q, %s = hgf.quantize %x order division : tensor<4x3xf32> -> tensor<4x3xi8>, tensor<4xf32>
  %t = hgf.ternary_linear ins(%q : tensor<4x3xi8>) scale(%s : tensor<4xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) bias(%bias : tensor<2xf32>) -> tensor<4x2xf32>
  %d = hgf.dequantize %q, %s : tensor<4x3xi8>, tensor<4xf32> -> tensor<4x3xf32>
  %c = hgf.low_rank silu ins(%d : tensor<4x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<4x2xf32>
  %alpha = hgf.dynamic_gate %t, %gw, %gb : tensor<4x2xf32>, tensor<2xf32>, tensor<f32> -> tensor<4x1xf32>
  // CHECK: %[[GB:.*]] = arith.constant dense<2.150000e+02> : tensor<f32>
  // CHECK: hgf.linear {{.*}} dynamic_gate(%{{.*}}, %[[GB]] : {{.*}}) bias({{.*}} quantization division correction_input quantized gate_kind sigmoid_output
  %y = hgf.gated_add %t, %c gate %alpha : tensor<4x2xf32>, tensor<4x1xf32>
  return %y : tensor<4x2xf32>
}
