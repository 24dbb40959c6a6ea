// RUN: hgf-opt %s --convert-dot-to-vector | FileCheck %s

// CHECK-LABEL: @pairs
// CHECK-SAME: (%[[ACC:.*]]: vector<8xi16>, %[[CODES:.*]]: vector<16xi8>, %[[X:.*]]: vector<16xi8>)
func.func @pairs(%acc: vector<8xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<8xi16> {
  // CHECK: vector.bitcast %[[CODES]] : vector<16xi8> to vector<8xi16>
  // CHECK: arith.shrui
  // CHECK: arith.shrui
  // CHECK: vector.bitcast %[[X]] : vector<16xi8> to vector<8xi16>
  // CHECK: arith.shrsi
  // CHECK: arith.shrsi
  // CHECK-COUNT-2: arith.muli {{.*}} : vector<8xi16>
  // CHECK: %[[EVEN:.*]] = arith.addi %[[ACC]]
  // CHECK: arith.addi %[[EVEN]]
  %sum = hgf.dot_step %acc, %codes, %x : vector<8xi16>, vector<16xi8>
  return %sum : vector<8xi16>
}

// CHECK-LABEL: @quadruples
func.func @quadruples(%acc: vector<4xi32>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  // CHECK-COUNT-2: arith.muli {{.*}} : vector<8xi16>
  // CHECK-COUNT-4: arith.addi {{.*}} : vector<4xi32>
  %sum = hgf.dot_step %acc, %codes, %x : vector<4xi32>, vector<16xi8>
  return %sum : vector<4xi32>
}

// CHECK-LABEL: @widen
func.func @widen(%total: vector<4xi32>, %pairs: vector<8xi16>, %quadruples: vector<4xi32>) -> vector<4xi32> {
  // CHECK: vector.bitcast %{{.*}} : vector<8xi16> to vector<4xi32>
  // CHECK-COUNT-2: arith.addi {{.*}} : vector<4xi32>
  %sum = hgf.dot_widen %total, %pairs : vector<4xi32>, vector<8xi16>
  // CHECK: arith.addi {{.*}} : vector<4xi32>
  %y = hgf.dot_widen %sum, %quadruples : vector<4xi32>, vector<4xi32>
  return %y : vector<4xi32>
}

// CHECK-LABEL: @codes_with_a_sign
func.func @codes_with_a_sign(%acc: vector<16xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<16xi16> {
  // CHECK-COUNT-2: arith.extsi {{.*}} : vector<16xi8> to vector<16xi16>
  // CHECK: arith.muli {{.*}} : vector<16xi16>
  %sum = hgf.dot_step signed %acc, %codes, %x : vector<16xi16>, vector<16xi8>
  return %sum : vector<16xi16>
}

// CHECK-LABEL: @widen_singles
func.func @widen_singles(%total: vector<4xi32>, %singles: vector<16xi16>) -> vector<4xi32> {
  // CHECK: vector.bitcast %{{.*}} : vector<16xi16> to vector<8xi32>
  // CHECK: vector.shuffle {{.*}} [0, 2, 4, 6] : vector<8xi32>, vector<8xi32>
  // CHECK: vector.shuffle {{.*}} [1, 3, 5, 7] : vector<8xi32>, vector<8xi32>
  %sum = hgf.dot_widen %total, %singles : vector<4xi32>, vector<16xi16>
  return %sum : vector<4xi32>
}

// Row 1 of the codes and token 0 meet in lane 2.
// CHECK-LABEL: @matrices
// CHECK-SAME: (%[[ACC:.*]]: vector<4xi32>, %[[CODES:.*]]: vector<16xi8>, %[[X:.*]]: vector<16xi8>)
func.func @matrices(%acc: vector<4xi32>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  // CHECK-COUNT-2: vector.reduction <add>
  // CHECK: vector.extract_strided_slice %[[CODES]] {offsets = [8]
  // CHECK: arith.extui
  // CHECK: vector.extract_strided_slice %[[X]] {offsets = [0]
  // CHECK: arith.extsi
  // CHECK: vector.reduction <add>
  // CHECK: vector.insert %{{.*}}, %{{.*}} [2] : i32 into vector<4xi32>
  %sum = hgf.dot_step matrix %acc, %codes, %x : vector<4xi32>, vector<16xi8>
  return %sum : vector<4xi32>
}

// CHECK-LABEL: @halves
func.func @halves(%acc: vector<8xf32>, %left: vector<8xf16>, %right: vector<8xf16>) -> vector<8xf32> {
  // CHECK-COUNT-2: arith.extf {{.*}} : vector<8xf16> to vector<8xf32>
  // CHECK: %[[PRODUCT:.*]] = arith.mulf
  // CHECK: arith.addf %{{.*}}, %[[PRODUCT]] : vector<8xf32>
  %sum = hgf.half_step %acc, %left, %right : vector<8xf32>, vector<8xf16>
  return %sum : vector<8xf32>
}
