//===- Multiversion.cpp - Variants chosen at load -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Multiversion.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace llvm;

Function &hgf::getInitializeFunction(Module &module) {
  if (Function *known = module.getFunction("hgf_initialize"))
    return *known;
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  Function *initialize = Function::Create(
      FunctionType::get(Type::getVoidTy(context), {pointer, pointer}, false),
      GlobalValue::InternalLinkage, "hgf_initialize", module);
  IRBuilder<> builder(BasicBlock::Create(context, "entry", initialize));
  builder.CreateRetVoid();
  return *initialize;
}

void hgf::addVariants(Module &module) {
  SmallVector<Function *> functions;
  for (Function &function : module)
    if (!function.isDeclaration() &&
        function.hasFnAttribute("hgf-multiversion"))
      functions.push_back(&function);
  if (functions.empty())
    return;
  LLVMContext &context = module.getContext();
  auto *pointer = PointerType::getUnqual(context);
  Function &initialize = getInitializeFunction(module);
  IRBuilder<> builder(&initialize.getEntryBlock(),
                      initialize.getEntryBlock().begin());
  FunctionCallee getLevel = module.getOrInsertFunction(
      "hgf_rt_processor_level",
      FunctionType::get(Type::getInt32Ty(context), false));
  Value *able =
      builder.CreateICmpSGE(builder.CreateCall(getLevel), builder.getInt32(3));
  for (Function *baseline : functions) {
    ValueToValueMapTy mapping;
    Function *variant = CloneFunction(baseline, mapping);
    variant->setName(baseline->getName() + ".v3");
    variant->removeFnAttr("target-features");
    variant->addFnAttr("target-cpu", "x86-64-v3");
    auto *chosen = new GlobalVariable(module, pointer, /*isConstant=*/false,
                                      GlobalValue::InternalLinkage, baseline,
                                      baseline->getName() + ".chosen");
    for (User *user : make_early_inc_range(baseline->users()))
      if (auto *call = dyn_cast<CallInst>(user);
          call && call->getCalledOperand() == baseline)
        call->setCalledOperand(IRBuilder<>(call).CreateLoad(pointer, chosen));
    builder.CreateStore(builder.CreateSelect(able, variant, baseline), chosen);
  }
}
