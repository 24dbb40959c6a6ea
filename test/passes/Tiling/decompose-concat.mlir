// RUN: hgf-opt %s --decompose-concat | FileCheck %s

// CHECK-LABEL: func.func @inserts_parts
func.func @inserts_parts(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>) -> tensor<5x4xf32> {
  // CHECK: %[[EMPTY:.*]] = tensor.empty
  // CHECK: %[[FIRST:.*]] = tensor.insert_slice %{{.*}} into %[[EMPTY]][0, 0] [2, 4]
  // CHECK: tensor.insert_slice %{{.*}} into %[[FIRST]][2, 0] [3, 4]
  %both = tensor.concat dim(0) %a, %b : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  return %both : tensor<5x4xf32>
}
