//===- EmitEntry.cpp - The functions of the model descriptor ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace hgf {
#define GEN_PASS_DEF_EMITENTRY
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Builds one function of the LLVM dialect.
struct FunctionBuilder {
  FunctionBuilder(ModuleOp module, StringRef name, Type result,
                  ArrayRef<Type> arguments)
      : builder(OpBuilder::atBlockEnd(module.getBody())), loc(module.getLoc()),
        pointer(LLVM::LLVMPointerType::get(module.getContext())),
        function(LLVM::LLVMFuncOp::create(
            builder, loc, name,
            LLVM::LLVMFunctionType::get(result, arguments))) {
    builder.setInsertionPointToStart(function.addEntryBlock(builder));
  }

  Value constant(int64_t value, Type type) {
    return LLVM::ConstantOp::create(builder, loc,
                                    builder.getIntegerAttr(type, value));
  }
  Value constant(int64_t value) {
    return constant(value, builder.getI64Type());
  }
  /// base[index] of `type`.
  Value load(Type type, Value base, int64_t index) {
    return LLVM::LoadOp::create(builder, loc, type, address(type, base, index));
  }
  Value address(Type type, Value base, int64_t index) {
    return LLVM::GEPOp::create(builder, loc, pointer, type, base,
                               ArrayRef<LLVM::GEPArg>{int32_t(index)});
  }

  OpBuilder builder;
  Location loc;
  Type pointer;
  LLVM::LLVMFuncOp function;
};

