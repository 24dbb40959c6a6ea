// RUN: hgf-opt %s --split-input-file --append-cache -verify-diagnostics | FileCheck %s

module attributes {onnx.metadata = {hgf.state = "past=present,ids=next"}} {
  // CHECK: @main(%{{.*}}: tensor<1x4x?x8xf32> {hgf.state_axis = 2 : i32, hgf.state_result = 1 : i32, onnx.name = "past"}, %{{.*}}: tensor<1x2xi64> {hgf.state_axis = -1 : i32, hgf.state_result = 2 : i32, onnx.name = "ids"}
  func.func @main(%past: tensor<1x4x?x8xf32> {onnx.name = "past"}, %ids: tensor<1x2xi64> {onnx.name = "ids"}, %new: tensor<1x4x1x8xf32> {onnx.name = "new"}) -> (tensor<1x4x?x8xf32> {onnx.name = "other"}, tensor<1x4x?x8xf32> {onnx.name = "present"}, tensor<1x2xi64> {onnx.name = "next"}) {
    // CHECK: %[[CACHE:.*]] = hgf.cache_append %{{.*}}, %{{.*}} axis 2
    %present = tensor.concat dim(2) %past, %new : (tensor<1x4x?x8xf32>, tensor<1x4x1x8xf32>) -> tensor<1x4x?x8xf32>
    // CHECK: math.tanh %[[CACHE]]
    %read = math.tanh %present : tensor<1x4x?x8xf32>
    // CHECK: return %{{.*}}, %[[CACHE]]
    return %read, %present, %ids : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32>, tensor<1x2xi64>
  }
}

// -----

// expected-error @+1 {{metadata 'hgf.state': expected pairs INPUT=OUTPUT of names of the graph but got 'past=nothing'}}
module attributes {onnx.metadata = {hgf.state = "past=nothing"}} {
  func.func @main(%past: tensor<4xf32> {onnx.name = "past"}) -> (tensor<4xf32> {onnx.name = "present"}) {
    return %past : tensor<4xf32>
  }
}
