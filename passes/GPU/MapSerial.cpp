//===- MapSerial.cpp - Loops in sequence become kernels -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelModule.h"
#include "hgf/Passes/GPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/RegionUtils.h"

namespace hgf {
#define GEN_PASS_DEF_MAPSERIAL
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Whether `op` is one step, or a loop of steps, on elements of tensors that
/// gives the host nothing back.
bool isSerialWork(Operation *op) {
  if (!isa<scf::ForOp, scf::IfOp, scf::WhileOp, memref::StoreOp>(op) ||
      op->getNumResults())
    return false;
  bool touches = false, launches = false;
  op->walk([&](Operation *inner) {
    touches |= isa<memref::LoadOp, memref::StoreOp>(inner);
    launches |= isa<gpu::LaunchFuncOp>(inner);
  });
  return touches && !launches;
}

struct MapSerial : public hgf::impl::MapSerialBase<MapSerial> {
  void runOnOperation() override {
    SmallVector<Operation *> work;
    for (auto function : getOperation().getOps<func::FuncOp>())
      function.walk<WalkOrder::PreOrder>([&](Operation *op) {
        if (!isSerialWork(op))
          return WalkResult::advance();
        work.push_back(op);
        return WalkResult::skip();
      });
    if (work.empty())
      return;
    hgf::KernelModule kernels(getOperation());
    for (Operation *op : work) {
      if (op->getNumRegions())
        op->emitRemark("runs on one thread of the GPU, because its steps may "
                       "depend on each other");
      outline(op, kernels);
    }
  }

  static void outline(Operation *op, hgf::KernelModule &kernels) {
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    ImplicitLocOpBuilder b(op->getLoc(), op);
    Value one = arith::ConstantIndexOp::create(b, 1);
    kernels.launch(
        op, used.getArrayRef(), {one, {}, /*threads=*/1},
        [&](OpBuilder &builder, IRMapping &map) { builder.clone(*op, map); });
    op->erase();
  }
};

} // namespace
