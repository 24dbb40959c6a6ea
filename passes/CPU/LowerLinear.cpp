//===- LowerLinear.cpp - Layers become calls of kernels -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadLowering.h"
#include "LayerLowering.h"
#include "hgf/Passes/CPU/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace hgf {
#define GEN_PASS_DEF_LOWERLINEAR
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct LowerLinear : public hgf::impl::LowerLinearBase<LowerLinear> {
  using LowerLinearBase::LowerLinearBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<LinearOp> layers;
    SmallVector<HeadOp> heads;
    module.walk([&](HeadOp op) { heads.push_back(op); });
    WalkResult result = module.walk([&](LinearOp op) {
      layers.push_back(op);
      if (isa<PackedType>(op.getWeight().getType()) && op.getScratch())
        return WalkResult::advance();
      op.emitOpError("expected packed weights and scratch memory");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    bool hasWork = !layers.empty() || !heads.empty();
    SmallVector<const InstructionLevel *> levels =
        selectInstructionLevels(target, cpu, level);
    if (levels.empty() && hasWork && !level.empty()) {
      module.emitError("expected the instruction level to be one of the "
                       "target's but got '")
          << level << "'";
      return signalPassFailure();
    }
    if (levels.empty() && hasWork) {
      module.emitError("no ternary kernels exist for the target '")
          << target << "'; supported: x86-64 and aarch64";
      return signalPassFailure();
    }
    KernelCalls calls(module, levels, portableDots, prefillFrom);
    for (LinearOp op : layers) {
      auto constant = op.getWeight().getDefiningOp<PackedConstantOp>();
      auto weights =
          constant ? module.lookupSymbol<LLVM::GlobalOp>(constant.getWeights())
                   : LLVM::GlobalOp();
      if (!weights) {
        op.emitOpError("expected weights that lower-weights has lowered");
        return signalPassFailure();
      }
      LayerLowering(op, calls).emit(weights);
      op.erase();
      if (constant->use_empty())
        constant.erase();
    }
    for (HeadOp op : heads) {
      emitHead(op, calls);
      op.erase();
    }
    if (hasWork) {
      calls.emitInitialize();
      reportLevels(levels);
    }
    dropConstants();
  }

  /// Says in the report which levels the binary holds, and how one is chosen.
  void reportLevels(ArrayRef<const InstructionLevel *> levels) {
    std::string names = llvm::join(
        llvm::map_range(levels,
                        [](const InstructionLevel *level) -> StringRef {
                          return level->name;
                        }),
        ", ");
    Builder builder(&getContext());
    StringRef choice = portableDots ? "fixed, in instructions of any CPU"
                       : levels.size() == 1
                           ? "fixed when it was compiled"
                           : "at load, the last one that the processor and the "
                             "operating system support";
    getOperation()->setAttr("hgf.levels", builder.getStringAttr(names));
    getOperation()->setAttr("hgf.level_choice", builder.getStringAttr(choice));
  }

  /// Factors, gates and biases live in the blobs now.
  void dropConstants() {
    llvm::SmallDenseSet<StringAttr> used;
    SmallVector<memref::GetGlobalOp> reads;
    getOperation().walk([&](memref::GetGlobalOp op) {
      if (op->use_empty())
        reads.push_back(op);
      else
        used.insert(op.getNameAttr().getAttr());
    });
    llvm::SmallDenseSet<StringAttr> dropped;
    for (memref::GetGlobalOp op : reads) {
      dropped.insert(op.getNameAttr().getAttr());
      op.erase();
    }
    for (memref::GlobalOp op :
         llvm::make_early_inc_range(getOperation().getOps<memref::GlobalOp>()))
      if (op.isPrivate() && dropped.contains(op.getSymNameAttr()) &&
          !used.contains(op.getSymNameAttr()))
        op.erase();
  }
};

} // namespace
