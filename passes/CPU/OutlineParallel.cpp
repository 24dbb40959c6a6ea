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
    LLVMTypeConverter converter(&getContext());
    types = &converter;
    SmallVector<Region *> regions;
    for (auto function : getOperation().getOps<func::FuncOp>())
      regions.push_back(&function.getBody());
    // Groups grow at the end of the list: by the regions that they left alone.
    for (unsigned index = 0; index < regions.size(); ++index)
      for (Block &block : *regions[index])
        if (failed(outline(block, regions)))
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

  /// Outlines the loops of a block, neighbours together. Appends the regions
  /// inside that were not looked at.
  LogicalResult outline(Block &block, SmallVectorImpl<Region *> &regions) {
    SmallVector<Operation *> group;
    auto close = [&] {
      LogicalResult result = success();
      if (group.size() > 1 ||
          (group.size() == 1 && isa<scf::ForallOp>(group[0])))
        result = outline(group);
      else if (group.size() == 1)
        for (Region &region : group[0]->getRegions())
          regions.push_back(&region);
      group.clear();
      return result;
    };
    for (Operation &op : llvm::make_early_inc_range(block)) {
      if (isParallel(&op)) {
        group.push_back(&op);
        continue;
      }
      // What neither writes nor reads memory may run before the loops in front
      // of it.
      if (isMemoryEffectFree(&op) && !op.hasTrait<OpTrait::IsTerminator>())
        continue;
      if (failed(close()))
        return failure();
      for (Region &region : op.getRegions())
        regions.push_back(&region);
    }
    return close();
  }

  /// Whether `op` is a parallel loop, or a choice between such loops.
  static bool isParallel(Operation *op) {
    if (isa<scf::ForallOp>(op))
      return true;
    auto choice = dyn_cast<scf::IfOp>(op);
    if (!choice || choice.getNumResults())
      return false;
    bool found = false;
    for (Region *region : choice.getRegions())
      for (Operation &inner : region->getOps()) {
        if (isParallel(&inner))
          found = true;
        else if (!isMemoryEffectFree(&inner))
          return false;
      }
    return found;
  }

  /// One call of the runtime that does what the loops of a group do.
  struct Job {
    explicit Job(Operation *first)
        : parent(first->getParentOfType<func::FuncOp>()), builder(first) {}

    func::FuncOp parent;
    /// In front of the group.
    OpBuilder builder;
    /// What bodies need: the call, then values, by their fields.
    llvm::MapVector<Value, unsigned> fields;
    LLVM::LLVMStructType structure;
    Value arguments;
    /// An array of hgf_phase, unless there is one loop.
    Value phases;
    unsigned phaseCount = 0;
  };

  LogicalResult outline(ArrayRef<Operation *> group) {
    SmallVector<scf::ForallOp> loops;
    for (Operation *op : group)
      op->walk<WalkOrder::PreOrder>([&](scf::ForallOp loop) {
        loops.push_back(loop);
        // Loops inside run on the thread that runs this one.
        return WalkResult::skip();
      });
    Job job(group.front());
    Value call = job.parent.getArgument(0);
    job.fields[call] = 0;
    SmallVector<Type> fieldTypes = {call.getType()};
    for (scf::ForallOp loop : loops) {
      if (loop.getNumResults())
        return loop.emitOpError(
            "expected a loop over memrefs, without results");
      for (Value value : getUsedValues(loop).captured) {
        if (!job.fields.insert({value, fieldTypes.size()}).second)
          continue;
        Type type = types->convertType(value.getType());
        if (!type)
          return loop.emitOpError("cannot pass a value of type ")
                 << value.getType() << " to another thread";
        fieldTypes.push_back(type);
      }
    }
    job.structure = LLVM::LLVMStructType::getLiteral(&getContext(), fieldTypes);
    Location loc = loops.front().getLoc();
    job.arguments = allocate(job.parent, loc, job.structure);
    OpBuilder end(&getContext());
    end.setInsertionPointAfter(group.back());
    llvm::SmallDenseSet<Value> stored;
    store(job.builder, loc, job, call, stored);
    if (loops.size() == 1) {
      emitCall(loops.front(), job, stored);
      loops.front().erase();
      return success();
    }
    job.phases = allocate(
        job.parent, loc,
        LLVM::LLVMArrayType::get(getPhaseType(), unsigned(loops.size())));
    for (Operation *op : group)
      emitPhases(op, job, stored, /*conditional=*/false);
    Value count = arith::ConstantIntOp::create(end, loc, loops.size(), 32);
    func::CallOp::create(end, loc,
                         getRuntimeFunction("hgf_rt_parallel_phases",
                                            {call.getType(), call.getType(),
                                             count.getType(), call.getType()},
                                            loc),
                         ValueRange{call, job.phases, count, job.arguments});
    for (scf::ForallOp loop : loops)
      loop.erase();
    return success();
  }

  /// Constants are cheaper to make again than to pass.
  struct UsedValues {
    SmallVector<Value> captured;
    SmallVector<Operation *> constants;
  };

  static UsedValues getUsedValues(scf::ForallOp loop) {
    llvm::SetVector<Value> used;
    getUsedValuesDefinedAbove(loop.getRegion(), used);
    for (ValueRange bounds : {ValueRange(loop.getDynamicLowerBound()),
                              ValueRange(loop.getDynamicUpperBound()),
                              ValueRange(loop.getDynamicStep())})
      used.insert(bounds.begin(), bounds.end());
    used.remove(loop->getParentOfType<func::FuncOp>().getArgument(0));
    UsedValues result;
    for (Value value : used) {
      Operation *op = value.getDefiningOp();
      if (op && (op->hasTrait<OpTrait::ConstantLike>() ||
                 isa<memref::GetGlobalOp>(op)))
        result.constants.push_back(op);
      else
        result.captured.push_back(value);
    }
    return result;
  }

  /// Stack memory. In the entry block: a loop must not take it again and again.
  Value allocate(func::FuncOp parent, Location loc, Type type) {
    OpBuilder entry = OpBuilder::atBlockBegin(&parent.front());
    Value one =
        LLVM::ConstantOp::create(entry, loc, entry.getI64IntegerAttr(1));
    return LLVM::AllocaOp::create(
        entry, loc, LLVM::LLVMPointerType::get(&getContext()), type, one, 0);
  }

  /// Writes `value` to its field, unless that was done on the way to here.
  void store(OpBuilder &builder, Location loc, const Job &job, Value value,
             llvm::SmallDenseSet<Value> &stored) {
    if (!stored.insert(value).second)
      return;
    unsigned field = job.fields.lookup(value);
    LLVM::StoreOp::create(
        builder, loc, cast(builder, loc, value, job.structure.getBody()[field]),
        getField(builder, loc, job.structure, job.arguments, field));
  }

  static Value getField(OpBuilder &builder, Location loc, Type structure,
                        Value pointer, unsigned field) {
    return LLVM::GEPOp::create(
        builder, loc, pointer.getType(), structure, pointer,
        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(field)});
  }

  /// hgf_phase of the runtime.
  LLVM::LLVMStructType getPhaseType() {
    auto number = IntegerType::get(&getContext(), 64);
    return LLVM::LLVMStructType::getLiteral(
        &getContext(),
        {LLVM::LLVMPointerType::get(&getContext()), number, number});
  }

  /// Describes the loops in `op` as phases where they stand.
  /// `stored`: fields that are written whenever this point is reached.
  void emitPhases(Operation *op, Job &job, llvm::SmallDenseSet<Value> &stored,
                  bool conditional) {
    if (auto choice = dyn_cast<scf::IfOp>(op)) {
      for (Region *region : choice.getRegions()) {
        llvm::SmallDenseSet<Value> here = stored;
        for (Operation &inner : region->getOps())
          if (isParallel(&inner))
            emitPhases(&inner, job, here, /*conditional=*/true);
      }
      return;
    }
    auto loop = llvm::cast<scf::ForallOp>(op);
    Location loc = loop.getLoc();
    unsigned slot = job.phaseCount++;
    auto getPart = [&](OpBuilder &builder, int32_t part) -> Value {
      return LLVM::GEPOp::create(
          builder, loc, job.phases.getType(), getPhaseType(), job.phases,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(slot), part});
    };
    if (conditional)
      // Where the loop is not chosen, its phase is empty.
      LLVM::StoreOp::create(
          job.builder, loc,
          arith::ConstantIntOp::create(job.builder, loc, 0, 64),
          getPart(job.builder, 1));
    OpBuilder builder(loop);
    auto [function, total, grain] = describe(builder, loop, job, stored);
    int32_t part = 0;
    for (Value value : {function, total, grain})
      LLVM::StoreOp::create(builder, loc, value, getPart(builder, part++));
  }

  /// Makes the loop's function, and stores what it needs.
  std::tuple<Value, Value, Value> describe(OpBuilder &builder,
                                           scf::ForallOp loop, Job &job,
                                           llvm::SmallDenseSet<Value> &stored) {
    Location loc = loop.getLoc();
    auto [captured, constants] = getUsedValues(loop);
    Value call = job.parent.getArgument(0);
    func::FuncOp body = makeBody(loop, job.parent, call, captured, constants);
    func::FuncOp trampoline = makeTrampoline(body, job, captured);
    for (Value value : captured)
      store(builder, loc, job, value, stored);
    IRMapping identity;
    auto [counts, lowers, steps] = getSpace(builder, loop, identity);
    Value total = arith::ConstantIndexOp::create(builder, loc, 1);
    for (Value trips : counts)
      total = arith::MulIOp::create(builder, loc, total, trips);
    total =
        arith::IndexCastOp::create(builder, loc, builder.getI64Type(), total);
    auto grain = loop->getAttrOfType<IntegerAttr>("hgf.grain");
    Value piece = arith::ConstantIntOp::create(builder, loc,
                                               grain ? grain.getInt() : 1, 64);
    Value function = func::ConstantOp::create(
        builder, loc, trampoline.getFunctionType(), trampoline.getName());
    return {cast(builder, loc, function, call.getType()), total, piece};
  }

  /// A job of one loop.
  void emitCall(scf::ForallOp loop, Job &job,
                llvm::SmallDenseSet<Value> &stored) {
    OpBuilder builder(loop);
    auto [function, total, grain] = describe(builder, loop, job, stored);
    Value call = job.parent.getArgument(0);
    SmallVector<Value> operands = {call, function, job.arguments, total, grain};
    func::CallOp::create(
        builder, loop.getLoc(),
        getRuntimeFunction("hgf_rt_parallel",
                           llvm::to_vector(ValueRange(operands).getTypes()),
                           loop.getLoc()),
        operands);
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

  /// `(argument, begin, end)`, as the runtime calls it: reads the body's fields
  /// of the job's structure.
  func::FuncOp makeTrampoline(func::FuncOp body, const Job &job,
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
    auto read = [&](unsigned field, Type type) {
      Value value = LLVM::LoadOp::create(
          builder, loc, job.structure.getBody()[field],
          getField(builder, loc, job.structure, block->getArgument(0), field));
      return cast(builder, loc, value, type);
    };
    SmallVector<Value> operands = {read(0, pointer)};
    for (unsigned index : {1, 2})
      operands.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getIndexType(), block->getArgument(index)));
    for (Value value : captured)
      operands.push_back(read(job.fields.lookup(value), value.getType()));
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

  func::FuncOp getRuntimeFunction(StringRef name, ArrayRef<Type> arguments,
                                  Location loc) {
    if (auto known = getOperation().lookupSymbol<func::FuncOp>(name))
      return known;
    OpBuilder builder = OpBuilder::atBlockBegin(getOperation().getBody());
    auto function = func::FuncOp::create(
        builder, loc, name, builder.getFunctionType(arguments, {}));
    function.setPrivate();
    return function;
  }

  /// Of this run.
  LLVMTypeConverter *types = nullptr;
  /// Outlined loops of this module so far.
  unsigned count = 0;
};

} // namespace
