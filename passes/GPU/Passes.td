//===- Passes.td - Passes of the gpu phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_PASSES_TD
#define HGF_PASSES_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectAttention : Pass<"select-attention"> {
  let summary = "Chooses the attentions that a kernel computes in one pass";
  let description = [{
    `hgf.attention` and `hgf.differential_attention` become
    `hgf.flash_attention`, of which no matrix of scores is ever stored. The
    numbers of heads, the depth and the width of a head have to be known, the
    latter two at most 256; a mask may have sizes of 1 only where that is known.
    Others stay, with a remark that says why, and are decomposed.

    Example:

    ```mlir
    func.func @main(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
      %y = hgf.attention %q, %k, %v scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
      return %y : tensor<1x4x?x8xf32>
    }
    ```

    becomes

    ```mlir
    %dim = tensor.dim %arg0, %c2 : tensor<1x4x?x8xf32>
    %0 = tensor.empty(%dim) : tensor<1x4x?x8xf32>
    %1 = hgf.flash_attention ins(%arg0, %arg1, %arg2 : ...) outs(%0 : tensor<1x4x?x8xf32>) scale 5.000000e-01 causal -> tensor<1x4x?x8xf32>
    return %1 : tensor<1x4x?x8xf32>
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def MapAttention : Pass<"map-attention", "mlir::ModuleOp"> {
  let summary = "Turns attention over memrefs into kernels and their launches";
  let description = [{
    Up to eight queries, as when text is generated, take two launches: the keys
    are split over blocks, and the splits' results joined in scratch memory. The
    grid of both does not depend on the number of keys. More queries take one
    launch, with a block per tile of queries. Which one it is, is decided when
    the model runs where the number of queries is not known before.

    Tensors are read where they are, whatever their strides; four floats at a
    time where alignment and strides allow it, which the kernels find out.

    Example:

    ```mlir
    func.func @main(%q: memref<1x4x64x8xf32>, %k: memref<1x2x64x8xf32>, %v: memref<1x2x64x8xf32>, %y: memref<1x4x64x8xf32>) {
      hgf.flash_attention ins(%q, %k, %v : memref<1x4x64x8xf32>, memref<1x2x64x8xf32>, memref<1x2x64x8xf32>) outs(%y : memref<1x4x64x8xf32>) scale 0.5 causal
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(...
      gpu.launch_func @hgf_kernels::@hgf_attention_tiles_0 blocks in (%..., %c1..., ...) threads in (%c128, ...) args(%arg0 : memref<1x4x64x8xf32>, ...)
      return
      gpu.module @hgf_kernels {
      gpu.func @hgf_attention_tiles_0(...) workgroup(...) kernel {
        ...gpu.barrier...
        ...gpu.shuffle xor...
        ...llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz"...
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect",
                           "mlir::LLVM::LLVMDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

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
      gpu.launch_func @hgf_kernels::@hgf_operation_0 blocks in (%c1..., %c1..., %c1...) threads in (%c128, ...) args(%arg0 : memref<8xf32>, %arg1 : memref<8xf32>)
      return
    gpu.module @hgf_kernels {
      gpu.func @hgf_operation_0(%arg0: memref<8xf32>, %arg1: memref<8xf32>) kernel {
        scf.for ...
          ...memref.load %arg0...
          ...math.exp ...
          memref.store ...
    ```
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::gpu::GPUDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def MapLayers : Pass<"map-layers", "mlir::ModuleOp"> {
  let summary = "Turns each hgf.linear and hgf.head into launches of kernels";
  let description = [{
    A layer is at most two launches: a prologue that normalizes and quantizes
    its input and computes the correction's inner values, and the kernel that
    multiplies, whose epilogue adds everything else. lib/Kernels/NVVM builds them
    for the layer's shape; layers with equal keys share them. There is one
    multiplying kernel for 1, 2 and 4 tokens each, and for more, where the chips
    and the layer allow, products of matrices for 16, 32 and 64; elsewhere a
    kernel for 8. The host chooses. Runs after `lower-weights`.

    Example:

    ```mlir
    // hgf-opt --lower-weights --map-layers
    hgf.weights @layer_0 size 192
    func.func @main(%arg0: memref<1x3xf32>, %arg1: memref<1x2xf32>, %arg2: memref<192xi8>) {
      %0 = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "words2", scale = row>
      hgf.linear ins(%arg0 : memref<1x3xf32>) weight(%0 : !hgf.packed<2 by 3, encoding = "words2", scale = row>) outs(%arg1 : memref<1x2xf32>) scratch(%arg2 : memref<192xi8>) quantization reciprocal
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(...
      gpu.launch_func @hgf_kernels::@hgf_prologue...
      gpu.launch_func @hgf_kernels::@hgf_decode...
      return
    gpu.module @hgf_kernels {
    ```
  }];
  let options = [ListOption<"chips", "chips", "std::string",
                            "every chip that the kernels must suit, e.g. "
                            "sm_80; none: all chips">];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect",
                           "mlir::arith::ArithDialect", "mlir::cf::ControlFlowDialect",
                           "mlir::gpu::GPUDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect"];
}

def MapSerial : Pass<"map-serial", "mlir::ModuleOp"> {
  let summary = "Turns loops whose steps depend on each other into kernels";
  let description = [{
    A loop over single elements, as scattering to indices that may repeat needs
    one, becomes a kernel of one thread. That is slow, but such tensors stay in
    the GPU's memory. Runs after `map-linalg`: loops around launches are the
    host's.

    Example:

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: index, %arg2: index) {
      %c1 = arith.constant 1 : index
      scf.for %arg3 = %arg1 to %arg2 step %c1 {
        %0 = memref.load %arg0[%arg3] : memref<8xf32>
        memref.store %0, %arg0[%c1] : memref<8xf32>
      }
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: memref<8xf32>, %arg1: index, %arg2: index) {
      gpu.launch_func @hgf_kernels::@hgf_operation_0 blocks in (%c1_0, ...) threads in (%c1_2, ...) args(%arg1 : index, %arg2 : index, %arg0 : memref<8xf32>)
      return
    gpu.module @hgf_kernels {
      gpu.func @hgf_operation_0(%arg0: index, %arg1: index, %arg2: memref<8xf32>) kernel {
        scf.for ...
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::gpu::GPUDialect"];
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
      ...arith.bitcast ...
      ...llvm.call_intrinsic "llvm.fma"...
      memref.store ...
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
      llvm.func @main(...
        llvm.call @hgf_rt_gpu_launch(%arg0, ...) : (!llvm.ptr, !llvm.ptr) -> ()
        llvm.return
      gpu.module @hgf_kernels {
        llvm.func @kernel(%arg0: !llvm.ptr, %arg1: i64)...
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect", "mlir::NVVM::NVVMDialect"];
}

#endif // HGF_PASSES_GPU_PASSES_TD
