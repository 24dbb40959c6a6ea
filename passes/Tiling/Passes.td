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
    In a compilation it lowers what no kernel implements; `hgf.linear` and
    `hgf.cache_append` stay, unless `fused` is set or `pack-weights` marked the
    layer `hgf.missed`. Weights are decoded from their two-bit codes where they
    are used.

    Example: `hgf.activation relu` becomes a `linalg.generic` over
    `arith.maximumf`.
  }];
  let options = [Option<"fused", "fused", "bool", "false",
      "also decompose hgf.linear and hgf.cache_append">];
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

    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?xf32>
    // becomes, beside @main:
    func.func @hgf_output_dims(%x0: index, %x1: index) -> index {
      return %x0 : index
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

    ```mlir
    tensor.concat dim(0) %a, %b
    // becomes
    tensor.insert_slice %a into %empty; tensor.insert_slice %b into ...
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

    ```mlir
    %a = linalg.generic { exp }; %b = linalg.generic ins(%a) { negf }
    // becomes
    %b = linalg.generic { exp; negf }
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

    ```mlir
    linalg.matmul ins(%a, %b : tensor<64x4096xf32>, ...)
    // becomes
    scf.forall (%i) = (0) to (4096) step (32) { linalg.matmul ... }
    ```
  }];
  let options = [Option<"pieceWork", "piece-work", "int64_t", "131072",
                        "fewest steps that are worth a thread's while">];
  let dependentDialects = ["mlir::linalg::LinalgDialect", "mlir::scf::SCFDialect",
                           "mlir::affine::AffineDialect", "mlir::tensor::TensorDialect"];
}

#endif // HGF_PASSES_TILING_PASSES_TD
