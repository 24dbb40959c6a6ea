//===- Kernels.cpp - Functions that compute a layer -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

using namespace mlir;
using namespace hgf;

static StringRef getFactorName(FactorType type) {
  switch (type) {
  case FactorType::None:
    return "none";
  case FactorType::F16:
    return "f16";
  case FactorType::BF16:
    return "bf16";
  case FactorType::F32:
    return "f32";
  case FactorType::I8:
    return "i8";
  }
  llvm_unreachable("unknown factor type");
}

const InstructionLevel &KernelKey::getLevel() const {
  // Heads gain from more registers only.
  bool multiplies = kind == KernelKind::Backbone ||
                    kind == KernelKind::Prefill ||
                    (kind == KernelKind::Head && level->vectorBytes == 64);
  return multiplies ? *level : *findInstructionLevel(level->general);
}

std::string KernelKey::getName() const {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "hgf_kernel_";
  auto epilogue = [&] {
    if (factor != FactorType::None) {
      stream << "_correction_" << getFactorName(factor);
      if (segmented)
        stream << "_segments";
      if (gateKind != GateKind::Open)
        stream << "_gate_" << stringifyGateKind(gateKind)
               << (rowGate ? "_row" : "") << (mayBeClosed ? "_closing" : "");
    }
    if (bias)
      stream << "_bias";
    if (activation != Activation::Identity)
      stream << "_" << stringifyActivation(activation);
    if (residual)
      stream << "_residual";
    if (partialRows)
      stream << "_partial";
  };
  switch (kind) {
  case KernelKind::Quantize:
    stream << "quantize_" << stringifyQuantization(quantization);
    if (granularity == Granularity::Group)
      stream << "_group" << group;
    stream << (norm ? "_norm" : "");
    break;
  case KernelKind::Pad:
    stream << "pad" << (norm ? "_norm" : "");
    break;
  case KernelKind::Gate:
    stream << "gate";
    break;
  case KernelKind::CorrectionInput:
    stream << "correction_input_" << getFactorName(factor) << "_"
           << stringifyActivation(correctionActivation) << "_"
           << stringifyCorrectionInput(correctionInput)
           << (scaledOutput ? "_scaled" : "")
           << (mayBeClosed ? "_closing" : "");
    break;
  case KernelKind::Backbone:
    stream << "linear_" << encoding->getName()
           << (quantization == Quantization::None ? "_float" : "_int8") << "_"
           << stringifyGranularity(granularity);
    if (granularity == Granularity::Group)
      stream << group;
    if (levels != Levels::Ternary)
      stream << "_" << stringifyLevels(levels);
    epilogue();
    stream << "_tokens" << tokens;
    break;
  case KernelKind::Prefill:
    stream << "prefill_" << encoding->getName() << "_"
           << stringifyGranularity(granularity);
    if (granularity == Granularity::Group)
      stream << group;
    if (levels != Levels::Ternary)
      stream << "_" << stringifyLevels(levels);
    if (partialRows)
      stream << "_partial";
    break;
  case KernelKind::Finish:
    stream << "finish";
    epilogue();
    if (tokens > 1)
      stream << "_tokens" << tokens;
    break;
  case KernelKind::Head:
    stream << "head_" << getFactorName(factor) << (bias ? "_bias" : "")
           << (partialRows ? "_partial" : "")
           << (partialColumns ? "_columns" : "") << "_tokens" << tokens;
    break;
  }
  stream << "_" << getLevel().name << (portable ? "_portable" : "");
  return name;
}

/// Pointers, then numbers.
static std::pair<unsigned, unsigned> getArgumentCounts(KernelKind kind) {
  switch (kind) {
  case KernelKind::Quantize:
    return {7, 2};
  case KernelKind::Pad:
    return {4, 2};
  case KernelKind::Gate:
    return {4, 1};
  case KernelKind::CorrectionInput:
    return {7, 3};
  case KernelKind::Backbone:
  case KernelKind::Finish:
    return {pointerArgumentCount, backboneArgumentCount - pointerArgumentCount};
  case KernelKind::Prefill:
    return {pointerArgumentCount, prefillArgumentCount - pointerArgumentCount};
  case KernelKind::Head:
    return {headPointerCount, headArgumentCount - headPointerCount};
  }
  llvm_unreachable("unknown kernel");
}

/// Compiles `function` for processors of `level`.
static void setProcessor(LLVM::LLVMFuncOp function,
                         const InstructionLevel &level) {
  if (level.features.empty())
    return;
  if (!level.cpu.empty())
    function.setTargetCpu(level.cpu);
  SmallVector<StringRef> names;
  StringRef(level.features).split(names, ',');
  SmallVector<std::string> features;
  for (StringRef name : names)
    features.push_back(("+" + name).str());
  SmallVector<StringRef> texts(features.begin(), features.end());
  function.setTargetFeaturesAttr(
      LLVM::TargetFeaturesAttr::get(function.getContext(), texts));
}

LLVM::LLVMFuncOp hgf::getOrBuildKernel(ModuleOp module, const KernelKey &key) {
  std::string name = key.getName();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name))
    return known;
  MLIRContext *context = module.getContext();
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  auto [pointers, numbers] = getArgumentCounts(key.kind);
  SmallVector<Type> types(pointers, LLVM::LLVMPointerType::get(context));
  types.append(numbers, builder.getI64Type());
  auto function = LLVM::LLVMFuncOp::create(
      builder, NameLoc::get(builder.getStringAttr(name)), name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types),
      LLVM::Linkage::Internal);
  if (!key.portable) {
    setProcessor(function, key.getLevel());
    function->setAttr("hgf.level", builder.getStringAttr(key.getLevel().name));
  }
  // One copy, however few its callers are.
  function.setNoInline(true);
  for (unsigned index = 0; index < pointers; ++index)
    function.setArgAttr(index, LLVM::LLVMDialect::getNoAliasAttrName(),
                        builder.getUnitAttr());
  function.addEntryBlock(builder);
  KernelBuilder kernel(function, key);
  switch (key.kind) {
  case KernelKind::Quantize:
    buildQuantize(kernel);
    break;
  case KernelKind::Pad:
    buildPad(kernel);
    break;
  case KernelKind::Gate:
    buildGate(kernel);
    break;
  case KernelKind::CorrectionInput:
    buildCorrectionInput(kernel);
    break;
  case KernelKind::Backbone:
    buildBackbone(kernel);
    break;
  case KernelKind::Prefill:
    buildPrefill(kernel);
    break;
  case KernelKind::Finish:
    buildFinish(kernel);
    break;
  case KernelKind::Head:
    buildHead(kernel);
    break;
  }
  LLVM::ReturnOp::create(kernel.b, ValueRange());
  return function;
}
