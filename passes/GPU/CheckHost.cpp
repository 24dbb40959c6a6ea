//===- CheckHost.cpp - The host touches no tensor -------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace hgf {
#define GEN_PASS_DEF_CHECKHOST
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct CheckHost : public hgf::impl::CheckHostBase<CheckHost> {
  void runOnOperation() override {
    bool failed = false;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk([&](Operation *op) {
        if (!isa<memref::LoadOp, memref::StoreOp, memref::CopyOp,
                 memref::AllocOp, memref::AllocaOp>(op) &&
            op->getName().getDialectNamespace() != "hgf" &&
            op->getName().getDialectNamespace() != "linalg")
          return;
        op->emitError("expected work that can be done on the GPU, but '")
            << op->getName()
            << "' needs the contents of a tensor on the host; compile the "
               "model "
               "for the CPU";
        failed = true;
      });
    if (failed)
      signalPassFailure();
  }
};

} // namespace
