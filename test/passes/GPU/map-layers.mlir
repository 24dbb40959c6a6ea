// RUN: hgf-opt %s --split-input-file --lower-weights --map-layers=chips=sm_75,sm_80 | FileCheck %s --check-prefixes=CHECK,OLD
// RUN: hgf-opt %s --split-input-file --lower-weights --map-layers=chips=sm_80,sm_90 | FileCheck %s --check-prefixes=CHECK,NEW

hgf.weights @layer_0 size 192
// CHECK-LABEL: func.func @one
func.func @one(%x: memref<1x3xf32>, %y: memref<1x2xf32>, %scratch: memref<192xi8>) {
  %w = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "words2", scale = row>
  // A known number of tokens needs no choice.
  // CHECK-NOT: scf.if
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_prologue_2x3
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_decode_2x3_reciprocal_row_tokens1
  // CHECK-NOT: gpu.launch_func
  hgf.linear ins(%x : memref<1x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "words2", scale = row>) outs(%y : memref<1x2xf32>) scratch(%scratch : memref<192xi8>) quantization reciprocal
  return
}

// -----

hgf.weights @layer_0 size 192
// CHECK-LABEL: func.func @many
func.func @many(%x: memref<?x3xf32>, %y: memref<?x2xf32>, %scratch: memref<?xi8>) {
  %w = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "words2", scale = row>
  // CHECK: cf.assert {{.*}}65535
  // CHECK: gpu.launch_func {{.*}}prologue
  // CHECK: gpu.launch_func {{.*}}tokens1
  // CHECK: gpu.launch_func {{.*}}tokens2
  // CHECK: gpu.launch_func {{.*}}tokens4
  // OLD: gpu.launch_func {{.*}}tokens8
  // OLD-NOT: gpu.launch_func
  // NEW: gpu.launch_func {{.*}}prefill{{.*}}tokens16
  // NEW: gpu.launch_func {{.*}}prefill{{.*}}tokens32
  // NEW: gpu.launch_func {{.*}}prefill{{.*}}tokens64
  hgf.linear ins(%x : memref<?x3xf32>) weight(%w : !hgf.packed<2 by 3, encoding = "words2", scale = row>) outs(%y : memref<?x2xf32>) scratch(%scratch : memref<?xi8>) quantization reciprocal
  return
}

// -----

// CHECK-LABEL: func.func @head
func.func @head(%x: memref<?x20xf32>, %w: memref<2x2x8x16xi8>, %s: memref<16xf32>, %y: memref<?x9xf32>) {
  // CHECK: scf.if
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_head_9x20_int8{{.*}}tokens1
  // CHECK: else
  // CHECK: gpu.launch_func @hgf_kernels::@hgf_head_9x20_int8{{.*}}tokens4
  hgf.head ins(%x : memref<?x20xf32>) weight(%w : memref<2x2x8x16xi8>) scales(%s : memref<16xf32>) outs(%y : memref<?x9xf32>)
  return
}
