//===- PlanArena.cpp - One buffer for every allocation of a call --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Bufferization/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hgf {
#define GEN_PASS_DEF_PLANARENA
#include "hgf/Passes/Bufferization/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Every view starts on a cache line, which also suits the widest vectors.
constexpr int64_t alignment = 64;

/// An allocation and the operations of the entry block, by position, between
/// which it is alive.
struct Allocation {
  memref::AllocOp op;
  int64_t first;
  int64_t last;
  /// Known size in bytes, or -1.
  int64_t staticBytes;
  /// The dynamic sizes at the function's entry.
  SmallVector<Value> sizes;
  /// Size in bytes at the function's entry, where dynamic.
  Value dynamicBytes;
  int64_t staticOffset = 0;
  Value offset;

  bool conflictsWith(const Allocation &other) const {
    return first <= other.last && other.first <= last;
  }
};

/// Bytes that dynamic allocations take in turn.
struct Slot {
  SmallVector<Allocation *> members;
};

struct PlanArena : public hgf::impl::PlanArenaBase<PlanArena> {
  using PlanArenaBase::PlanArenaBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() ||
        getOperation().lookupSymbol("hgf_arena_bytes"))
      return;
    dropResults(main);
    if (failed(plan(main)))
      return signalPassFailure();
  }

  /// What is still returned are views of state that grows in place: the
  /// runtime knows where it is.
  static void dropResults(func::FuncOp main) {
    auto returned = cast<func::ReturnOp>(main.front().getTerminator());
    returned.getOperandsMutable().clear();
    main.setType(
        FunctionType::get(main.getContext(), main.getArgumentTypes(), {}));
    main.removeResAttrsAttr();
  }

  LogicalResult plan(func::FuncOp main) {
    if (failed(moveToStack(main)))
      return failure();
    Block &body = main.front();
    OpBuilder entry = OpBuilder::atBlockBegin(&body);
    SmallVector<Allocation> allocations;
    if (failed(collect(main, entry, allocations)))
      return failure();
    int64_t staticBytes = placeStatic(allocations);
    Value total = placeDynamic(allocations, staticBytes, main.getLoc(), entry);
    if (failed(emitArenaBytes(main, total)))
      return failure();
    auto arenaType = MemRefType::get({ShapedType::kDynamic}, entry.getI8Type());
    Value arena = body.addArgument(arenaType, main.getLoc());
    main.setType(
        FunctionType::get(main.getContext(), body.getArgumentTypes(), {}));
    for (Allocation &allocation : allocations) {
      OpBuilder builder(allocation.op);
      Value offset = allocation.offset;
      if (!offset)
        offset = arith::ConstantIndexOp::create(builder, allocation.op.getLoc(),
                                                allocation.staticOffset);
      Value view = memref::ViewOp::create(builder, allocation.op.getLoc(),
                                          allocation.op.getType(), arena,
                                          offset, allocation.sizes);
      allocation.op.replaceAllUsesWith(view);
      allocation.op.erase();
    }
    return success();
  }

  static int64_t getElementBytes(MemRefType type) {
    return DataLayout().getTypeSize(type.getElementType());
  }

  /// Every thread needs its own copy of what is allocated inside a parallel
  /// loop.
  LogicalResult moveToStack(func::FuncOp main) {
    llvm::SmallDenseMap<Operation *, int64_t> taken;
    SmallVector<std::pair<memref::AllocOp, Operation *>> allocations;
    main.walk([&](memref::AllocOp alloc) {
      if (Operation *loop = getParallelLoop(alloc))
        allocations.emplace_back(alloc, loop);
    });
    for (auto [alloc, loop] : allocations) {
      MemRefType type = alloc.getType();
      if (!type.hasStaticShape())
        return alloc.emitOpError(
            "expected an allocation inside a parallel loop to have a static "
            "shape; this is a defect of the compiler, please report it");
      int64_t &bytes = taken[loop];
      bytes += llvm::alignTo(type.getNumElements() * getElementBytes(type),
                             alignment);
      if (bytes > stackBytes)
        return alloc.emitOpError("expected the allocations inside a parallel "
                                 "loop to take at most ")
               << stackBytes.getValue() << " bytes but got " << bytes
               << "; this is a defect of the compiler, please report it";
      OpBuilder builder = OpBuilder::atBlockBegin(&loop->getRegion(0).front());
      auto alloca =
          memref::AllocaOp::create(builder, alloc.getLoc(), type, ValueRange(),
                                   builder.getI64IntegerAttr(alignment));
      alloc.replaceAllUsesWith(alloca.getResult());
      alloc.erase();
    }
    return success();
  }

  static Operation *getParallelLoop(Operation *op) {
    Operation *outermost = nullptr;
    for (Operation *parent = op->getParentOp(); parent;
         parent = parent->getParentOp())
      if (isa<scf::ForallOp, scf::ParallelOp>(parent))
        outermost = parent;
    return outermost;
  }

  LogicalResult collect(func::FuncOp main, OpBuilder &entry,
                        SmallVectorImpl<Allocation> &allocations) {
    Block &body = main.front();
    llvm::DenseMap<Operation *, int64_t> positions;
    for (auto [index, op] : llvm::enumerate(body))
      positions[&op] = index;
    BufferViewFlowAnalysis aliases(main);
    WalkResult result = main.walk([&](memref::AllocOp op) {
      Allocation allocation;
      allocation.op = op;
      allocation.first = positions[body.findAncestorOpInBlock(*op)];
      allocation.last = allocation.first;
      for (Value alias : aliases.resolve(op.getResult()))
        for (Operation *user : alias.getUsers())
          if (Operation *ancestor = body.findAncestorOpInBlock(*user))
            allocation.last = std::max(allocation.last, positions[ancestor]);
      allocations.push_back(allocation);
      return WalkResult::advance();
    });
    // Only now may the entry block change.
    IRMapping atEntry;
    for (Allocation &allocation : allocations)
      if (failed(computeSize(allocation, entry, atEntry)))
        return failure();
    return failure(result.wasInterrupted());
  }

  LogicalResult computeSize(Allocation &allocation, OpBuilder &entry,
                            IRMapping &atEntry) {
    MemRefType type = allocation.op.getType();
    Location loc = allocation.op.getLoc();
    int64_t bytes = getElementBytes(type);
    for (int64_t dim : type.getShape())
      if (!ShapedType::isDynamic(dim))
        bytes *= dim;
    for (Value size : allocation.op.getDynamicSizes()) {
      FailureOr<Value> hoisted = hoist(size, entry, atEntry);
      if (failed(hoisted))
        return emitError(loc)
               << "expected the size of every intermediate tensor to follow "
                  "from the dims of the inputs, but this one depends on the "
                  "contents of a tensor; fix that dimension in the model";
      allocation.sizes.push_back(*hoisted);
    }
    allocation.staticBytes =
        allocation.sizes.empty()
            ? static_cast<int64_t>(llvm::alignTo(bytes, alignment))
            : -1;
    if (allocation.sizes.empty())
      return success();
    Value product = arith::ConstantIndexOp::create(entry, loc, bytes);
    for (Value size : allocation.sizes)
      product = arith::MulIOp::create(entry, loc, product, size);
    Value mask = arith::ConstantIndexOp::create(entry, loc, -alignment);
    Value slack = arith::ConstantIndexOp::create(entry, loc, alignment - 1);
    allocation.dynamicBytes = arith::AndIOp::create(
        entry, loc, arith::AddIOp::create(entry, loc, product, slack), mask);
    return success();
  }

  /// Computes `value` at the function's entry out of the arguments' dims.
  FailureOr<Value> hoist(Value value, OpBuilder &entry, IRMapping &atEntry) {
    if (Value known = atEntry.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || op->getNumRegions() || !isPure(op))
      return failure();
    if (auto dim = dyn_cast<memref::DimOp>(op))
      if (!isa<BlockArgument>(dim.getSource()) ||
          cast<BlockArgument>(dim.getSource()).getOwner() !=
              entry.getInsertionBlock())
        return failure();
    for (Value operand : op->getOperands()) {
      if (isa<MemRefType>(operand.getType()) && isa<memref::DimOp>(op))
        continue;
      if (!operand.getType().isIntOrIndexOrFloat() ||
          failed(hoist(operand, entry, atEntry)))
        return failure();
    }
    entry.clone(*op, atEntry);
    return atEntry.lookup(value);
  }

  /// Largest first, each at the lowest offset where nothing alive at the same
  /// time lies. Returns the bytes that all take together.
  static int64_t placeStatic(SmallVectorImpl<Allocation> &allocations) {
    SmallVector<Allocation *> order;
    for (Allocation &allocation : allocations)
      if (allocation.staticBytes >= 0)
        order.push_back(&allocation);
    llvm::sort(order, [](Allocation *left, Allocation *right) {
      return std::make_pair(-left->staticBytes, left) <
             std::make_pair(-right->staticBytes, right);
    });
    int64_t end = 0;
    SmallVector<Allocation *> placed;
    for (Allocation *allocation : order) {
      // `placed` is sorted by offset.
      int64_t offset = 0;
      for (Allocation *other : placed) {
        if (!allocation->conflictsWith(*other))
          continue;
        if (offset + allocation->staticBytes <= other->staticOffset)
          break;
        offset = std::max(offset, other->staticOffset + other->staticBytes);
      }
      allocation->staticOffset = offset;
      end = std::max(end, offset + allocation->staticBytes);
      placed.insert(llvm::upper_bound(placed, allocation,
                                      [](Allocation *left, Allocation *right) {
                                        return left->staticOffset <
                                               right->staticOffset;
                                      }),
                    allocation);
    }
    return end;
  }

  /// Dynamic allocations share slots, which follow the static bytes. Returns
  /// the size of the whole arena.
  static Value placeDynamic(SmallVectorImpl<Allocation> &allocations,
                            int64_t staticBytes, Location loc,
                            OpBuilder &entry) {
    SmallVector<Slot> slots;
    for (Allocation &allocation : allocations) {
      if (allocation.staticBytes >= 0)
        continue;
      Slot *chosen = nullptr;
      for (Slot &slot : slots) {
        if (llvm::any_of(slot.members, [&](Allocation *other) {
              return allocation.conflictsWith(*other);
            }))
          continue;
        // A slot of the same size wastes nothing.
        bool same = isSameSize(*slot.members.front(), allocation);
        if (!chosen || same)
          chosen = &slot;
        if (same)
          break;
      }
      if (!chosen)
        chosen = &slots.emplace_back();
      chosen->members.push_back(&allocation);
    }
    Value end = arith::ConstantIndexOp::create(entry, loc, staticBytes);
    for (Slot &slot : slots) {
      Value bytes = slot.members.front()->dynamicBytes;
      for (Allocation *member : slot.members) {
        member->offset = end;
        if (!isSameSize(*member, *slot.members.front()))
          bytes =
              arith::MaxSIOp::create(entry, loc, bytes, member->dynamicBytes);
      }
      end = arith::AddIOp::create(entry, loc, end, bytes);
    }
    return end;
  }

  static bool isSameSize(Allocation &left, Allocation &right) {
    return left.sizes == right.sizes &&
           left.op.getType().getShape() == right.op.getType().getShape() &&
           getElementBytes(left.op.getType()) ==
               getElementBytes(right.op.getType());
  }

  /// Writes @hgf_arena_bytes: `total`, out of the dims of all inputs.
  LogicalResult emitArenaBytes(func::FuncOp main, Value total) {
    auto inputs = getOperation()->getAttrOfType<ArrayAttr>("hgf.inputs");
    size_t inputCount = inputs ? inputs.size() : main.getNumArguments();
    Location loc = main.getLoc();
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    SmallVector<Type> types;
    SmallVector<std::pair<unsigned, int64_t>> origins;
    for (auto [index, argument] : llvm::enumerate(main.getArguments()))
      for (int64_t axis = 0;
           axis < cast<MemRefType>(argument.getType()).getRank(); ++axis)
        origins.emplace_back(index, axis);
    size_t dimCount = llvm::count_if(
        origins, [&](auto origin) { return origin.first < inputCount; });
    types.assign(dimCount, builder.getIndexType());
    auto function = func::FuncOp::create(
        builder, loc, "hgf_arena_bytes",
        builder.getFunctionType(types, builder.getIndexType()));
    function.setPrivate();
    builder.setInsertionPointToStart(function.addEntryBlock());
    SmallVector<Value> dims(function.getArguments());
    if (usesOutputDims(main, total, inputCount)) {
      auto outputDims =
          getOperation().lookupSymbol<func::FuncOp>("hgf_output_dims");
      if (!outputDims)
        return main.emitError("expected @hgf_output_dims beside @main");
      auto call =
          func::CallOp::create(builder, loc, outputDims, ValueRange(dims));
      dims.append(call.result_begin(), call.result_end());
    }
    IRMapping mapping;
    auto bytes = cloneSlice(
        total, builder, mapping, [&](unsigned argument, int64_t axis) {
          return dims[llvm::find(origins, std::make_pair(argument, axis)) -
                      origins.begin()];
        });
    func::ReturnOp::create(builder, loc, bytes);
    return success();
  }

  static bool usesOutputDims(func::FuncOp main, Value total,
                             size_t inputCount) {
    SmallVector<Value> worklist = {total};
    llvm::SmallDenseSet<Value> seen;
    while (!worklist.empty()) {
      Value value = worklist.pop_back_val();
      if (!seen.insert(value).second)
        continue;
      if (auto argument = dyn_cast<BlockArgument>(value)) {
        if (argument.getArgNumber() >= inputCount)
          return true;
        continue;
      }
      worklist.append(value.getDefiningOp()->operand_begin(),
                      value.getDefiningOp()->operand_end());
    }
    return false;
  }

  static Value cloneSlice(Value value, OpBuilder &builder, IRMapping &mapping,
                          llvm::function_ref<Value(unsigned, int64_t)> getDim) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (auto dim = dyn_cast<memref::DimOp>(op)) {
      auto argument = cast<BlockArgument>(dim.getSource());
      mapping.map(value,
                  getDim(argument.getArgNumber(), *dim.getConstantIndex()));
      return mapping.lookup(value);
    }
    for (Value operand : op->getOperands())
      cloneSlice(operand, builder, mapping, getDim);
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }
};

} // namespace
