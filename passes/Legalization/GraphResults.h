//===- GraphResults.h - Helpers of passes over ONNX graphs ------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_GRAPHRESULTS_H
#define HGF_PASSES_LEGALIZATION_GRAPHRESULTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace hgf {

/// The ONNX name of `operation`, from its location; empty if it has none.
inline std::string getNodeName(mlir::Operation *operation) {
  if (auto name = mlir::dyn_cast<mlir::NameLoc>(operation->getLoc()))
    return name.getName().str();
  return "";
}

/// Gives `graph` the result types that its return operation has: passes know
/// more about a value than the file does.
inline void updateResultTypes(mlir::func::FuncOp graph) {
  auto returned =
      mlir::cast<mlir::func::ReturnOp>(graph.getBody().front().getTerminator());
  graph.setFunctionType(mlir::FunctionType::get(
      graph.getContext(), graph.getFunctionType().getInputs(),
      returned.getOperandTypes()));
}

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_GRAPHRESULTS_H
