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

// The new part must still be there when it is appended: the insertion may not
// reuse its memory.
// CHECK-LABEL: @appended_part_is_not_overwritten
func.func @appended_part_is_not_overwritten(%past: tensor<1x?xf32> {bufferization.writable = true}, %source: tensor<1x2xf32>, %half: tensor<1x1xf32>) -> (tensor<1x?xf32>, tensor<1x2xf32>) {
  // CHECK: %[[FIRST:.*]] = memref.alloc()
  // CHECK: %[[SECOND:.*]] = memref.alloc()
  %empty = tensor.empty() : tensor<1x2xf32>
  // CHECK: linalg.exp {{.*}} outs(%[[SECOND]] : memref
  %part = linalg.exp ins(%source : tensor<1x2xf32>) outs(%empty : tensor<1x2xf32>) -> tensor<1x2xf32>
  // CHECK: memref.subview %[[FIRST]][0, 0]
  %other = tensor.insert_slice %half into %empty[0, 0] [1, 1] [1, 1] : tensor<1x1xf32> into tensor<1x2xf32>
  // CHECK: memref.copy %[[SECOND]],
  %cache = hgf.cache_append %past, %part axis 1 : tensor<1x?xf32>, tensor<1x2xf32> -> tensor<1x?xf32>
  return %cache, %other : tensor<1x?xf32>, tensor<1x2xf32>
}

// CHECK-LABEL: @flash_attention_writes_its_destination
// CHECK-SAME: (%[[Q:.*]]: memref<{{.*}}>, %[[K:.*]]: memref<{{.*}}>, %[[V:.*]]: memref<{{.*}}>)
func.func @flash_attention_writes_its_destination(%q: tensor<1x4x3x8xf32>, %k: tensor<1x2x5x9xf32>, %v: tensor<1x2x5x8xf32>) -> tensor<1x4x3x8xf32> {
  // CHECK-DAG: %[[INIT:.*]] = memref.alloc() {{.*}} : memref<1x4x3x8xf32>
  // CHECK-DAG: %[[PART:.*]] = memref.subview %[[K]]
  // CHECK-NOT: memref.copy
  // CHECK: hgf.flash_attention ins(%[[Q]], %[[PART]], %[[V]] : {{.*}}) outs(%[[INIT]] : memref<1x4x3x8xf32>) scale
  // CHECK: return %[[INIT]]
  %part = tensor.extract_slice %k[0, 0, 0, 1] [1, 2, 5, 8] [1, 1, 1, 1] : tensor<1x2x5x9xf32> to tensor<1x2x5x8xf32>
  %init = tensor.empty() : tensor<1x4x3x8xf32>
  %y = hgf.flash_attention ins(%q, %part, %v : tensor<1x4x3x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>) outs(%init : tensor<1x4x3x8xf32>) scale 0.5 -> tensor<1x4x3x8xf32>
  return %y : tensor<1x4x3x8xf32>
}
