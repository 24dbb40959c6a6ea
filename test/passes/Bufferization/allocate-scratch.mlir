// RUN: hgf-opt %s --allocate-scratch | FileCheck %s

// 256 codes, their sum and their scale for each of 4 tokens, and five alignments.
// CHECK-LABEL: @known
func.func @known(%x: memref<4x3xf32>, %y: memref<4x2xf32>) {
  %w = hgf.packed_constant @weights : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  // CHECK: %[[SCRATCH:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1440xi8>
  // CHECK: hgf.linear {{.*}} scratch(%[[SCRATCH]] : memref<1440xi8>)
  hgf.linear ins(%x : memref<4x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<4x2xf32>) quantization reciprocal
  return
}

// CHECK-LABEL: @dynamic
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x?x2xf32>
func.func @dynamic(%x: memref<?x?x3xf32>, %y: memref<?x?x2xf32>) {
  %w = hgf.packed_constant @weights : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  // CHECK-DAG: %[[BATCH:.*]] = memref.dim %[[Y]], %c0
  // CHECK-DAG: %[[SEQUENCE:.*]] = memref.dim %[[Y]], %c1
  // CHECK: %[[TOKENS:.*]] = arith.muli %[[BATCH]], %[[SEQUENCE]]
  // CHECK: %[[BYTES:.*]] = arith.muli %[[TOKENS]], %c264
  // CHECK: %[[SIZE:.*]] = arith.addi %[[BYTES]], %c384
  // CHECK: memref.alloc(%[[SIZE]])
  hgf.linear ins(%x : memref<?x?x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<?x?x2xf32>) quantization reciprocal
  return
}

// Kernels walk along one stride.
// CHECK-LABEL: @strided
func.func @strided(%x: memref<2x4x3xf32, strided<[24, 6, 1]>>, %y: memref<2x4x2xf32>) {
  %w = hgf.packed_constant @weights : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
  // CHECK: %[[COPY:.*]] = memref.alloc() {alignment = 64 : i64} : memref<2x4x3xf32>
  // CHECK: memref.copy %{{.*}}, %[[COPY]]
  // CHECK: hgf.linear ins(%[[COPY]] : memref<2x4x3xf32>)
  hgf.linear ins(%x : memref<2x4x3xf32, strided<[24, 6, 1]>>) weight(%w : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%y : memref<2x4x2xf32>) quantization reciprocal
  return
}

hgf.weights @weights size 576
