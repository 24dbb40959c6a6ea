// RUN: hgf-opt %s --convert-onnx-to-linalg | FileCheck %s

// A module in the core dialects is left as it is.
// CHECK-LABEL: func.func @main
// CHECK-SAME:  (%[[X:.*]]: tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK-NEXT:  %[[Y:.*]] = math.exp %[[X]]
// CHECK-NEXT:  return %[[Y]]
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = math.exp %x : tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
