//===- Passes.td - Passes of the legalization phase -----------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_PASSES_TD
#define HGF_PASSES_LEGALIZATION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertONNXToLinalg : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Gives ONNX nodes their meaning in linalg, tensor, arith, math";
  let description = [{
    Lowers every `onnx.node` of `@main`, opsets 11 to 25, with static and
    symbolic dimensions. All dimensions become index arithmetic over the
    dimensions of the function's arguments, at the top of the function; shapes
    that a graph computes are followed as scalars, so that no tensor is made
    for them. Equal dimensions are the same value: arguments whose `onnx.dims`
    share a name share the dimension. What only the run can show is checked by
    `cf.assert` at the top.

    Unsigned integers become signless; types of two and four bits are held in
    `i8`. Every operator that has no lowering is an error that names its node.

    Example:

    ```mlir
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["n", ""]},
                    %y: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> !onnx.unknown {
      %sum = onnx.node "Add"(%x, %y) : (tensor<?x4xf32>, tensor<?x4xf32>) -> !onnx.unknown
      return %sum : !onnx.unknown
    }
    ```

    becomes

    ```mlir
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["n", ""]},
                    %y: tensor<?x4xf32> {onnx.dims = ["n", ""]}) -> tensor<?x4xf32> {
      %sum = arith.addf %x, %y : tensor<?x4xf32>
      return %sum : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // HGF_PASSES_LEGALIZATION_PASSES_TD
