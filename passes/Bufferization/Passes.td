//===- Passes.td - Passes of the bufferization phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_BUFFERIZATION_PASSES_TD
#define HGF_PASSES_BUFFERIZATION_PASSES_TD

include "mlir/Pass/PassBase.td"

def MakeBoundary : Pass<"make-boundary", "mlir::ModuleOp"> {
  let summary = "Gives @main memref arguments: inputs, then outputs";
  let description = [{
    Replaces the tensors in the signature of `@main`. Inputs become contiguous
    memrefs that are never written; results become further memref arguments
    (`bufferization.materialize_in_destination`), so that they are computed in
    the caller's memory. What the runtime must know about the arguments is moved to the
    module's attributes `hgf.inputs` and `hgf.outputs`.

    State that grows in place (`hgf.state_axis` >= 0) is a view whose strides
    are those of its capacity: such an argument has a dynamic layout, may be
    written, and its result stays a result, which `plan-arena` drops.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<?xf32> {onnx.name = "x"}) -> (tensor<?xf32> {onnx.name = "y"}) {
      %0 = math.exp %arg0 : tensor<?xf32>
      return %0 : tensor<?xf32>
    }
    ```

    becomes

    ```mlir
    module attributes {hgf.inputs = [{dim_names = [""], dims = array<i64: -1>, dtype = 1 : i32, name = "x", ...
    func.func @main(%arg0: memref<?xf32>, %arg1: memref<?xf32>) {
      %0 = bufferization.to_tensor %arg0 restrict : memref<?xf32> to tensor<?xf32>
      %1 = math.exp %0 : tensor<?xf32>
      bufferization.materialize_in_destination %1 in restrict writable %arg1 : (tensor<?xf32>, memref<?xf32>) -> ()
      return
    }
    ```
  }];
  let dependentDialects = ["mlir::bufferization::BufferizationDialect",
                           "mlir::memref::MemRefDialect"];
}

def PlanArena : Pass<"plan-arena", "mlir::ModuleOp"> {
  let summary = "Places every allocation of @main in one arena";
  let description = [{
    Every `memref.alloc` of `@main` becomes a view of one buffer that the
    caller passes as the last argument. Allocations that are not alive at the
    same time share bytes: static ones are placed greedily by size, those whose
    size is a function of the inputs' dims share slots. Offsets are multiples of
    64. Adds `@hgf_arena_bytes`, which computes the buffer's size from the
    inputs' dims. Small static allocations inside a parallel loop become stack
    memory, because every thread needs its own.

    Example:

    ```mlir
    func.func @main(%arg0: memref<4xf32>, %arg1: memref<4xf32>) {
      %alloc = memref.alloc() : memref<4xf32>
      memref.copy %arg0, %alloc : memref<4xf32> to memref<4xf32>
      memref.copy %alloc, %arg1 : memref<4xf32> to memref<4xf32>
      return
    }
    ```

    becomes

    ```mlir
    func.func @main(%arg0: memref<4xf32>, %arg1: memref<4xf32>, %arg2: memref<?xi8>) {
      %c0 = arith.constant 0 : index
      %view = memref.view %arg2[%c0][] : memref<?xi8> to memref<4xf32>
      memref.copy %arg0, %view : memref<4xf32> to memref<4xf32>
      memref.copy %view, %arg1 : memref<4xf32> to memref<4xf32>
      return
    }
    func.func private @hgf_arena_bytes(%arg0: index, %arg1: index) -> index {
      %c64 = arith.constant 64 : index
      return %c64 : index
    }
    ```
  }];
  let options = [
    Option<"stackBytes", "stack-bytes", "int64_t", "65536",
           "most bytes that the body of one parallel loop may take of the stack">
  ];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

def AllocateScratch : Pass<"allocate-scratch", "mlir::ModuleOp"> {
  let summary = "Allocates what layers and attention compute in";
  let description = [{
    Quantized activations, their sums, the correction's inner values and
    dynamic gates of all tokens live in one buffer per layer, which is allocated
    here so that `plan-arena` places it: kernels allocate nothing. Operands whose
    tokens are not at one distance from each other are copied, because kernels
    know one stride per tensor. `hgf.flash_attention` of a few queries gets
    memory where the parts of its keys meet.

    Example:

    ```mlir
    hgf.weights @weights size 576
    func.func @main(%arg0: memref<4x3xf32>, %arg1: memref<4x2xf32>) {
      %0 = hgf.packed_constant @weights : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
      hgf.linear ins(%arg0 : memref<4x3xf32>) weight(%0 : !hgf.packed<2 by 3, encoding = "planes2", scale = row>) outs(%arg1 : memref<4x2xf32>) quantization reciprocal
      return
    }
    ```

    becomes

    ```mlir
    %alloc = memref.alloc() {alignment = 64 : i64} : memref<1440xi8>
    hgf.linear ... scratch(%alloc : memref<1440xi8>) quantization reciprocal
    ```
  }];
  let dependentDialects = ["mlir::memref::MemRefDialect", "mlir::arith::ArithDialect"];
}

#endif // HGF_PASSES_BUFFERIZATION_PASSES_TD
