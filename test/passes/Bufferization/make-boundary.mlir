// RUN: hgf-opt %s --split-input-file --make-boundary | FileCheck %s

// CHECK: hgf.inputs = [{dim_names = ["batch", ""], dims = array<i64: -1, 4>, dtype = 1 : i32, name = "x", state_axis = -1 : i32, state_partner = -1 : i32}]
// CHECK: hgf.outputs = [{dim_names = ["", ""], dims = array<i64: -1, 4>, dtype = 1 : i32, name = "y"
// CHECK-LABEL: func.func @main
// CHECK-SAME:  (%[[X:.*]]: memref<?x4xf32>, %[[Y:.*]]: memref<?x4xf32>) {
func.func @main(%x: tensor<?x4xf32> {onnx.name = "x", onnx.dims = ["batch", ""], onnx.dtype = 1 : i32}) -> (tensor<?x4xf32> {onnx.name = "y"}) {
  // CHECK: %[[TENSOR:.*]] = bufferization.to_tensor %[[X]] restrict
  // CHECK: %[[RESULT:.*]] = math.exp %[[TENSOR]]
  %y = math.exp %x : tensor<?x4xf32>
  // CHECK: bufferization.materialize_in_destination %[[RESULT]] in restrict writable %[[Y]]
  return %y : tensor<?x4xf32>
}

// -----

// State that grows in place has the strides of its capacity and stays a result.
// CHECK: hgf.inputs = [{{.*}}state_axis = 0 : i32, state_partner = 0 : i32}]
// CHECK-LABEL: func.func @main
// CHECK-SAME:  (%{{.*}}: memref<?xf32, strided<[?], offset: ?>>, %{{.*}}: memref<?xf32, strided<[?], offset: ?>>) -> tensor<?xf32>
func.func @main(%past: tensor<?xf32> {hgf.state_result = 0 : i32, hgf.state_axis = 0 : i32}) -> tensor<?xf32> {
  return %past : tensor<?xf32>
}
