//===- Passes.td - Passes of the gpu phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_PASSES_TD
#define HGF_PASSES_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def MapLinalg : Pass<"map-linalg", "mlir::ModuleOp"> {
  let summary = "Turns linalg over memrefs into kernels and their launches";
  let description = [{
    One thread computes one element of the result, or one warp where the loop
    along which operands are contiguous is a sum, a maximum or a minimum:
    its lanes share the steps and join their results by shuffles. Neighbouring
    threads take neighbouring elements of the loop along which most operands are
    contiguous. Equal operations share a kernel.

    The number of blocks follows from the sizes; those that are not known when
    compiling are rounded up to a power of two. Threads that find no element do
    nothing, and where there are more elements than threads they take several.

    Example:

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: memref<8xf32>) {
      linalg.exp ins(%arg0 : memref<8xf32>) outs(%arg1 : memref<8xf32>)
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: memref<8xf32>) {
      gpu.launch_func @hgf_kernels::@hgf_operation_0 blocks in (%c1, %c1_0, %c1_0) threads in (%c128, ...) args(%arg0 : memref<8xf32>, %arg1 : memref<8xf32>)
      return
    gpu.module @hgf_kernels {
      gpu.func @hgf_operation_0(%arg0: memref<8xf32>, %arg1: memref<8xf32>) kernel {
        scf.for ...
          memref.load %arg0
          math.exp
          memref.store
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::gpu::GPUDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def CheckHost : Pass<"check-host", "mlir::ModuleOp"> {
  let summary = "Refuses what would read a tensor on the host";
  let description = [{
    Tensors live in the GPU's memory, and the host only computes sizes and
    launches kernels. What is left and reads or writes a tensor's elements is an error
    that names the ONNX node.

    Example:

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: index) -> index {
      %dim = memref.dim %arg0, %arg1 : memref<8xf32>
      return %dim : index
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: index) -> index {
      %dim = memref.dim %arg0, %arg1 : memref<8xf32>
      return %dim : index
    }
    ```
  }];
}

def ExpandDeviceMath : Pass<"expand-device-math", "mlir::ModuleOp"> {
  let summary = "Turns functions of math into arithmetic inside kernels";
  let description = [{
    NVIDIA's library of such functions comes with the toolkit, which a
    compilation does not need. What `approximate-math` leaves becomes upstream's
    polynomials; half precision is computed in float32. Square roots,
    roundings and the like become calls of LLVM's intrinsics: the GPU has
    instructions for them.

    Example:

    ```mlir
    gpu.module @hgf_kernels {
      gpu.func @kernel(%arg0: memref<f32>) kernel {
        %0 = memref.load %arg0[] : memref<f32>
        %1 = math.log %0 : f32
        memref.store %1, %arg0[] : memref<f32>
        gpu.return
      }
    }
    ```

    becomes

    ```mlir
    gpu.func @kernel(%arg0: memref<f32>) kernel {
      %0 = memref.load %arg0[] : memref<f32>
      arith.bitcast ...
      llvm.call_intrinsic "llvm.fma"
      memref.store
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::LLVM::LLVMDialect",
                           "mlir::math::MathDialect", "mlir::vector::VectorDialect"];
}

def CheckKernels : Pass<"check-kernels", "mlir::ModuleOp"> {
  let summary = "Refuses kernels that call functions nobody defines";
  let description = [{
    Upstream turns functions of math for which the GPU has no instruction into
    calls of NVIDIA's device library, which is not linked. Such a call is an
    error that names the ONNX node.

    Example:

    ```mlir
    gpu.module @hgf_kernels {
      llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
        llvm.return
      }
    }
    ```

    becomes

    ```mlir
    gpu.module @hgf_kernels {
      llvm.func @kernel() attributes {gpu.kernel, nvvm.kernel} {
        llvm.return
    ```
  }];
}

def ConvertLaunches : Pass<"convert-launches", "mlir::ModuleOp"> {
  let summary = "Turns launches into calls of the runtime";
  let description = [{
    Each `gpu.launch_func` of `@main` becomes a call of `hgf_rt_gpu_launch` (see
    lib/Runtime/ModelDescriptor.h), and the kernels' names go to the module's
    attribute `hgf.gpu_kernels`. Kernels lose the arguments that they do not
    use; the others become 64 bits wide.

    What follows from the length of state that grows, e.g. the number of
    tokens in a cache, is no argument but a value: the kernel reads it from
    memory, so that a graph of recorded launches serves every step. Where two launches
    of one kernel differ in that, the argument is a value in both.

    Example:

    ```mlir
    module attributes {gpu.container_module} {
      llvm.func @main(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr, %arg3: i64, %arg4: i64, %arg5: i64) {
        %0 = llvm.mlir.constant(1 : index) : i64
        gpu.launch_func @hgf_kernels::@kernel blocks in (%0, %0, %0) threads in (%0, %0, %0) : i64 args(%arg2 : !llvm.ptr, %arg4 : i64)
        llvm.return
      }
      gpu.module @hgf_kernels {
        llvm.func @kernel(%arg0: !llvm.ptr, %arg1: i64) attributes {gpu.kernel, nvvm.kernel} {
          llvm.store %arg1, %arg0 : i64, !llvm.ptr
          llvm.return
        }
      }
    }
    ```

    becomes

    ```mlir
    module attributes {gpu.container_module, hgf.gpu_kernels = ["kernel"]} {
      llvm.func @main(
        llvm.call @hgf_rt_gpu_launch(%arg0, ...) : (!llvm.ptr, !llvm.ptr) -> ()
        llvm.return
      gpu.module @hgf_kernels {
        llvm.func @kernel(%arg0: !llvm.ptr, %arg1: i64)
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect"];
}

#endif // HGF_PASSES_GPU_PASSES_TD
