//===- Translate.cpp - LLVM IR, optimisation, object files --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"
#include "Multiversion.h"
#include "Weights.h"
#include "hgf/Codegen/Codegen.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

void hgf::registerCodegenDialects(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

/// The same for a GPU: the host's code never has the weights' own addresses,
/// only those of their copy in the GPU's memory, which is one block.
static LogicalResult placeGpuWeights(ModuleOp module, llvm::Module &output,
                                     const llvm::Triple &triple,
                                     const hgf::WeightsFiles &files,
                                     const hgf::ModelSymbols &symbols,
                                     hgf::GpuPart &gpu, hgf::SideFile &side) {
  hgf::Weights weights = hgf::collectWeights(module);
  if (weights.blobs.empty())
    return success();
  hgf::declareSideWeights(weights, output, symbols.weightsSlot);
  if (files.side.empty()) {
    gpu.weights = weights.blobs.front().symbol;
    gpu.weightsSize = weights.size;
    return hgf::writeWeightsObject(weights, triple, module.getLoc(),
                                   files.object);
  }
  FailureOr<uint64_t> checksum =
      hgf::writeWeightsFile(weights, module.getLoc(), files.side);
  if (failed(checksum))
    return failure();
  side = {llvm::sys::path::filename(files.side).str(), weights.size, *checksum};
  return success();
}

/// Writes the weights and tells `output` where they are.
static LogicalResult placeWeights(ModuleOp module, llvm::Module &output,
                                  const llvm::Triple &triple,
                                  const hgf::WeightsFiles &files,
                                  const hgf::ModelSymbols &symbols,
                                  hgf::SideFile &side) {
  hgf::Weights weights = hgf::collectWeights(module);
  if (weights.blobs.empty())
    return success();
  hgf::renameWeights(weights, output, symbols.weightsPrefix);
  if (files.side.empty()) {
    hgf::declareEmbeddedWeights(weights, output, triple);
    return hgf::writeWeightsObject(weights, triple, module.getLoc(),
                                   files.object);
  }
  FailureOr<uint64_t> checksum =
      hgf::writeWeightsFile(weights, module.getLoc(), files.side);
  if (failed(checksum))
    return failure();
  hgf::declareSideWeights(weights, output, symbols.weightsSlot);
  side = {llvm::sys::path::filename(files.side).str(), weights.size, *checksum};
  return success();
}

std::unique_ptr<llvm::Module>
hgf::translateModel(ModuleOp module, llvm::LLVMContext &context,
                    llvm::TargetMachine &machine, const WeightsFiles &files,
                    bool portable, const ModelSymbols &symbols) {
  FailureOr<std::optional<GpuProgram>> program = takeGpuProgram(module);
  if (failed(program))
    return nullptr;
  std::unique_ptr<llvm::Module> result =
      translateModuleToLLVMIR(module, context, "hgf-model");
  if (!result)
    return nullptr;
  result->setTargetTriple(machine.getTargetTriple());
  result->setDataLayout(machine.createDataLayout());
  for (llvm::Function &function : *result) {
    if (function.isDeclaration())
      continue;
    if (!function.hasFnAttribute("target-cpu")) {
      function.addFnAttr("target-cpu", machine.getTargetCPU());
      if (!machine.getTargetFeatureString().empty())
        function.addFnAttr("target-features", machine.getTargetFeatureString());
    }
    // Nothing but the descriptor is visible outside.
    function.setVisibility(llvm::GlobalValue::DefaultVisibility);
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  // Only a portable binary has to choose.
  if (portable && machine.getTargetTriple().getArch() == llvm::Triple::x86_64)
    addVariants(*result);
  SideFile side;
  GpuPart gpu;
  gpu.program = *program ? &**program : nullptr;
  gpu.fallback = symbols.fallback;
  const llvm::Triple &triple = machine.getTargetTriple();
  LogicalResult placed =
      *program
          ? placeGpuWeights(module, *result, triple, files, symbols, gpu, side)
          : placeWeights(module, *result, triple, files, symbols, side);
  if (failed(placed) ||
      failed(emitDescriptor(module, *result, side, *program ? &gpu : nullptr,
                            symbols.model)))
    return nullptr;
  return result;
}

void hgf::optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  // Kernels are unrolled already; short loops of other operations would be
  // unrolled before they can be vectorized, into blocks that take LLVM seconds.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3)
      .run(module, modules);
}

LogicalResult hgf::emitFile(llvm::Module &module, llvm::TargetMachine &machine,
                            Location location, StringRef path, bool assembly) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return emitError(location)
           << "cannot write '" << path << "': " << error.message();
  llvm::legacy::PassManager manager;
  if (machine.addPassesToEmitFile(manager, stream, nullptr,
                                  assembly ? llvm::CodeGenFileType::AssemblyFile
                                           : llvm::CodeGenFileType::ObjectFile))
    return emitError(location) << "LLVM cannot write files for the target";
  manager.run(module);
  stream.flush();
  if (stream.has_error()) {
    std::string message = stream.error().message();
    stream.clear_error();
    return emitError(location) << "cannot write '" << path << "': " << message;
  }
  return success();
}
