// RUN: hgf-opt %s --fuse-elementwise | FileCheck %s

#row = affine_map<(i) -> (i)>
#left = affine_map<(i, j, k) -> (i, k)>
#right = affine_map<(i, j, k) -> (k, j)>
#out = affine_map<(i, j, k) -> (i, j)>
#cell = affine_map<(i, j) -> (i, j)>

// CHECK-LABEL: func.func @fuses_chain
func.func @fuses_chain(%x: tensor<8xf32>, %empty: tensor<8xf32>) -> tensor<8xf32> {
  // CHECK: linalg.generic
  // CHECK: math.exp
  // CHECK-NEXT: arith.negf
  %a = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %value = math.exp %in : f32
    linalg.yield %value : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]} ins(%a : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %value = arith.negf %in : f32
    linalg.yield %value : f32
  } -> tensor<8xf32>
  return %b : tensor<8xf32>
}

// A matmul reads each element of its operands many times.
// CHECK-LABEL: func.func @computes_nothing_twice
func.func @computes_nothing_twice(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %c: tensor<4x2xf32>, %empty: tensor<4x8xf32>) -> tensor<4x2xf32> {
  // CHECK: math.exp
  // CHECK: linalg.generic
  // CHECK: arith.mulf
  %a = linalg.generic {indexing_maps = [#cell, #cell], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %value = math.exp %in : f32
    linalg.yield %value : f32
  } -> tensor<4x8xf32>
  %b = linalg.generic {indexing_maps = [#left, #right, #out], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %w : tensor<4x8xf32>, tensor<8x2xf32>) outs(%c : tensor<4x2xf32>) {
  ^bb0(%l: f32, %r: f32, %total: f32):
    %product = arith.mulf %l, %r : f32
    %sum = arith.addf %total, %product : f32
    linalg.yield %sum : f32
  } -> tensor<4x2xf32>
  return %b : tensor<4x2xf32>
}
