// RUN: hgf-opt %s --split-input-file --merge-linears | FileCheck %s

// Two rows of 1, -1, 0 with scale 0.5 and one row of 0, 1, 1 with scale 0.25.
// CHECK-LABEL: @scales_and_gates_become_per_row
func.func @scales_and_gates_become_per_row(%x: tensor<?x3xf32>, %i: tensor<?x2xf32>, %j: tensor<?x1xf32>) -> (tensor<?x2xf32>, tensor<?x1xf32>) {
  %w0 = hgf.ternary_constant dense<[-110, 4]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %w1 = hgf.ternary_constant dense<41> : tensor<1xi8>, dense<0.25> : tensor<1xf32> -> !hgf.ternary<1 by 3, scale = tensor>
  %a0 = arith.constant dense<1.0> : tensor<2x3xf16>
  %b0 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf16>
  %a1 = arith.constant dense<2.0> : tensor<1x3xf16>
  %b1 = arith.constant dense<5.0> : tensor<1x1xf16>
  %g0 = arith.constant dense<0.5> : tensor<f32>
  %g1 = arith.constant dense<0.75> : tensor<f32>
  %bias = arith.constant dense<7.0> : tensor<1xf32>
  // CHECK-DAG: %[[W:.*]] = hgf.ternary_constant dense<[-110, -108, 2]> : tensor<3xi8>, dense<[5.000000e-01, 5.000000e-01, 2.500000e-01]>
  // CHECK-DAG: %[[A:.*]] = arith.constant dense<{{.*}}1.000000e+00, 1.000000e+00, 1.000000e+00], [1.000000e+00, 1.000000e+00, 1.000000e+00], [2.000000e+00, 2.000000e+00, 2.000000e+00]]> : tensor<3x3xf16>
  // CHECK-DAG: %[[B:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00]> : tensor<5xf16>
  // CHECK-DAG: %[[G:.*]] = arith.constant dense<[5.000000e-01, 5.000000e-01, 7.500000e-01]> : tensor<3xf32>
  // CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<[0.000000e+00, 0.000000e+00, 7.000000e+00]> : tensor<3xf32>
  // CHECK: %[[Y:.*]] = hgf.linear ins({{.*}}) weight(%[[W]] {{.*}}) correction(%[[A]], %[[B]] {{.*}}) gate(%[[G]] {{.*}}) bias(%[[BIAS]] {{.*}}) {{.*}} quantization reciprocal gate_kind static {hgf.node = "q+k", segment_ranks = array<i64: 2, 1>, segments = array<i64: 2, 1>}
  %y0 = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w0 : !hgf.ternary<2 by 3, scale = tensor>) correction(%a0, %b0 : tensor<2x3xf16>, tensor<2x2xf16>) gate(%g0 : tensor<f32>) outs(%i : tensor<?x2xf32>) quantization reciprocal gate_kind static {hgf.node = "q"} -> tensor<?x2xf32>
  %y1 = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w1 : !hgf.ternary<1 by 3, scale = tensor>) correction(%a1, %b1 : tensor<1x3xf16>, tensor<1x1xf16>) gate(%g1 : tensor<f32>) bias(%bias : tensor<1xf32>) outs(%j : tensor<?x1xf32>) quantization reciprocal gate_kind static {hgf.node = "k"} -> tensor<?x1xf32>
  // CHECK: tensor.extract_slice %[[Y]][0, 0] [%{{.*}}, 2] [1, 1]
  // CHECK: tensor.extract_slice %[[Y]][0, 2] [%{{.*}}, 1] [1, 1]
  return %y0, %y1 : tensor<?x2xf32>, tensor<?x1xf32>
}

// -----

// One quantizes and the other does not; the third has its own epilogue.
// CHECK-LABEL: @stay_apart
// CHECK-NOT: segments
func.func @stay_apart(%x: tensor<4x3xf32>, %i: tensor<4x1xf32>) -> (tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>) {
  %w = hgf.ternary_constant dense<41> : tensor<1xi8>, dense<0.25> : tensor<1xf32> -> !hgf.ternary<1 by 3, scale = tensor>
  %y0 = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = tensor>) outs(%i : tensor<4x1xf32>) quantization reciprocal -> tensor<4x1xf32>
  %y1 = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = tensor>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %y2 = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = tensor>) outs(%i : tensor<4x1xf32>) activation silu -> tensor<4x1xf32>
  return %y0, %y1, %y2 : tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>
}
