// RUN: hgf-opt %s --expand-copies | FileCheck %s

// CHECK-LABEL: func.func @keeps_contiguous_copy
func.func @keeps_contiguous_copy(%a: memref<?x4xf32>, %b: memref<?x4xf32>) {
  // CHECK: memref.copy
  memref.copy %a, %b : memref<?x4xf32> to memref<?x4xf32>
  return
}

// CHECK-LABEL: func.func @expands_strided_copy
func.func @expands_strided_copy(%a: memref<4x4xf32, strided<[8, 1]>>, %b: memref<4x4xf32>) {
  // CHECK: linalg.generic
  memref.copy %a, %b : memref<4x4xf32, strided<[8, 1]>> to memref<4x4xf32>
  return
}
