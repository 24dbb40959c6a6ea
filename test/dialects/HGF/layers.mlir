// RUN: hgf-opt %s | hgf-opt | FileCheck %s
// RUN: hgf-opt %s --emit-bytecode | hgf-opt | FileCheck %s

// CHECK-LABEL: @parts_of_a_layer
func.func @parts_of_a_layer(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>, %g: tensor<f32>, %bias: tensor<2xf32>) -> tensor<?x2xf32> {
  // CHECK: hgf.ternary_constant {{.*}} -> <2 by 3, scale = tensor>
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  // CHECK: hgf.quantize %{{.*}} order reciprocal
  %q, %scale = hgf.quantize %x order reciprocal : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?xf32>
  // CHECK: hgf.ternary_linear ins(%{{.*}}) scale(%{{.*}}) weight(%{{.*}}) bias(%{{.*}})
  %y = hgf.ternary_linear ins(%q : tensor<?x3xi8>) scale(%scale : tensor<?xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) bias(%bias : tensor<2xf32>) -> tensor<?x2xf32>
  // CHECK: hgf.low_rank {{ *}}silu ins(%{{.*}}) factors(%{{.*}})
  %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
  // CHECK: hgf.static_gate
  %alpha = hgf.static_gate %g : tensor<f32>
  // CHECK: hgf.gated_add %{{.*}}, %{{.*}} gate %{{.*}} : tensor<?x2xf32>, tensor<f32>
  %z = hgf.gated_add %y, %c gate %alpha : tensor<?x2xf32>, tensor<f32>
  return %z : tensor<?x2xf32>
}

// CHECK-LABEL: @float_activations_and_dynamic_gate
func.func @float_activations_and_dynamic_gate(%x: tensor<?x64xf32>, %w: !hgf.ternary<2 by 64, scale = group, group = 64>, %gw: tensor<64xf32>, %gb: tensor<f32>, %c: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %y = hgf.ternary_linear ins(%x : tensor<?x64xf32>) weight(%w : !hgf.ternary<2 by 64, scale = group, group = 64>) -> tensor<?x2xf32>
  // CHECK: hgf.dynamic_gate
  %alpha = hgf.dynamic_gate %x, %gw, %gb : tensor<?x64xf32>, tensor<64xf32>, tensor<f32> -> tensor<?x1xf32>
  // CHECK: hgf.gated_add %{{.*}}, %{{.*}} gate %{{.*}} : tensor<?x2xf32>, tensor<?x1xf32>
  %z = hgf.gated_add %y, %c gate %alpha : tensor<?x2xf32>, tensor<?x1xf32>
  return %z : tensor<?x2xf32>
}

// CHECK-LABEL: @int8_factors
func.func @int8_factors(%x: tensor<?x3xf32>, %a: tensor<1x3xi8>, %b: tensor<2x1xi8>, %s: tensor<1xf32>) -> tensor<?x2xf32> {
  // CHECK: hgf.low_rank {{ *}}identity {{.*}} scales(%{{.*}})
  %c = hgf.low_rank identity ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xi8>, tensor<2x1xi8>) scales(%s, %s : tensor<1xf32>, tensor<1xf32>) -> tensor<?x2xf32>
  return %c : tensor<?x2xf32>
}

// CHECK-LABEL: @fused
func.func @fused(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>, %alpha: tensor<f32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK: hgf.linear ins(%{{.*}}) weight(%{{.*}}) correction(%{{.*}}) gate(%{{.*}}) outs(%{{.*}}) quantization reciprocal gate_kind static -> tensor<?x2xf32>
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%alpha : tensor<f32>) outs(%init : tensor<?x2xf32>) quantization reciprocal gate_kind static -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: @merged
func.func @merged(%x: tensor<?x3xf32>, %w: !hgf.ternary<5 by 3, scale = row>, %a: tensor<3x3xf16>, %b: tensor<8xf16>, %init: tensor<?x5xf32>) -> tensor<?x5xf32> {
  // CHECK: segment_ranks = array<i64: 1, 2>, segments = array<i64: 2, 3>
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<5 by 3, scale = row>) correction(%a, %b : tensor<3x3xf16>, tensor<8xf16>) outs(%init : tensor<?x5xf32>) {segments = array<i64: 2, 3>, segment_ranks = array<i64: 1, 2>} -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// CHECK-LABEL: @fused_on_buffers
func.func @fused_on_buffers(%x: memref<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %bias: memref<2xf32>, %residual: memref<?x2xf32>, %init: memref<?x2xf32>) {
  // CHECK: hgf.linear ins(%{{.*}}) weight(%{{.*}}) bias(%{{.*}}) residual(%{{.*}}) outs(%{{.*}} : memref<?x2xf32>)
  hgf.linear ins(%x : memref<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) bias(%bias : memref<2xf32>) residual(%residual : memref<?x2xf32>) outs(%init : memref<?x2xf32>)
  return
}

// CHECK-LABEL: @one_bit
func.func @one_bit(%x: tensor<?x3xf32>, %u: tensor<3xf16>, %s: !hgf.ternary<2 by 3, scale = tensor>, %v: tensor<2xf16>) -> tensor<?x2xf32> {
  // CHECK: hgf.onebit_linear
  %y = hgf.onebit_linear %x, %u, %s, %v : tensor<?x3xf32>, tensor<3xf16>, !hgf.ternary<2 by 3, scale = tensor>, tensor<2xf16> -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK: hgf.weights @layer_0 dense<0> : tensor<64xi8> size 64
hgf.weights @layer_0 dense<0> : tensor<64xi8> size 64

// CHECK-LABEL: @packed
func.func @packed() -> !hgf.packed<2 by 3, encoding = "planes2", scale = row> {
  // CHECK: hgf.packed_constant @layer_0 : <2 by 3, encoding = "planes2", scale = row>
  %w = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  return %w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
}

// CHECK-LABEL: @normalization_and_activation
func.func @normalization_and_activation(%x: tensor<?x3xf32>, %weight: tensor<3xf32>) -> tensor<?x3xf32> {
  // CHECK: hgf.rms_norm %{{.*}}, %{{.*}} epsilon
  %n = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<?x3xf32>, tensor<3xf32>
  // CHECK: hgf.activation silu
  %y = hgf.activation silu %n : tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
