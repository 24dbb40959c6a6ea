//===- MapLinalg.cpp - Linalg operations become kernels -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "hgf/Analysis/LinalgLoops.h"
#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/RegionUtils.h"

namespace hgf {
#define GEN_PASS_DEF_MAPLINALG
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Threads of a block: four warps.
constexpr int64_t blockThreads = 128;
constexpr int64_t warpThreads = 32;
/// More blocks than any device holds at a time; threads go on with the next
/// elements.
constexpr int64_t mostBlocks = 65535;

/// How the loops of an operation are spread over the device.
struct Mapping {
  /// Parallel loops; neighbouring threads, or warps, are neighbours along the
  /// last one.
  SmallVector<unsigned> parallel;
  /// Reductions that one thread walks, the outermost first.
  SmallVector<unsigned> sequential;
  /// A reduction whose steps the lanes of a warp share.
  std::optional<unsigned> shared;
  /// What joins two lanes' results where a reduction is shared.
  Operation *combiner = nullptr;
};

/// The operation that adds one step's value to a result of 32 bits, if the
/// steps may be taken in any order; null otherwise.
Operation *getCombiner(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1)
    return nullptr;
  SmallVector<Operation *> combiners;
  SmallVector<BlockArgument> carried(op.getRegionOutputArgs());
  if (!matchReduction(carried, 0, combiners) || combiners.size() != 1)
    return nullptr;
  Operation *combiner = combiners.front();
  Type type = combiner->getResult(0).getType();
  bool known =
      isa<arith::AddFOp, arith::MaximumFOp, arith::MaxNumFOp, arith::MinimumFOp,
          arith::MinNumFOp, arith::AddIOp, arith::MaxSIOp, arith::MinSIOp>(
          combiner);
  return known && (type.isF32() || type.isInteger(32)) ? combiner : nullptr;
}

Mapping chooseMapping(linalg::LinalgOp op) {
  Mapping mapping;
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<unsigned> reductions;
  for (unsigned loop = 0; loop < iterators.size(); ++loop)
    (iterators[loop] == utils::IteratorType::parallel ? mapping.parallel
                                                      : reductions)
        .push_back(loop);
  int64_t best = std::numeric_limits<int64_t>::min();
  size_t bestPosition = 0;
  for (auto [position, loop] : llvm::enumerate(mapping.parallel))
    if (int64_t score = hgf::getContiguity(op, loop); score >= best) {
      best = score;
      bestPosition = position;
    }
  if (!mapping.parallel.empty())
    std::rotate(mapping.parallel.begin() + bestPosition,
                mapping.parallel.begin() + bestPosition + 1,
                mapping.parallel.end());
  if (!reductions.empty()) {
    unsigned last = reductions.back();
    int64_t steps = op.getStaticLoopRanges()[last];
    bool isLong = ShapedType::isDynamic(steps) || steps >= warpThreads;
    if (isLong &&
        (mapping.parallel.empty() || hgf::getContiguity(op, last) >= best))
      mapping.combiner = getCombiner(op);
    if (mapping.combiner) {
      mapping.shared = last;
      reductions.pop_back();
    }
  }
  mapping.sequential = reductions;
  return mapping;
}

/// Fills a kernel with what `op`, a copy inside it, does; then erases `op`.
class KernelBody {
public:
  KernelBody(linalg::LinalgOp op, const Mapping &mapping)
      : op(op), mapping(mapping), b(op.getLoc(), OpBuilder(op)) {}

