//===- LowerLinalg.cpp - Loops that LLVM vectorizes ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Analysis/LinalgLoops.h"
#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

namespace hgf {
#define GEN_PASS_DEF_LOWERLINALG
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Lowers one linalg.generic over memrefs.
class LoopNest {
public:
  LoopNest(linalg::LinalgOp op, int64_t unrollFactor)
      : op(op), loc(op.getLoc()), builder(op), unrollFactor(unrollFactor) {}

  void emit() {
    SmallVector<Range> ranges = op.createLoopRanges(builder, loc);
    SmallVector<unsigned> order = chooseOrder();
    indices.assign(ranges.size(), Value());
    bool contracts = isContraction();
    emitLoops(ranges, order, contracts);
  }

private:
  /// The body adds products: the sum's order is free, as in any matmul.
  bool isContraction() {
    Block &body = op->getRegion(0).front();
    if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1)
      return false;
    auto sum =
        body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (!sum)
      return false;
    Value accumulator = body.getArgument(body.getNumArguments() - 1);
    Value added = sum.getLhs() == accumulator ? sum.getRhs() : sum.getLhs();
    return (sum.getLhs() == accumulator || sum.getRhs() == accumulator) &&
           accumulator.hasOneUse() &&
           isa_and_nonnull<arith::MulFOp>(added.getDefiningOp());
  }

  /// The loops in their order, but for the best one, which goes innermost.
  SmallVector<unsigned> chooseOrder() {
    unsigned count = op.getNumLoops();
    SmallVector<unsigned> order =
        llvm::to_vector(llvm::seq<unsigned>(0, count));
    if (count < 2 || op.hasIndexSemantics())
      return order;
    unsigned best = count - 1;
    for (unsigned loop = 0; loop < count; ++loop)
      if (hgf::getContiguity(op, loop) > hgf::getContiguity(op, best))
        best = loop;
    // The order of a sum that is not a matmul's is the user's.
    if (isReduction(best) && op.getNumReductionLoops() > 1 && !isContraction())
      return order;
    order.erase(order.begin() + best);
    order.push_back(best);
    return order;
  }

  bool isReduction(unsigned loop) {
    return op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction;
  }

