// RUN: hgf-opt %s --recognise-functions --split-input-file | FileCheck %s

onnx.function @"hgf::Linear::" ["x", "weight", "scale"] -> ["y"] required [] defaults {version = 1 : si64} opsets {} {
^bb0(%x: !onnx.unknown, %weight: !onnx.unknown, %scale: !onnx.unknown):
  onnx.return %x : !onnx.unknown
}
// Codes 1, -1, 0, 1 | 0, 0, -1, 1 as INT2: 0b01001101, 0b01110000.
// CHECK-LABEL: @per_row
func.func @per_row(%x: tensor<2x4xf32>) -> tensor<2x2xf32> {
  // CHECK: %[[Q:.*]]:2 = onnx.node "hgf" "Quantize"(%{{.*}}) {order = "reciprocal"}
  // CHECK: %[[W:.*]] = hgf.ternary_constant dense<[-110, -123]> : tensor<2xi8>, dense<[5.000000e-01, 2.500000e-01]> : tensor<2xf32> -> <2 by 4, scale = row>
  // CHECK: %[[Y:.*]] = onnx.node "hgf" "TernaryLinear"(%[[Q]]#0, %[[Q]]#1, %[[W]], %{{.*}}) {form = "f"}
  // CHECK: return %[[Y]]
  %w = onnx.constant dense<[77, 112]> : tensor<2xi8> -> tensor<2x4xi2>
  %s = onnx.constant dense<[0.5, 0.25]> : tensor<2xf32> -> tensor<2xf32>
  %y = onnx.node "hgf" "Linear"(%x, %w, %s) : (tensor<2x4xf32>, tensor<2x4xi2>, tensor<2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

onnx.function @"hgf::Linear::v" ["x", "residual", "weight", "scale", "correction_a", "correction_b", "gate", "bias"] -> ["y"] required []
  defaults {activation_quantization = "none", correction_activation = "identity", gate_kind = "tanh", version = 1 : si64} opsets {} {
^bb0(%0: !onnx.unknown, %1: !onnx.unknown, %2: !onnx.unknown, %3: !onnx.unknown, %4: !onnx.unknown, %5: !onnx.unknown, %6: !onnx.unknown, %7: !onnx.unknown):
  onnx.return %0 : !onnx.unknown
}
// CHECK-LABEL: @corrected
func.func @corrected(%x: tensor<2x4xf32>, %r: tensor<2x1xf32>) -> tensor<2x1xf32> {
  %w2 = onnx.constant dense<[[1, 0, -1, 1]]> : tensor<1x4xi8> -> tensor<1x4xi8>
  %s = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %a = onnx.constant dense<1.0> : tensor<1x4xf16> -> tensor<1x4xf16>
  %b = onnx.constant dense<2.0> : tensor<1x1xf16> -> tensor<1x1xf16>
  %g = onnx.constant dense<0.1> : tensor<f32> -> tensor<f32>
  %c = onnx.constant dense<3.0> : tensor<1xf32> -> tensor<1xf32>
  // CHECK: %[[NONE:.*]] = onnx.none
  // CHECK: %[[T:.*]] = onnx.node "hgf" "TernaryLinear"(%[[X:.*]], %[[NONE]], %{{.*}}, %{{.*}}) {form = "f"} : (tensor<2x4xf32>, none, !hgf.ternary<1 by 4, scale = tensor>, tensor<1xf32>)
  // CHECK: %[[C:.*]] = onnx.node "hgf" "LowRank"(%[[X]], %{{.*}}, %{{.*}}, %[[NONE]], %[[NONE]]) {activation = "identity"}
  // CHECK: %[[G:.*]] = onnx.node "hgf" "StaticGate"
  // CHECK: %[[S:.*]] = onnx.node "hgf" "GatedAdd"(%[[T]], %[[C]], %[[G]])
  // CHECK: onnx.node "Add"(%[[S]], %{{.*}})
  %y = onnx.node "hgf" "Linear" overload "v"(%x, %r, %w2, %s, %a, %b, %g, %c) : (tensor<2x4xf32>, tensor<2x1xf32>, tensor<1x4xi8>, tensor<f32>, tensor<1x4xf16>, tensor<1x1xf16>, tensor<f32>, tensor<1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

onnx.function @"hgf::Linear::" ["x", "weight", "scale", "correction_a", "correction_b", "gate_weight", "gate_bias"] -> ["y"] required []
  defaults {correction_input = "quantized", gate_kind = "sigmoid_output", rounding_order = "division"} opsets {} {
^bb0(%0: !onnx.unknown, %1: !onnx.unknown, %2: !onnx.unknown, %3: !onnx.unknown, %4: !onnx.unknown, %5: !onnx.unknown, %6: !onnx.unknown):
  onnx.return %0 : !onnx.unknown
}
// CHECK-LABEL: @dynamic_gate
func.func @dynamic_gate(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<[[1, 0, -1, 1]]> : tensor<1x4xi8> -> tensor<1x4xi8>
  %s = onnx.constant dense<0.5> : tensor<f32> -> tensor<f32>
  %a = onnx.constant dense<1.0> : tensor<1x4xf16> -> tensor<1x4xf16>
  %b = onnx.constant dense<2.0> : tensor<1x1xf16> -> tensor<1x1xf16>
  %g = onnx.constant dense<0.1> : tensor<1x1xf32> -> tensor<1x1xf32>
  %c = onnx.constant dense<3.0> : tensor<1xf32> -> tensor<1xf32>
  // CHECK: %[[Q:.*]]:2 = onnx.node "hgf" "Quantize"(%{{.*}}) {order = "division"}
  // CHECK: %[[T:.*]] = onnx.node "hgf" "TernaryLinear"
  // CHECK: %[[D:.*]] = onnx.node "hgf" "Dequantize"(%[[Q]]#0, %[[Q]]#1)
  // CHECK: onnx.node "hgf" "LowRank"(%[[D]], {{.*}}) {activation = "silu"}
  // CHECK: onnx.node "hgf" "DynamicGate"(%[[T]], %{{.*}}, %{{.*}}) : (!onnx.unknown, tensor<1xf32>, tensor<f32>)
  %y = onnx.node "hgf" "Linear"(%x, %w, %s, %a, %b, %g, %c) : (tensor<2x4xf32>, tensor<1x4xi8>, tensor<f32>, tensor<1x4xf16>, tensor<1x1xf16>, tensor<1x1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}

// -----

onnx.function @"hgf::OneBitLinear::" ["x", "weight", "u", "v"] -> ["y"] required [] defaults {version = 1 : si64} opsets {} {
^bb0(%0: !onnx.unknown, %1: !onnx.unknown, %2: !onnx.unknown, %3: !onnx.unknown):
  onnx.return %0 : !onnx.unknown
}
// CHECK-LABEL: @one_bit
func.func @one_bit(%x: tensor<2x4xf32>) -> tensor<2x1xf32> {
  %w = onnx.constant dense<[[1, -1, -1, 1]]> : tensor<1x4xi8> -> tensor<1x4xi8>
  %u = onnx.constant dense<0.5> : tensor<4xf16> -> tensor<4xf16>
  %v = onnx.constant dense<1.0> : tensor<1xf16> -> tensor<1xf16>
  // CHECK: %[[W:.*]] = hgf.ternary_constant dense<-126> : tensor<1xi8>, dense<1.000000e+00> : tensor<1xf32> -> <1 by 4, scale = tensor>
  // CHECK: onnx.node "hgf" "OneBitProduct"(%{{.*}}, %{{.*}}, %[[W]], %{{.*}})
  %y = onnx.node "hgf" "OneBitLinear"(%x, %w, %u, %v) : (tensor<2x4xf32>, tensor<1x4xi8>, tensor<4xf16>, tensor<1xf16>) -> tensor<2x1xf32>
  return %y : tensor<2x1xf32>
}
