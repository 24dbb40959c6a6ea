//===- VerifyContract.cpp - What must be gone after a phase ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyContract.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace {

/// Fails at the first operation that the phase promised to remove.
struct VerifyContract
    : public PassWrapper<VerifyContract, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(VerifyContract)

  explicit VerifyContract(const hgf::Phase &phase) : phase(phase) {}

  StringRef getName() const override { return "VerifyContract"; }

  void runOnOperation() override {
    auto [leftover, gone] = hgf::findLeftover(getOperation(), phase);
    if (!leftover)
      return;
    leftover->emitOpError("is still there after the ")
        << phase.name << " phase, which must leave no '" << gone
        << "'; this is a defect of the compiler, please report it";
    signalPassFailure();
  }

  const hgf::Phase &phase;
};

} // namespace

std::unique_ptr<Pass> hgf::createVerifyContractPass(const Phase &phase) {
  return std::make_unique<VerifyContract>(phase);
}
