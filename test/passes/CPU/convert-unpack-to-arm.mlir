// RUN: hgf-opt %s --convert-unpack-to-arm | FileCheck %s

// Beyond the table the instruction gives 0, where the operation starts again.
// CHECK-LABEL: @dotprod
// CHECK-SAME: (%[[TABLE:.*]]: vector<32xi8>, %[[INDICES:.*]]: vector<16xi8>)
llvm.func @dotprod(%table: vector<32xi8>, %indices: vector<16xi8>) -> vector<16xi8> attributes {hgf.level = "dotprod"} {
  // CHECK: %[[MASKED:.*]] = arith.andi %[[INDICES]], %{{.*}} : vector<16xi8>
  // CHECK-DAG: %[[FIRST:.*]] = vector.extract_strided_slice %[[TABLE]] {offsets = [0]
  // CHECK-DAG: %[[SECOND:.*]] = vector.extract_strided_slice %[[TABLE]] {offsets = [16]
  // CHECK: llvm.call_intrinsic "llvm.aarch64.neon.tbl2.v16i8"(%[[FIRST]], %[[SECOND]], %[[MASKED]])
  %codes = hgf.table_lookup %table, %indices : vector<32xi8>, vector<16xi8>
  llvm.return %codes : vector<16xi8>
}

// Other tables, and other architectures' levels, are left.
// CHECK-LABEL: @small_table
llvm.func @small_table(%table: vector<16xi8>) -> vector<16xi8> attributes {hgf.level = "neon"} {
  // CHECK: hgf.table_lookup
  %codes = hgf.table_lookup %table, %table : vector<16xi8>, vector<16xi8>
  llvm.return %codes : vector<16xi8>
}

// CHECK-LABEL: @avx2
llvm.func @avx2(%table: vector<32xi8>, %indices: vector<16xi8>) -> vector<16xi8> attributes {hgf.level = "avx2"} {
  // CHECK: hgf.table_lookup
  %codes = hgf.table_lookup %table, %indices : vector<32xi8>, vector<16xi8>
  llvm.return %codes : vector<16xi8>
}
