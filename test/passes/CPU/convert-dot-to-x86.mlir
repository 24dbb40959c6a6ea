// RUN: hgf-opt %s --convert-dot-to-x86 | FileCheck %s

// CHECK-LABEL: @avx2
llvm.func @avx2(%total: vector<8xi32>, %acc: vector<16xi16>, %codes: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> attributes {hgf.level = "avx2"} {
  // Codes are the unsigned operand, which comes first.
  // CHECK: %[[PRODUCTS:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"(%arg2, %arg3)
  // CHECK: %[[SUM:.*]] = arith.addi %arg1, %[[PRODUCTS]] : vector<16xi16>
  // CHECK: %[[FENCED:.*]] = llvm.inline_asm "", "=x,0" %[[SUM]]
  %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<32xi8>
  // CHECK: %[[PAIRS:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%[[FENCED]], %{{.*}})
  // CHECK: arith.addi %arg0, %[[PAIRS]] : vector<8xi32>
  %y = hgf.dot_widen %total, %sum : vector<8xi32>, vector<16xi16>
  llvm.return %y : vector<8xi32>
}

// CHECK-LABEL: @ssse3
llvm.func @ssse3(%total: vector<4xi32>, %acc: vector<8xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "ssse3"} {
  // CHECK: llvm.call_intrinsic "llvm.x86.ssse3.pmadd.ub.sw.128"
  %sum = hgf.dot_step %acc, %codes, %x : vector<8xi16>, vector<16xi8>
  // CHECK: llvm.call_intrinsic "llvm.x86.sse2.pmadd.wd"
  %y = hgf.dot_widen %total, %sum : vector<4xi32>, vector<8xi16>
  llvm.return %y : vector<4xi32>
}

// A level without such instructions is left to the portable lowering.
// CHECK-LABEL: @baseline
llvm.func @baseline(%acc: vector<8xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<8xi16> attributes {hgf.level = "baseline"} {
  // CHECK: hgf.dot_step
  %sum = hgf.dot_step %acc, %codes, %x : vector<8xi16>, vector<16xi8>
  llvm.return %sum : vector<8xi16>
}
