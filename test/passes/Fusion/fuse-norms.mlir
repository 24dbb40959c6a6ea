// RUN: hgf-opt %s --fuse-norms | FileCheck %s

!weight = !hgf.ternary<2 by 3, scale = row>

// CHECK-LABEL: @joins_all_readers
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x3xf32>
func.func @joins_all_readers(%x: tensor<?x3xf32>, %w: !weight) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %zero = arith.constant 0 : index
  // CHECK-DAG: %[[WEIGHT:.*]] = arith.constant dense<2.000000e+00> : tensor<3xf32>
  // CHECK-NOT: hgf.rms_norm
  // CHECK: tensor.dim %[[X]]
  // CHECK: hgf.linear ins(%[[X]] : {{.*}} norm(%[[WEIGHT]] : tensor<3xf32>) {{.*}} norm_epsilon 9.99999974E-6
  // CHECK: hgf.linear ins(%[[X]] : {{.*}} norm(%[[WEIGHT]] : tensor<3xf32>)
  %weight = arith.constant dense<2.0> : tensor<3xf32>
  %normal = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<?x3xf32>, tensor<3xf32>
  %tokens = tensor.dim %normal, %zero : tensor<?x3xf32>
  %i = tensor.empty(%tokens) : tensor<?x2xf32>
  %y = hgf.linear ins(%normal : tensor<?x3xf32>) weight(%w : !weight) outs(%i : tensor<?x2xf32>) -> tensor<?x2xf32>
  %z = hgf.linear ins(%normal : tensor<?x3xf32>) weight(%w : !weight) outs(%i : tensor<?x2xf32>) quantization reciprocal -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}

// CHECK-LABEL: @stays_where_something_else_reads_it
func.func @stays_where_something_else_reads_it(%x: tensor<4x3xf32>, %w: !hgf.ternary<3 by 3, scale = row>, %i: tensor<4x3xf32>) -> tensor<4x3xf32> {
  // CHECK: %[[NORMAL:.*]] = hgf.rms_norm
  // CHECK: hgf.linear ins(%[[NORMAL]]
  // CHECK-NOT: norm(
  %weight = arith.constant dense<2.0> : tensor<3xf32>
  %normal = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<4x3xf32>, tensor<3xf32>
  %y = hgf.linear ins(%normal : tensor<4x3xf32>) weight(%w : !hgf.ternary<3 by 3, scale = row>) residual(%normal : tensor<4x3xf32>) outs(%i : tensor<4x3xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// CHECK-LABEL: @stays_where_its_weight_is_computed
func.func @stays_where_its_weight_is_computed(%x: tensor<4x3xf32>, %weight: tensor<3xf32>, %w: !weight, %i: tensor<4x2xf32>) -> tensor<4x2xf32> {
  // CHECK: hgf.rms_norm
  %normal = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<4x3xf32>, tensor<3xf32>
  %y = hgf.linear ins(%normal : tensor<4x3xf32>) weight(%w : !weight) outs(%i : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
