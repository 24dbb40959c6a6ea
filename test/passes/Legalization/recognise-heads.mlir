// RUN: hgf-opt %s --recognise-heads=minimum=4 --split-input-file | FileCheck %s
// RUN: hgf-opt %s '--recognise-heads=minimum=4 storage=int8' --split-input-file | FileCheck %s --check-prefix=INT8
// RUN: hgf-opt %s '--recognise-heads=minimum=4 storage=keep' --split-input-file | FileCheck %s --check-prefix=KEEP
// RUN: hgf-opt %s --recognise-heads --split-input-file | FileCheck %s --check-prefix=KEEP
// RUN: hgf-opt %s '--recognise-heads=minimum=4 report-missed' --split-input-file -verify-diagnostics

// One table for embedding and logits.
// KEEP-NOT: "hgf" "Head"
// CHECK: hgf.heads = [{bytes = 256 : i64, columns = 2 : i64, embedding = true, {{.*}} rows = 3 : i64, storage = "f16"}]
// INT8: hgf.heads = [{bytes = 160 : i64, columns = 2 : i64, embedding = true, {{.*}} storage = "int8"}]
// CHECK-LABEL: @tied
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi64>)
func.func @tied(%ids: tensor<?xi64>) -> !onnx.unknown {
  // CHECK: %[[TABLE:.*]] = onnx.constant {{.*}} -> tensor<1x1x8x16xf16>
  // CHECK: %[[NONE:.*]] = onnx.none
  // INT8: %[[TABLE:.*]] = onnx.constant {{.*}} -> tensor<1x1x8x16xi8>
  // INT8: %[[SCALES:.*]] = onnx.constant {{.*}} -> tensor<8xf32>
  %w = onnx.constant dense<[[0.1, 0.5], [1.0, 2.0], [3.0, 4.0]]> : tensor<3x2xf32> -> tensor<3x2xf32>
  // CHECK: %[[X:.*]] = onnx.node "hgf" "HeadRows"(%[[TABLE]], %[[NONE]], %[[IDS]])
  %x = onnx.node "Gather"(%w, %ids) : (tensor<3x2xf32>, tensor<?xi64>) -> !onnx.unknown
  %t = onnx.node "Transpose"(%w) : (tensor<3x2xf32>) -> !onnx.unknown
  // CHECK: %[[Y:.*]] = onnx.node "hgf" "Head"(%[[X]], %[[TABLE]], %[[NONE]]
  // INT8: onnx.node "hgf" "Head"({{.*}}, %[[TABLE]], %[[SCALES]]
  %y = onnx.node "MatMul"(%x, %t) : (!onnx.unknown, !onnx.unknown) -> !onnx.unknown
  // CHECK: onnx.node "Softmax"(%[[Y]])
  %p = onnx.node "Softmax"(%y) {axis = -1 : si64} : (!onnx.unknown) -> !onnx.unknown
  return %p : !onnx.unknown
}

// -----

// A gate of the middle is no head.
// CHECK-LABEL: @inner
// CHECK-NOT: "hgf" "Head"
func.func @inner(%x: tensor<?x2xf32>) -> !onnx.unknown {
  %w = onnx.constant dense<[[0.1, 0.5], [1.0, 2.0]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  %y = onnx.node "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x2xf32>) -> !onnx.unknown
  %z = onnx.node "ReduceMean"(%y) : (!onnx.unknown) -> !onnx.unknown
  return %z : !onnx.unknown
}

// -----

// CHECK-LABEL: @too_large
// CHECK-NOT: "hgf" "Head"
func.func @too_large(%x: tensor<?x2xf32>) -> !onnx.unknown {
  %w = onnx.constant dense<[[0.1, 0.5], [1.0, 70000.0]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  // expected-remark @+1 {{node (MatMul) keeps its weight in float32: it holds a value that is not finite or too large for float16}}
  %y = onnx.node "MatMul"(%x, %w) : (tensor<?x2xf32>, tensor<2x2xf32>) -> !onnx.unknown
  return %y : !onnx.unknown
}
