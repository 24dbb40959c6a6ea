// RUN: hgf-opt %s --assert-to-failure | FileCheck %s

// CHECK: llvm.mlir.global private constant @[[$MESSAGE:.*]]("index out of range\00")
// CHECK-LABEL: func.func @reports_and_returns
// CHECK-SAME:  (%[[CALL:.*]]: !llvm.ptr, %[[INSIDE:.*]]: i1)
func.func @reports_and_returns(%call: !llvm.ptr, %inside: i1) {
  // CHECK: cf.cond_br %[[INSIDE]], ^[[REST:.*]], ^[[FAILED:.*]]
  cf.assert %inside, "index out of range"
  // CHECK: ^[[REST]]:
  // CHECK: return
  // CHECK: ^[[FAILED]]:
  // CHECK: %[[TEXT:.*]] = llvm.mlir.addressof @[[$MESSAGE]]
  // CHECK: call @hgf_rt_fail(%[[CALL]], %{{.*}}, %[[TEXT]])
  // CHECK: return
  return
}
