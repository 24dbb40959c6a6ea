// RUN: hgf-opt %s --convert-dot-to-arm | FileCheck %s

// CHECK-LABEL: @dotprod
llvm.func @dotprod(%acc: vector<4xi32>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "dotprod"} {
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"(%arg0, %arg1, %arg2)
  %sum = hgf.dot_step %acc, %codes, %x : vector<4xi32>, vector<16xi8>
  // The instruction reads codes with a sign anyhow.
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  %other = hgf.dot_step signed %sum, %codes, %x : vector<4xi32>, vector<16xi8>
  llvm.return %other : vector<4xi32>
}

// Codes are the first matrix, whose rows are those of the result.
// CHECK-LABEL: @i8mm
llvm.func @i8mm(%acc: vector<4xi32>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "i8mm"} {
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.smmla.v4i32.v16i8"(%arg0, %arg1, %arg2)
  %sum = hgf.dot_step matrix %acc, %codes, %x : vector<4xi32>, vector<16xi8>
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.sdot.v4i32.v16i8"
  %other = hgf.dot_step %sum, %codes, %x : vector<4xi32>, vector<16xi8>
  llvm.return %other : vector<4xi32>
}

// Both halves of the codes, then pairs of pairs.
// CHECK-LABEL: @neon
llvm.func @neon(%total: vector<4xi32>, %acc: vector<16xi16>, %codes: vector<16xi8>, %x: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "neon"} {
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.smull.v8i16"
  // CHECK: arith.addi {{.*}} : vector<8xi16>
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.smull.v8i16"
  // CHECK: arith.addi {{.*}} : vector<8xi16>
  %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<16xi8>
  // CHECK-COUNT-2: llvm.call_intrinsic "llvm.aarch64.neon.saddlp.v4i32.v8i16"
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.addp.v4i32"
  // CHECK: arith.addi %arg0
  %y = hgf.dot_widen %total, %sum : vector<4xi32>, vector<16xi16>
  llvm.return %y : vector<4xi32>
}

// Repeated activations stay one vector, so that both halves of it exist.
// CHECK-LABEL: @repeated
llvm.func @repeated(%acc: vector<16xi16>, %codes: vector<16xi8>, %four: i32) -> vector<16xi16> attributes {hgf.level = "neon"} {
  %lanes = vector.broadcast %four : i32 to vector<4xi32>
  // CHECK: %[[BYTES:.*]] = vector.bitcast %{{.*}} : vector<4xi32> to vector<16xi8>
  %x = vector.bitcast %lanes : vector<4xi32> to vector<16xi8>
  // CHECK: %[[FENCED:.*]] = llvm.inline_asm "", "=w,0" %[[BYTES]]
  // CHECK: vector.extract_strided_slice %[[FENCED]] {offsets = [8]
  %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<16xi8>
  llvm.return %sum : vector<16xi16>
}

// CHECK-LABEL: @halves
llvm.func @halves(%acc: vector<8xf32>, %left: vector<8xf16>, %right: vector<8xf16>) -> vector<8xf32> attributes {hgf.level = "i8mm"} {
  // CHECK: %[[LOW:.*]] = vector.extract_strided_slice %arg0 {offsets = [0]
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.fmlal.v4f32.v8f16"(%[[LOW]], %arg1, %arg2)
  // CHECK: %[[HIGH:.*]] = vector.extract_strided_slice %arg0 {offsets = [4]
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.fmlal2.v4f32.v8f16"(%[[HIGH]], %arg1, %arg2)
  %sum = hgf.half_step %acc, %left, %right : vector<8xf32>, vector<8xf16>
  llvm.return %sum : vector<8xf32>
}

// CHECK-LABEL: @halves_without_fmlal
llvm.func @halves_without_fmlal(%acc: vector<8xf32>, %left: vector<8xf16>) -> vector<8xf32> attributes {hgf.level = "dotprod"} {
  // CHECK: hgf.half_step
  %sum = hgf.half_step %acc, %left, %left : vector<8xf32>, vector<8xf16>
  llvm.return %sum : vector<8xf32>
}

// Other vectors, products of matrices without the instruction, and other
// architectures' levels are left to the portable lowering.
// CHECK-LABEL: @narrow
llvm.func @narrow(%acc: vector<2xi32>, %codes: vector<8xi8>) -> vector<2xi32> attributes {hgf.level = "i8mm"} {
  // CHECK: hgf.dot_step
  %sum = hgf.dot_step %acc, %codes, %codes : vector<2xi32>, vector<8xi8>
  llvm.return %sum : vector<2xi32>
}

// CHECK-LABEL: @no_matrices
llvm.func @no_matrices(%acc: vector<4xi32>, %codes: vector<16xi8>) -> vector<4xi32> attributes {hgf.level = "dotprod"} {
  // CHECK: hgf.dot_step matrix
  %sum = hgf.dot_step matrix %acc, %codes, %codes : vector<4xi32>, vector<16xi8>
  llvm.return %sum : vector<4xi32>
}

// CHECK-LABEL: @avx2
llvm.func @avx2(%acc: vector<8xi16>, %codes: vector<16xi8>) -> vector<8xi16> attributes {hgf.level = "avx2"} {
  // CHECK: hgf.dot_step
  %sum = hgf.dot_step %acc, %codes, %codes : vector<8xi16>, vector<16xi8>
  llvm.return %sum : vector<8xi16>
}
