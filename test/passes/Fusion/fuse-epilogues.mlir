// RUN: hgf-opt %s --fuse-epilogues | FileCheck %s

// CHECK-LABEL: @activation_then_residual
func.func @activation_then_residual(%x: tensor<4x3xf32>, %r: tensor<4x1xf32>, %i: tensor<4x1xf32>, %w: !hgf.ternary<1 by 3, scale = row>) -> tensor<4x1xf32> {
  // CHECK: %[[Y:.*]] = hgf.linear {{.*}} residual(%{{.*}} : tensor<4x1xf32>) {{.*}} activation relu_squared
  // CHECK-NEXT: return %[[Y]]
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = row>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %z = hgf.activation relu_squared %y : tensor<4x1xf32>
  %s = arith.addf %r, %z : tensor<4x1xf32>
  return %s : tensor<4x1xf32>
}

// The residual is computed after the layer: the layer moves behind it.
// CHECK-LABEL: @moves
func.func @moves(%x: tensor<4x3xf32>, %i: tensor<4x1xf32>, %w: !hgf.ternary<1 by 3, scale = row>) -> tensor<4x1xf32> {
  // CHECK: %[[R:.*]] = hgf.linear {{.*}} quantization
  // CHECK: hgf.linear {{.*}} residual(%[[R]] : tensor<4x1xf32>)
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = row>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %r = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = row>) outs(%i : tensor<4x1xf32>) quantization reciprocal -> tensor<4x1xf32>
  %s = arith.addf %y, %r : tensor<4x1xf32>
  return %s : tensor<4x1xf32>
}

// CHECK-LABEL: @read_twice
// CHECK: hgf.activation
// CHECK: arith.addf
func.func @read_twice(%x: tensor<4x3xf32>, %i: tensor<4x1xf32>, %w: !hgf.ternary<1 by 3, scale = row>) -> tensor<4x1xf32> {
  %y = hgf.linear ins(%x : tensor<4x3xf32>) weight(%w : !hgf.ternary<1 by 3, scale = row>) outs(%i : tensor<4x1xf32>) -> tensor<4x1xf32>
  %z = hgf.activation silu %y : tensor<4x1xf32>
  %s = arith.addf %y, %z : tensor<4x1xf32>
  return %s : tensor<4x1xf32>
}