  void emit() {
    SmallVector<Range> ranges = op.createLoopRanges(b, b.getLoc());
    for (const Range &range : ranges) {
      sizes.push_back(
          getValueOrCreateConstantIndexOp(b, b.getLoc(), range.size));
      indices.push_back(Value());
    }
    Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
    Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
    Value blocks = gpu::GridDimOp::create(b, gpu::Dimension::x);
    Value threads = constant(blockThreads);
    Value first = add(multiply(block, threads), thread);
    Value step = multiply(blocks, threads);
    if (mapping.shared) {
      Value lanes = constant(warpThreads);
      lane = arith::RemUIOp::create(b, thread, lanes);
      first = arith::DivUIOp::create(b, first, lanes);
      step = arith::DivUIOp::create(b, step, lanes);
    }
    Value count = constant(1);
    for (unsigned loop : mapping.parallel)
      count = multiply(count, sizes[loop]);
    auto elements = scf::ForOp::create(b, first, count, step);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(elements.getBody());
    delinearize(elements.getInductionVar());
    emitElement();
    op.erase();
  }

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value add(Value left, Value right) {
    return arith::AddIOp::create(b, left, right);
  }
  Value multiply(Value left, Value right) {
    return arith::MulIOp::create(b, left, right);
  }

  void delinearize(Value position) {
    for (unsigned loop : llvm::reverse(mapping.parallel)) {
      if (loop == mapping.parallel.front()) {
        indices[loop] = position;
        return;
      }
      indices[loop] = arith::RemUIOp::create(b, position, sizes[loop]);
      position = arith::DivUIOp::create(b, position, sizes[loop]);
    }
  }

  /// All of one result: reductions and the store.
  void emitElement() {
    SmallVector<Value> initial = loadOutputs();
    SmallVector<Value> values = initial;
    if (mapping.shared)
      values = {arith::ConstantOp::create(
          b, *arith::getNeutralElement(mapping.combiner))};
    SmallVector<scf::ForOp> loops;
    for (unsigned loop : mapping.sequential)
      values = enter(constant(0), constant(1), loop, values, loops);
    if (mapping.shared)
      values =
          enter(lane, constant(warpThreads), *mapping.shared, values, loops);
    values = emitStep(values);
    for (scf::ForOp loop : llvm::reverse(loops)) {
      scf::YieldOp::create(b, values);
      values = llvm::to_vector_of<Value>(loop.getResults());
      b.setInsertionPointAfter(loop);
    }
    if (!mapping.shared)
      return storeOutputs(values);
    Value total = combine(combineLanes(values.front()), initial.front());
    Value isFirst =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, constant(0));
    auto branch = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    storeOutputs({total});
  }

  SmallVector<Value> enter(Value begin, Value step, unsigned loop,
                           ArrayRef<Value> values,
                           SmallVectorImpl<scf::ForOp> &loops) {
    auto created = scf::ForOp::create(b, begin, sizes[loop], step, values);
    indices[loop] = created.getInductionVar();
    b.setInsertionPointToStart(created.getBody());
    loops.push_back(created);
    return llvm::to_vector_of<Value>(created.getRegionIterArgs());
  }

  Value combine(Value left, Value right) {
    OperationState state(b.getLoc(), mapping.combiner->getName(), {left, right},
                         {left.getType()});
    return b.create(state)->getResult(0);
  }

  Value combineLanes(Value value) {
    for (int32_t offset = warpThreads / 2; offset > 0; offset /= 2) {
      Value other = gpu::ShuffleOp::create(b, value, offset, warpThreads,
                                           gpu::ShuffleMode::XOR)
                        .getShuffleResult();
      value = combine(value, other);
    }
    return value;
  }

  SmallVector<Value> getAddress(OpOperand &operand) {
    return hgf::getElementIndices(b, op, operand, indices);
  }

  Value load(OpOperand &operand) {
    if (!isa<MemRefType>(operand.get().getType()))
      return operand.get();
    return memref::LoadOp::create(b, operand.get(), getAddress(operand));
  }

  /// What the results hold before; null where nothing looks at it.
  SmallVector<Value> loadOutputs() {
    bool reduces = op.getNumReductionLoops() > 0;
    SmallVector<Value> values;
    for (OpOperand &output : op.getDpsInitsMutable())
      values.push_back(reduces || op.payloadUsesValueFromOperand(&output)
                           ? load(output)
                           : Value());
    return values;
  }

  void storeOutputs(ArrayRef<Value> values) {
    for (auto [value, output] : llvm::zip(values, op.getDpsInitsMutable()))
      memref::StoreOp::create(b, value, output.get(), getAddress(output));
  }

  /// One step of the body; returns what it yields.
  SmallVector<Value> emitStep(ArrayRef<Value> outputs) {
    Block &body = op->getRegion(0).front();
    IRMapping map;
    for (OpOperand *input : op.getDpsInputOperands()) {
      BlockArgument argument = body.getArgument(input->getOperandNumber());
      if (!argument.use_empty())
        map.map(argument, load(*input));
    }
    for (auto [index, output] : llvm::enumerate(op.getDpsInitsMutable()))
      if (outputs[index])
        map.map(body.getArgument(output.getOperandNumber()), outputs[index]);
    for (Operation &inner : body.without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        map.map(index.getResult(), indices[index.getDim()]);
      else
        b.clone(inner, map);
    }
    SmallVector<Value> yielded;
    for (Value value : body.getTerminator()->getOperands())
      yielded.push_back(map.lookupOrDefault(value));
    return yielded;
  }

  linalg::LinalgOp op;
  const Mapping &mapping;
  ImplicitLocOpBuilder b;
  SmallVector<Value> sizes;
  SmallVector<Value> indices;
  Value lane;
};

