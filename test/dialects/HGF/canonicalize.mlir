// RUN: hgf-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: @closed_gate_adds_nothing
// CHECK-SAME: (%[[Y:.*]]: tensor<?x2xf32>, %{{.*}}: tensor<?x2xf32>)
func.func @closed_gate_adds_nothing(%y: tensor<?x2xf32>, %c: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %g = arith.constant dense<0.0> : tensor<f32>
  %alpha = hgf.static_gate %g : tensor<f32>
  %z = hgf.gated_add %y, %c gate %alpha : tensor<?x2xf32>, tensor<f32>
  // CHECK: return %[[Y]]
  return %z : tensor<?x2xf32>
}

// CHECK-LABEL: @gate_of_constant_is_folded
func.func @gate_of_constant_is_folded() -> tensor<f32> {
  %g = arith.constant dense<0.5> : tensor<f32>
  // CHECK: arith.constant dense<0.462117165> : tensor<f32>
  %alpha = hgf.static_gate %g : tensor<f32>
  return %alpha : tensor<f32>
}

// CHECK-LABEL: @identity_activation_is_dropped
func.func @identity_activation_is_dropped(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  // CHECK-NOT: hgf.activation
  %y = hgf.activation identity %x : tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// CHECK-LABEL: @zero_correction_leaves_the_backbone
func.func @zero_correction_leaves_the_backbone(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %a: tensor<1x3xf16>, %init: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %b = arith.constant dense<0.0> : tensor<2x1xf16>
  // CHECK: hgf.linear
  // CHECK-NOT: correction
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
