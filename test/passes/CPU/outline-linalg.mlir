// RUN: hgf-opt %s --outline-linalg | FileCheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: memref<8xf32>, %y: memref<8xf32>, %z: memref<8xf32>) {
  // Equal operations share a function; one in place is another.
  // CHECK: call @hgf_operation_0(%{{.*}}, %{{.*}})
  linalg.exp ins(%x : memref<8xf32>) outs(%y : memref<8xf32>)
  // CHECK: call @hgf_operation_0(%{{.*}}, %{{.*}})
  linalg.exp ins(%y : memref<8xf32>) outs(%z : memref<8xf32>)
  // CHECK: call @hgf_operation_1(%{{.*}})
  linalg.exp ins(%z : memref<8xf32>) outs(%z : memref<8xf32>)
  return
}
// CHECK: func.func private @hgf_operation_0({{.*}}) attributes {hgf.noalias = array<i64: 1, 6>, passthrough = ["noinline", "hgf-multiversion"]}
// CHECK: func.func private @hgf_operation_1({{.*}}) attributes {hgf.noalias = array<i64: 1>, passthrough = ["noinline", "hgf-multiversion"]}
