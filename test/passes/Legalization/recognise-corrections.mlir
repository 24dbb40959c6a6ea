// RUN: hgf-opt %s --split-input-file --recognise-corrections=report-missed-ternary=true -verify-diagnostics | FileCheck %s

// tanh on the product, operands swapped, a bias behind it; A and B fit float16.
// CHECK-LABEL: @static_gate
// CHECK: %[[T:.*]] = onnx.node "hgf" "TernaryLinear"(%[[X:.*]], %{{.*}}, %{{.*}}, %[[B:.*]]) {form = "a"} : ({{.*}}, tensor<2xf32>)
// CHECK: onnx.node "hgf" "GatedAdd"(%[[T]], %[[C:.*]], %[[G:.*]]) {{.*}} -> tensor<2x2xf32>
// CHECK-NEXT: return
func.func @static_gate(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %none = onnx.none : none
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %t = onnx.node "hgf" "TernaryLinear"(%x, %none, %w, %none) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<2 by 3, scale = tensor>, none) -> tensor<2x2xf32>
  %a = onnx.constant dense<0.5> : tensor<3x1xf32> -> tensor<3x1xf32>
  %b = onnx.constant dense<0.25> : tensor<1x2xf32> -> tensor<1x2xf32>
  %g = onnx.constant dense<0.75> : tensor<f32> -> tensor<f32>
  %bias = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
  %h = onnx.node "MatMul"(%x, %a) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  %s = onnx.node "Sigmoid"(%h) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %silu = onnx.node "Mul"(%s, %h) : (tensor<2x1xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %c = onnx.node "MatMul"(%silu, %b) : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %alpha = onnx.node "Tanh"(%g) : (tensor<f32>) -> tensor<f32>
  %gated = onnx.node "Mul"(%alpha, %c) : (tensor<f32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %sum = onnx.node "Add"(%gated, %t) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  %y = onnx.node "Add"(%bias, %sum) : (tensor<2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: @gate_per_output_on_b
// CHECK: "LowRank"({{.*}}) {activation = "identity"} : (tensor<2x3xf32>, tensor<1x3xf16>, tensor<2x1xf32>, none, none)
// CHECK: "StaticGate"(%{{.*}}) : (tensor<2xf32>)
func.func @gate_per_output_on_b(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %none = onnx.none : none
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %t = onnx.node "hgf" "TernaryLinear"(%x, %none, %w, %none) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<2 by 3, scale = tensor>, none) -> tensor<2x2xf32>
  %a = onnx.constant dense<0.5> : tensor<3x1xf32> -> tensor<3x1xf32>
  %b = onnx.constant dense<0.1> : tensor<1x2xf32> -> tensor<1x2xf32>
  %g = onnx.constant dense<[0.75, 0.5]> : tensor<2xf32> -> tensor<2xf32>
  %alpha = onnx.node "Tanh"(%g) : (tensor<2xf32>) -> tensor<2xf32>
  %bg = onnx.node "Mul"(%b, %alpha) : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %h = onnx.node "MatMul"(%x, %a) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  %c = onnx.node "MatMul"(%h, %bg) : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %sum = onnx.node "Add"(%t, %c) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %sum : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: @gate_of_the_output
// CHECK: %[[T:.*]] = onnx.node "hgf" "TernaryLinear"
// CHECK: "DynamicGate"(%[[T]], %{{.*}}, %{{.*}}) : (tensor<2x2xf32>, tensor<2xf32>, tensor<f32>)
func.func @gate_of_the_output(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %none = onnx.none : none
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %t = onnx.node "hgf" "TernaryLinear"(%x, %none, %w, %none) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<2 by 3, scale = tensor>, none) -> tensor<2x2xf32>
  %a = onnx.constant dense<0.5> : tensor<3x1xf32> -> tensor<3x1xf32>
  %b = onnx.constant dense<0.1> : tensor<1x2xf32> -> tensor<1x2xf32>
  %gw = onnx.constant dense<[[0.75], [0.5]]> : tensor<2x1xf32> -> tensor<2x1xf32>
  %gb = onnx.constant dense<0.1> : tensor<1xf32> -> tensor<1xf32>
  %dot = onnx.node "MatMul"(%t, %gw) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  %logit = onnx.node "Add"(%dot, %gb) : (tensor<2x1xf32>, tensor<1xf32>) -> tensor<2x1xf32>
  %alpha = onnx.node "Sigmoid"(%logit) : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %h = onnx.node "MatMul"(%x, %a) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  %c = onnx.node "MatMul"(%h, %b) : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %m = onnx.node "Mul"(%c, %alpha) : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
  %sum = onnx.node "Add"(%t, %m) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %sum : tensor<2x2xf32>
}

// -----

// CHECK-LABEL: @another_input
// CHECK-NOT: GatedAdd
func.func @another_input(%x: tensor<2x3xf32>, %z: tensor<2x3xf32>) -> tensor<2x2xf32> {
  %none = onnx.none : none
  %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
  %t = onnx.node "hgf" "TernaryLinear"(%x, %none, %w, %none) {form = "a"} : (tensor<2x3xf32>, none, !hgf.ternary<2 by 3, scale = tensor>, none) -> tensor<2x2xf32>
  %a = onnx.constant dense<0.5> : tensor<3x1xf32> -> tensor<3x1xf32>
  %b = onnx.constant dense<0.1> : tensor<1x2xf32> -> tensor<1x2xf32>
  %h = onnx.node "MatMul"(%z, %a) : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<2x1xf32>
  %c = onnx.node "MatMul"(%h, %b) : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  // expected-remark @+1 {{the correction reads another value than the layer}}
  %sum = onnx.node "Add"(%t, %c) : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %sum : tensor<2x2xf32>
}
