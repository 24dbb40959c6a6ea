// RUN: hgf-opt %s --quantize-corrections | FileCheck %s

// Each rank has its own scale: a row of A, a column of B.
// CHECK-LABEL: @one_scale_per_rank
// CHECK-DAG: %[[A:.*]] = arith.constant dense<{{\[\[}}127, -10, 2], [-127, 64, 0]]> : tensor<2x3xi8>
// CHECK-DAG: %[[A_SCALE:.*]] = arith.constant dense<[0.00999999977, 1.000000e+00]> : tensor<2xf32>
// CHECK-DAG: %[[B:.*]] = arith.constant dense<{{\[\[}}127, 0], [-25, 0]]> : tensor<2x2xi8>
// CHECK-DAG: %[[B_SCALE:.*]] = arith.constant dense<[2.000000e-02, 0.000000e+00]> : tensor<2xf32>
// CHECK: hgf.linear {{.*}} correction(%[[A]], %[[B]] : tensor<2x3xi8>, tensor<2x2xi8>) factor_scales(%[[A_SCALE]], %[[B_SCALE]] : tensor<2xf32>, tensor<2xf32>)
// The largest error is that of 63.5, half a step of A's 127.
// CHECK-SAME: hgf.correction_error = {max = 0.0039370078740157{{[0-9]*}} : f64, rms = 0.003{{[0-9]*}} : f64}
func.func @one_scale_per_rank(%x: tensor<4x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %a = arith.constant dense<[[1.27, -0.1, 0.02], [-127.0, 63.5, 0.0]]> : tensor<2x3xf32>
  %b = arith.constant dense<[[2.54, 0.0], [-0.5, 0.0]]> : tensor<2x2xf32>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<2x3xf32>, tensor<2x2xf32>) outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// Segment 0 has rank 0, segment 1 the ranks 1 and 2.
// CHECK-LABEL: @merged
// CHECK-DAG: arith.constant dense<[127, -127, 127, 127, 64, 0]> : tensor<6xi8>
// CHECK-DAG: arith.constant dense<[1.000000e+00, 5.000000e-01, 2.500000e-01]> : tensor<3xf32>
func.func @merged(%x: tensor<4x3xf32>, %w: !hgf.ternary<4 by 3, scale = row>, %i: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %a = arith.constant dense<1.0> : tensor<3x3xf16>
  %b = arith.constant dense<[127.0, -127.0, 63.5, 31.75, 32.0, 0.0]> : tensor<6xf16>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<4 by 3, scale = row>) correction(%a, %b : tensor<3x3xf16>, tensor<6xf16>) outs(%i : tensor<4x4xf32>) {segments = array<i64: 2, 2>, segment_ranks = array<i64: 1, 2>} -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// CHECK-LABEL: @stays
// CHECK-SAME:    %[[A:[^:]*]]: tensor<1x3xf16>
// CHECK: correction(%[[A]],
func.func @stays(%a: tensor<1x3xf16>, %x: tensor<4x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %i: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %b = arith.constant dense<1.0> : tensor<2x1xf16>
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
