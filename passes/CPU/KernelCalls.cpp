//===- KernelCalls.cpp - Calls of kernels, in one variant or several -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelCalls.h"
#include "ProcessorDetection.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace hgf;

static LLVM::LLVMPointerType getPointerType(MLIRContext *context) {
  return LLVM::LLVMPointerType::get(context);
}

KernelCalls::Dispatch &KernelCalls::getDispatch(KernelKey key) {
  key.level = levels.front();
  key.portable = portable;
  std::string name = key.getName();
  Dispatch &dispatch = dispatches[StringAttr::get(module.getContext(), name)];
  if (dispatch.pointer)
    return dispatch;
  for (const InstructionLevel *level : levels) {
    key.level = level;
    dispatch.variants.push_back(getOrBuildKernel(module, key));
  }
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  Location location = dispatch.variants.front().getLoc();
  Type type = getPointerType(module.getContext());
  dispatch.pointer = LLVM::GlobalOp::create(
      builder, location, type, /*isConstant=*/false, LLVM::Linkage::Internal,
      name + "_pointer", Attribute());
  // Right before the library is initialized, too.
  Block *block = builder.createBlock(&dispatch.pointer.getInitializerRegion());
  builder.setInsertionPointToStart(block);
  Value least =
      LLVM::AddressOfOp::create(builder, location, dispatch.variants.front());
  LLVM::ReturnOp::create(builder, location, least);
  return dispatch;
}

void KernelCalls::call(OpBuilder &builder, Location location, KernelKey key,
                       ValueRange arguments) {
  if (levels.size() == 1) {
    key.level = levels.front();
    key.portable = portable;
    LLVM::CallOp::create(builder, location, getOrBuildKernel(module, key),
                         arguments);
    return;
  }
  Dispatch &dispatch = getDispatch(key);
  Value address =
      LLVM::AddressOfOp::create(builder, location, dispatch.pointer);
  Value kernel = LLVM::LoadOp::create(
      builder, location, getPointerType(module.getContext()), address);
  SmallVector<Value> operands = {kernel};
  llvm::append_range(operands, arguments);
  LLVM::CallOp::create(builder, location,
                       dispatch.variants.front().getFunctionType(), operands);
}

std::pair<int64_t, int64_t> KernelCalls::getCrossoverRange() const {
  if (prefillFrom)
    return {prefillFrom, prefillFrom};
  int64_t least = levels.front()->crossover, greatest = least;
  for (const InstructionLevel *level : levels) {
    least = std::min(least, level->crossover);
    greatest = std::max(greatest, level->crossover);
  }
  return {least, greatest};
}

Value KernelCalls::getCrossover(OpBuilder &builder, Location location) {
  auto [least, greatest] = getCrossoverRange();
  if (least == greatest)
    return arith::ConstantIntOp::create(builder, location, least, 64);
  if (!crossover) {
    OpBuilder start = OpBuilder::atBlockBegin(module.getBody());
    crossover = LLVM::GlobalOp::create(
        start, module.getLoc(), start.getI64Type(),
        /*isConstant=*/false, LLVM::Linkage::Internal, "hgf_crossover",
        start.getI64IntegerAttr(levels.front()->crossover));
  }
  Value address = LLVM::AddressOfOp::create(builder, location, crossover);
  return LLVM::LoadOp::create(builder, location, builder.getI64Type(), address);
}

LLVM::GlobalOp KernelCalls::makeText(StringRef symbol, StringRef text) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  std::string terminated = (text + Twine('\0')).str();
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), terminated.size());
  return LLVM::GlobalOp::create(builder, module.getLoc(), type,
                                /*isConstant=*/true, LLVM::Linkage::Internal,
                                symbol, builder.getStringAttr(terminated));
}

LLVM::GlobalOp KernelCalls::makeLevel(size_t index) {
  std::string symbol = ("hgf_level_" + levels[index]->name).str();
  LLVM::GlobalOp texts[] = {
      makeText(symbol + "_name", levels[index]->name),
      makeText(symbol + "_reason", explainLevel(levels, index))};
  ImplicitLocOpBuilder b(module.getLoc(),
                         OpBuilder::atBlockBegin(module.getBody()));
  Type pointer = getPointerType(b.getContext());
  auto type =
      LLVM::LLVMStructType::getLiteral(b.getContext(), {pointer, pointer});
  auto global =
      LLVM::GlobalOp::create(b, type, /*isConstant=*/true,
                             LLVM::Linkage::Internal, symbol, Attribute());
  b.createBlock(&global.getInitializerRegion());
  Value value = LLVM::UndefOp::create(b, type);
  for (int64_t field : {0, 1}) {
    Value address = LLVM::AddressOfOp::create(b, texts[field]);
    value = LLVM::InsertValueOp::create(b, value, address, field);
  }
  LLVM::ReturnOp::create(b, value);
  return global;
}

void KernelCalls::emitInitialize() {
  MLIRContext *context = module.getContext();
  Type pointer = getPointerType(context);
  SmallVector<LLVM::GlobalOp> names;
  for (size_t index = 0; index < levels.size(); ++index)
    names.push_back(makeLevel(index));
  ImplicitLocOpBuilder b(module.getLoc(),
                         OpBuilder::atBlockEnd(module.getBody()));
  auto function = LLVM::LLVMFuncOp::create(
      b, "hgf_initialize",
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context),
                                  {pointer, pointer}));
  b.setInsertionPointToStart(function.addEntryBlock(b));
  ProcessorDetection detection(module, b);
  SmallVector<Value> kernels;
  Value name = LLVM::AddressOfOp::create(b, names.front());
  auto getLevelCrossover = [&](const InstructionLevel *level) -> Value {
    return arith::ConstantIntOp::create(b, level->crossover, 64);
  };
  Value chosenCrossover = getLevelCrossover(levels.front());
  for (auto &entry : dispatches)
    kernels.push_back(
        LLVM::AddressOfOp::create(b, entry.second.variants.front()));
  for (size_t index = 1; index < levels.size(); ++index) {
    Value available = detection.emit(*levels[index]);
    auto choose = [&](auto symbol, Value other) -> Value {
      Value address = LLVM::AddressOfOp::create(b, symbol);
      return arith::SelectOp::create(b, available, address, other);
    };
    name = choose(names[index], name);
    chosenCrossover = arith::SelectOp::create(
        b, available, getLevelCrossover(levels[index]), chosenCrossover);
    for (auto [kernel, entry] : llvm::zip_equal(kernels, dispatches))
      kernel = choose(entry.second.variants[index], kernel);
  }
  for (auto [kernel, entry] : llvm::zip_equal(kernels, dispatches)) {
    Value address = LLVM::AddressOfOp::create(b, entry.second.pointer);
    LLVM::StoreOp::create(b, kernel, address);
  }
  if (crossover) {
    Value address = LLVM::AddressOfOp::create(b, crossover);
    LLVM::StoreOp::create(b, chosenCrossover, address);
  }
  LLVM::StoreOp::create(b, name, function.getArgument(1));
  LLVM::ReturnOp::create(b, ValueRange());
}
