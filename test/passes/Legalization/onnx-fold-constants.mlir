// RUN: hgf-opt %s --onnx-fold-constants | FileCheck %s
// RUN: hgf-opt %s --onnx-fold-constants=max-bytes=8 | FileCheck %s --check-prefix=LIMIT

// CHECK-LABEL: @weight_quantizer
func.func @weight_quantizer() -> tensor<2x2xf32> {
  %w = onnx.constant dense<[[-1.5, 0.25], [3.0, -0.25]]> : tensor<2x2xf32> -> tensor<2x2xf32>
  %a = onnx.node "Abs"(%w) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %m = onnx.node "ReduceMean"(%a) {keepdims = 0 : si64} : (tensor<2x2xf32>) -> !onnx.unknown
  %low = onnx.node "Constant"() {value_float = 9.99999974E-6 : f32} : () -> tensor<f32>
  %none = onnx.none : none
  %c = onnx.node "Clip"(%m, %low, %none) : (!onnx.unknown, tensor<f32>, none) -> !onnx.unknown
  %d = onnx.node "Div"(%w, %c) : (tensor<2x2xf32>, !onnx.unknown) -> !onnx.unknown
  %r = onnx.node "Round"(%d) : (!onnx.unknown) -> !onnx.unknown
  %minus = onnx.constant dense<-1.0> : tensor<f32> -> tensor<f32>
  %one = onnx.constant dense<1.0> : tensor<f32> -> tensor<f32>
  %t = onnx.node "Clip"(%r, %minus, %one) : (!onnx.unknown, tensor<f32>, tensor<f32>) -> !onnx.unknown
  // LIMIT: onnx.node "Abs"
  // CHECK-NEXT: %[[T:.*]] = onnx.constant dense<{{\[\[}}-1.000000e+00, 1.000000e+00], [0.000000e+00, -0.000000e+00]]>
  // CHECK-NEXT: return %[[T]]
  %p = onnx.node "Transpose"(%t) {perm = array<i64: 1, 0>} : (!onnx.unknown) -> tensor<2x2xf32>
  return %p : tensor<2x2xf32>
}

// Codes of two bits stay packed: 1 0 -1 / 1 1 -1 becomes 1 1 / 0 1 / -1 -1.
// CHECK-LABEL: @packed_weight
func.func @packed_weight() -> (!onnx.unknown, !onnx.unknown) {
  %w = onnx.constant dense<[0x71, 0x0D]> : tensor<2xi8> -> tensor<2x3xi2>
  // CHECK: onnx.constant dense<[69, 15]> : tensor<2xi8> -> tensor<3x2xi2>
  %t = onnx.node "Transpose"(%w) : (tensor<2x3xi2>) -> !onnx.unknown
  // CHECK: onnx.constant dense<[1, 0, -1, 1, 1, -1]> : tensor<6xi8> -> tensor<6xi8>
  %c = onnx.node "Cast"(%w) {to = 3 : si64} : (tensor<2x3xi2>) -> !onnx.unknown
  %shape = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %f = onnx.node "Reshape"(%c, %shape) : (!onnx.unknown, tensor<1xi64>) -> !onnx.unknown
  return %t, %f : !onnx.unknown, !onnx.unknown
}

// The dequantized weight is not made, the scale of something else is.
// CHECK-LABEL: @quantized_weight
func.func @quantized_weight(%x: tensor<4x2xf32>) -> (!onnx.unknown, !onnx.unknown) {
  %w = onnx.constant dense<[[1, 0], [-1, 1]]> : tensor<2x2xi8> -> tensor<2x2xi8>
  %s = onnx.constant dense<5.000000e-01> : tensor<f32> -> tensor<f32>
  // CHECK: onnx.node "DequantizeLinear"
  %d = onnx.node "DequantizeLinear"(%w, %s) : (tensor<2x2xi8>, tensor<f32>) -> !onnx.unknown
  // CHECK: onnx.node "Transpose"
  %t = onnx.node "Transpose"(%d) : (!onnx.unknown) -> !onnx.unknown
  // CHECK: onnx.node "MatMul"
  %y = onnx.node "MatMul"(%x, %t) : (tensor<4x2xf32>, !onnx.unknown) -> !onnx.unknown
  // CHECK: onnx.constant dense<{{.*}}5.000000e-01, 0.000000e+00], [-5.000000e-01
  // CHECK-NOT: onnx.node
  %other = onnx.node "DequantizeLinear"(%w, %s) : (tensor<2x2xi8>, tensor<f32>) -> !onnx.unknown
  return %y, %other : !onnx.unknown, !onnx.unknown
}

// CHECK-LABEL: @forwards_and_erases
// CHECK-SAME: (%[[X:.*]]: tensor<4x?xf32>) -> (tensor<4x?xf32>, tensor<1xi64>)
func.func @forwards_and_erases(%x: tensor<4x?xf32>) -> (tensor<?x?xf32>, !onnx.unknown) {
  %a = onnx.node "Identity"(%x) : (tensor<4x?xf32>) -> tensor<?x?xf32>
  %b, %mask = onnx.node "Dropout"(%a) : (tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?xi1>)
  %dead = onnx.node "ArgMax"(%b) : (tensor<?x?xf32>) -> tensor<?x?xi64>
  // CHECK-NEXT: %[[ROWS:.*]] = onnx.constant dense<4>
  %rows = onnx.node "Shape"(%x) {end = 1 : si64} : (tensor<4x?xf32>) -> !onnx.unknown
  // CHECK-NEXT: return %[[X]], %[[ROWS]]
  return %b, %rows : tensor<?x?xf32>, !onnx.unknown
}
