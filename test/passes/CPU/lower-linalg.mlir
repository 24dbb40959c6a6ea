// RUN: hgf-opt %s --lower-linalg | FileCheck %s

// A reduction along contiguous elements stays in a register.
// CHECK-LABEL: func.func @dot
func.func @dot(%a: memref<?x8xf32>, %b: memref<?x8xf32>, %c: memref<?x?xf32>) {
  // CHECK: scf.for
  // CHECK:   scf.for
  // CHECK:     %[[INIT:.*]] = memref.load
  // CHECK:     %[[SUM:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %[[INIT]]) -> (f32)
  // CHECK:       arith.mulf {{.*}} fastmath<reassoc,contract>
  // CHECK:       arith.addf {{.*}} fastmath<reassoc,contract>
  // CHECK:     memref.store %[[SUM]]
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (j, k)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%a, %b : memref<?x8xf32>, memref<?x8xf32>) outs(%c : memref<?x?xf32>) {
  ^bb0(%left: f32, %right: f32, %total: f32):
    %product = arith.mulf %left, %right : f32
    %sum = arith.addf %total, %product : f32
    linalg.yield %sum : f32
  }
  return
}

// The columns go innermost, and four steps of the sum share a store.
// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: memref<?x?xf32>, %b: memref<?x?xf32>, %c: memref<?x?xf32>) {
  // CHECK: scf.for
  // CHECK:   scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c4
  // CHECK:     scf.for
  // CHECK-COUNT-4: arith.mulf
  // CHECK:       memref.store
  // CHECK:   scf.for
  // CHECK:     scf.for
  linalg.matmul ins(%a, %b : memref<?x?xf32>, memref<?x?xf32>) outs(%c : memref<?x?xf32>)
  return
}

// Any other sum keeps its order.
// CHECK-LABEL: func.func @sum
func.func @sum(%a: memref<?xf32>, %c: memref<f32>) {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK: arith.addf %{{.*}}, %{{.*}} : f32
  linalg.reduce ins(%a : memref<?xf32>) outs(%c : memref<f32>) dimensions = [0]
    (%in: f32, %total: f32) {
      %sum = arith.addf %in, %total : f32
      linalg.yield %sum : f32
    }
  return
}

// The order of a maximum is free: LLVM knows that of its own operation.
// CHECK-LABEL: func.func @maximum
func.func @maximum(%a: memref<?xf32>, %c: memref<f32>) {
  // CHECK: scf.for {{.*}} iter_args
  // CHECK: llvm.intr.maximum(%{{.*}}, %{{.*}}) : (f32, f32) -> f32
  linalg.reduce ins(%a : memref<?xf32>) outs(%c : memref<f32>) dimensions = [0]
    (%in: f32, %best: f32) {
      %larger = arith.maximumf %in, %best : f32
      linalg.yield %larger : f32
    }
  return
}

// What is overwritten is not read.
// CHECK-LABEL: func.func @fill
func.func @fill(%a: memref<?xi8>, %value: i8) {
  // CHECK-NOT: memref.load
  linalg.fill ins(%value : i8) outs(%a : memref<?xi8>)
  return
}
