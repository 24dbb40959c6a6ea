//===- LinearKernels.cpp - Kernels of a ternary layer on a GPU --*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelFunction.h"
#include "Linear.h"

#include "hgf/Kernels/NVVM/PrefillKernel.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace hgf;

GpuKernel hgf::getOrBuildPrologue(gpu::GPUModuleOp module,
                                  const GpuLinearKey &key) {
  LaunchShape shape = getPrologueShape(key);
  std::string name = key.getPrologueName();
  auto function = module.lookupSymbol<gpu::GPUFuncOp>(name);
  if (!function) {
    SmallVector<ArgumentKind> arguments(prologueArgumentCount,
                                        ArgumentKind::ReadOnlyPointer);
    arguments[PrologueInputStride] = ArgumentKind::Number;
    arguments[PrologueScratch] = ArgumentKind::Pointer;
    function = makeKernelFunction(module, name, arguments, shape.threads);
    GpuBuilder builder(function, shape.threads);
    buildPrologue(builder, key);
    builder.finish();
  }
  return {function, shape.threads, shape.blocks, 1};
}

/// A kernel that takes DecodeArguments.
static GpuKernel getOrBuildProducts(
    gpu::GPUModuleOp module, const GpuLinearKey &key, StringRef name,
    LaunchShape shape,
    function_ref<void(GpuBuilder &, const GpuLinearKey &)> build) {
  auto function = module.lookupSymbol<gpu::GPUFuncOp>(name);
  if (!function) {
    SmallVector<ArgumentKind> arguments(decodeArgumentCount,
                                        ArgumentKind::ReadOnlyPointer);
    for (DecodeArgument number : {DecodeInputStride, DecodeResidualStride,
                                  DecodeOutputStride, DecodeTokens})
      arguments[number] = ArgumentKind::Number;
    // The residual may be the output itself; the scratch holds a counter.
    arguments[DecodeResidual] = arguments[DecodeOutput] = ArgumentKind::Pointer;
    if (key.gatesOutput())
      arguments[DecodeScratch] = ArgumentKind::Pointer;
    function = makeKernelFunction(module, name, arguments, shape.threads);
    GpuBuilder builder(function, shape.threads);
    build(builder, key);
    builder.finish();
  }
  return {function, shape.threads, shape.blocks, key.tokens};
}

GpuKernel hgf::getOrBuildDecode(gpu::GPUModuleOp module,
                                const GpuLinearKey &key) {
  return getOrBuildProducts(module, key, key.getDecodeName(),
                            getDecodeShape(key), buildDecode);
}

GpuKernel hgf::getOrBuildPrefill(gpu::GPUModuleOp module,
                                 const GpuLinearKey &key) {
  GpuKernel kernel = getOrBuildProducts(module, key, getPrefillName(key),
                                        getPrefillShape(key), buildPrefill);
  // Without being told for how many blocks registers must suffice, ptxas may
  // spill for one more.
  int64_t blocks = key.tokens >= 64 ? 2 : key.tokens >= 32 ? 3 : 4;
  kernel.function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(),
                           OpBuilder(module).getI32IntegerAttr(blocks));
  return kernel;
}
