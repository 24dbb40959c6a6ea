//===- KernelModule.cpp - Where a pass puts its kernels -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

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

void hgf::KernelModule::launch(
    Operation *op, ArrayRef<Value> values, const LaunchShape &shape,
    llvm::function_ref<void(OpBuilder &, IRMapping &)> build) {
  SmallVector<Value> arguments;
  SmallVector<Operation *> constants;
  for (Value value : values) {
    Operation *definition = value.getDefiningOp();
    if (definition && definition->hasTrait<OpTrait::ConstantLike>())
      constants.push_back(definition);
    else
      arguments.push_back(value);
  }
  OpBuilder builder = OpBuilder::atBlockEnd(kernels.getBody());
  auto kernel = gpu::GPUFuncOp::create(
      builder, op->getLoc(), "kernel",
      builder.getFunctionType(TypeRange(ValueRange(arguments)), {}));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                  builder.getUnitAttr());
  Block &body = kernel.getBody().front();
  builder.setInsertionPointToStart(&body);
  auto end = gpu::ReturnOp::create(builder, op->getLoc());
  builder.setInsertionPoint(end);
  IRMapping mapping;
  mapping.map(arguments, kernel.getArguments());
  for (Operation *constant : constants)
    builder.clone(*constant, mapping);
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
      unique = "hgf_operation_" + std::to_string(number);
      if (!kernels.lookupSymbol(unique))
        break;
    }
    kernel.setName(unique);
  }
  ImplicitLocOpBuilder b(op->getLoc(), op);
  launch(b, shared, arguments, shape);
}

void hgf::KernelModule::launch(ImplicitLocOpBuilder &b, gpu::GPUFuncOp kernel,
                               ValueRange arguments, const LaunchShape &shape) {
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
