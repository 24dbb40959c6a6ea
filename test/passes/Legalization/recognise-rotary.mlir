// RUN: hgf-opt %s --split-input-file --recognise-rotary | FileCheck %s

// Factors in any order, the last axis by its number, an open end.
// CHECK-LABEL: @rotate_half
// CHECK-SAME: (%[[X:.*]]: tensor<1x2x?x4xf32>, %[[C:.*]]: tensor<1x1x?x4xf32>, %[[S:.*]]: tensor<1x1x?x4xf32>)
// CHECK-NEXT: onnx.node "hgf" "Rotary"(%[[X]], %[[C]], %[[S]]) {half = 2 : i64, shared_tables = false}
// CHECK-NEXT: return
func.func @rotate_half(%x: tensor<1x2x?x4xf32>, %c: tensor<1x1x?x4xf32>, %s: tensor<1x1x?x4xf32>) -> tensor<1x2x?x4xf32> {
  %zero = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
  %half = onnx.constant dense<2> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<9223372036854775807> : tensor<1xi64> -> tensor<1xi64>
  %last = onnx.constant dense<3> : tensor<1xi64> -> tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %zero, %half, %last) : (tensor<1x2x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x?x2xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) : (tensor<1x2x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x?x2xf32>
  %n = onnx.node "Neg"(%x2) : (tensor<1x2x?x2xf32>) -> tensor<1x2x?x2xf32>
  %r = onnx.node "Concat"(%n, %x1) {axis = -1 : si64} : (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) -> tensor<1x2x?x4xf32>
  %a = onnx.node "Mul"(%c, %x) : (tensor<1x1x?x4xf32>, tensor<1x2x?x4xf32>) -> tensor<1x2x?x4xf32>
  %b = onnx.node "Mul"(%s, %r) : (tensor<1x1x?x4xf32>, tensor<1x2x?x4xf32>) -> tensor<1x2x?x4xf32>
  %y = onnx.node "Add"(%b, %a) : (tensor<1x2x?x4xf32>, tensor<1x2x?x4xf32>) -> tensor<1x2x?x4xf32>
  return %y : tensor<1x2x?x4xf32>
}

// -----

// CHECK-LABEL: @halves
// CHECK: onnx.node "hgf" "Rotary"(%{{.*}}) {half = 2 : i64, shared_tables = true}
// CHECK-NEXT: return
func.func @halves(%x: tensor<3x4xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %zero = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
  %half = onnx.constant dense<2> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<4> : tensor<1xi64> -> tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %zero, %half, %last) : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %a = onnx.node "Mul"(%x1, %c) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %b = onnx.node "Mul"(%x2, %s) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %d = onnx.node "Mul"(%x2, %c) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %e = onnx.node "Mul"(%x1, %s) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %y1 = onnx.node "Sub"(%a, %b) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %y2 = onnx.node "Add"(%d, %e) : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  %y = onnx.node "Concat"(%y1, %y2) {axis = 1 : si64} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// The halves are not negated: a near miss stays as it is.
// CHECK-LABEL: @not_negated
// CHECK-NOT: "Rotary"
// CHECK: return
func.func @not_negated(%x: tensor<3x4xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
  %half = onnx.constant dense<2> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<4> : tensor<1xi64> -> tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %zero, %half, %last) : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) : (tensor<3x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %r = onnx.node "Concat"(%x2, %x1) {axis = -1 : si64} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %a = onnx.node "Mul"(%x, %c) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = onnx.node "Mul"(%r, %s) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = onnx.node "Add"(%a, %b) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

// The parts leave out the last element.
// CHECK-LABEL: @parts_are_not_halves
// CHECK-NOT: "Rotary"
// CHECK: return
func.func @parts_are_not_halves(%x: tensor<3x5xf32>, %c: tensor<3x4xf32>, %s: tensor<3x4xf32>, %p: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %zero = onnx.constant dense<0> : tensor<1xi64> -> tensor<1xi64>
  %half = onnx.constant dense<2> : tensor<1xi64> -> tensor<1xi64>
  %end = onnx.constant dense<4> : tensor<1xi64> -> tensor<1xi64>
  %last = onnx.constant dense<-1> : tensor<1xi64> -> tensor<1xi64>
  %x1 = onnx.node "Slice"(%x, %zero, %half, %last) : (tensor<3x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %x2 = onnx.node "Slice"(%x, %half, %end, %last) : (tensor<3x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xf32>
  %n = onnx.node "Neg"(%x2) : (tensor<3x2xf32>) -> tensor<3x2xf32>
  %r = onnx.node "Concat"(%n, %x1) {axis = -1 : si64} : (tensor<3x2xf32>, tensor<3x2xf32>) -> tensor<3x4xf32>
  %a = onnx.node "Mul"(%p, %c) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = onnx.node "Mul"(%r, %s) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %y = onnx.node "Add"(%a, %b) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
