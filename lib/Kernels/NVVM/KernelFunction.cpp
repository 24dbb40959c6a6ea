//===- KernelFunction.cpp - A kernel without a body ----------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelFunction.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace hgf;

gpu::GPUFuncOp hgf::makeKernelFunction(gpu::GPUModuleOp module, StringRef name,
                                       ArrayRef<ArgumentKind> arguments,
                                       int64_t threads) {
  constexpr unsigned globalSpace = 1;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types;
  for (ArgumentKind kind : arguments)
    types.push_back(
        kind == ArgumentKind::Number
            ? Type(builder.getI64Type())
            : LLVM::LLVMPointerType::get(builder.getContext(), globalSpace));
  auto function =
      gpu::GPUFuncOp::create(builder, NameLoc::get(builder.getStringAttr(name)),
                             name, builder.getFunctionType(types, {}));
  function->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                    builder.getUnitAttr());
  function.setKnownBlockSizeAttr(
      builder.getDenseI32ArrayAttr({int32_t(threads), 1, 1}));
  for (auto [index, kind] : llvm::enumerate(arguments)) {
    if (kind != ArgumentKind::ReadOnlyPointer)
      continue;
    // Loads from it may take the way that is not kept coherent.
    for (StringRef name : {LLVM::LLVMDialect::getNoAliasAttrName(),
                           LLVM::LLVMDialect::getReadonlyAttrName()})
      function.setArgAttr(index, name, builder.getUnitAttr());
  }
  return function;
}
