// RUN: hgf-opt %s --split-input-file --map-linalg | FileCheck %s

// Equal operations share a kernel, and constants are not passed to it.
// CHECK-LABEL: func.func @main
func.func @main(%x: memref<300xf32>, %y: memref<300xf32>, %z: memref<300xf32>) {
  %one = arith.constant 1.0 : f32
  // CHECK: gpu.launch_func @hgf_kernels::@[[KERNEL:.*]] blocks in (%c3, {{.*}}) threads in (%c128, {{.*}}) args(%arg0 : memref<300xf32>, %arg1 : memref<300xf32>)
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%x : memref<300xf32>) outs(%y : memref<300xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %one : f32
    linalg.yield %0 : f32
  }
  // CHECK: gpu.launch_func @hgf_kernels::@[[KERNEL]] {{.*}} args(%arg1 : memref<300xf32>, %arg2 : memref<300xf32>)
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]} ins(%y : memref<300xf32>) outs(%z : memref<300xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %one : f32
    linalg.yield %0 : f32
  }
  return
}
// CHECK: gpu.func @[[KERNEL]]
// CHECK-NOT: gpu.func

// -----

// The lanes of a warp share a sum along contiguous elements.
// CHECK-LABEL: func.func @main
// 5 results of 32 lanes each are 160 threads.
// CHECK: gpu.launch_func {{.*}} blocks in (%c2,
// CHECK: gpu.func
// CHECK: scf.for {{.*}} step %c32
// CHECK: arith.addf
// CHECK-COUNT-5: gpu.shuffle xor
// CHECK: scf.if
// CHECK: memref.store
func.func @main(%x: memref<5x64xf32>, %y: memref<5xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]} ins(%x : memref<5x64xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// One thread walks a reduction along which operands are not contiguous.
// CHECK-LABEL: func.func @main
// CHECK: gpu.launch_func {{.*}} blocks in (%c1
// CHECK: gpu.func
// CHECK-NOT: gpu.shuffle
func.func @main(%x: memref<64x5xf32>, %y: memref<5xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]} ins(%x : memref<64x5xf32>) outs(%y : memref<5xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// A grid that is not known is a power of two: it rarely changes from call to
// call.
// CHECK-LABEL: func.func @main
// CHECK: %[[ZEROS:.*]] = math.ctlz
// CHECK: %[[SHIFT:.*]] = arith.subi %c64{{.*}}, %[[ZEROS]]
// CHECK: arith.shli %c1{{.*}}, %[[SHIFT]]
// CHECK: gpu.launch_func
func.func @main(%x: memref<?xf32>, %y: memref<?xf32>) {
  linalg.exp ins(%x : memref<?xf32>) outs(%y : memref<?xf32>)
  return
}
