// RUN: hgf-opt %s | hgf-opt | FileCheck %s

// CHECK-LABEL: @pairs_then_total
func.func @pairs_then_total(%total: vector<8xi32>, %acc: vector<16xi16>, %codes: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
  // CHECK: hgf.dot_step %{{.*}} : vector<16xi16>, vector<32xi8>
  %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<32xi8>
  // CHECK: hgf.dot_widen %{{.*}} : vector<8xi32>, vector<16xi16>
  %y = hgf.dot_widen %total, %sum : vector<8xi32>, vector<16xi16>
  return %y : vector<8xi32>
}

// CHECK-LABEL: @singles_then_total
func.func @singles_then_total(%total: vector<4xi32>, %acc: vector<16xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  // CHECK: hgf.dot_step signed %{{.*}} : vector<16xi16>, vector<16xi8>
  %sum = hgf.dot_step signed %acc, %codes, %x : vector<16xi16>, vector<16xi8>
  // CHECK: hgf.dot_widen %{{.*}} : vector<4xi32>, vector<16xi16>
  %y = hgf.dot_widen %total, %sum : vector<4xi32>, vector<16xi16>
  return %y : vector<4xi32>
}

// CHECK-LABEL: @matrices
func.func @matrices(%acc: vector<4xi32>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> {
  // CHECK: hgf.dot_step matrix signed %{{.*}} : vector<4xi32>, vector<16xi8>
  %sum = hgf.dot_step matrix signed %acc, %codes, %x : vector<4xi32>, vector<16xi8>
  return %sum : vector<4xi32>
}

// CHECK-LABEL: @halves
func.func @halves(%acc: vector<8xf32>, %left: vector<8xf16>, %right: vector<8xf16>) -> vector<8xf32> {
  // CHECK: hgf.half_step %{{.*}} : vector<8xf32>, vector<8xf16>
  %sum = hgf.half_step %acc, %left, %right : vector<8xf32>, vector<8xf16>
  return %sum : vector<8xf32>
}

// CHECK-LABEL: @unpack
func.func @unpack(%bytes: vector<64xi8>, %table: vector<64xi8>) -> vector<64xi8> {
  // CHECK: hgf.multishift %{{.*}} by [0, 5, 10, 15, 20, 25, 30, 35] : vector<64xi8>
  %values = hgf.multishift %bytes by [0, 5, 10, 15, 20, 25, 30, 35] : vector<64xi8>
  // CHECK: hgf.table_lookup %{{.*}}, %{{.*}} : vector<64xi8>, vector<64xi8>
  %codes = hgf.table_lookup %table, %values : vector<64xi8>, vector<64xi8>
  return %codes : vector<64xi8>
}
