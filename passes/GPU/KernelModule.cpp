//===- KernelModule.cpp - Where a pass puts its kernels -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

hgf::KernelModule::KernelModule(ModuleOp module) {
  kernels = module.lookupSymbol<gpu::GPUModuleOp>(name);
  if (kernels)
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  kernels = gpu::GPUModuleOp::create(builder, module.getLoc(), name);
  // What the verifier asks of modules with kernels.
  module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                  builder.getUnitAttr());
}

/// Whether nothing writes the buffer behind `memref`: an input of @main, or a
/// constant.
static bool isNeverWritten(Value memref) {
  while (auto view = memref.getDefiningOp<ViewLikeOpInterface>())
    memref = view.getViewSource();
  if (memref.getDefiningOp<memref::GetGlobalOp>())
    return true;
  auto argument = dyn_cast<BlockArgument>(memref);
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp())
               : func::FuncOp();
  if (!function || function.getName() != "main")
    return false;
  auto inputs = function->getParentOp()->getAttrOfType<ArrayAttr>("hgf.inputs");
  if (!inputs || argument.getArgNumber() >= inputs.size())
    return false;
  // State that grows is written behind what it holds, which is no reason to
  // read it here.
  auto axis = cast<DictionaryAttr>(inputs[argument.getArgNumber()])
                  .getAs<IntegerAttr>("state_axis");
  return !axis || axis.getInt() < 0;
}

/// Whether `value` is computed on the host out of an element of a tensor that
/// is never written.
static bool readsElement(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || op->getNumRegions())
    return false;
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return isNeverWritten(load.getMemRef());
  return isPure(op) && !isa<MemRefType>(value.getType()) &&
         llvm::any_of(op->getOperands(), readsElement);
}

/// Adds `value` to the arguments of a kernel, or to the operations that the
/// kernel repeats; these come after what they need.
static void collect(Value value, llvm::SetVector<Value> &arguments,
                    llvm::SetVector<Operation *> &clones) {
  Operation *op = value.getDefiningOp();
  if (op && (op->hasTrait<OpTrait::ConstantLike>() || readsElement(value))) {
    for (Value operand : op->getOperands())
      collect(operand, arguments, clones);
    clones.insert(op);
    return;
  }
  arguments.insert(value);
}

void hgf::KernelModule::launch(
    Operation *op, ArrayRef<Value> values, const LaunchGrid &shape,
    llvm::function_ref<void(OpBuilder &, IRMapping &)> build,
    StringRef prefix) {
  llvm::SetVector<Value> arguments;
  llvm::SetVector<Operation *> clones;
  for (Value value : values)
    collect(value, arguments, clones);
  OpBuilder builder = OpBuilder::atBlockEnd(kernels.getBody());
  auto kernel = gpu::GPUFuncOp::create(
      builder, op->getLoc(), "kernel",
      builder.getFunctionType(TypeRange(ValueRange(arguments.getArrayRef())),
                              {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                  builder.getUnitAttr());
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  auto end = gpu::ReturnOp::create(builder, op->getLoc());
  builder.setInsertionPoint(end);
  IRMapping mapping;
  mapping.map(arguments.getArrayRef(), kernel.getArguments());
  for (Operation *clone : clones)
    builder.clone(*clone, mapping);
  build(builder, mapping);
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope());
  gpu::GPUFuncOp &shared = known[text];
  if (shared) {
    kernel.erase();
  } else {
    shared = kernel;
    std::string unique;
    for (size_t number = known.size() - 1;; ++number) {
      unique = (prefix + "_" + Twine(number)).str();
      if (!kernels.lookupSymbol(unique))
        break;
    }
    kernel.setName(unique);
  }
  ImplicitLocOpBuilder b(op->getLoc(), op);
  launch(b, shared, arguments.getArrayRef(), shape);
}

void hgf::KernelModule::launch(ImplicitLocOpBuilder &b, gpu::GPUFuncOp kernel,
                               ValueRange arguments, const LaunchGrid &shape) {
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value threads = arith::ConstantIndexOp::create(b, shape.threads);
  gpu::LaunchFuncOp::create(
      b, kernel,
      gpu::KernelDim3{shape.blocks, shape.rows ? shape.rows : one, one},
      gpu::KernelDim3{threads, one, one}, /*dynamicSharedMemorySize=*/Value(),
      arguments);
}

Value hgf::roundUpToPowerOfTwo(ImplicitLocOpBuilder &b, Value value,
                               int64_t most) {
  Type i64 = b.getI64Type();
  auto constant = [&](int64_t number) -> Value {
    return arith::ConstantOp::create(b, b.getI64IntegerAttr(number));
  };
  // 1 << (64 - leading zeros of value - 1); of 0 and 1 it is 1, but nothing
  // must be launched for 0.
  Value number = arith::IndexCastOp::create(b, i64, value);
  Value below = arith::SubIOp::create(b, number, constant(1));
  Value zeros = math::CountLeadingZerosOp::create(b, below);
  Value shift = arith::SubIOp::create(b, constant(64), zeros);
  Value rounded = arith::ShLIOp::create(b, constant(1), shift);
  // Also what the shift makes of 0, whatever that is.
  rounded = arith::MinUIOp::create(b, rounded, constant(most));
  Value empty =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number, constant(0));
  rounded = arith::SelectOp::create(b, empty, constant(0), rounded);
  return arith::IndexCastOp::create(b, b.getIndexType(), rounded);
}
