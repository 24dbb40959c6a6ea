// RUN: hgf-opt %s | hgf-opt | FileCheck %s
// RUN: hgf-opt %s --emit-bytecode | hgf-opt | FileCheck %s

// CHECK-LABEL: @keeps_domain_and_attributes
func.func @keeps_domain_and_attributes(%x: tensor<2x3xf32>) -> !onnx.unknown {
  // CHECK: onnx.node "Softmax"(%{{.*}}) {axis = -1 : si64}
  %y = onnx.node "Softmax"(%x) {axis = -1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %none = onnx.none : none
  // CHECK: onnx.node "com.microsoft" "FusedMatMul"
  %z = onnx.node "com.microsoft" "FusedMatMul"(%x, %none) : (tensor<2x3xf32>, none) -> !onnx.unknown
  return %z : !onnx.unknown
}

// CHECK-LABEL: @keeps_initializer
func.func @keeps_initializer() -> tensor<2xf32> {
  // CHECK: onnx.constant dense<[1.000000e+00, 2.000000e+00]>
  %w = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  return %w : tensor<2xf32>
}

// CHECK: onnx.function @"hgf::Linear::" ["x"] -> ["y"]
onnx.function @"hgf::Linear::" ["x"] -> ["y"] required [] defaults {version = 1 : si64} opsets {hgf = 1 : i64} {
^body(%x: !onnx.unknown):
  %y = onnx.node "Tanh"(%x) : (!onnx.unknown) -> !onnx.unknown
  onnx.return %y : !onnx.unknown
}
