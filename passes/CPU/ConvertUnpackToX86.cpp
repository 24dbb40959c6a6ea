//===- ConvertUnpackToX86.cpp - Unpacking in x86 instructions -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LevelOfKernel.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/CPU/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTUNPACKTOX86
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Bytes of the vectors whose instructions are used; narrower ones occur where
/// speed does not matter.
static constexpr int64_t vectorBytes = 64;

/// Whether the level of the function around `op` has VBMI, and `op` works on
/// vectors of its size.
static bool hasInstruction(Operation *op) {
  const InstructionLevel *level = getLevelOfKernel(op);
  auto type = cast<VectorType>(op->getResult(0).getType());
  return level && type.getNumElements() == vectorBytes &&
         llvm::is_contained(llvm::split(StringRef(level->features), ','),
                            "avx512vbmi");
}

static void replace(Operation *op, StringRef name, ValueRange operands) {
  OpBuilder builder(op);
  auto call = LLVM::CallIntrinsicOp::create(
      builder, op->getLoc(), op->getResult(0).getType(),
      builder.getStringAttr(name), operands);
  op->replaceAllUsesWith(call->getResults());
  op->erase();
}

namespace {

struct ConvertUnpackToX86
    : public hgf::impl::ConvertUnpackToX86Base<ConvertUnpackToX86> {
  void runOnOperation() override {
    getOperation().walk([](vector::ShuffleOp op) { fenceLoad(op); });
    getOperation().walk([](MultishiftOp op) {
      if (hasInstruction(op))
        replace(op, "llvm.x86.avx512.pmultishift.qb.512",
                {makeShifts(op), op.getSource()});
    });
    getOperation().walk([](TableLookupOp op) {
      if (hasInstruction(op))
        replace(op, "llvm.x86.avx512.permvar.qi.512",
                {op.getTable(), op.getIndices()});
    });
  }

  /// Keeps the load of packed bytes an instruction of its own: folded into the
  /// shuffle it delays all others that wait for the shuffle's port.
  static void fenceLoad(vector::ShuffleOp op) {
    auto load = op.getV1().getDefiningOp<LLVM::LoadOp>();
    if (!load || !hasInstruction(op))
      return;
    OpBuilder builder(op);
    Value bytes = load.getResult();
    auto fence = LLVM::InlineAsmOp::create(
        builder, op.getLoc(), TypeRange(bytes.getType()), ValueRange(bytes), "",
        "=v,0", /*has_side_effects=*/false, /*is_align_stack=*/false,
        LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
        ArrayAttr());
    op->replaceUsesOfWith(bytes, fence.getResult(0));
  }

  /// The shifts of each lane.
  static Value makeShifts(MultishiftOp op) {
    OpBuilder builder(op);
    SmallVector<int8_t> lanes;
    for (int64_t lane = 0; lane < vectorBytes; ++lane)
      lanes.push_back(op.getShifts()[lane % 8]);
    return arith::ConstantOp::create(
        builder, op.getLoc(),
        DenseElementsAttr::get(op.getType(), ArrayRef(lanes)));
  }
};

} // namespace
