// RUN: hgf-opt %s --expand-reshapes | FileCheck %s

// CHECK-LABEL: @splits_rows(
// CHECK-SAME: %[[A:.*]]: memref<?x8xf32>, %[[N:.*]]: index, %[[M:.*]]: index)
func.func @splits_rows(%a: memref<?x8xf32>, %n: index, %m: index) -> memref<?x?x8xf32> {
  // CHECK: %[[BASE:[^,]*]], {{.*}} = memref.extract_strided_metadata %[[A]]
  // CHECK: %[[STRIDE:.*]] = arith.muli %{{.*}}, %[[M]]
  // CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[N]], %[[M]], 8], strides: [%[[STRIDE]], 8, 1]
  %b = memref.expand_shape %a [[0, 1], [2]] output_shape [%n, %m, 8] : memref<?x8xf32> into memref<?x?x8xf32>
  return %b : memref<?x?x8xf32>
}

// One dynamic size is left to upstream's pass.
// CHECK-LABEL: @keeps_one_dynamic_size(
func.func @keeps_one_dynamic_size(%a: memref<?x8xf32>, %n: index) -> memref<?x4x8xf32> {
  // CHECK: memref.expand_shape
  %b = memref.expand_shape %a [[0, 1], [2]] output_shape [%n, 4, 8] : memref<?x8xf32> into memref<?x4x8xf32>
  return %b : memref<?x4x8xf32>
}
