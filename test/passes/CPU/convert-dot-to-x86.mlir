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

// One intrinsic for AVX-VNNI and AVX-512 VNNI: it accumulates by itself, and
// adding int32 to int32 needs no instruction of its own.
// CHECK-LABEL: @avxvnni
llvm.func @avxvnni(%total: vector<8xi32>, %acc: vector<8xi32>, %codes: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> attributes {hgf.level = "avxvnni"} {
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%arg1, %arg2, %arg3)
  // CHECK-NOT: inline_asm
  %sum = hgf.dot_step %acc, %codes, %x : vector<8xi32>, vector<32xi8>
  // CHECK: hgf.dot_widen
  %y = hgf.dot_widen %total, %sum : vector<8xi32>, vector<8xi32>
  llvm.return %y : vector<8xi32>
}

// Groups of 32 columns need vectors narrower than the level's.
// CHECK-LABEL: @avx512vnni
llvm.func @avx512vnni(%acc: vector<16xi32>, %codes: vector<64xi8>, %narrow: vector<8xi32>, %half: vector<32xi8>) -> vector<16xi32> attributes {hgf.level = "avx512vnni"} {
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"(%arg0, %arg1, %arg1)
  %sum = hgf.dot_step %acc, %codes, %codes : vector<16xi32>, vector<64xi8>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.256"(%arg2, %arg3, %arg3)
  %other = hgf.dot_step %narrow, %half, %half : vector<8xi32>, vector<32xi8>
  llvm.return %sum : vector<16xi32>
}

// Vectors wider than the level's are left to the portable lowering.
// CHECK-LABEL: @wide
llvm.func @wide(%acc: vector<16xi32>, %codes: vector<64xi8>) -> vector<16xi32> attributes {hgf.level = "avxvnni"} {
  // CHECK: hgf.dot_step
  %sum = hgf.dot_step %acc, %codes, %codes : vector<16xi32>, vector<64xi8>
  llvm.return %sum : vector<16xi32>
}
