//===- ConvertDotToArm.cpp - Dot products in AArch64 instructions -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LevelOfKernel.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTDOTTOARM
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Bytes of the only vectors whose instructions are used.
static constexpr int64_t vectorBytes = 16;

static Value call(ImplicitLocOpBuilder &b, Type type, StringRef name,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, type, b.getStringAttr(name), operands)
      .getResults();
}

/// The first or the second half of a vector.
static Value takeHalf(ImplicitLocOpBuilder &b, Value vector, int64_t half) {
  int64_t lanes = cast<VectorType>(vector.getType()).getNumElements() / 2;
  return vector::ExtractStridedSliceOp::create(b, vector, half * lanes, lanes,
                                               1);
}

static Value joinHalves(ImplicitLocOpBuilder &b, Value low, Value high) {
  int64_t lanes = cast<VectorType>(low.getType()).getNumElements();
  auto mask = llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes));
  return vector::ShuffleOp::create(b, low, high, mask);
}

/// Whether the accumulator has a lane for each product.
static bool takesSingles(VectorType acc, int64_t bytes) {
  return acc.getElementType().isInteger(16) && acc.getNumElements() == bytes;
}

namespace {

struct ConvertDotToArm
    : public hgf::impl::ConvertDotToArmBase<ConvertDotToArm> {
  void runOnOperation() override {
    getOperation().walk([](vector::BitCastOp op) { fenceRepeated(op); });
    getOperation().walk([](DotStepOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      if (Value sum = convert(b, op)) {
        op.replaceAllUsesWith(sum);
        op.erase();
      }
    });
    getOperation().walk([](HalfStepOp op) {
      const InstructionLevel *level = getLevelOfKernel(op);
      if (level && level->halfProducts &&
          op.getLeft().getType().getNumElements() == vectorBytes / 2)
        convert(op);
    });
    getOperation().walk([](DotWidenOp op) {
      ImplicitLocOpBuilder b(op.getLoc(), op);
      if (Value sum = convert(b, op)) {
        op.replaceAllUsesWith(sum);
        op.erase();
      }
    });
  }

  /// Keeps activations that are repeated in all lanes one whole vector: the
  /// code generator would see that both halves are the same, and move the
  /// second halves of codes to where `smlal` finds them instead of taking
  /// `smlal2`.
  static void fenceRepeated(vector::BitCastOp op) {
    const InstructionLevel *level = getLevelOfKernel(op);
    auto isDot = [&](OpOperand &use) {
      auto dot = dyn_cast<DotStepOp>(use.getOwner());
      return dot && dot.getX() == op.getResult();
    };
    if (!level || level->lowering != DotLowering::NEON ||
        !op.getSource().getDefiningOp<vector::BroadcastOp>() ||
        !llvm::all_of(op->getUses(), isDot))
      return;
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    auto fence = LLVM::InlineAsmOp::create(
        builder, op.getLoc(), TypeRange(op.getType()),
        ValueRange(op.getResult()), "", "=w,0", /*has_side_effects=*/false,
        /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
        LLVM::AsmDialectAttr(), ArrayAttr());
    op.getResult().replaceAllUsesExcept(fence.getResult(0), fence);
  }

  /// Null where the level has no instruction for it.
  static Value convert(ImplicitLocOpBuilder &b, DotStepOp op) {
    const InstructionLevel *level = getLevelOfKernel(op);
    VectorType acc = op.getAcc().getType();
    bool quads = acc.getElementType().isInteger(32);
    if (!level || op.getCodes().getType().getNumElements() != vectorBytes)
      return {};
    Value operands[] = {op.getAcc(), op.getCodes(), op.getX()};
    switch (level->lowering) {
    case DotLowering::NEON:
      return takesSingles(acc, vectorBytes) ? multiplyHalves(b, op) : Value();
    case DotLowering::MatrixProduct:
      if (op.getMatrix())
        return call(b, acc, "llvm.aarch64.neon.smmla.v4i32.v16i8", operands);
      [[fallthrough]];
    case DotLowering::DotProduct:
      if (!quads || op.getMatrix())
        return {};
      return call(b, acc, "llvm.aarch64.neon.sdot.v4i32.v16i8", operands);
    default:
      return {};
    }
  }

  /// One instruction for each half of the lanes.
  static void convert(HalfStepOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value sums[2];
    for (auto [half, name] :
         {std::pair(0, "llvm.aarch64.neon.fmlal.v4f32.v8f16"),
          std::pair(1, "llvm.aarch64.neon.fmlal2.v4f32.v8f16")}) {
      Value acc = takeHalf(b, op.getAcc(), half);
      sums[half] =
          call(b, acc.getType(), name, {acc, op.getLeft(), op.getRight()});
    }
    op.replaceAllUsesWith(joinHalves(b, sums[0], sums[1]));
    op.erase();
  }

  /// `smull` and an addition, which the code generator joins to `smlal` and,
  /// for the second half, `smlal2`.
  static Value multiplyHalves(ImplicitLocOpBuilder &b, DotStepOp op) {
    auto words = VectorType::get({vectorBytes / 2}, b.getI16Type());
    Value sums[2];
    for (int64_t half : {0, 1}) {
      Value products = call(
          b, words, "llvm.aarch64.neon.smull.v8i16",
          {takeHalf(b, op.getCodes(), half), takeHalf(b, op.getX(), half)});
      sums[half] =
          arith::AddIOp::create(b, takeHalf(b, op.getAcc(), half), products);
    }
    return joinHalves(b, sums[0], sums[1]);
  }

  /// Only where each product has its lane: everything else is one addition.
  static Value convert(ImplicitLocOpBuilder &b, DotWidenOp op) {
    const InstructionLevel *level = getLevelOfKernel(op);
    if (!level || level->lowering != DotLowering::NEON ||
        !takesSingles(op.getAcc().getType(), vectorBytes))
      return {};
    auto type = op.getTotal().getType();
    Value pairs[2];
    for (int64_t half : {0, 1})
      pairs[half] = call(b, type, "llvm.aarch64.neon.saddlp.v4i32.v8i16",
                         {takeHalf(b, op.getAcc(), half)});
    Value quads =
        call(b, type, "llvm.aarch64.neon.addp.v4i32", {pairs[0], pairs[1]});
    return arith::AddIOp::create(b, op.getTotal(), quads);
  }
};

} // namespace
