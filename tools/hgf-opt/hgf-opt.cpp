//===- hgf-opt.cpp - Reads, transforms and writes HGF's IR ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Pipeline/Phases.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  if (argc == 2 && llvm::StringRef(argv[1]) == "--show-phases") {
    hgf::printPhases(llvm::outs());
    return 0;
  }
  mlir::DialectRegistry registry;
  hgf::registerPipelineDialects(registry);
  mlir::registerAllPasses();
  hgf::registerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "HGF: optimiser for gated ternary networks\n", registry));
}
