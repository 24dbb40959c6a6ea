// RUN: hgf-opt %s --hgf-phase-tiling --hgf-phase-bufferization --hgf-phase-cpu | FileCheck %s

// CHECK-LABEL: llvm.func internal @hgf_main
// CHECK-LABEL: llvm.func @hgf_run
// CHECK-SAME:  (%[[CALL:.*]]: !llvm.ptr, %[[ARENA:.*]]: !llvm.ptr, %[[BUFFERS:.*]]: !llvm.ptr) -> i32
// CHECK:       %[[DATA:.*]] = llvm.load %[[BUFFERS]]
// CHECK:       llvm.call @hgf_main(%[[CALL]], %[[DATA]], %[[DATA]],
// CHECK:       llvm.return %{{.*}} : i32
// CHECK-LABEL: llvm.func @hgf_model_output_dims
// CHECK-SAME:  (%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr) -> i32
// CHECK-LABEL: llvm.func @hgf_model_arena_bytes
// CHECK-SAME:  (%{{.*}}: !llvm.ptr) -> i64
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = math.exp %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
