// RUN: hgf-opt %s --threshold-gates=threshold=0.25 | FileCheck %s
// RUN: hgf-opt %s --threshold-gates | FileCheck %s --check-prefix=DEFAULT

// DEFAULT-NOT: gate_threshold

!weight = !hgf.ternary<2 by 3, scale = row>

// Each row of A sums to 3, the rows of B to 2 and 4: 0.25 * 4 * 3.
// CHECK-LABEL: @closes_dynamic_gates
// CHECK: gate_kind sigmoid_input gate_threshold 2.500000e-01 {hgf.gate_error = 3.000000e+00 : f64}
// CHECK: gate_kind sigmoid_output gate_threshold 2.500000e-01
func.func @closes_dynamic_gates(%x: tensor<4x3xf32>, %i: tensor<4x2xf32>, %w: !weight, %g: tensor<3xf32>, %h: tensor<2xf32>, %c: tensor<f32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %a = arith.constant dense<1.0> : tensor<1x3xf16>
  %b = arith.constant dense<[[2.0], [-4.0]]> : tensor<2x1xf16>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !weight) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) dynamic_gate(%g, %c : tensor<3xf32>, tensor<f32>) outs(%i : tensor<4x2xf32>) gate_kind sigmoid_input -> tensor<4x2xf32>
  %z = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !weight) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) dynamic_gate(%h, %c : tensor<2xf32>, tensor<f32>) outs(%i : tensor<4x2xf32>) gate_kind sigmoid_output -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}

// CHECK-LABEL: @leaves_static_gates_and_computed_factors
// CHECK-NOT: gate_threshold
func.func @leaves_static_gates_and_computed_factors(%x: tensor<4x3xf32>, %i: tensor<4x2xf32>, %w: !weight, %a: tensor<1x3xf16>, %g: tensor<3xf32>, %c: tensor<f32>) -> (tensor<4x2xf32>, tensor<4x2xf32>) {
  %b = arith.constant dense<2.0> : tensor<2x1xf16>
  %k = arith.constant dense<1.0> : tensor<1x3xf16>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !weight) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) dynamic_gate(%g, %c : tensor<3xf32>, tensor<f32>) outs(%i : tensor<4x2xf32>) gate_kind sigmoid_input -> tensor<4x2xf32>
  %z = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !weight) correction(%k, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%c : tensor<f32>) outs(%i : tensor<4x2xf32>) gate_kind static -> tensor<4x2xf32>
  return %y, %z : tensor<4x2xf32>, tensor<4x2xf32>
}