struct EmitEntry : public hgf::impl::EmitEntryBase<EmitEntry> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<LLVM::LLVMFuncOp>("main");
    inputs = getOperation()->getAttrOfType<ArrayAttr>("hgf.inputs");
    outputs = getOperation()->getAttrOfType<ArrayAttr>("hgf.outputs");
    if (!main || !inputs || !outputs)
      return;
    getOperation().walk([](LLVM::LLVMFuncOp function) {
      // A mark between passes, which means nothing to LLVM.
      for (unsigned index = 0; index < function.getNumArguments(); ++index)
        function.removeArgAttr(index, "hgf.call");
      auto distinct = function->getAttrOfType<DenseI64ArrayAttr>("hgf.noalias");
      if (!distinct)
        return;
      for (int64_t index : distinct.asArrayRef())
        function.setArgAttr(index, "llvm.noalias",
                            UnitAttr::get(function.getContext()));
      function->removeAttr("hgf.noalias");
    });
    // The executable's own main comes from the runtime.
    SymbolTable::setSymbolName(main, "hgf_main");
    main.setLinkage(LLVM::Linkage::Internal);
    if (failed(emitRun(main)) || failed(emitOutputDims()) ||
        failed(emitArenaBytes()))
      return signalPassFailure();
  }

  static ArrayRef<int64_t> getDims(Attribute tensor) {
    return cast<DictionaryAttr>(tensor)
        .getAs<DenseI64ArrayAttr>("dims")
        .asArrayRef();
  }

  /// i32 (call, arena, buffers): loads the buffers and calls `main`.
  LogicalResult emitRun(LLVM::LLVMFuncOp main) {
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i32 = IntegerType::get(&getContext(), 32);
    Type i64 = IntegerType::get(&getContext(), 64);
    FunctionBuilder b(getOperation(), "hgf_run", i32,
                      {pointer, pointer, pointer});
    Value call = b.function.getArgument(0);
    Value arena = b.function.getArgument(1);
    Value buffers = b.function.getArgument(2);
    SmallVector<Value> operands = {call};
    int64_t position = 0;
    for (Attribute tensor :
         llvm::concat<const Attribute>(inputs.getValue(), outputs.getValue())) {
      // struct hgf_buffer { data, dims, strides }
      Value data = b.load(pointer, buffers, 3 * position);
      Value dims = b.load(pointer, buffers, 3 * position + 1);
      Value strides = b.load(pointer, buffers, 3 * position + 2);
      ++position;
      ArrayRef<int64_t> shape = getDims(tensor);
      bool grows = cast<DictionaryAttr>(tensor)
                       .getAs<IntegerAttr>("state_axis")
                       .getInt() >= 0;
      SmallVector<Value> sizes, steps(shape.size());
      for (auto [axis, dim] : llvm::enumerate(shape))
        sizes.push_back(dim < 0 ? b.load(i64, dims, axis) : b.constant(dim));
      Value step = b.constant(1);
      for (int64_t axis = shape.size() - 1; axis >= 0; --axis) {
        steps[axis] = grows ? b.load(i64, strides, axis) : step;
        step = LLVM::MulOp::create(b.builder, b.loc, step, sizes[axis]);
      }
      llvm::append_values(operands, data, data, b.constant(0));
      llvm::append_range(operands, sizes);
      llvm::append_range(operands, steps);
    }
    llvm::append_values(operands, arena, arena, b.constant(0),
                        b.constant(std::numeric_limits<int64_t>::max()),
                        b.constant(1));
    if (operands.size() != main.getNumArguments())
      return main.emitError("expected ")
             << operands.size() << " arguments, as hgf.inputs and hgf.outputs "
             << "describe, but got " << main.getNumArguments();
    LLVM::CallOp::create(b.builder, b.loc, main, operands);
    LLVM::ReturnOp::create(b.builder, b.loc, b.constant(0, i32));
    return success();
  }

  /// Loads the dims of all inputs and returns, with `otherwise`, where they
  /// contradict the model.
  SmallVector<Value> loadDims(FunctionBuilder &b, Value otherwise) {
    Type i64 = b.builder.getI64Type();
    Value pointer = b.function.getArgument(0);
    SmallVector<Value> dims;
    Value valid = b.constant(1, b.builder.getI1Type());
    llvm::StringMap<Value> named;
    auto require = [&](LLVM::ICmpPredicate predicate, Value left, Value right) {
      Value holds =
          LLVM::ICmpOp::create(b.builder, b.loc, predicate, left, right);
      valid = LLVM::AndOp::create(b.builder, b.loc, valid, holds);
    };
    for (Attribute tensor : inputs) {
      auto names = cast<DictionaryAttr>(tensor).getAs<ArrayAttr>("dim_names");
      for (auto [axis, dim] : llvm::enumerate(getDims(tensor))) {
        Value value = b.load(i64, pointer, dims.size());
        dims.push_back(value);
        if (dim >= 0) {
          require(LLVM::ICmpPredicate::eq, value, b.constant(dim));
          continue;
        }
        // The upper bound keeps products of a few dims from overflowing.
        require(LLVM::ICmpPredicate::ult, value, b.constant(int64_t(1) << 31));
        StringRef name = cast<StringAttr>(names[axis]).getValue();
        if (name.empty())
          continue;
        Value &first = named[name];
        if (first)
          require(LLVM::ICmpPredicate::eq, value, first);
        else
          first = value;
      }
    }
    Block *block = b.builder.getInsertionBlock();
    Block *failed = new Block();
    Block *rest = new Block();
    b.function.getBody().push_back(rest);
    b.function.getBody().push_back(failed);
    b.builder.setInsertionPointToEnd(block);
    LLVM::CondBrOp::create(b.builder, b.loc, valid, rest, failed);
    b.builder.setInsertionPointToEnd(failed);
    LLVM::ReturnOp::create(b.builder, b.loc, otherwise);
    b.builder.setInsertionPointToEnd(rest);
    return dims;
  }

  /// i32 (input dims, output dims).
  LogicalResult emitOutputDims() {
    auto callee =
        getOperation().lookupSymbol<LLVM::LLVMFuncOp>("hgf_output_dims");
    if (!callee)
      return getOperation().emitError("expected @hgf_output_dims");
    callee.setLinkage(LLVM::Linkage::Internal);
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i32 = IntegerType::get(&getContext(), 32);
    FunctionBuilder b(getOperation(), "hgf_model_output_dims", i32,
                      {pointer, pointer});
    SmallVector<Value> dims = loadDims(b, b.constant(1, i32));
    Value results =
        LLVM::CallOp::create(b.builder, b.loc, callee, dims)->getNumResults()
            ? b.builder.getInsertionBlock()->back().getResult(0)
            : Value();
    int64_t count = 0;
    for (Attribute output : outputs)
      count += getDims(output).size();
    for (int64_t index = 0; index < count; ++index) {
      Value dim = count == 1 ? results
                             : LLVM::ExtractValueOp::create(b.builder, b.loc,
                                                            results, index)
                                   .getResult();
      LLVM::StoreOp::create(
          b.builder, b.loc, dim,
          b.address(b.builder.getI64Type(), b.function.getArgument(1), index));
    }
    LLVM::ReturnOp::create(b.builder, b.loc, b.constant(0, i32));
    return success();
  }

  /// i64 (input dims).
  LogicalResult emitArenaBytes() {
    auto callee =
        getOperation().lookupSymbol<LLVM::LLVMFuncOp>("hgf_arena_bytes");
    if (!callee)
      return getOperation().emitError("expected @hgf_arena_bytes");
    callee.setLinkage(LLVM::Linkage::Internal);
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = IntegerType::get(&getContext(), 64);
    FunctionBuilder b(getOperation(), "hgf_model_arena_bytes", i64, {pointer});
    SmallVector<Value> dims = loadDims(b, b.constant(-1));
    LLVM::ReturnOp::create(
        b.builder, b.loc,
        LLVM::CallOp::create(b.builder, b.loc, callee, dims).getResult());
    return success();
  }

  ArrayAttr inputs;
  ArrayAttr outputs;
};

} // namespace
