// RUN: hgf-opt %s --convert-launches | FileCheck %s

// State that grows along axis 0 has the sizes %arg4 and, behind the run,
// %arg9; the input "mask" has the same name for its only dimension.
// CHECK: module attributes {{.*}}hgf.gpu_kernels = ["steady", "varying"]
module attributes {gpu.container_module,
    hgf.inputs = [{dims = array<i64: -1>, dim_names = ["past"], state_axis = 0 : i32}],
    hgf.outputs = [{dims = array<i64: -1>, dim_names = ["total"], state_axis = 0 : i32}]} {
  // CHECK-LABEL: llvm.func @main
  llvm.func @main(%call: !llvm.ptr, %p: !llvm.ptr, %x: !llvm.ptr, %o: i64, %past: i64, %s: i64, %q: !llvm.ptr, %y: !llvm.ptr, %oo: i64, %total: i64, %t: i64) {
    // CHECK: %[[PARAMETERS:.*]] = llvm.alloca
    // CHECK: %[[VALUES:.*]] = llvm.alloca
    // CHECK: %[[LAUNCH:.*]] = llvm.alloca {{.*}} !llvm.struct<(i32, array<3 x i32>, i32, i32, i32, i32, ptr, ptr)>
    %one = llvm.mlir.constant(1 : index) : i64
    %half = llvm.mlir.constant(0.5 : f32) : f32
    // The second argument is not used, the third becomes 64 bits wide.
    // CHECK: %[[P:.*]] = llvm.ptrtoint %arg2
    // CHECK: llvm.store %[[P]], %{{.*}}
    // CHECK: llvm.zext
    // CHECK: llvm.call @hgf_rt_gpu_launch(%arg0, %[[LAUNCH]])
    gpu.launch_func @hgf_kernels::@steady blocks in (%one, %one, %one) threads in (%one, %one, %one) : i64 args(%x : !llvm.ptr, %past : i64, %half : f32)
    // CHECK: llvm.getelementptr %[[VALUES]][0]
    // CHECK: llvm.call @hgf_rt_gpu_launch(%arg0, %[[LAUNCH]])
    %twice = llvm.add %past, %past : i64
    gpu.launch_func @hgf_kernels::@varying blocks in (%one, %one, %one) threads in (%one, %one, %one) : i64 args(%x : !llvm.ptr, %twice : i64)
    llvm.return
  }
  gpu.module @hgf_kernels {
    // CHECK: llvm.func @steady(%arg0: !llvm.ptr, %arg1: i64)
    llvm.func @steady(%x: !llvm.ptr, %unused: i64, %f: f32) attributes {gpu.kernel, nvvm.kernel} {
      // CHECK: llvm.trunc %arg1 : i64 to i32
      // CHECK: llvm.bitcast {{.*}} : i32 to f32
      llvm.store %f, %x : f32, !llvm.ptr
      llvm.return
    }
    // CHECK: llvm.func @varying(%arg0: !llvm.ptr, %arg1: !llvm.ptr<1>)
    llvm.func @varying(%x: !llvm.ptr, %length: i64) attributes {gpu.kernel, nvvm.kernel} {
      // CHECK: %[[ADDRESS:.*]] = llvm.getelementptr inbounds %arg1[0]
      // CHECK: llvm.load %[[ADDRESS]] invariant
      llvm.store %length, %x : i64, !llvm.ptr
      llvm.return
    }
  }
}
