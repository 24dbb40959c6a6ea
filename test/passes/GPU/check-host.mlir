// RUN: hgf-opt %s --check-host | FileCheck %s

// Sizes are the host's business. What is refused: see invalid.mlir.
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<?xf32>) -> index {
  %c0 = arith.constant 0 : index
  // CHECK: memref.dim
  %size = memref.dim %x, %c0 : memref<?xf32>
  return %size : index
}
