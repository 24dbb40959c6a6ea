// RUN: hgf-opt %s -one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=infer-layout-map" -canonicalize | FileCheck %s

// The new part goes behind the past; the past is neither copied nor moved.
// CHECK-LABEL: @appends_in_place
// CHECK-SAME: (%[[PAST:.*]]: memref<1x4x?x8xf32, strided<[?, ?, ?, ?], offset: ?>>, %[[NEW:.*]]: memref<{{.*}}>)
func.func @appends_in_place(%past: tensor<1x4x?x8xf32> {bufferization.writable = true}, %new: tensor<1x4x?x8xf32>) -> tensor<1x4x?x8xf32> {
  // CHECK-NOT: memref.alloc
  // CHECK: %[[VIEW:.*]] = memref.reinterpret_cast
  // CHECK: %[[WINDOW:.*]] = memref.subview %[[VIEW]]
  // CHECK: memref.copy %[[NEW]], %[[WINDOW]]
  // CHECK-NOT: memref.copy
  %cache = hgf.cache_append %past, %new axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
  return %cache : tensor<1x4x?x8xf32>
}

// CHECK-LABEL: @linear_writes_its_destination
func.func @linear_writes_its_destination(%x: tensor<?x3xf32>, %n: index) -> tensor<?x2xf32> {
  // CHECK: %[[INIT:.*]] = memref.alloc(%{{.*}})
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %init = tensor.empty(%n) : tensor<?x2xf32>
  // CHECK: hgf.linear {{.*}} outs(%[[INIT]] : memref<?x2xf32>)
  // CHECK: return %[[INIT]]
  %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = tensor>) outs(%init : tensor<?x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
