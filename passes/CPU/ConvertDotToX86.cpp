//===- ConvertDotToX86.cpp - Dot products in x86 instructions -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LevelOfKernel.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/CPU/Passes.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTDOTTOX86
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Intrinsics of one lowering for vectors of one size; codes are the unsigned
/// operand.
struct DotIntrinsics {
  StringRef multiply;
  /// Empty where `multiply` takes the accumulator and adds.
  StringRef widen;
};

static std::optional<DotIntrinsics> getIntrinsics(const InstructionLevel &level,
                                                  int64_t bytes) {
  switch (level.lowering) {
  case DotLowering::Portable:
  case DotLowering::NEON:
  case DotLowering::DotProduct:
  case DotLowering::MatrixProduct:
    return std::nullopt;
  case DotLowering::SSSE3:
    if (bytes != 16)
      return std::nullopt;
    return DotIntrinsics{"llvm.x86.ssse3.pmadd.ub.sw.128",
                         "llvm.x86.sse2.pmadd.wd"};
  case DotLowering::AVX2:
    if (bytes != 32)
      return std::nullopt;
    return DotIntrinsics{"llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd"};
  case DotLowering::VNNI:
    // The intrinsic's name is AVX-512's, which AVX-VNNI shares.
    if (bytes > level.vectorBytes)
      return std::nullopt;
    switch (bytes) {
    case 16:
      return DotIntrinsics{"llvm.x86.avx512.vpdpbusd.128", ""};
    case 32:
      return DotIntrinsics{"llvm.x86.avx512.vpdpbusd.256", ""};
    case 64:
      return DotIntrinsics{"llvm.x86.avx512.vpdpbusd.512", ""};
    default:
      return std::nullopt;
    }
  }
  llvm_unreachable("unknown lowering");
}

namespace {

struct ConvertDotToX86
    : public hgf::impl::ConvertDotToX86Base<ConvertDotToX86> {
  void runOnOperation() override {
    getOperation().walk([](DotStepOp op) {
      auto intrinsics = find(op, op.getCodes().getType());
      bool pairs = op.getAcc().getType().getElementType().isInteger(16);
      if (intrinsics && pairs == !intrinsics->widen.empty() &&
          !op.getSignedCodes() && !op.getMatrix() &&
          op.getAcc().getType().getNumElements() !=
              op.getCodes().getType().getNumElements())
        convert(op, *intrinsics);
    });
    getOperation().walk([](DotWidenOp op) {
      auto intrinsics = find(op, op.getAcc().getType());
      bool pairs = op.getAcc().getType().getElementType().isInteger(16);
      if (intrinsics && pairs && !intrinsics->widen.empty())
        convert(op, *intrinsics);
    });
  }

  /// The intrinsics of the function around `op`, if its level has any for
  /// vectors like `type`.
  static std::optional<DotIntrinsics> find(Operation *op, VectorType type) {
    const InstructionLevel *level = getLevelOfKernel(op);
    int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
    return level ? getIntrinsics(*level, bytes) : std::nullopt;
  }

  static Value call(OpBuilder &builder, Location location, Type type,
                    StringRef name, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, location, type,
                                         builder.getStringAttr(name), operands)
        .getResults();
  }

  static void convert(DotStepOp op, const DotIntrinsics &intrinsics) {
    OpBuilder builder(op);
    Location location = op.getLoc();
    Type type = op.getAcc().getType();
    if (intrinsics.widen.empty()) {
      op.replaceAllUsesWith(call(builder, location, type, intrinsics.multiply,
                                 {op.getAcc(), op.getCodes(), op.getX()}));
      op.erase();
      return;
    }
    Value products = call(builder, location, type, intrinsics.multiply,
                          {op.getCodes(), op.getX()});
    Value sum = arith::AddIOp::create(builder, location, op.getAcc(), products);
    // LLVM's machine combiner reassociates chains of additions, which keeps
    // all products alive and spills; it does not look through assembly.
    auto fence = LLVM::InlineAsmOp::create(
        builder, location, TypeRange(type), ValueRange(sum), "", "=x,0",
        /*has_side_effects=*/false, /*is_align_stack=*/false,
        LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(),
        ArrayAttr());
    op.replaceAllUsesWith(fence.getResult(0));
    op.erase();
  }

  static void convert(DotWidenOp op, const DotIntrinsics &intrinsics) {
    OpBuilder builder(op);
    Location location = op.getLoc();
    VectorType type = op.getAcc().getType();
    Value ones = arith::ConstantOp::create(
        builder, location,
        DenseElementsAttr::get(type, Attribute(builder.getI16IntegerAttr(1))));
    Value pairs = call(builder, location, op.getType(), intrinsics.widen,
                       {op.getAcc(), ones});
    op.replaceAllUsesWith(
        arith::AddIOp::create(builder, location, op.getTotal(), pairs)
            .getResult());
    op.erase();
  }
};

} // namespace
