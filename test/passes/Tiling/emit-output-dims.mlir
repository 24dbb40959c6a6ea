// RUN: hgf-opt %s --split-input-file --emit-output-dims | FileCheck %s

func.func @main(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xf32>) {
  %both = tensor.concat dim(0) %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %zero = arith.constant 0 : index
  %rows = tensor.dim %y, %zero : tensor<?x4xf32>
  %empty = tensor.empty(%rows) : tensor<?xf32>
  %sum = linalg.reduce ins(%y : tensor<?x4xf32>) outs(%empty : tensor<?xf32>) dimensions = [1]
    (%in: f32, %out: f32) {
      %total = arith.addf %in, %out : f32
      linalg.yield %total : f32
    }
  return %both, %sum : tensor<?x4xf32>, tensor<?xf32>
}
// CHECK-LABEL: func.func private @hgf_output_dims
// CHECK-SAME:  (%[[XROWS:.*]]: index, %{{.*}}: index, %[[YROWS:.*]]: index, %{{.*}}: index) -> (index, index, index)
// CHECK-DAG:   %[[FOUR:.*]] = arith.constant 4 : index
// CHECK-DAG:   %[[BOTH:.*]] = {{.*}}%[[XROWS]]{{.*}}%[[YROWS]]
// CHECK:       return %[[BOTH]], %[[FOUR]], %[[YROWS]]
