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

// The keys of one query of one head are split into 32 parts at most, of which
// 8 results, a maximum and a sum are kept.
// CHECK-LABEL: @attention_of_a_token
func.func @attention_of_a_token(%q: memref<3x1x1x8xf32>, %k: memref<3x1x?x8xf32>, %y: memref<3x1x1x8xf32>) {
  // CHECK: %[[SCRATCH:.*]] = memref.alloc() {alignment = 64 : i64} : memref<3840xi8>
  // CHECK: hgf.flash_attention {{.*}} scratch(%[[SCRATCH]] : memref<3840xi8>)
  hgf.flash_attention ins(%q, %k, %k : memref<3x1x1x8xf32>, memref<3x1x?x8xf32>, memref<3x1x?x8xf32>) outs(%y : memref<3x1x1x8xf32>) scale 0.5
  return
}

// Eight queries are the most whose keys are split.
// CHECK-LABEL: @attention_of_unknown_size
// CHECK-SAME: %[[Y:[^:]*]]: memref<?x1x?x8xf32>)
func.func @attention_of_unknown_size(%q: memref<?x1x?x8xf32>, %k: memref<?x1x?x8xf32>, %y: memref<?x1x?x8xf32>) {
  // CHECK: %[[BATCH:.*]] = memref.dim %[[Y]], %c0
  // CHECK: %[[BYTES:.*]] = arith.muli %[[BATCH]], %c10240
  // CHECK: memref.alloc(%[[BYTES]])
  hgf.flash_attention ins(%q, %k, %k : memref<?x1x?x8xf32>, memref<?x1x?x8xf32>, memref<?x1x?x8xf32>) outs(%y : memref<?x1x?x8xf32>) scale 0.5
  return
}

// CHECK-LABEL: @attention_of_many
func.func @attention_of_many(%q: memref<1x1x9x8xf32>, %k: memref<1x1x?x8xf32>, %y: memref<1x1x9x8xf32>) {
  // CHECK-NOT: memref.alloc
  hgf.flash_attention ins(%q, %k, %k : memref<1x1x9x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32>) outs(%y : memref<1x1x9x8xf32>) scale 0.5
  return
}