  Value getValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(builder, loc, value);
  }

  void emitLoops(ArrayRef<Range> ranges, ArrayRef<unsigned> order,
                 bool contracts) {
    // Reductions that end the order keep their results in registers.
    size_t registers = order.size();
    while (registers > 0 && isReduction(order[registers - 1]))
      --registers;
    for (unsigned loop : order.take_front(registers)) {
      bool unrolled = contracts && isReduction(loop) &&
                      registers == order.size() && loop == order[registers - 2];
      if (unrolled) {
        // A reduction right around the innermost loop: several of its steps
        // share one load and store of the result.
        emitUnrolled(ranges, loop, order.back());
        return;
      }
      enter(ranges[loop], loop);
    }
    SmallVector<Value> values = loadOutputs();
    OpBuilder::InsertionGuard guard(builder);
    SmallVector<scf::ForOp> loops;
    for (unsigned loop : order.drop_front(registers)) {
      auto reduction = scf::ForOp::create(
          builder, loc, getValue(ranges[loop].offset),
          getValue(ranges[loop].size), getValue(ranges[loop].stride), values);
      indices[loop] = reduction.getInductionVar();
      builder.setInsertionPointToStart(reduction.getBody());
      values = llvm::to_vector_of<Value>(reduction.getRegionIterArgs());
      loops.push_back(reduction);
    }
    values = emitBody(values, contracts);
    for (scf::ForOp reduction : llvm::reverse(loops)) {
      scf::YieldOp::create(builder, loc, values);
      values = llvm::to_vector_of<Value>(reduction.getResults());
      builder.setInsertionPointAfter(reduction);
    }
    storeOutputs(values);
  }

  void enter(const Range &range, unsigned loop) {
    auto created =
        scf::ForOp::create(builder, loc, getValue(range.offset),
                           getValue(range.size), getValue(range.stride));
    indices[loop] = created.getInductionVar();
    builder.setInsertionPointToStart(created.getBody());
  }

  /// for (k = 0; k < K - K % U; k += U) for (j) { U steps }, then the rest.
  void emitUnrolled(ArrayRef<Range> ranges, unsigned reduction,
                    unsigned innermost) {
    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value one = arith::ConstantIndexOp::create(builder, loc, 1);
    Value factor = arith::ConstantIndexOp::create(builder, loc, unrollFactor);
    Value count = getValue(ranges[reduction].size);
    Value rest = arith::RemSIOp::create(builder, loc, count, factor);
    Value whole = arith::SubIOp::create(builder, loc, count, rest);
    OpBuilder::InsertPoint after;
    for (auto [begin, end, step] :
         {std::make_tuple(zero, whole, unrollFactor),
          std::make_tuple(whole, count, int64_t(1))}) {
      auto outer = scf::ForOp::create(builder, loc, begin, end,
                                      step == 1 ? one : factor);
      after = builder.saveInsertionPoint();
      builder.setInsertionPointToStart(outer.getBody());
      enter(ranges[innermost], innermost);
      indices[reduction] = outer.getInductionVar();
      SmallVector<Value> values = loadOutputs();
      for (int64_t unit = 0; unit < step; ++unit) {
        if (unit)
          indices[reduction] = arith::AddIOp::create(
              builder, loc, outer.getInductionVar(),
              arith::ConstantIndexOp::create(builder, loc, unit));
        values = emitBody(values, /*contracts=*/true);
      }
      storeOutputs(values);
      builder.restoreInsertionPoint(after);
    }
  }

  SmallVector<Value> getAddress(OpOperand &operand) {
    return hgf::getElementIndices(builder, op, operand, indices);
  }

  Value load(OpOperand &operand) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(builder, loc, operand.get(),
                                  getAddress(operand));
  }

  SmallVector<Value> loadOutputs() {
    SmallVector<Value> values;
    for (OpOperand &output : op.getDpsInitsMutable())
      // Fills and elementwise work overwrite without looking.
      values.push_back(op.payloadUsesValueFromOperand(&output) ? load(output)
                                                               : Value());
    if (op.getNumReductionLoops())
      for (auto [value, output] : llvm::zip(values, op.getDpsInitsMutable()))
        if (!value)
          value = load(output);
    return values;
  }

  void storeOutputs(ArrayRef<Value> values) {
    for (auto [value, output] : llvm::zip(values, op.getDpsInitsMutable()))
      memref::StoreOp::create(builder, loc, value, output.get(),
                              getAddress(output));
  }

  /// One step of the body; returns what it yields.
  SmallVector<Value> emitBody(ArrayRef<Value> outputs, bool contracts) {
    Block &body = op->getRegion(0).front();
    IRMapping mapping;
    for (OpOperand *input : op.getDpsInputOperands()) {
      BlockArgument argument = body.getArgument(input->getOperandNumber());
      if (!argument.use_empty())
        mapping.map(argument, load(*input));
    }
    for (auto [index, output] : llvm::enumerate(op.getDpsInitsMutable()))
      if (outputs[index])
        mapping.map(body.getArgument(output.getOperandNumber()),
                    outputs[index]);
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        mapping.map(index.getResult(), indices[index.getDim()]);
        continue;
      }
      if (Value extremum = emitExtremum(inner, mapping)) {
        mapping.map(inner.getResult(0), extremum);
        continue;
      }
      Operation *copy = builder.clone(inner, mapping);
      if (auto fast = dyn_cast<arith::ArithFastMathInterface>(copy);
          fast && contracts && isa<arith::AddFOp, arith::MulFOp>(copy))
        copy->setAttr(
            fast.getFastMathAttrName(),
            arith::FastMathFlagsAttr::get(builder.getContext(),
                                          arith::FastMathFlags::reassoc |
                                              arith::FastMathFlags::contract));
    }
    SmallVector<Value> yielded;
    for (Value value : body.getTerminator()->getOperands())
      yielded.push_back(mapping.lookupOrDefault(value));
    return yielded;
  }

  /// As an intrinsic of LLVM, which knows that the order of a maximum is free;
  /// expanded to comparisons, it would not vectorize a reduction.
  Value emitExtremum(Operation &inner, IRMapping &mapping) {
    if (!isa<arith::MaximumFOp, arith::MinimumFOp>(inner) ||
        !isa<Float32Type, Float64Type>(inner.getResult(0).getType()))
      return Value();
    Value left = mapping.lookupOrDefault(inner.getOperand(0));
    Value right = mapping.lookupOrDefault(inner.getOperand(1));
    if (isa<arith::MaximumFOp>(inner))
      return LLVM::MaximumOp::create(builder, loc, left, right);
    return LLVM::MinimumOp::create(builder, loc, left, right);
  }

  linalg::LinalgOp op;
  Location loc;
  OpBuilder builder;
  int64_t unrollFactor;
  /// The value of each loop's index.
  SmallVector<Value> indices;
};

struct LowerLinalg : public hgf::impl::LowerLinalgBase<LowerLinalg> {
  using LowerLinalgBase::LowerLinalgBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected memrefs");
        return signalPassFailure();
      }
      LoopNest(op, unrollFactor).emit();
      op.erase();
    }
  }
};

} // namespace
