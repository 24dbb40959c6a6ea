//===- Target.cpp - Target machines -------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TargetSystems.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;

/// x86-64 and AArch64 only: initialising every target of LLVM takes longer
/// than compiling a small model.
static void initializeTargets() {
  static bool once = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    LLVMInitializeAArch64AsmParser();
    return true;
  }();
  (void)once;
}

std::string hgf::getTriple(const CodegenTarget &target) {
  return llvm::Triple::normalize(target.triple.empty()
                                     ? llvm::sys::getDefaultTargetTriple()
                                     : target.triple);
}

FailureOr<std::unique_ptr<llvm::TargetMachine>>
hgf::createTargetMachine(Location location, const CodegenTarget &target) {
  initializeTargets();
  llvm::Triple triple(getTriple(target));
  if (!findTargetSystem(triple))
    return emitError(location) << explainUnknownTarget(
               target.triple.empty() ? getTriple(target) : target.triple);
  std::string error;
  const llvm::Target *entry = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!entry)
    return emitError(location) << error;

  std::string cpu = target.cpu;
  std::string features;
  if (cpu == "native") {
    llvm::Triple host(llvm::sys::getDefaultTargetTriple());
    if (host.getArch() != triple.getArch())
      return emitError(location)
             << "expected --cpu=native to go with the machine's own "
                "architecture, "
             << host.getArchName() << ", but the target is "
             << triple.getArchName() << "; name a CPU";
    cpu = llvm::sys::getHostCPUName().str();
    for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
      features += features.empty() ? "" : ",";
      features += (feature.second ? "+" : "-") + feature.first().str();
    }
  } else if (cpu.empty() || cpu == "portable") {
    cpu = triple.getArch() == llvm::Triple::x86_64 ? "x86-64" : "generic";
  }
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      entry->createMCSubtargetInfo(triple, "", ""));
  if (!subtarget->isCPUStringValid(cpu))
    return emitError(location)
           << "expected --cpu to be 'portable', 'native' or a CPU that LLVM "
              "knows for "
           << triple.getArchName() << " but got '" << cpu << "'";
  llvm::TargetOptions options;
  return std::unique_ptr<llvm::TargetMachine>(entry->createTargetMachine(
      triple, cpu, features, options, llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}
