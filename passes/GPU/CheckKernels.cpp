//===- CheckKernels.cpp - Kernels are complete ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace hgf {
#define GEN_PASS_DEF_CHECKKERNELS
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct CheckKernels : public hgf::impl::CheckKernelsBase<CheckKernels> {
  void runOnOperation() override {
    bool failed = false;
    getOperation().walk([&](LLVM::CallOp call) {
      if (!call.getCallee() || !call->getParentOfType<gpu::GPUModuleOp>())
        return;
      auto callee = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
          call, call.getCalleeAttr());
      if (callee && !callee.isExternal())
        return;
      // The function of NVIDIA's device library that the operation became.
      StringRef name = *call.getCallee();
      name.consume_front("__nv_");
      call.emitError("expected functions that exist on the GPU without the "
                     "toolkit, but got '")
          << name << "'; compile the model for the CPU";
      failed = true;
    });
    if (failed)
      signalPassFailure();
  }
};

} // namespace
