//===- hgf-translate.cpp - Between files and IR ---------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Import/ONNX.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/CommandLine.h"

int main(int argc, char **argv) {
  llvm::cl::list<std::string> dimensions(
      "dim", llvm::cl::desc("Length of a symbolic dimension"),
      llvm::cl::value_desc("NAME=LENGTH"));
  hgf::registerONNXImport([&] {
    return std::vector<std::string>(dimensions.begin(), dimensions.end());
  });
  return mlir::failed(mlir::mlirTranslateMain(
      argc, argv, "HGF: translation between files and IR\n"));
}
