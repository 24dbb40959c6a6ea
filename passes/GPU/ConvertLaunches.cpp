//===- ConvertLaunches.cpp - Launches call the runtime --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VaryingValues.h"
#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTLAUNCHES
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// One kernel and its launches, whose operands are the kernel's arguments.
struct Kernel {
  LLVM::LLVMFuncOp function;
  SmallVector<gpu::LaunchFuncOp> launches;
  /// Which of its arguments are values.
  SmallVector<bool> isValue;
};

/// `value`, of at most 64 bits, as an i64.
Value widen(ImplicitLocOpBuilder &b, Value value) {
  Type i64 = b.getI64Type();
  if (isa<LLVM::LLVMPointerType>(value.getType()))
    return LLVM::PtrToIntOp::create(b, i64, value);
  if (auto type = dyn_cast<FloatType>(value.getType()))
    value =
        LLVM::BitcastOp::create(b, b.getIntegerType(type.getWidth()), value);
  if (value.getType() == i64)
    return value;
  return LLVM::ZExtOp::create(b, i64, value);
}

/// The inverse of widen().
Value narrow(ImplicitLocOpBuilder &b, Value value, Type type) {
  if (type == value.getType())
    return value;
  if (isa<LLVM::LLVMPointerType>(type))
    return LLVM::IntToPtrOp::create(b, type, value);
  Type integer = b.getIntegerType(type.getIntOrFloatBitWidth());
  if (integer != value.getType())
    value = LLVM::TruncOp::create(b, integer, value);
  return type == integer ? value
                         : LLVM::BitcastOp::create(b, type, value).getResult();
}

struct ConvertLaunches
    : public hgf::impl::ConvertLaunchesBase<ConvertLaunches> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<LLVM::LLVMFuncOp>("main");
    if (!main || main.isExternal())
      return;
    if (failed(collect(main)))
      return signalPassFailure();
    hgf::VaryingValues varying(getOperation(), main);
    size_t most = 0;
    for (auto &[name, kernel] : kernels) {
      dropUnusedArguments(kernel);
      splitArguments(kernel, varying);
      most = std::max(most, kernel.isValue.size());
    }
    emitCalls(main, most);
    SmallVector<Attribute> names;
    for (auto &[name, kernel] : kernels)
      names.push_back(name);
    getOperation()->setAttr("hgf.gpu_kernels",
                            ArrayAttr::get(&getContext(), names));
  }

