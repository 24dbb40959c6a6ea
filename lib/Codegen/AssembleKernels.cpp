//===- AssembleKernels.cpp - From PTX to cubins ---------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Codegen.h"
#include "hgf/Codegen/GpuTools.h"
#include "hgf/Codegen/SassLoops.h"
#include "hgf/Target/NVVM/Chip.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

/// What the assembler says of one kernel.
static NamedAttrList describe(const hgf::KernelResources &kernel,
                              Builder &builder) {
  NamedAttrList list;
  list.set("registers", builder.getI64IntegerAttr(kernel.registers));
  list.set("shared_bytes", builder.getI64IntegerAttr(kernel.sharedBytes));
  list.set("spill_bytes", builder.getI64IntegerAttr(kernel.getSpillBytes()));
  return list;
}

/// Instructions per weight in the inner loop of each kernel; empty without a
/// disassembler.
static llvm::StringMap<hgf::SassFunction>
disassembleKernels(const hgf::AssembledImage &image) {
  llvm::StringMap<hgf::SassFunction> result;
  llvm::Expected<std::vector<hgf::SassFunction>> functions =
      hgf::disassemble(image.cubin);
  if (!functions) {
    // The report then lacks a column; the binary lacks nothing.
    llvm::consumeError(functions.takeError());
    return result;
  }
  for (hgf::SassFunction &function : *functions) {
    std::string name = function.name;
    result.try_emplace(name, std::move(function));
  }
  return result;
}

/// Adds it to the kernels that the layers' lines of the report name.
static void addToReport(ModuleOp module, const hgf::AssembledImage &image) {
  auto report = module->getAttrOfType<ArrayAttr>("hgf.report");
  if (!report)
    return;
  Builder builder(module.getContext());
  llvm::StringMap<hgf::SassFunction> functions = disassembleKernels(image);
  SmallVector<Attribute> lines;
  for (Attribute attribute : report) {
    NamedAttrList line(cast<DictionaryAttr>(attribute));
    for (StringRef place : {"gpu_prologue", "gpu_decode", "gpu_prefill"}) {
      auto entry = dyn_cast_or_null<DictionaryAttr>(line.get(place));
      const hgf::KernelResources *kernel =
          entry ? image.find(entry.getAs<StringAttr>("kernel").getValue())
                : nullptr;
      if (!kernel)
        continue;
      NamedAttrList joined(entry);
      for (NamedAttribute resource : describe(*kernel, builder))
        joined.set(resource.getName(), resource.getValue());
      if (place == "gpu_decode")
        if (auto found = functions.find(kernel->name); found != functions.end())
          if (auto loop = hgf::findSassLoop(found->second))
            joined.set(
                "sass_per_weight",
                builder.getF64FloatAttr(
                    loop->getMix(entry.getAs<IntegerAttr>("tokens").getInt())
                        .total));
      line.set(place, joined.getDictionary(module.getContext()));
    }
    lines.push_back(line.getDictionary(module.getContext()));
  }
  module->setAttr("hgf.report", builder.getArrayAttr(lines));
}

/// What the assembler says of the kernels of one chip, for the report.
static Attribute describe(StringRef chip, const hgf::AssembledImage &image,
                          Builder &builder) {
  SmallVector<Attribute> kernels;
  for (const hgf::KernelResources &kernel : image.kernels) {
    NamedAttrList list = describe(kernel, builder);
    list.set("name", builder.getStringAttr(kernel.name));
    kernels.push_back(list.getDictionary(builder.getContext()));
  }
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("chip", builder.getStringAttr(chip)),
       builder.getNamedAttr("kernels", builder.getArrayAttr(kernels))});
}

static int64_t getCapability(gpu::ObjectAttr object) {
  const hgf::Chip *chip =
      hgf::findChip(cast<NVVM::NVVMTargetAttr>(object.getTarget()).getChip());
  return chip ? chip->capability : 0;
}

LogicalResult hgf::assembleKernels(ModuleOp module) {
  SmallVector<gpu::BinaryOp> binaries(module.getOps<gpu::BinaryOp>());
  if (binaries.empty())
    return success();
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas) {
    module.emitWarning()
        << llvm::toString(ptxas.takeError())
        << "; the binary holds PTX alone, which the driver translates when the "
           "model is loaded";
    return success();
  }
  GpuTools tools;
  tools.ptxas = *ptxas;
  Builder builder(module.getContext());
  SmallVector<Attribute> resources;
  for (gpu::BinaryOp binary : binaries) {
    SmallVector<Attribute> objects;
    gpu::ObjectAttr oldest;
    for (Attribute attribute : binary.getObjects()) {
      auto object = cast<gpu::ObjectAttr>(attribute);
      auto target = cast<NVVM::NVVMTargetAttr>(object.getTarget());
      llvm::Expected<AssembledImage> image =
          assemble(object.getObject(), target.getChip(), tools);
      if (!image)
        return module.emitError(llvm::toString(image.takeError()));
      objects.push_back(builder.getAttr<gpu::ObjectAttr>(
          object.getTarget(), gpu::CompilationTarget::Binary,
          builder.getStringAttr(image->cubin), DictionaryAttr(),
          gpu::KernelTableAttr()));
      if (resources.empty())
        addToReport(module, *image);
      resources.push_back(describe(target.getChip(), *image, builder));
      // PTX is for chips that were not named: every newer one takes the
      // oldest's.
      if (!oldest || getCapability(object) < getCapability(oldest))
        oldest = object;
    }
    objects.push_back(oldest);
    binary.setObjectsAttr(builder.getArrayAttr(objects));
  }
  module->setAttr("hgf.gpu_resources", builder.getArrayAttr(resources));
  return success();
}
