// RUN: hgf-opt %s -decompose-hgf -split-input-file | FileCheck %s
// RUN: hgf-opt %s -decompose-hgf=fused=true -split-input-file | FileCheck %s --check-prefix=FUSED

// CHECK-LABEL: @rounds_half_to_even_in_the_order_of_the_graph
func.func @rounds_half_to_even_in_the_order_of_the_graph(%x: tensor<?x3xf32>) -> (tensor<?x3xi8>, tensor<?xf32>) {
  // CHECK: math.absf
  // CHECK: %[[R:.*]] = arith.divf %{{.*}}, %{{.*}} : f32
  // CHECK: arith.mulf %{{.*}}, %[[R]]
  // CHECK: math.roundeven
  // CHECK: arith.fptosi
  %q, %s = hgf.quantize %x order reciprocal : tensor<?x3xf32> -> tensor<?x3xi8>, tensor<?xf32>
  return %q, %s : tensor<?x3xi8>, tensor<?xf32>
}

// -----

// CHECK-LABEL: @integer_sums_are_exact
func.func @integer_sums_are_exact(%q: tensor<?x3xi8>, %s: tensor<?xf32>) -> tensor<?x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  // CHECK: arith.shrui
  // CHECK: arith.addi %{{.*}} : i32
  // CHECK: arith.sitofp
  %y = hgf.ternary_linear ins(%q : tensor<?x3xi8>) scale(%s : tensor<?xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// CHECK-LABEL: @group_scales_sum_in_float64
func.func @group_scales_sum_in_float64(%x: tensor<?x64xf32>) -> tensor<?x1xf32> {
  %w = hgf.ternary_constant dense<85> : tensor<16xi8>, dense<[[0.5, 2.0]]> : tensor<1x2xf32> -> !hgf.ternary<1 by 64, scale = group, group = 32>
  // CHECK: arith.mulf %{{.*}} : f64
  // CHECK: arith.truncf
  %y = hgf.ternary_linear ins(%x : tensor<?x64xf32>) weight(%w : !hgf.ternary<1 by 64, scale = group, group = 32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// CHECK-LABEL: @gate_of_the_output_reads_the_backbone
// FUSED-LABEL: @gate_of_the_output_reads_the_backbone
func.func @gate_of_the_output_reads_the_backbone(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>, %gw: tensor<2xf32>, %gb: tensor<f32>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  // CHECK: hgf.linear
  // FUSED-NOT: hgf.
  // FUSED: arith.addi %{{.*}} : i32
  // FUSED: math.exp
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) dynamic_gate(%gw, %gb : tensor<2xf32>, tensor<f32>) outs(%init : tensor<?x2xf32>) quantization division gate_kind sigmoid_output -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// FUSED-LABEL: @merged_corrections_come_apart
func.func @merged_corrections_come_apart(%x: tensor<?x3xf32>, %a: tensor<3x3xf16>, %b: tensor<8xf16>, %init: tensor<?x5xf32>) -> tensor<?x5xf32> {
  %w = hgf.ternary_constant dense<85> : tensor<4xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<5 by 3, scale = tensor>
  // FUSED: tensor.extract_slice %{{.*}}[2] [6] [1]
  // FUSED: tensor.concat dim(1)
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<5 by 3, scale = tensor>) correction(%a, %b : tensor<3x3xf16>, tensor<8xf16>) outs(%init : tensor<?x5xf32>) {segments = array<i64: 2, 3>, segment_ranks = array<i64: 1, 2>} -> tensor<?x5xf32>
  return %y : tensor<?x5xf32>
}

// -----

// CHECK: #[[$GROUPED:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK-LABEL: @grouped_heads_share_keys
func.func @grouped_heads_share_keys(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[$GROUPED]]
  // CHECK: arith.cmpi sle
  // CHECK: math.exp
  %y = hgf.attention %q, %k, %v scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// -----

// CHECK-LABEL: @norm_and_activation
func.func @norm_and_activation(%x: tensor<?x3xf32>, %weight: tensor<3xf32>) -> tensor<?x3xf32> {
  // CHECK: math.sqrt
  // CHECK: arith.maximumf
  %n = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<?x3xf32>, tensor<3xf32>
  %y = hgf.activation relu %n : tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// FUSED-LABEL: @append_is_concatenation
func.func @append_is_concatenation(%past: tensor<1x4x?x8xf32>, %new: tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // FUSED: tensor.concat dim(2)
  %cache = hgf.cache_append %past, %new axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
  return %cache : tensor<1x4x?x8xf32>
}

// -----

// A layer that has no kernel goes the way of all other operations.
// CHECK-LABEL: @missed
func.func @missed(%x: tensor<1x3xf32>, %bias: tensor<2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  // CHECK-NOT: hgf.
  %y = hgf.linear ins(%x : tensor<1x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) bias(%bias : tensor<2xf32>) outs(%init : tensor<1x2xf32>) quantization reciprocal {hgf.missed = "the bias is not a constant"} -> tensor<1x2xf32>
  return %y : tensor<1x2xf32>
}

// -----

// A kernel computes it, but it has a meaning without one.
// CHECK-LABEL: @flash_attention
// CHECK: hgf.flash_attention
// FUSED-LABEL: @flash_attention
// FUSED-NOT: hgf.
// FUSED: math.exp
// FUSED: math.exp
// FUSED-NOT: hgf.
func.func @flash_attention(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x8xf32>, %l: tensor<f32>, %init: tensor<1x4x3x8xf32>) -> tensor<1x4x3x8xf32> {
  %y = hgf.flash_attention ins(%q, %k, %k : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) second(%q, %k, %l : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<f32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return %y : tensor<1x4x3x8xf32>
}
