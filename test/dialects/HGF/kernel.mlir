// RUN: hgf-opt %s | hgf-opt | FileCheck %s

// CHECK-LABEL: @pairs_then_total
func.func @pairs_then_total(%total: vector<8xi32>, %acc: vector<16xi16>, %codes: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
  // CHECK: hgf.dot_step %{{.*}} : vector<16xi16>, vector<32xi8>
  %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<32xi8>
  // CHECK: hgf.dot_widen %{{.*}} : vector<8xi32>, vector<16xi16>
  %y = hgf.dot_widen %total, %sum : vector<8xi32>, vector<16xi16>
  return %y : vector<8xi32>
}
