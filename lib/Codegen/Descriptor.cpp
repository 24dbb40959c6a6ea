//===- Descriptor.cpp - The constant that the runtime reads -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"

#include "hgf/Codegen/ConstantBuilder.h"
#include "hgf/Codegen/Report.h"
#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

/// Kept equal to lib/Runtime/ModelDescriptor.h, which is C and not ours to
/// include.
static constexpr uint32_t modelMagic = 0x31464748;
static constexpr uint32_t descriptorVersion = 4;
/// Of kernels, as files of them are mapped.
static constexpr uint64_t imageAlignment = 64;

namespace {

class DescriptorBuilder : public hgf::ConstantBuilder {
public:
  using ConstantBuilder::ConstantBuilder;

  llvm::Constant *function(StringRef name) {
    llvm::Function *value = module.getFunction(name);
    return value ? static_cast<llvm::Constant *>(value) : null;
  }

  /// The address of what another object of the binary defines.
  llvm::Constant *hidden(StringRef name) {
    auto *variable = llvm::cast<llvm::GlobalVariable>(
        module.getOrInsertGlobal(name, llvm::Type::getInt8Ty(context)));
    variable->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return variable;
  }

  llvm::Constant *tensor(DictionaryAttr description) {
    SmallVector<llvm::Constant *> dims, names;
    auto shape = description.getAs<DenseI64ArrayAttr>("dims").asArrayRef();
    for (int64_t dim : shape)
      dims.push_back(i64(dim));
    for (Attribute name : description.getAs<ArrayAttr>("dim_names")) {
      StringRef text = cast<StringAttr>(name).getValue();
      names.push_back(text.empty() ? null : string(text));
    }
    auto integer = [&](StringRef name) {
      return i32(description.getAs<IntegerAttr>(name).getInt());
    };
    return structure({string(description.getAs<StringAttr>("name").getValue()),
                      integer("dtype"), i32(shape.size()), array(dims),
                      array(names), integer("state_partner"),
                      integer("state_axis")});
  }

  /// struct hgf_gpu_descriptor.
  llvm::Constant *gpuPart(const hgf::GpuPart &gpu) {
    SmallVector<llvm::Constant *> images, kernels;
    for (const hgf::GpuImage &image : gpu.program->images) {
      auto *data = llvm::cast<llvm::GlobalVariable>(
          global(llvm::ConstantDataArray::getString(context, image.data,
                                                    /*AddNull=*/false)));
      data->setAlignment(llvm::Align(imageAlignment));
      images.push_back(structure(
          {i32(image.chip), i32(image.isCubin), data, i64(image.data.size())}));
    }
    for (const std::string &kernel : gpu.program->kernels)
      kernels.push_back(string(kernel));
    return global(structure({i32(images.size()), i32(kernels.size()), i32(0),
                             array(images), array(kernels), null,
                             gpu.weights.empty() ? null : hidden(gpu.weights),
                             i64(gpu.weightsSize), hidden("hgf_gpu_runtime")}));
  }

  llvm::Constant *tensors(ArrayAttr descriptions) {
    SmallVector<llvm::Constant *> values;
    for (Attribute description : descriptions)
      values.push_back(tensor(cast<DictionaryAttr>(description)));
    return array(values);
  }
};

} // namespace

LogicalResult hgf::emitDescriptor(ModuleOp module, llvm::Module &output,
                                  const SideFile &side, const GpuPart *gpu,
                                  StringRef symbol) {
  auto inputs = module->getAttrOfType<ArrayAttr>("hgf.inputs");
  auto outputs = module->getAttrOfType<ArrayAttr>("hgf.outputs");
  if (!inputs || !outputs || !output.getFunction("hgf_run"))
    return module.emitError("expected a module that the cpu phase has lowered, "
                            "with a function @main");
  DescriptorBuilder builder(output);
  SmallVector<llvm::Constant *> metadata;
  if (auto entries = module->getAttrOfType<DictionaryAttr>("onnx.metadata"))
    for (NamedAttribute entry : entries)
      if (auto value = dyn_cast<StringAttr>(entry.getValue())) {
        metadata.push_back(builder.string(entry.getName()));
        metadata.push_back(builder.string(value));
      }
  llvm::Constant *weights = builder.global(builder.structure(
      {side.name.empty() ? builder.null : builder.string(side.name),
       builder.i64(side.size), builder.i64(side.checksum)}));
  llvm::Constant *descriptor = builder.structure(
      {builder.i32(modelMagic), builder.i32(descriptorVersion),
       builder.i32(inputs.size()), builder.i32(outputs.size()),
       builder.tensors(inputs), builder.tensors(outputs),
       builder.i32(metadata.size() / 2), builder.array(metadata),
       builder.string(formatReportAsJSON(module)), weights,
       builder.function("hgf_initialize"),
       builder.function("hgf_model_arena_bytes"),
       builder.function("hgf_model_output_dims"), builder.function("hgf_run"),
       gpu ? builder.gpuPart(*gpu) : builder.null,
       gpu && !gpu->fallback.empty() ? builder.hidden(gpu->fallback)
                                     : builder.null});
  new llvm::GlobalVariable(output, descriptor->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage, descriptor,
                           symbol);
  return success();
}
