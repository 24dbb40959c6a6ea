// RUN: hgf-opt %s --externalize-constants=threshold=16 | FileCheck %s

// CHECK: llvm.mlir.global external constant @large() {addr_space = 0 : i32, alignment = 64 : i64, hgf.bytes = dense<[1, 2, 3, 4]> : tensor<4xi32>} : !llvm.array<4 x i32>
llvm.mlir.global private constant @large(dense<[1, 2, 3, 4]> : tensor<4xi32>) : !llvm.array<4 x i32>
// CHECK: llvm.mlir.global private constant @small(dense<[1, 2]> : tensor<2xi32>)
llvm.mlir.global private constant @small(dense<[1, 2]> : tensor<2xi32>) : !llvm.array<2 x i32>
// CHECK: llvm.mlir.global private constant @splat(dense<1> : tensor<4xi32>)
llvm.mlir.global private constant @splat(dense<1> : tensor<4xi32>) : !llvm.array<4 x i32>

// RUN: hgf-opt %s --externalize-constants=all | FileCheck %s --check-prefix=ALL

// Scalars move too, and bits become bytes; text stays.
// ALL: llvm.mlir.global external constant @scalar() {{.*}}hgf.bytes = dense<5> : tensor<1xi64>
llvm.mlir.global private constant @scalar(5 : i64) : i64
// ALL: llvm.mlir.global external constant @bits() {{.*}}hgf.bytes = dense<[1, 0]> : tensor<2xi8>
llvm.mlir.global private constant @bits(dense<[true, false]> : tensor<2xi1>) : !llvm.array<2 x i1>
// ALL: llvm.mlir.global private constant @text("ab")
llvm.mlir.global private constant @text("ab") : !llvm.array<2 x i8>
