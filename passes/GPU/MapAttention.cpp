//===- MapAttention.cpp - Attention becomes kernels -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "hgf/Passes/GPU/Passes.h"

#include "hgf/Kernels/NVVM/FlashAttention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace hgf {
#define GEN_PASS_DEF_MAPATTENTION
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using hgf::FlashAttentionPlan;

namespace {

/// More tiles than any device holds at a time; blocks go on with the next ones.
constexpr int64_t mostTiles = 65535;

/// Launches the kernels of one attention.
class Launches {
public:
  Launches(hgf::FlashAttentionOp op, hgf::KernelModule &kernels)
      : op(op), kernels(kernels), plan(op), b(op.getLoc(), op) {}

  void emit() {
    auto init = cast<MemRefType>(op.getInit().getType());
    int64_t queries = init.getDimSize(2);
    if (!ShapedType::isDynamic(queries)) {
      queries <= FlashAttentionPlan::mostFewQueries ? emitSplits(op)
                                                    : emitTiles(op);
      return op.erase();
    }
    Value few =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ule, getSize(2),
                              constant(FlashAttentionPlan::mostFewQueries));
    auto branch = scf::IfOp::create(b, few, /*withElseRegion=*/true);
    b.setInsertionPoint(branch.thenYield());
    emitSplits(branch.thenYield());
    b.setInsertionPoint(branch.elseYield());
    emitTiles(branch.elseYield());
    op.erase();
  }

private:
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value multiply(Value left, Value right) {
    return b.createOrFold<arith::MulIOp>(left, right);
  }
  Value getSize(int64_t axis) {
    return b.createOrFold<memref::DimOp>(op.getInit(), constant(axis));
  }

  void emitSplits(Operation *place) {
    Value rows = multiply(getSize(0), getSize(2));
    launch(place,
           {multiply(rows, constant(plan.keyHeads * plan.chunks)),
            constant(plan.splits), FlashAttentionPlan::threads},
           hgf::emitFlashAttentionSplits, "hgf_attention_splits");
    launch(place,
           {multiply(rows, constant(plan.heads)), Value(),
            FlashAttentionPlan::threads},
           hgf::emitFlashAttentionJoin, "hgf_attention_join");
  }

  void emitTiles(Operation *place) {
    auto init = cast<MemRefType>(op.getInit().getType());
    Value tiles;
    if (init.isDynamicDim(2))
      // Another number of queries rarely needs another grid, which would be
      // another graph.
      tiles = hgf::roundUpToPowerOfTwo(
          b,
          arith::CeilDivUIOp::create(b, getSize(2),
                                     constant(plan.getTileQueries())),
          mostTiles);
    else
      tiles = constant(std::min<int64_t>(
          llvm::divideCeil(init.getDimSize(2), plan.getTileQueries()),
          mostTiles));
    launch(place,
           {multiply(getSize(0), constant(plan.heads)), tiles,
            FlashAttentionPlan::threads},
           hgf::emitFlashAttentionTiles, "hgf_attention_tiles");
  }

  void launch(Operation *place, const hgf::LaunchGrid &shape,
              llvm::function_ref<void(hgf::FlashAttentionOp)> emit,
              StringRef name) {
    // Each value is one argument, whatever it stands for.
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    kernels.launch(
        place, used.getArrayRef(), shape,
        [&](OpBuilder &builder, IRMapping &map) {
          emit(cast<hgf::FlashAttentionOp>(builder.clone(*op, map)));
        },
        name);
  }

  hgf::FlashAttentionOp op;
  hgf::KernelModule &kernels;
  FlashAttentionPlan plan;
  ImplicitLocOpBuilder b;
};

struct MapAttention : public hgf::impl::MapAttentionBase<MapAttention> {
  void runOnOperation() override {
    SmallVector<hgf::FlashAttentionOp> ops;
    getOperation().walk([&](hgf::FlashAttentionOp op) {
      if (!op->getParentOfType<gpu::GPUModuleOp>())
        ops.push_back(op);
    });
    if (ops.empty())
      return;
    hgf::KernelModule kernels(getOperation());
    for (hgf::FlashAttentionOp op : ops) {
      if (!isa<MemRefType>(op.getInit().getType())) {
        op.emitOpError("expected memrefs");
        return signalPassFailure();
      }
      Launches(op, kernels).emit();
    }
  }
};

} // namespace
