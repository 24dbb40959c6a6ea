// RUN: hgf-opt %s --expand-device-math | FileCheck %s

// CHECK-LABEL: func.func @host
func.func @host(%x: f32) -> f32 {
  // CHECK: math.log
  %0 = math.log %x : f32
  return %0 : f32
}

gpu.module @hgf_kernels {
  // CHECK-LABEL: gpu.func @functions
  gpu.func @functions(%x: f32, %y: memref<f32>) kernel {
    // CHECK-NOT: math.
    // CHECK: llvm.call_intrinsic "llvm.fma"
    %0 = math.log %x : f32
    %1 = math.sin %0 : f32
    memref.store %1, %y[] : memref<f32>
    gpu.return
  }
  // CHECK-LABEL: gpu.func @instructions
  gpu.func @instructions(%x: f32, %n: i32, %i: index, %y: memref<f32>, %m: memref<i32>, %j: memref<index>) kernel {
    // CHECK: llvm.call_intrinsic "llvm.sqrt"
    %0 = math.sqrt %x : f32
    // CHECK: llvm.call_intrinsic "llvm.roundeven"
    %1 = math.roundeven %0 : f32
    // An approximation would change int8 codes.
    // CHECK: %[[ROOT:.*]] = llvm.call_intrinsic "llvm.sqrt"
    // CHECK: arith.divf {{.*}}, %[[ROOT]]
    %2 = math.rsqrt %1 : f32
    // CHECK: llvm.call_intrinsic "llvm.maxnum"
    %3 = arith.maxnumf %2, %x : f32
    memref.store %3, %y[] : memref<f32>
    // Zero is no reason for poison.
    // CHECK: llvm.call_intrinsic "llvm.ctlz"(%{{.*}}, %{{.*}}) : (i32, i1)
    %4 = math.ctlz %n : i32
    memref.store %4, %m[] : memref<i32>
    // CHECK: arith.maxsi {{.*}} : index
    %5 = math.absi %i : index
    memref.store %5, %j[] : memref<index>
    gpu.return
  }
  // CHECK-LABEL: gpu.func @half
  gpu.func @half(%x: f16, %y: memref<f16>) kernel {
    // CHECK: arith.extf {{.*}} f16 to f32
    // CHECK: arith.truncf {{.*}} f32 to f16
    %0 = math.log %x : f16
    memref.store %0, %y[] : memref<f16>
    gpu.return
  }
}
