// RUN: hgf-opt %s --convert-unpack-to-x86 | FileCheck %s

// CHECK-LABEL: @vbmi
llvm.func @vbmi(%table: vector<64xi8>, %bytes: vector<64xi8>) -> vector<64xi8> attributes {hgf.level = "avx512vbmi"} {
  // The shifts come first.
  // CHECK: %[[SHIFTS:.*]] = arith.constant dense<[0, 5, 10, 15, 20, 25, 30, 35, 0, 5, 10,
  // CHECK: %[[VALUES:.*]] = llvm.call_intrinsic "llvm.x86.avx512.pmultishift.qb.512"(%[[SHIFTS]], %arg1)
  %values = hgf.multishift %bytes by [0, 5, 10, 15, 20, 25, 30, 35] : vector<64xi8>
  // The table comes first.
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"(%arg0, %[[VALUES]])
  %codes = hgf.table_lookup %table, %values : vector<64xi8>, vector<64xi8>
  llvm.return %codes : vector<64xi8>
}

// CHECK-LABEL: @narrow
llvm.func @narrow(%bytes: vector<8xi8>) -> vector<8xi8> attributes {hgf.level = "avx512vbmi"} {
  // CHECK: hgf.multishift
  %values = hgf.multishift %bytes by [0, 5, 10, 15, 20, 25, 30, 35] : vector<8xi8>
  llvm.return %values : vector<8xi8>
}

// CHECK-LABEL: @without_vbmi
llvm.func @without_vbmi(%table: vector<64xi8>) -> vector<64xi8> attributes {hgf.level = "avx512vnni"} {
  // CHECK: hgf.table_lookup
  %codes = hgf.table_lookup %table, %table : vector<64xi8>, vector<64xi8>
  llvm.return %codes : vector<64xi8>
}

// The load is not folded into the shuffle.
// CHECK-LABEL: @load
llvm.func @load(%pointer: !llvm.ptr) -> vector<64xi8> attributes {hgf.level = "avx512vbmi"} {
  // CHECK: %[[BYTES:.*]] = llvm.load
  %bytes = llvm.load %pointer {alignment = 8 : i64} : !llvm.ptr -> vector<64xi8>
  // CHECK: %[[FENCED:.*]] = llvm.inline_asm "", "=v,0" %[[BYTES]]
  // CHECK: vector.shuffle %[[FENCED]], %[[FENCED]]
  %spread = vector.shuffle %bytes, %bytes [0, 1, 2, 3, 4, 5, 6, 7, 5, 6, 7, 8, 9, 10, 11, 12, 10, 11, 12, 13, 14, 15, 16, 17, 15, 16, 17, 18, 19, 20, 21, 22, 20, 21, 22, 23, 24, 25, 26, 27, 25, 26, 27, 28, 29, 30, 31, 32, 30, 31, 32, 33, 34, 35, 36, 37, 35, 36, 37, 38, 39, 40, 41, 42] : vector<64xi8>, vector<64xi8>
  llvm.return %spread : vector<64xi8>
}
