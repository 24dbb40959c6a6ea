//===- Descriptor.cpp - The constant that the runtime reads -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Descriptor.h"

#include "hgf/Codegen/Report.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/Module.h"

using namespace mlir;

/// Kept equal to lib/Runtime/ModelDescriptor.h, which is C and not ours to
/// include.
static constexpr uint32_t modelMagic = 0x31464748;
static constexpr uint32_t descriptorVersion = 3;

namespace {

/// Constants of one module. Literal structures lay out as C does.
class DescriptorBuilder {
public:
  explicit DescriptorBuilder(llvm::Module &module)
      : module(module), context(module.getContext()),
        pointer(llvm::PointerType::getUnqual(context)),
        null(llvm::ConstantPointerNull::get(pointer)) {}

  llvm::Constant *i32(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value, true);
  }
  llvm::Constant *i64(int64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value, true);
  }
  llvm::Constant *structure(ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  llvm::Constant *string(StringRef text) {
    llvm::Constant *&known = strings[text];
    if (!known)
      known = global(llvm::ConstantDataArray::getString(context, text));
    return known;
  }
  /// Address of a private constant.
  llvm::Constant *global(llvm::Constant *value) {
    auto *variable = new llvm::GlobalVariable(
        module, value->getType(), /*isConstant=*/true,
        llvm::GlobalValue::PrivateLinkage, value, "hgf_data");
    variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  /// Address of an array, or null where it is empty.
  llvm::Constant *array(ArrayRef<llvm::Constant *> values) {
    if (values.empty())
      return null;
    auto *type = llvm::ArrayType::get(values.front()->getType(), values.size());
    return global(llvm::ConstantArray::get(type, values));
  }
  llvm::Constant *function(StringRef name) {
    llvm::Function *value = module.getFunction(name);
    return value ? static_cast<llvm::Constant *>(value) : null;
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

  llvm::Constant *tensors(ArrayAttr descriptions) {
    SmallVector<llvm::Constant *> values;
    for (Attribute description : descriptions)
      values.push_back(tensor(cast<DictionaryAttr>(description)));
    return array(values);
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
  llvm::Constant *null;
  llvm::StringMap<llvm::Constant *> strings;
};

} // namespace

LogicalResult hgf::emitDescriptor(ModuleOp module, llvm::Module &output,
                                  const SideFile &side) {
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
       builder.function("hgf_model_output_dims"), builder.function("hgf_run")});
  new llvm::GlobalVariable(output, descriptor->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage, descriptor,
                           "hgf_model");
  return success();
}
