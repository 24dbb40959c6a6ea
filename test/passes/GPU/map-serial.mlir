// RUN: hgf-opt %s --map-serial | FileCheck %s

// CHECK-LABEL: func.func @main
func.func @main(%indices: memref<8xi64>, %y: memref<4xf32>, %one: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK-NOT: scf.for
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_operation_0 blocks in (%[[ONE:.*]], %{{.*}}, %{{.*}}) threads in
  scf.for %i = %c0 to %n step %c1 {
    %index = memref.load %indices[%i] : memref<8xi64>
    %place = arith.index_cast %index : i64 to index
    %old = memref.load %y[%place] : memref<4xf32>
    %new = arith.addf %old, %one : f32
    memref.store %new, %y[%place] : memref<4xf32>
  }
  // A value of the host's.
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_operation_1
  memref.store %one, %y[%c0] : memref<4xf32>
  return
}
// CHECK: gpu.func @hgf_operation_0
// CHECK: scf.for
// CHECK: gpu.func @hgf_operation_1
// CHECK: memref.store
