// RUN: hgf-opt %s --split-input-file --plan-arena | FileCheck %s

// The first and the third buffer are never alive together: they share bytes.
// CHECK-LABEL: func.func @main
// CHECK-SAME:  (%[[X:.*]]: memref<16xf32>, %[[Y:.*]]: memref<16xf32>, %[[ARENA:.*]]: memref<?xi8>)
func.func @main(%x: memref<16xf32>, %y: memref<16xf32>) {
  // CHECK: %[[FIRST:.*]] = arith.constant 0
  // CHECK: memref.view %[[ARENA]][%[[FIRST]]]
  %a = memref.alloc() : memref<16xf32>
  linalg.copy ins(%x : memref<16xf32>) outs(%a : memref<16xf32>)
  // CHECK: %[[SECOND:.*]] = arith.constant 64
  // CHECK: memref.view %[[ARENA]][%[[SECOND]]]
  %b = memref.alloc() : memref<16xf32>
  linalg.copy ins(%a : memref<16xf32>) outs(%b : memref<16xf32>)
  // CHECK: %[[THIRD:.*]] = arith.constant 0
  // CHECK: memref.view %[[ARENA]][%[[THIRD]]]
  %c = memref.alloc() : memref<16xf32>
  linalg.copy ins(%b : memref<16xf32>) outs(%c : memref<16xf32>)
  linalg.copy ins(%c : memref<16xf32>) outs(%y : memref<16xf32>)
  return
}
// CHECK-LABEL: func.func private @hgf_arena_bytes
// CHECK:       %[[BYTES:.*]] = arith.constant 128
// CHECK:       return %[[BYTES]]

// -----

// Dynamic sizes become functions of the arguments' dims.
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<?x3xf32>) {
  %zero = arith.constant 0 : index
  %rows = memref.dim %x, %zero : memref<?x3xf32>
  %a = memref.alloc(%rows) : memref<?x3xf32>
  linalg.copy ins(%x : memref<?x3xf32>) outs(%a : memref<?x3xf32>)
  linalg.copy ins(%a : memref<?x3xf32>) outs(%x : memref<?x3xf32>)
  return
}
// CHECK-LABEL: func.func private @hgf_arena_bytes
// CHECK-SAME:  (%[[ROWS:.*]]: index, %{{.*}}: index) -> index
// CHECK:       arith.muli %{{.*}}, %[[ROWS]]

// -----

// Every thread needs its own.
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<16xf32>) {
  // CHECK: scf.forall
  // CHECK-NEXT: memref.alloca() {alignment = 64 : i64} : memref<4xf32>
  scf.forall (%i) in (16) {
    %zero = arith.constant 0.0 : f32
    %a = memref.alloc() : memref<4xf32>
    linalg.fill ins(%zero : f32) outs(%a : memref<4xf32>)
  }
  return
}
