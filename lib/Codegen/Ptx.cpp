//===- Ptx.cpp - From the LLVM dialect to PTX -----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Ptx.h"

#include "hgf/Codegen/Codegen.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

static std::unique_ptr<llvm::TargetMachine>
createGpuMachine(Location location, const hgf::Chip &chip) {
  static bool once = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)once;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target *entry = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!entry) {
    emitError(location) << error;
    return nullptr;
  }
  return std::unique_ptr<llvm::TargetMachine>(entry->createTargetMachine(
      triple, chip.name, ("+" + chip.ptxFeature).str(), llvm::TargetOptions(),
      std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

FailureOr<std::string> hgf::emitPtx(Operation *module, const Chip &chip) {
  std::unique_ptr<llvm::TargetMachine> machine =
      createGpuMachine(module->getLoc(), chip);
  if (!machine)
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(module, context, "hgf-kernels");
  if (!translated)
    return failure();
  translated->setTargetTriple(machine->getTargetTriple());
  translated->setDataLayout(machine->createDataLayout());
  optimize(*translated, *machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager manager;
  if (machine->addPassesToEmitFile(manager, stream, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return emitError(module->getLoc()) << "LLVM cannot write PTX";
  manager.run(*translated);
  return text.str().str();
}
