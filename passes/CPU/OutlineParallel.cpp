//===- OutlineParallel.cpp - Parallel loops call the runtime ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/Transforms/Transforms.h"
#include "mlir/Transforms/RegionUtils.h"

namespace hgf {
#define GEN_PASS_DEF_OUTLINEPARALLEL
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct OutlineParallel
    : public hgf::impl::OutlineParallelBase<OutlineParallel> {
  void runOnOperation() override {
    passCall();
    SmallVector<scf::ForallOp> loops;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
      loops.push_back(loop);
      // Loops inside run on the thread that runs this one.
      return WalkResult::skip();
    });
    LLVMTypeConverter types(&getContext());
    for (scf::ForallOp loop : loops)
      if (failed(outline(loop, types)))
        return signalPassFailure();
  }

  /// Gives the runtime's call as first argument to @main, to every function
  /// that starts parallel work or checks something, and to their callers.
  void passCall() {
    llvm::SmallSetVector<func::FuncOp, 8> functions;
    getOperation().walk([&](func::FuncOp function) {
      if (function.isExternal())
        return;
      bool needed = function.getName() == "main";
      function.walk([&](Operation *op) {
        needed |= isa<scf::ForallOp, cf::AssertOp>(op);
      });
      if (needed)
        functions.insert(function);
    });
    // Callers follow their callees in the worklist.
    for (unsigned index = 0; index < functions.size(); ++index) {
      func::FuncOp callee = functions[index];
      getOperation().walk([&](func::CallOp call) {
        if (call.getCallee() == callee.getName())
          functions.insert(call->getParentOfType<func::FuncOp>());
      });
    }
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    for (func::FuncOp function : functions)
      (void)function.insertArgument(
          0, pointer,
          DictionaryAttr::get(
              &getContext(),
              {NamedAttribute("hgf.call", UnitAttr::get(&getContext()))}),
          function.getLoc());
    getOperation().walk([&](func::CallOp call) {
      auto callee = getOperation().lookupSymbol<func::FuncOp>(call.getCallee());
      auto caller = call->getParentOfType<func::FuncOp>();
      if (!functions.contains(callee))
        return;
      SmallVector<Value> operands = {caller.getArgument(0)};
      llvm::append_range(operands, call.getOperands());
      call.getOperandsMutable().assign(operands);
    });
  }

  LogicalResult outline(scf::ForallOp loop, LLVMTypeConverter &types) {
    if (loop.getNumResults())
      return loop.emitOpError("expected a loop over memrefs, without results");
    auto parent = loop->getParentOfType<func::FuncOp>();
    Value call = parent.getArgument(0);

    // Constants are cheaper to make again than to pass.
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    OpBuilder builder(loop);
    for (ValueRange bounds : {ValueRange(loop.getDynamicLowerBound()),
                              ValueRange(loop.getDynamicUpperBound()),
                              ValueRange(loop.getDynamicStep())})
      used.insert(bounds.begin(), bounds.end());
    used.remove(call);
    SmallVector<Value> captured;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      Operation *op = value.getDefiningOp();
      if (op && (op->hasTrait<OpTrait::ConstantLike>() ||
                 isa<memref::GetGlobalOp>(op)))
        constants.push_back(op);
      else
        captured.push_back(value);
    }

    func::FuncOp body = makeBody(loop, parent, call, captured, constants);
    SmallVector<Type> fields = {call.getType()};
    for (Value value : captured) {
      Type type = types.convertType(value.getType());
      if (!type)
        return loop.emitOpError("cannot pass a value of type ")
               << value.getType() << " to another thread";
      fields.push_back(type);
    }
    auto structure = LLVM::LLVMStructType::getLiteral(&getContext(), fields);
    func::FuncOp trampoline = makeTrampoline(body, structure, captured);

    builder.setInsertionPoint(loop);
    emitCall(builder, loop, parent, trampoline, structure, captured, types);
    loop.erase();
    return success();
  }

  /// `(call, begin, end, captured...)`: the loop over a range of the flattened
  /// iteration space.
  func::FuncOp makeBody(scf::ForallOp loop, func::FuncOp parent, Value call,
                        ArrayRef<Value> captured,
                        ArrayRef<Operation *> constants) {
    Location loc = loop.getLoc();
    OpBuilder builder(parent);
    SmallVector<Type> inputs = {call.getType(), builder.getIndexType(),
                                builder.getIndexType()};
    llvm::append_range(inputs, ValueRange(captured).getTypes());
    std::string name = (parent.getName() + "_parallel_" + Twine(count++)).str();
    auto function = func::FuncOp::create(builder, loc, name,
                                         builder.getFunctionType(inputs, {}));
    function.setPrivate();
    function.setArgAttr(0, "hgf.call", builder.getUnitAttr());
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToStart(block);
    IRMapping mapping;
    mapping.map(call, block->getArgument(0));
    for (auto [index, value] : llvm::enumerate(captured))
      mapping.map(value, block->getArgument(3 + index));
    for (Operation *constant : constants)
      builder.clone(*constant, mapping);

    // Stack memory is taken once per call, not once per iteration.
    Block &loopBody = loop.getRegion().front();
    for (Operation &op : loopBody)
      if (isa<memref::AllocaOp>(op) && op.getNumOperands() == 0)
        builder.clone(op, mapping);

    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    auto sequential = scf::ForOp::create(builder, loc, block->getArgument(1),
                                         block->getArgument(2), one);
    func::ReturnOp::create(builder, loc);
    builder.setInsertionPointToStart(sequential.getBody());
    auto [counts, lowers, steps] = getSpace(builder, loop, mapping);
    Value rest = sequential.getInductionVar();
    for (int64_t axis = counts.size() - 1; axis >= 0; --axis) {
      Value index = rest;
      if (axis > 0) {
        index = arith::RemSIOp::create(builder, loc, rest, counts[axis]);
        rest = arith::DivSIOp::create(builder, loc, rest, counts[axis]);
      }
      Value scaled = arith::MulIOp::create(builder, loc, index, steps[axis]);
      mapping.map(loopBody.getArgument(axis),
                  arith::AddIOp::create(builder, loc, scaled, lowers[axis])
                      .getResult());
    }
    for (Operation &op : loopBody.without_terminator())
      if (!(isa<memref::AllocaOp>(op) && op.getNumOperands() == 0))
        builder.clone(op, mapping);
    sequentialize(function);
    return function;
  }

  /// Trip counts, lower bounds and steps of each dimension.
  static std::tuple<SmallVector<Value>, SmallVector<Value>, SmallVector<Value>>
  getSpace(OpBuilder &builder, scf::ForallOp loop, IRMapping &mapping) {
    Location loc = loop.getLoc();
    SmallVector<Value> counts, lowers, steps;
    for (auto [lower, upper, step] :
         llvm::zip(loop.getMixedLowerBound(), loop.getMixedUpperBound(),
                   loop.getMixedStep())) {
      auto get = [&](OpFoldResult bound) {
        return mapping.lookupOrDefault(
            getValueOrCreateConstantIndexOp(builder, loc, bound));
      };
      lowers.push_back(get(lower));
      steps.push_back(get(step));
      Value width =
          arith::SubIOp::create(builder, loc, get(upper), lowers.back());
      counts.push_back(
          builder.createOrFold<arith::CeilDivSIOp>(loc, width, steps.back()));
    }
    return {counts, lowers, steps};
  }

  /// Parallel loops inside an outlined one run one after another.
  static void sequentialize(func::FuncOp function) {
    SmallVector<scf::ForallOp> nested;
    function.walk([&](scf::ForallOp loop) { nested.push_back(loop); });
    IRRewriter rewriter(function.getContext());
    for (scf::ForallOp loop : nested) {
      rewriter.setInsertionPoint(loop);
      (void)scf::forallToForLoop(rewriter, loop);
    }
  }

  /// `(argument, begin, end)`, as the runtime calls it: unpacks the structure.
  func::FuncOp makeTrampoline(func::FuncOp body, Type structure,
                              ArrayRef<Value> captured) {
    Location loc = body.getLoc();
    OpBuilder builder(body);
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto function = func::FuncOp::create(
        builder, loc, (body.getName() + "_range").str(),
        builder.getFunctionType(
            {pointer, builder.getI64Type(), builder.getI64Type()}, {}));
    function.setPrivate();
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToStart(block);
    Value packed =
        LLVM::LoadOp::create(builder, loc, structure, block->getArgument(0));
    SmallVector<Value> operands;
    operands.push_back(
        LLVM::ExtractValueOp::create(builder, loc, packed, int64_t(0)));
    for (unsigned index : {1, 2})
      operands.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getIndexType(), block->getArgument(index)));
    for (auto [index, value] : llvm::enumerate(captured)) {
      Value field = LLVM::ExtractValueOp::create(builder, loc, packed,
                                                 int64_t(index + 1));
      operands.push_back(cast(builder, loc, field, value.getType()));
    }
    func::CallOp::create(builder, loc, body, operands);
    func::ReturnOp::create(builder, loc);
    return function;
  }

  /// A value of the LLVM dialect seen as one of the dialects above, or the
  /// other way; later conversions fold it away.
  static Value cast(OpBuilder &builder, Location loc, Value value, Type type) {
    if (value.getType() == type)
      return value;
    return UnrealizedConversionCastOp::create(builder, loc, type, value)
        .getResult(0);
  }

  void emitCall(OpBuilder &builder, scf::ForallOp loop, func::FuncOp parent,
                func::FuncOp trampoline, LLVM::LLVMStructType structure,
                ArrayRef<Value> captured, LLVMTypeConverter &types) {
    Location loc = loop.getLoc();
    Value call = parent.getArgument(0);
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    Value packed = LLVM::UndefOp::create(builder, loc, structure);
    packed =
        LLVM::InsertValueOp::create(builder, loc, packed, call, int64_t(0));
    for (auto [index, value] : llvm::enumerate(captured))
      packed = LLVM::InsertValueOp::create(
          builder, loc, packed,
          cast(builder, loc, value, types.convertType(value.getType())),
          int64_t(index + 1));
    // In the entry block: a loop must not take the stack again and again.
    OpBuilder entry = OpBuilder::atBlockBegin(&parent.front());
    Value one =
        LLVM::ConstantOp::create(entry, loc, entry.getI64IntegerAttr(1));
    Value memory =
        LLVM::AllocaOp::create(entry, loc, pointer, structure, one, 0);
    LLVM::StoreOp::create(builder, loc, packed, memory);

    IRMapping identity;
    auto [counts, lowers, steps] = getSpace(builder, loop, identity);
    Value total = arith::ConstantIndexOp::create(builder, loc, 1);
    for (Value trips : counts)
      total = arith::MulIOp::create(builder, loc, total, trips);
    auto grain = loop->getAttrOfType<IntegerAttr>("hgf.grain");
    Value piece = arith::ConstantIntOp::create(builder, loc,
                                               grain ? grain.getInt() : 1, 64);
    Value function = func::ConstantOp::create(
        builder, loc, trampoline.getFunctionType(), trampoline.getName());
    func::CallOp::create(
        builder, loc, getParallelFunction(loc),
        ValueRange{call, cast(builder, loc, function, pointer), memory,
                   arith::IndexCastOp::create(builder, loc,
                                              builder.getI64Type(), total),
                   piece});
  }

  func::FuncOp getParallelFunction(Location loc) {
    if (auto known =
            getOperation().lookupSymbol<func::FuncOp>("hgf_rt_parallel"))
      return known;
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto pointer = LLVM::LLVMPointerType::get(&getContext());
    auto function = func::FuncOp::create(
        builder, loc, "hgf_rt_parallel",
        builder.getFunctionType({pointer, pointer, pointer,
                                 builder.getI64Type(), builder.getI64Type()},
                                {}));
    function.setPrivate();
    return function;
  }

  /// Outlined loops of this module so far.
  unsigned count = 0;
};

} // namespace
