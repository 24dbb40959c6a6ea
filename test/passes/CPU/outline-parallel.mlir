// RUN: hgf-opt %s --outline-parallel -split-input-file | FileCheck %s

// CHECK-LABEL: func.func private @main_parallel_0_range(
// CHECK-SAME:  %[[ARGUMENT:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64)
// CHECK:       llvm.getelementptr %[[ARGUMENT]][0, 0]
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

// -----

// The second loop reads what the first one wrote; between them is arithmetic,
// which may run before both. What the second needs is stored where it is known.

// CHECK-LABEL: func.func @main(
// CHECK-SAME:  %[[CALL:.*]]: !llvm.ptr {hgf.call}
// CHECK-DAG:   %[[PHASES:.*]] = llvm.alloca %{{.*}} x !llvm.array<2 x struct<(ptr, i64, i64)>>
// CHECK-DAG:   %[[ARGUMENTS:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr,
// CHECK:       memref.dim
// CHECK-NOT:   call @hgf_rt
// CHECK:       %[[COUNT:.*]] = arith.constant 2 : i32
// CHECK-NEXT:  call @hgf_rt_parallel_phases(%[[CALL]], %[[PHASES]], %[[COUNT]], %[[ARGUMENTS]])
// CHECK-NOT:   call @hgf_rt
func.func @main(%x: memref<64xf32>, %y: memref<?xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  } {hgf.grain = 16 : i64}
  %size = memref.dim %y, %zero : memref<?xf32>
  scf.forall (%i) in (%size) {
    %value = memref.load %x[%zero] : memref<64xf32>
    memref.store %value, %y[%i] : memref<?xf32>
  }
  return
}

// -----

// A choice between loops is a phase for each of them, of which one is empty.
// Arithmetic in the branches stays there: the division may have no value.

// CHECK-LABEL: func.func @main(
// CHECK-DAG:   %[[PHASES:.*]] = llvm.alloca %{{.*}} x !llvm.array<3 x struct<(ptr, i64, i64)>>
// CHECK:       %[[FIRST_COUNT:.*]] = llvm.getelementptr %[[PHASES]][1, 1]
// CHECK-NEXT:  llvm.store %{{.*}}, %[[FIRST_COUNT]] : i64
// CHECK:       %[[SECOND_COUNT:.*]] = llvm.getelementptr %[[PHASES]][2, 1]
// CHECK-NEXT:  llvm.store %{{.*}}, %[[SECOND_COUNT]] : i64
// CHECK:       scf.if
// CHECK:         arith.divui
// CHECK:         llvm.getelementptr %[[PHASES]][1, 0]
// CHECK:       } else {
// CHECK:         llvm.getelementptr %[[PHASES]][2, 0]
// CHECK:       }
// CHECK:       %[[COUNT:.*]] = arith.constant 3 : i32
// CHECK-NEXT:  call @hgf_rt_parallel_phases({{.*}}, %[[PHASES]], %[[COUNT]],
// CHECK-NOT:   call @hgf_rt
func.func @main(%x: memref<64xf32>, %many: i1, %a: index, %b: index) {
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  }
  scf.if %many {
    %quotient = arith.divui %a, %b : index
    scf.forall (%i) in (%quotient) {
      memref.store %one, %x[%i] : memref<64xf32>
    }
  } else {
    scf.forall (%i) in (%a) {
      memref.store %one, %x[%i] : memref<64xf32>
    }
  }
  return
}

// -----

// What touches memory between two loops runs between them.

// CHECK-LABEL: func.func @main(
// CHECK:       call @hgf_rt_parallel(
// CHECK:       memref.store
// CHECK:       call @hgf_rt_parallel(
func.func @main(%x: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  }
  memref.store %two, %x[%zero] : memref<64xf32>
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  }
  return
}

// -----

// A read as well: it needs what the first loop wrote.

// CHECK-LABEL: func.func @main(
// CHECK:       call @hgf_rt_parallel(
// CHECK:       memref.load
// CHECK:       call @hgf_rt_parallel(
func.func @main(%x: memref<64xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  }
  %value = memref.load %x[%zero] : memref<64xf32>
  scf.forall (%i) in (64) {
    memref.store %value, %x[%i] : memref<64xf32>
  }
  return
}

// -----

// A choice that does more than start loops, and loops in a sequential loop,
// keep their own jobs.

// CHECK-LABEL: func.func @main(
// CHECK:       call @hgf_rt_parallel(
// CHECK:       scf.if
// CHECK:         memref.store
// CHECK:         call @hgf_rt_parallel(
// CHECK:       scf.for
// CHECK:         call @hgf_rt_parallel_phases(
// CHECK-NOT:   call @hgf_rt
func.func @main(%x: memref<64xf32>, %many: i1) {
  %zero = arith.constant 0 : index
  %step = arith.constant 1 : index
  %end = arith.constant 8 : index
  %one = arith.constant 1.0 : f32
  scf.forall (%i) in (64) {
    memref.store %one, %x[%i] : memref<64xf32>
  }
  scf.if %many {
    memref.store %one, %x[%zero] : memref<64xf32>
    scf.forall (%i) in (64) {
      memref.store %one, %x[%i] : memref<64xf32>
    }
  }
  scf.for %round = %zero to %end step %step {
    scf.forall (%i) in (64) {
      memref.store %one, %x[%i] : memref<64xf32>
    }
    scf.forall (%i) in (64) {
      memref.store %one, %x[%round] : memref<64xf32>
    }
  }
  return
}
