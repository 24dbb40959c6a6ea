// RUN: hgf-opt %s --select-attention -verify-diagnostics | FileCheck %s

// CHECK-LABEL: @attention
// CHECK-SAME: %[[Q:[^:]*]]: tensor<?x4x?x8xf32>, %[[K:[^:]*]]: tensor<?x2x?x8xf32>, %[[V:[^:]*]]: tensor<?x2x?x6xf32>, %[[MASK:[^:]*]]: tensor<?x?xf32>
func.func @attention(%q: tensor<?x4x?x8xf32>, %k: tensor<?x2x?x8xf32>, %v: tensor<?x2x?x6xf32>, %mask: tensor<?x?xf32>) -> tensor<?x4x?x6xf32> {
  // CHECK-DAG: %[[BATCH:.*]] = tensor.dim %[[Q]], %c0
  // CHECK-DAG: %[[QUERIES:.*]] = tensor.dim %[[Q]], %c2
  // CHECK: %[[INIT:.*]] = tensor.empty(%[[BATCH]], %[[QUERIES]]) : tensor<?x4x?x6xf32>
  // CHECK: %[[Y:.*]] = hgf.flash_attention ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) mask(%[[MASK]] : tensor<?x?xf32>) outs(%[[INIT]] : tensor<?x4x?x6xf32>) scale 5.000000e-01 causal -> tensor<?x4x?x6xf32>
  // CHECK: return %[[Y]]
  %y = hgf.attention %q, %k, %v mask %mask scale 0.5 causal : tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x6xf32>, tensor<?x?xf32> -> tensor<?x4x?x6xf32>
  return %y : tensor<?x4x?x6xf32>
}

// CHECK-LABEL: @differential
func.func @differential(%q: tensor<1x4x3x8xf32>, %q2: tensor<1x4x3x8xf32>, %k: tensor<1x2x?x8xf32>, %k2: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %l: tensor<f32>) -> tensor<1x4x?x8xf32> {
  // CHECK: %[[Y:.*]] = hgf.flash_attention ins(%{{.*}}, %{{.*}}, %{{.*}}) second(%[[Q2:.*]], %[[K2:.*]], %[[L:.*]] : {{.*}}) outs(%{{.*}} : tensor<1x4x3x8xf32>) scale 5.000000e-01 -> tensor<1x4x3x8xf32>
  // CHECK: tensor.cast %[[Y]] : tensor<1x4x3x8xf32> to tensor<1x4x?x8xf32>
  %y = hgf.differential_attention %q, %k, %q2, %k2, %v lambda %l scale 0.5 : tensor<1x4x3x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<f32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @deep_heads
func.func @deep_heads(%q: tensor<1x4x?x320xf32>, %k: tensor<1x2x?x320xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.attention
  // expected-remark @below {{attention takes several kernels and keeps all scores in memory: heads are deeper than 256}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x4x?x320xf32>, tensor<1x2x?x320xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @unknown_heads
func.func @unknown_heads(%q: tensor<1x?x?x8xf32>, %k: tensor<1x?x?x8xf32>, %v: tensor<1x?x?x8xf32>) -> tensor<1x?x?x8xf32> {
  // CHECK: hgf.attention
  // expected-remark @below {{the number of heads is not known}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x?x?x8xf32>, tensor<1x?x?x8xf32>, tensor<1x?x?x8xf32> -> tensor<1x?x?x8xf32>
  return %y : tensor<1x?x?x8xf32>
}

// CHECK-LABEL: @unknown_depth
func.func @unknown_depth(%q: tensor<1x4x?x?xf32>, %k: tensor<1x4x?x?xf32>, %v: tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK: hgf.attention
  // expected-remark @below {{the depth of a head is not known}}
  %y = hgf.attention %q, %k, %v scale 0.5 : tensor<1x4x?x?xf32>, tensor<1x4x?x?xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
  return %y : tensor<1x4x?x8xf32>
}
