// RUN: hgf-opt %s --drop-closed-gates=bound=0.01 -verify-diagnostics | FileCheck %s
// RUN: hgf-opt %s --drop-closed-gates | FileCheck %s --check-prefix=DEFAULT

// DEFAULT-COUNT-2: correction(

// Each row of A sums to 3, each row of B is 2: 0.001 * 2 * 3.
// CHECK-LABEL: @closed
// CHECK-NOT: correction(
// CHECK-LABEL: @open
// CHECK: correction(
func.func @closed(%x: tensor<4x3xf32>, %i: tensor<4x1xf32>, %w: !hgf.ternary<1 by 3, scale = row>) -> tensor<4x1xf32> {
  %a = arith.constant dense<1.0> : tensor<1x3xf16>
  %b = arith.constant dense<2.0> : tensor<1x1xf16>
  %g = arith.constant dense<0.001> : tensor<f32>
  // expected-remark @+1 {{correction deleted: its gate is closed (largest 1.000e-03); it added at most 6.000e-03 times the largest activation to an output}}
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<1x1xf16>) gate(%g : tensor<f32>) outs(%i : tensor<4x1xf32>) gate_kind static -> tensor<4x1xf32>
  return %y : tensor<4x1xf32>
}

func.func @open(%x: tensor<4x3xf32>, %i: tensor<4x2xf32>, %w: !hgf.ternary<2 by 3, scale = row>) -> tensor<4x2xf32> {
  %a = arith.constant dense<1.0> : tensor<1x3xf16>
  %b = arith.constant dense<2.0> : tensor<2x1xf16>
  %g = arith.constant dense<[0.001, -0.02]> : tensor<2xf32>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%g : tensor<2xf32>) outs(%i : tensor<4x2xf32>) gate_kind static -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
