//===- Compile.cpp - From keys to PTX ----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compile.h"

#include "hgf/Kernels/NVVM/LowerKernels.h"
#include "hgf/Kernels/NVVM/PrefillKernel.h"

#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace hgf;
using namespace hgf::test;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  return registry;
}

Compiled hgf::test::compile(ArrayRef<GpuLinearKey> keys, StringRef chip) {
  static DialectRegistry registry = makeRegistry();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  auto kernels =
      gpu::GPUModuleOp::create(builder, builder.getUnknownLoc(), "kernels");
  Compiled result;
  auto describe = [](GpuKernel kernel) -> Launch {
    return {kernel.function.getName().str(), kernel.threads, kernel.blocks,
            kernel.tokens};
  };
  for (const GpuLinearKey &key : keys) {
    result.prologues.push_back(needsPrologue(key)
                                   ? describe(getOrBuildPrologue(kernels, key))
                                   : Launch());
    result.decodes.push_back(describe(key.tokens >= 16
                                          ? getOrBuildPrefill(kernels, key)
                                          : getOrBuildDecode(kernels, key)));
  }
  EXPECT_TRUE(succeeded(verify(*module)));

  PassManager lowering(&context);
  buildKernelLoweringPipeline(lowering);
  EXPECT_TRUE(succeeded(lowering.run(*module)));
  module->walk([](LLVM::CallOp call) {
    ADD_FAILURE() << "calls a device library: " << call.getCallee()->str();
  });

  PassManager manager(&context);
  GpuNVVMAttachTargetOptions target;
  target.chip = chip.str();
  target.features = "+ptx70";
  target.optLevel = 3;
  manager.addPass(createGpuNVVMAttachTarget(target));
  GpuModuleToBinaryPassOptions format;
  format.compilationTarget = "isa";
  manager.addPass(createGpuModuleToBinaryPass(format));
  if (failed(manager.run(*module))) {
    ADD_FAILURE() << "the kernels cannot be lowered";
    return result;
  }
  module->walk([&](gpu::BinaryOp binary) {
    auto object = cast<gpu::ObjectAttr>(binary.getObjects()[0]);
    result.ptx = object.getObject().getValue().str();
  });
  // The text may end with a zero.
  while (!result.ptx.empty() && result.ptx.back() == 0)
    result.ptx.pop_back();
  return result;
}
