// RUN: hgf-opt %s --check-kernels | FileCheck %s

// Functions that the module defines may be called. What is refused: see
// invalid.mlir.
gpu.module @hgf_kernels {
  llvm.func @helper() {
    llvm.return
  }
  llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
    // CHECK: llvm.call @helper
    llvm.call @helper() : () -> ()
    llvm.return
  }
}
