// RUN: hgf-opt %s | hgf-opt | FileCheck %s
// RUN: hgf-opt %s --emit-bytecode | hgf-opt | FileCheck %s

// CHECK-LABEL: @grouped_heads
func.func @grouped_heads(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.attention %{{.*}}, %{{.*}}, %{{.*}} scale 5.000000e-01 causal
  %y = hgf.attention %q, %k, %v scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @additive_mask
func.func @additive_mask(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %mask: tensor<?x?xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.attention %{{.*}} mask %{{.*}} scale
  %y = hgf.attention %q, %k, %v mask %mask scale 0.5 : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<?x?xf32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @differential
func.func @differential(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %l: tensor<f32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.differential_attention {{.*}} lambda %{{.*}} scale
  %y = hgf.differential_attention %q, %k, %q, %k, %v lambda %l scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<f32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @append
func.func @append(%past: tensor<1x4x?x8xf32>, %new: tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.cache_append %{{.*}}, %{{.*}} axis 2
  %cache = hgf.cache_append %past, %new axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
  return %cache : tensor<1x4x?x8xf32>
}
