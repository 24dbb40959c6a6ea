// RUN: hgf-opt %s --outline-parallel | FileCheck %s

// CHECK-LABEL: func.func private @main_parallel_0_range(
// CHECK-SAME:  %[[ARGUMENT:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK:       llvm.load %[[ARGUMENT]]
// CHECK:       call @main_parallel_0(

// CHECK-LABEL: func.func private @main_parallel_0(
// CHECK-SAME:  %{{.*}}: !llvm.ptr {hgf.call}, %[[BEGIN:.*]]: index, %[[END:.*]]: index, %[[X:.*]]: memref<?x8xf32>
// CHECK:       scf.for %[[ITERATION:.*]] = %[[BEGIN]] to %[[END]]
// CHECK:       arith.remsi %[[ITERATION]]
// CHECK:       memref.store %{{.*}}, %[[X]]

// CHECK-LABEL: func.func @main(
// CHECK-SAME:  %[[CALL:.*]]: !llvm.ptr {hgf.call}, %{{.*}}: memref<?x8xf32>)
func.func @main(%x: memref<?x8xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %rows = memref.dim %x, %zero : memref<?x8xf32>
  // CHECK: %[[GRAIN:.*]] = arith.constant 16 : i64
  // CHECK: call @hgf_rt_parallel(%[[CALL]], %{{.*}}, %{{.*}}, %{{.*}}, %[[GRAIN]])
  scf.forall (%i, %j) in (%rows, 8) {
    memref.store %one, %x[%i, %j] : memref<?x8xf32>
  } {hgf.grain = 16 : i64}
  return
}