private:
  LogicalResult collect(LLVM::LLVMFuncOp main) {
    WalkResult result = getOperation().walk([&](gpu::LaunchFuncOp launch) {
      auto function = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
          launch, launch.getKernel());
      if (!function) {
        launch.emitOpError("expected a kernel in the LLVM dialect");
        return WalkResult::interrupt();
      }
      Kernel &kernel = kernels[launch.getKernelName()];
      kernel.function = function;
      kernel.launches.push_back(launch);
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  static void dropUnusedArguments(Kernel &kernel) {
    unsigned count = kernel.function.getNumArguments();
    llvm::BitVector unused(count);
    for (unsigned index = 0; index < count; ++index)
      if (kernel.function.getArgument(index).use_empty())
        unused.set(index);
    eraseArguments(kernel.function, unused);
    for (gpu::LaunchFuncOp launch : kernel.launches)
      for (unsigned index = count; index-- > 0;)
        if (unused.test(index))
          launch.getKernelOperandsMutable().erase(index);
  }

  static Type getKernelType(LLVM::LLVMFuncOp function, ArrayRef<Type> types) {
    return LLVM::LLVMFunctionType::get(
        LLVM::LLVMVoidType::get(function.getContext()), types);
  }

  /// The function's own eraseArguments() refuses functions that return nothing.
  static void eraseArguments(LLVM::LLVMFuncOp function,
                             const llvm::BitVector &erased) {
    SmallVector<Type> types;
    for (auto [index, type] : llvm::enumerate(function.getArgumentTypes()))
      if (!erased.test(index))
        types.push_back(type);
    function_interface_impl::eraseFunctionArguments(
        function, erased, getKernelType(function, types));
  }

  /// All arguments of a kernel become 64 bits wide. Those that vary from call
  /// to call are read from memory that the last argument points to.
  static void splitArguments(Kernel &kernel, hgf::VaryingValues &varying) {
    LLVM::LLVMFuncOp function = kernel.function;
    unsigned count = function.getNumArguments();
    kernel.isValue.assign(count, false);
    for (gpu::LaunchFuncOp launch : kernel.launches)
      for (auto [index, operand] : llvm::enumerate(launch.getKernelOperands()))
        if (varying.contains(operand))
          kernel.isValue[index] = true;
    ImplicitLocOpBuilder b(function.getLoc(), function.getContext());
    b.setInsertionPointToStart(&function.getBody().front());
    Value values;
    if (llvm::is_contained(kernel.isValue, true)) {
      auto pointer = LLVM::LLVMPointerType::get(
          function.getContext(),
          static_cast<unsigned>(NVVM::NVVMMemorySpace::Global));
      SmallVector<Type> types(function.getArgumentTypes());
      types.push_back(pointer);
      function_interface_impl::insertFunctionArguments(
          function, {count}, {pointer}, {DictionaryAttr()}, {function.getLoc()},
          count, getKernelType(function, types));
      values = function.getArgument(count);
    }
    llvm::BitVector moved(function.getNumArguments());
    int32_t place = 0;
    for (unsigned index = 0; index < count; ++index) {
      BlockArgument argument = function.getArgument(index);
      Type type = argument.getType();
      if (kernel.isValue[index]) {
        moved.set(index);
        Value address = LLVM::GEPOp::create(
            b, values.getType(), b.getI64Type(), values,
            ArrayRef<LLVM::GEPArg>{place++}, LLVM::GEPNoWrapFlags::inbounds);
        auto load = LLVM::LoadOp::create(b, b.getI64Type(), address,
                                         /*alignment=*/8);
        load.setInvariant(true);
        argument.replaceAllUsesWith(narrow(b, load, type));
        continue;
      }
      if (isa<LLVM::LLVMPointerType>(type) || type.isInteger(64))
        continue;
      argument.setType(b.getI64Type());
      Value narrowed = narrow(b, argument, type);
      argument.replaceUsesWithIf(narrowed, [&](OpOperand &use) {
        return use.getOwner() != narrowed.getDefiningOp() &&
               !isInside(use.getOwner(), narrowed, argument);
      });
    }
    SmallVector<Type> types;
    for (BlockArgument argument : function.getArguments())
      types.push_back(argument.getType());
    function.setType(getKernelType(function, types));
    eraseArguments(function, moved);
  }

  /// Whether `user` is a step of the conversion from `argument` to `narrowed`.
  static bool isInside(Operation *user, Value narrowed, Value argument) {
    for (Value value = narrowed; value != argument;
         value = value.getDefiningOp()->getOperand(0))
      if (value.getDefiningOp() == user)
        return true;
    return false;
  }

  void emitCalls(LLVM::LLVMFuncOp main, size_t most) {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    ImplicitLocOpBuilder b(main.getLoc(), &getContext());
    Type i32 = b.getI32Type(), i64 = b.getI64Type();
    b.setInsertionPointToStart(getOperation().getBody());
    auto callee = LLVM::LLVMFuncOp::create(
        b, "hgf_rt_gpu_launch",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()),
                                    {pointer, pointer}));
    // struct hgf_gpu_launch of the runtime.
    auto grid = LLVM::LLVMArrayType::get(i32, 3);
    auto structure = LLVM::LLVMStructType::getLiteral(
        &getContext(), {i32, grid, i32, i32, i32, i32, pointer, pointer});
    b.setInsertionPointToStart(&main.getBody().front());
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(value));
    };
    auto allocate = [&](Type type, int64_t count) -> Value {
      return LLVM::AllocaOp::create(b, pointer, type,
                                    constant(std::max<int64_t>(count, 1)),
                                    /*alignment=*/8);
    };
    Value parameters = allocate(i64, most);
    Value values = allocate(i64, most);
    Value launched = allocate(structure, 1);
    int32_t number = 0;
    for (auto &[name, kernel] : kernels) {
      for (gpu::LaunchFuncOp launch : kernel.launches) {
        b.setInsertionPoint(launch);
        b.setLoc(launch.getLoc());
        int32_t parameterCount = 0, valueCount = 0;
        for (auto [index, operand] :
             llvm::enumerate(launch.getKernelOperands())) {
          bool isValue = kernel.isValue[index];
          int32_t place = isValue ? valueCount++ : parameterCount++;
          Value address = LLVM::GEPOp::create(b, pointer, i64,
                                              isValue ? values : parameters,
                                              ArrayRef<LLVM::GEPArg>{place});
          LLVM::StoreOp::create(b, widen(b, operand), address);
        }
        auto store = [&](Value value, ArrayRef<LLVM::GEPArg> place) {
          Value address =
              LLVM::GEPOp::create(b, pointer, structure, launched, place);
          if (value.getType() == i64)
            value = LLVM::TruncOp::create(b, i32, value);
          LLVM::StoreOp::create(b, value, address);
        };
        gpu::KernelDim3 blocks = launch.getGridSizeOperandValues();
        store(constant(number), {0, 0});
        store(blocks.x, {0, 1, 0});
        store(blocks.y, {0, 1, 1});
        store(blocks.z, {0, 1, 2});
        store(launch.getBlockSizeOperandValues().x, {0, 2});
        Value shared = launch.getDynamicSharedMemorySize();
        store(shared ? shared : constant(0), {0, 3});
        store(constant(parameterCount), {0, 4});
        store(constant(valueCount), {0, 5});
        store(parameters, {0, 6});
        store(values, {0, 7});
        LLVM::CallOp::create(b, callee,
                             ValueRange{main.getArgument(0), launched});
        launch.erase();
      }
      ++number;
    }
  }

  /// By name, in the order of their first launch.
  llvm::MapVector<StringAttr, Kernel> kernels;
};

} // namespace