struct MapLinalg : public hgf::impl::MapLinalgBase<MapLinalg> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!op->getParentOfType<gpu::GPUModuleOp>())
        ops.push_back(op);
    });
    // Also without any operation: the module says for which GPU it is.
    hgf::KernelModule kernels(getOperation());
    for (linalg::LinalgOp op : ops) {
      if (!op.hasPureBufferSemantics()) {
        op.emitOpError("expected memrefs");
        return signalPassFailure();
      }
      outline(op, kernels);
    }
  }

  static void outline(linalg::LinalgOp op, hgf::KernelModule &kernels) {
    // Each value is one argument, so that an operation in place is seen as one.
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    Mapping mapping = chooseMapping(op);
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value blocks = countBlocks(b, op, mapping);
    kernels.launch(op, used.getArrayRef(), {blocks, {}, blockThreads},
                   [&](OpBuilder &builder, IRMapping &map) {
                     auto copy =
                         cast<linalg::LinalgOp>(builder.clone(*op, map));
                     KernelBody(copy, chooseMapping(copy)).emit();
                   });
    op.erase();
  }

  /// Blocks that suffice. Counts that are not known yet are rounded up to
  /// powers of two, so that a tensor that grows from call to call rarely needs
  /// another grid, which would be another graph.
  static Value countBlocks(ImplicitLocOpBuilder &b, linalg::LinalgOp op,
                           const Mapping &mapping) {
    int64_t known = 1;
    Value unknown;
    SmallVector<Range> ranges = op.createLoopRanges(b, b.getLoc());
    for (unsigned loop : mapping.parallel) {
      OpFoldResult size = ranges[loop].size;
      if (std::optional<int64_t> constant = getConstantIntValue(size)) {
        known *= *constant;
        continue;
      }
      Value value = getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
      unknown = unknown ? arith::MulIOp::create(b, unknown, value).getResult()
                        : value;
    }
    if (mapping.shared)
      known *= warpThreads;
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, value);
    };
    if (!unknown)
      return constant(
          std::min<int64_t>(llvm::divideCeil(known, blockThreads), mostBlocks));
    Value threads = arith::MulIOp::create(b, unknown, constant(known));
    Value blocks =
        arith::CeilDivUIOp::create(b, threads, constant(blockThreads));
    return hgf::roundUpToPowerOfTwo(b, blocks, mostBlocks);
  }
};

} // namespace
