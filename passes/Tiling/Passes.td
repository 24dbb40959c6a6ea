//===- Passes.td - Passes of the tiling phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_TILING_PASSES_TD
#define HGF_PASSES_TILING_PASSES_TD

include "mlir/Pass/PassBase.td"

def DecomposeHGF : Pass<"decompose-hgf"> {
  let summary = "Replace hgf operations by linalg operations of the same meaning";
  let description = [{
    The executable meaning of the dialect: every kernel is tested against it.
    In a compilation it lowers what no kernel implements; `hgf.linear`,
    `hgf.flash_attention` and `hgf.cache_append` stay, unless `fused` is set or `pack-weights` marked the
    layer `hgf.missed`. Weights are decoded from their two-bit codes where they
    are used.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %0 = hgf.activation relu %arg0 : tensor<2x3xf32>
      return %0 : tensor<2x3xf32>
    }
    ```

    becomes

    ```mlir
    %cst = arith.constant 0.000000e+00 : f32
    %0 = tensor.empty() : tensor<2x3xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<2x3xf32>) outs(%0 : tensor<2x3xf32>) {
    ^bb0(%in: f32, %out: f32):
      %2 = arith.maximumf %in, %cst : f32
      linalg.yield %2 : f32
    } -> tensor<2x3xf32>
    return %1 : tensor<2x3xf32>
    ```
  }];
  let options = [Option<"fused", "fused", "bool", "false",
      "also decompose hgf.linear, hgf.flash_attention and hgf.cache_append">];
  let dependentDialects = ["::mlir::arith::ArithDialect",
      "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
      "::mlir::tensor::TensorDialect"];
}

def EmitOutputDims : Pass<"emit-output-dims", "mlir::ModuleOp"> {
  let summary = "Writes the function that computes the outputs' dims";
  let description = [{
    Adds `@hgf_output_dims`: it takes the dims of all inputs of `@main`, one
    after another, and returns the dims of all outputs, one after another. The
    runtime calls it before it allocates outputs. It is cut out of the tensor
    program, so the dims may depend on nothing but the inputs' dims: an output
    whose dims depend on the inputs' contents is an error.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<?x4xf32>) -> tensor<4x?xf32> {
      %c0 = arith.constant 0 : index
      %dim = tensor.dim %arg0, %c0 : tensor<?x4xf32>
      %0 = tensor.empty(%dim) : tensor<4x?xf32>
      %transposed = linalg.transpose ins(%arg0 : tensor<?x4xf32>) outs(%0 : tensor<4x?xf32>) permutation = [1, 0]
      return %transposed : tensor<4x?xf32>
    }
    ```

    becomes

    ```mlir
    func.func private @hgf_output_dims(%arg0: index, %arg1: index) -> (index, index) {
      %c4 = arith.constant 4 : index
      return %c4, %arg0 : index, index
    }
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::tensor::TensorDialect",
                           "mlir::affine::AffineDialect"];
}

def DecomposeConcat : Pass<"decompose-concat"> {
  let summary = "Turns tensor.concat into insertions";
  let description = [{
    Every part is then computed where it ends up.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<2x4xf32>, %arg1: tensor<3x4xf32>) -> tensor<5x4xf32> {
      %concat = tensor.concat dim(0) %arg0, %arg1 : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
      return %concat : tensor<5x4xf32>
    }
    ```

    becomes

    ```mlir
    %0 = tensor.empty() : tensor<5x4xf32>
    %inserted_slice = tensor.insert_slice %arg0 into %0[0, 0] [2, 4] [1, 1] : tensor<2x4xf32> into tensor<5x4xf32>
    %inserted_slice_0 = tensor.insert_slice %arg1 into %inserted_slice[2, 0] [3, 4] [1, 1] : tensor<3x4xf32> into tensor<5x4xf32>
    return %inserted_slice_0 : tensor<5x4xf32>
    ```
  }];
  let dependentDialects = ["mlir::tensor::TensorDialect", "mlir::affine::AffineDialect",
                           "mlir::arith::ArithDialect"];
}

def FuseElementwise : Pass<"fuse-elementwise"> {
  let summary = "Fuses elementwise linalg operations with their readers";
  let description = [{
    An elementwise operation with one reader joins it, if the reader looks at
    each element once: nothing is computed more often than before. Conversions
    join any reader.

    Example:

    ```mlir
    #map = affine_map<(d0) -> (d0)>
    func.func @main(%arg0: tensor<8xf32>, %arg1: tensor<8xf32>) -> tensor<8xf32> {
      %0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg0 : tensor<8xf32>) outs(%arg1 : tensor<8xf32>) {
      ^bb0(%in: f32, %out: f32):
        %2 = math.exp %in : f32
        linalg.yield %2 : f32
      } -> tensor<8xf32>
      %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%0 : tensor<8xf32>) outs(%arg1 : tensor<8xf32>) {
      ^bb0(%in: f32, %out: f32):
        %2 = arith.negf %in : f32
        linalg.yield %2 : f32
      } -> tensor<8xf32>
      return %1 : tensor<8xf32>
    }
    ```

    becomes

    ```mlir
    %0 = tensor.empty() : tensor<8xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%arg0 : tensor<8xf32>) outs(%0 : tensor<8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %2 = math.exp %in : f32
      %3 = arith.negf %2 : f32
      linalg.yield %3 : f32
    } -> tensor<8xf32>
    return %1 : tensor<8xf32>
    ```
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::affine::AffineDialect"];
}

def SplitThreads : Pass<"split-threads"> {
  let summary = "Splits large linalg operations into pieces for threads";
  let description = [{
    An operation of at least twice `piece-work` steps is tiled along one
    parallel loop into an `scf.forall` whose iterations do about `piece-work` each.
    Every element is computed by one iteration in the same order, so results do
    not depend on the number of threads.

    Example:

    ```mlir
    func.func @main(%arg0: tensor<64x64xf32>, %arg1: tensor<64x4096xf32>, %arg2: tensor<64x4096xf32>) -> tensor<64x4096xf32> {
      %0 = linalg.matmul ins(%arg0, %arg1 : tensor<64x64xf32>, tensor<64x4096xf32>) outs(%arg2 : tensor<64x4096xf32>) -> tensor<64x4096xf32>
      return %0 : tensor<64x4096xf32>
    }
    ```

    becomes

    ```mlir
    %0 = scf.forall (%arg3) in (64) shared_outs(%arg4 = %arg2) -> (tensor<64x4096xf32>) {
      %1 = linalg.matmul ins(%extracted_slice, %extracted_slice_0 : tensor<1x64xf32>, tensor<64x4096xf32>) outs(%extracted_slice_1 : tensor<1x4096xf32>) -> tensor<1x4096xf32>
      scf.forall.in_parallel {
        tensor.parallel_insert_slice %1 into %arg4[%arg3, 0] [1, 4096] [1, 1] : tensor<1x4096xf32> into tensor<64x4096xf32>
    ```
  }];
  let options = [Option<"pieceWork", "piece-work", "int64_t", "131072",
                        "fewest steps that are worth a thread's while">];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::scf::SCFDialect",
                           "mlir::affine::AffineDialect", "mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_TILING_PASSES_TD
