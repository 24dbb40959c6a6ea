//===- Phases.cpp - The pipeline as a table -------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Pipeline/Phases.h"

#include "VerifyContract.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "hgf/Passes/Bufferization/Passes.h"
#include "hgf/Passes/CPU/Passes.h"
#include "hgf/Passes/Fusion/Passes.h"
#include "hgf/Passes/GPU/Passes.h"
#include "hgf/Passes/Legalization/Passes.h"
#include "hgf/Passes/Packing/Passes.h"
#include "hgf/Passes/Tiling/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"

using namespace mlir;

static constexpr llvm::StringLiteral goneAfterLegalization[] = {"onnx"};
static constexpr llvm::StringLiteral goneAfterFusion[] = {
    "onnx",         "hgf.quantize", "hgf.dequantize", "hgf.ternary_linear",
    "hgf.low_rank", "hgf.gated_add"};
// Layers that no kernel implements keep their constants until tiling.
static constexpr llvm::StringLiteral goneAfterPacking[] = {
    "onnx", "hgf.quantize", "hgf.ternary_linear", "hgf.low_rank",
    "hgf.gated_add"};
static constexpr llvm::StringLiteral goneAfterTiling[] = {
    "hgf.ternary_constant", "hgf.onebit_linear"};
static constexpr llvm::StringLiteral goneAfterBufferization[] = {
    "tensor", "bufferization", "memref.alloc"};
static constexpr llvm::StringLiteral goneAfterCPU[] = {
    "hgf", "memref", "linalg", "scf", "arith", "math", "vector", "func"};

static constexpr llvm::StringLiteral goneAfterGPU[] = {
    "hgf",  "memref", "linalg", "scf",        "arith",
    "math", "vector", "func",   "gpu.module", "gpu.launch_func"};

// The tables share their first phases.
static constexpr hgf::Phase legalization = {
    "legalization",
    "ONNX nodes become hgf, linalg, tensor, arith and math operations; "
    "ternary layers are recognised",
    hgf::buildLegalizationPipeline, goneAfterLegalization};
static constexpr hgf::Phase fusion = {
    "fusion",
    "gate, correction, bias, activation and residual join the backbone as "
    "hgf.linear; caches append in place",
    hgf::buildFusionPipeline, goneAfterFusion};

static constexpr hgf::Phase cpuPhases[] = {
    legalization,
    fusion,
    {"packing", "weights are encoded for the target, layer by layer",
     hgf::buildPackingPipeline, goneAfterPacking},
    {"tiling",
     "work is split over rows and threads; other operations are tiled, fused "
     "and vectorized",
     hgf::buildTilingPipeline, goneAfterTiling},
    {"bufferization", "tensors become memrefs in one planned arena",
     hgf::buildBufferizationPipeline, goneAfterBufferization},
    {"cpu", "kernels are built and everything becomes the LLVM dialect",
     hgf::buildCPUPipeline, goneAfterCPU},
};

static constexpr hgf::Phase gpuPhases[] = {
    legalization,
    fusion,
    {"gpu-packing", "weights are laid out as the GPU's kernels read them",
     hgf::buildGPUPackingPipeline, goneAfterPacking},
    {"gpu-tiling", "operations without a kernel of their own become linalg",
     hgf::buildGPUTilingPipeline, goneAfterTiling},
    {"gpu-bufferization", "tensors become memrefs in one planned arena",
     hgf::buildBufferizationPipeline, goneAfterBufferization},
    {"gpu",
     "work becomes launches of kernels, kernels become PTX, and the host's "
     "code the LLVM dialect",
     hgf::buildGPUPipeline, goneAfterGPU},
};

ArrayRef<hgf::Phase> hgf::getCPUPhases() { return cpuPhases; }
ArrayRef<hgf::Phase> hgf::getGPUPhases() { return gpuPhases; }

static void printTable(ArrayRef<hgf::Phase> phases, llvm::raw_ostream &os) {
  os << "| phase | what it does | gone afterwards |\n|---|---|---|\n";
  for (const hgf::Phase &phase : phases) {
    os << "| `" << phase.name << "` | " << phase.summary << " | ";
    llvm::interleaveComma(phase.goneAfterwards, os,
                          [&](StringRef name) { os << '`' << name << '`'; });
    os << " |\n";
  }
}

void hgf::printPhases(llvm::raw_ostream &os) {
  os << "For a CPU:\n\n";
  printTable(getCPUPhases(), os);
  os << "\nFor NVIDIA GPUs:\n\n";
  printTable(getGPUPhases(), os);
}

std::optional<size_t> hgf::findPhase(ArrayRef<Phase> phases, StringRef name) {
  for (size_t index = 0; index < phases.size(); ++index)
    if (phases[index].name == name)
      return index;
  return std::nullopt;
}

std::pair<Operation *, StringRef> hgf::findLeftover(Operation *root,
                                                    const Phase &phase) {
  std::pair<Operation *, StringRef> found;
  root->walk([&](Operation *op) {
    for (StringRef gone : phase.goneAfterwards)
      if (op->getName().getStringRef() == gone ||
          op->getName().getDialectNamespace() == gone) {
        found = {op, gone};
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return found;
}

void hgf::appendPhase(const Phase &phase, OpPassManager &manager,
                      const PipelineOptions &options) {
  phase.build(manager, options);
  manager.addPass(createVerifyContractPass(phase));
}

void hgf::buildPhases(ArrayRef<Phase> phases, size_t first, size_t last,
                      OpPassManager &manager, const PipelineOptions &options) {
  for (const Phase &phase : phases.slice(first, last - first + 1))
    appendPhase(phase, manager, options);
}

void hgf::registerPipelines() {
  registerLegalizationPasses();
  registerFusionPasses();
  registerPackingPasses();
  registerTilingPasses();
  registerBufferizationPasses();
  registerCPUPasses();
  registerGPUPasses();
  // A pipeline's registration keeps its own copy of the name.
  static std::vector<std::unique_ptr<PassPipelineRegistration<PipelineOptions>>>
      registrations;
  auto isShared = [](const Phase &phase) {
    return findPhase(getCPUPhases(), phase.name).has_value();
  };
  SmallVector<const Phase *> phases;
  for (const Phase &phase : getCPUPhases())
    phases.push_back(&phase);
  for (const Phase &phase : getGPUPhases())
    if (!isShared(phase))
      phases.push_back(&phase);
  for (const Phase *phase : phases)
    registrations.push_back(
        std::make_unique<PassPipelineRegistration<PipelineOptions>>(
            (llvm::Twine("hgf-phase-") + phase->name).str(), phase->summary,
            [phase](OpPassManager &manager, const PipelineOptions &options) {
              appendPhase(*phase, manager, options);
            }));
  registrations.push_back(
      std::make_unique<PassPipelineRegistration<PipelineOptions>>(
          "hgf-pipeline", "every phase of a compilation for a CPU",
          [](OpPassManager &manager, const PipelineOptions &options) {
            buildPhases(getCPUPhases(), 0, getCPUPhases().size() - 1, manager,
                        options);
          }));
  registrations.push_back(
      std::make_unique<PassPipelineRegistration<PipelineOptions>>(
          "hgf-gpu-pipeline", "every phase of a compilation for NVIDIA GPUs",
          [](OpPassManager &manager, const PipelineOptions &options) {
            buildPhases(getGPUPhases(), 0, getGPUPhases().size() - 1, manager,
                        options);
          }));
}

void hgf::registerPipelineDialects(DialectRegistry &registry) {
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<HGFDialect, ONNXDialect>();
  registerBufferizableOpInterfaceModels(registry);
  // The gpu phase writes PTX.
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}
