// RUN: hgf-opt %s --onnx-inline-functions --split-input-file --verify-diagnostics --mlir-print-local-scope --mlir-print-debuginfo | FileCheck %s
// RUN: hgf-opt %s --onnx-inline-functions=keep-layers=false --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=ALL

// A reference takes the call's value, the default, or goes away.
// CHECK-NOT: onnx.function
onnx.function @"local::Scale::" ["v", "factor"] -> ["w"] required [] defaults {axis = 1 : si64} opsets {ai.onnx = 20 : i64} {
^body(%v: !onnx.unknown, %factor: !onnx.unknown):
  %s = onnx.node "Softmax"(%v) {onnx.ref.axis = "axis"} : (!onnx.unknown) -> !onnx.unknown loc("soft")
  %t = onnx.node "Gemm"(%s, %v, %factor) {onnx.ref.alpha = "alpha"} : (!onnx.unknown, !onnx.unknown, !onnx.unknown) -> !onnx.unknown loc("gemm")
  onnx.return %t : !onnx.unknown
}
onnx.function @"local::Twice::x" ["v"] -> ["w"] required [] defaults {} opsets {ai.onnx = 20 : i64} {
^body(%v: !onnx.unknown):
  %s = onnx.node "local" "Scale"(%v) {alpha = 2.0 : f32, axis = 0 : si64} : (!onnx.unknown) -> !onnx.unknown loc("inner")
  onnx.return %s : !onnx.unknown
}
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, !onnx.unknown) {
  // CHECK: %[[NONE:.*]] = onnx.none
  // CHECK: %[[A:.*]] = onnx.node "Softmax"(%{{.*}}) {axis = 0 : si64} : (tensor<4x4xf32>) -> !onnx.unknown loc("call/inner/soft")
  // CHECK: %[[B:.*]] = onnx.node "Gemm"(%[[A]], %{{.*}}, %[[NONE]]) {alpha = 2.000000e+00 : f32} : (!onnx.unknown, tensor<4x4xf32>, none) -> tensor<4x4xf32> loc("call/inner/gemm")
  %y = onnx.node "local" "Twice" overload "x"(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32> loc("call")
  // CHECK: %[[C:.*]] = onnx.node "Softmax"(%[[B]]) {axis = 1 : si64}
  // CHECK: %[[D:.*]] = onnx.node "Gemm"(%[[C]], %[[B]], %[[B]]) :
  %z = onnx.node "local" "Scale"(%y, %y) : (tensor<4x4xf32>, tensor<4x4xf32>) -> !onnx.unknown
  // CHECK: return %[[B]], %[[D]]
  return %y, %z : tensor<4x4xf32>, !onnx.unknown
}

// -----

// ALL-NOT: "Linear"
// CHECK: onnx.function @"hgf::Linear::"
onnx.function @"hgf::Linear::" ["x"] -> ["y"] required [] defaults {version = 1 : si64} opsets {} {
^body(%x: !onnx.unknown):
  %y = onnx.node "Tanh"(%x) : (!onnx.unknown) -> !onnx.unknown
  onnx.return %y : !onnx.unknown
}
// CHECK-NOT: overload
onnx.function @"hgf::Linear::new" ["x"] -> ["y"] required [] defaults {version = 2 : si64} opsets {} {
^body(%x: !onnx.unknown):
  %y = onnx.node "Exp"(%x) : (!onnx.unknown) -> !onnx.unknown
  onnx.return %y : !onnx.unknown
}
func.func @main(%x: tensor<4xf32>) -> !onnx.unknown {
  // CHECK: onnx.node "hgf" "Linear"
  // ALL: "Tanh"
  %y = onnx.node "hgf" "Linear"(%x) : (tensor<4xf32>) -> !onnx.unknown
  // CHECK: onnx.node "Exp"
  // ALL: "Exp"
  %z = onnx.node "hgf" "Linear" overload "new"(%y) : (!onnx.unknown) -> !onnx.unknown
  return %z : !onnx.unknown
}

// -----

// A body that only hands its input on: the graph's result takes its type.
// ALL: func.func @main(%[[X:.*]]: tensor<4xf32>) -> tensor<4xf32>
onnx.function @"local::Same::" ["x"] -> ["y"] required [] defaults {} opsets {} {
^body(%x: !onnx.unknown):
  onnx.return %x : !onnx.unknown
}
func.func @main(%x: tensor<4xf32>) -> tensor<?xf32> {
  %y = onnx.node "local" "Same"(%x) : (tensor<4xf32>) -> tensor<?xf32>
  // ALL-NEXT: return %[[X]]
  return %y : tensor<?xf32>
}

// -----

module attributes {onnx.opsets = {ai.onnx = 20 : i64}} {
  onnx.function @"local::Old::" ["x"] -> ["y"] required [] defaults {} opsets {ai.onnx = 11 : i64} {
  ^body(%x: !onnx.unknown):
    onnx.return %x : !onnx.unknown
  }
  func.func @main(%x: tensor<4xf32>) -> !onnx.unknown {
    // expected-error @unknown {{node 'old' (Old): expected its function to use version 20 of the operator set 'ai.onnx', as the model does, but it uses 11; convert the model to one version}}
    %y = onnx.node "local" "Old"(%x) : (tensor<4xf32>) -> !onnx.unknown loc("old")
    return %y : !onnx.unknown
  }
}

// -----

onnx.function @"local::Needs::" ["x"] -> ["y"] required ["alpha"] defaults {} opsets {} {
^body(%x: !onnx.unknown):
  onnx.return %x : !onnx.unknown
}
func.func @main(%x: tensor<4xf32>) -> !onnx.unknown {
  // expected-error @unknown {{node 'needs' (Needs): expected the attribute 'alpha', which its function requires}}
  %y = onnx.node "local" "Needs"(%x) : (tensor<4xf32>) -> !onnx.unknown loc("needs")
  return %y : !onnx.unknown
}
