// RUN: hgf-opt %s --onnx-fold-constants=keep-weights --mlir-elide-resource-strings-if-larger=16 | FileCheck %s

// A matrix of a million elements waits for recognition, but only behind what that looks through.
// CHECK-LABEL: @large_weight
func.func @large_weight(%x: tensor<4x1024xf32>) -> (!onnx.unknown, !onnx.unknown) {
  %w = onnx.constant dense<0.5> : tensor<1024x1024xf32> -> tensor<1024x1024xf32>
  // CHECK: onnx.node "Transpose"
  %t = onnx.node "Transpose"(%w) : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  // CHECK-NEXT: onnx.node "MatMul"
  %y = onnx.node "MatMul"(%x, %t) : (tensor<4x1024xf32>, tensor<1024x1024xf32>) -> !onnx.unknown
  // CHECK-NOT: onnx.node "Abs"
  %a = onnx.node "Abs"(%w) : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  // CHECK: onnx.node "MatMul"
  %z = onnx.node "MatMul"(%x, %a) : (tensor<4x1024xf32>, tensor<1024x1024xf32>) -> !onnx.unknown
  return %y, %z : !onnx.unknown, !onnx.unknown
}
