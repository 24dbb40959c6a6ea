// RUN: hgf-opt %s --map-attention --canonicalize --cse | FileCheck %s

// Eight key heads, and 32 parts of the keys: whatever their number is.
// CHECK-LABEL: @token
// CHECK-SAME: %[[Q:[^:]*]]: memref<1x16x1x64xf32>, %[[K:[^:]*]]: memref<1x8x?x64xf32, {{.*}}>, %[[SCRATCH:[^:]*]]: memref<{{.*}}>, %[[Y:[^:]*]]: memref<1x16x1x64xf32>)
// CHECK-DAG: %[[SPLITS:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[GROUPS:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[HEADS:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[THREADS:.*]] = arith.constant 128 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: gpu.launch_func @hgf_kernels::@[[$SPLIT:.*]] blocks in (%[[GROUPS]], %[[SPLITS]], %[[ONE]]) threads in (%[[THREADS]], {{.*}} args(%[[Q]] : {{.*}}, %[[K]] : {{.*}}, %[[Y]] : {{.*}}, %[[SCRATCH]] :
// CHECK: gpu.launch_func @hgf_kernels::@[[$JOIN:.*]] blocks in (%[[HEADS]], %[[ONE]], %[[ONE]]) threads in (%[[THREADS]], {{.*}} args(
// CHECK-NEXT: return
func.func @token(%q: memref<1x16x1x64xf32>, %k: memref<1x8x?x64xf32, strided<[?, ?, 64, 1], offset: ?>>, %scratch: memref<?xi8>, %y: memref<1x16x1x64xf32>) {
  hgf.flash_attention ins(%q, %k, %k : memref<1x16x1x64xf32>, memref<1x8x?x64xf32, strided<[?, ?, 64, 1], offset: ?>>, memref<1x8x?x64xf32, strided<[?, ?, 64, 1], offset: ?>>) outs(%y : memref<1x16x1x64xf32>) scratch(%scratch : memref<?xi8>) scale 0.125 causal
  return
}

// Tiles of 64 queries.
// CHECK-LABEL: @many
// CHECK-DAG: %[[TILES:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[HEADS:.*]] = arith.constant 12 : index
// CHECK: gpu.launch_func @hgf_kernels::@[[$TILE:.*]] blocks in (%[[HEADS]], %[[TILES]], %{{.*}})
// CHECK-NEXT: return
func.func @many(%q: memref<3x4x70x64xf32>, %k: memref<3x2x90x64xf32>, %y: memref<3x4x70x64xf32>) {
  hgf.flash_attention ins(%q, %k, %k : memref<3x4x70x64xf32>, memref<3x2x90x64xf32>, memref<3x2x90x64xf32>) outs(%y : memref<3x4x70x64xf32>) scale 0.125 causal
  return
}

// CHECK-LABEL: @unknown
// CHECK-SAME: %[[Y:[^:]*]]: memref<1x4x?x64xf32>)
// CHECK: %[[QUERIES:.*]] = memref.dim %[[Y]], %c2
// CHECK: %[[FEW:.*]] = arith.cmpi ule, %[[QUERIES]], %c8
// CHECK: scf.if %[[FEW]]
// CHECK: gpu.launch_func
// CHECK: gpu.launch_func
// CHECK: } else {
// CHECK: math.ctlz
// CHECK: gpu.launch_func
// CHECK-NOT: gpu.launch_func
func.func @unknown(%q: memref<1x4x?x64xf32>, %k: memref<1x2x?x64xf32>, %scratch: memref<?xi8>, %y: memref<1x4x?x64xf32>) {
  hgf.flash_attention ins(%q, %k, %k : memref<1x4x?x64xf32>, memref<1x2x?x64xf32>, memref<1x2x?x64xf32>) outs(%y : memref<1x4x?x64xf32>) scratch(%scratch : memref<?xi8>) scale 0.125
  return
}

// The kernel finds out whether it may read four floats at a time: the head's
// stride and the address are not known.
// CHECK: gpu.module @hgf_kernels
// CHECK: gpu.func @[[$SPLIT]](
// CHECK-SAME: workgroup(%{{.*}} : memref<4x2x68xf32, #gpu.address_space<workgroup>> {llvm.align = 16 : i64})
// CHECK: %[[POINTER:.*]] = memref.extract_aligned_pointer_as_index
// CHECK: arith.remui %[[POINTER]], %c16
// CHECK: scf.if
// CHECK: vector.load {{.*}} {alignment = 16 : i64} : memref<{{.*}}>, vector<4xf32>
// CHECK: gpu.shuffle xor
// CHECK: } else {
// CHECK: memref.load
// CHECK: gpu.func @[[$JOIN]](
// CHECK-NOT: workgroup
// CHECK: gpu.func @[[$TILE]](
// CHECK-SAME: memref<64x68xf32, #gpu.address_space<workgroup>>
