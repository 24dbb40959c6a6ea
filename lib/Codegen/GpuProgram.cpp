//===- GpuProgram.cpp - The kernels of a model ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuProgram.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;

FailureOr<std::optional<hgf::GpuProgram>> hgf::takeGpuProgram(ModuleOp module) {
  auto kernels = module->getAttrOfType<ArrayAttr>("hgf.gpu_kernels");
  if (!kernels)
    return std::optional<GpuProgram>();
  GpuProgram program;
  for (Attribute name : kernels)
    program.kernels.push_back(cast<StringAttr>(name).str());
  SmallVector<gpu::BinaryOp> binaries(module.getOps<gpu::BinaryOp>());
  for (gpu::BinaryOp binary : binaries) {
    for (Attribute attribute : binary.getObjects()) {
      auto object = cast<gpu::ObjectAttr>(attribute);
      auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
      GpuImage image;
      StringRef chip = target ? target.getChip() : StringRef();
      if (!chip.consume_front("sm_") || chip.getAsInteger(10, image.chip))
        return module.emitError("expected kernels for a chip like sm_80 but "
                                "got kernels for '")
               << (target ? target.getChip() : "another target") << "'";
      image.data = object.getObject().getValue().str();
      image.isCubin = object.getFormat() == gpu::CompilationTarget::Binary;
      // Not visible in the attribute, but the driver looks for it.
      if (!image.isCubin)
        image.data.push_back('\0');
      program.images.push_back(std::move(image));
    }
    binary.erase();
  }
  // What only the verifier of launches looks at.
  module->removeAttr(gpu::GPUDialect::getContainerModuleAttrName());
  llvm::sort(program.images, [](const GpuImage &left, const GpuImage &right) {
    return std::make_pair(left.chip, !left.isCubin) <
           std::make_pair(right.chip, !right.isCubin);
  });
  return std::optional<GpuProgram>(std::move(program));
}
