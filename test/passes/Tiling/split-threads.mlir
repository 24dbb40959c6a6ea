// RUN: hgf-opt %s --split-threads | FileCheck %s

// CHECK-LABEL: func.func @splits_columns
func.func @splits_columns(%a: tensor<?x1024xf32>, %b: tensor<1024x4096xf32>, %c: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  // CHECK: scf.forall (%{{.*}}) = (0) to (4096) step (64)
  // CHECK:   linalg.matmul
  %product = linalg.matmul ins(%a, %b : tensor<?x1024xf32>, tensor<1024x4096xf32>) outs(%c : tensor<?x4096xf32>) -> tensor<?x4096xf32>
  return %product : tensor<?x4096xf32>
}

// One token is not worth a fork, many are: the number decides at run time.

// CHECK-LABEL: func.func @splits_tokens
func.func @splits_tokens(%a: tensor<?x256xf32>, %b: tensor<256x256xf32>, %c: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK: scf.forall (%{{.*}}) = (0) to (%{{.*}}) step (2)
  // CHECK:   linalg.matmul
  %product = linalg.matmul ins(%a, %b : tensor<?x256xf32>, tensor<256x256xf32>) outs(%c : tensor<?x256xf32>) -> tensor<?x256xf32>
  return %product : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @keeps_small_work
func.func @keeps_small_work(%a: tensor<4x8xf32>, %b: tensor<8x4xf32>, %c: tensor<4x4xf32>) -> tensor<4x4xf32> {
  // CHECK-NOT: scf.forall
  %product = linalg.matmul ins(%a, %b : tensor<4x8xf32>, tensor<8x4xf32>) outs(%c : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %product : tensor<4x4xf32>
}
