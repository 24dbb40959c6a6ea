// RUN: hgf-opt %s --lower-weights | FileCheck %s

// CHECK: llvm.mlir.global external constant @layer_0() {addr_space = 0 : i32, alignment = 64 : i64, hgf.bytes = dense<1> : tensor<64xi8>} : !llvm.array<64 x i8>
hgf.weights @layer_0 dense<1> : tensor<64xi8> size 64
