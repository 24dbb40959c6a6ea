//===- ConvertUnpackToArm.cpp - Unpacking in AArch64 instructions -*- C++
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
#define GEN_PASS_DEF_CONVERTUNPACKTOARM
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Bytes of a vector, and entries of the only table that is used: two vectors.
static constexpr int64_t vectorBytes = 16;
static constexpr int64_t tableBytes = 32;

namespace {

struct ConvertUnpackToArm
    : public hgf::impl::ConvertUnpackToArmBase<ConvertUnpackToArm> {
  void runOnOperation() override {
    getOperation().walk([](TableLookupOp op) {
      const InstructionLevel *level = getLevelOfKernel(op);
      if (level && level->architecture == llvm::Triple::aarch64 &&
          op.getType().getNumElements() == vectorBytes &&
          op.getTable().getType().getNumElements() == tableBytes)
        convert(op);
    });
  }

  static void convert(TableLookupOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto half = [&](int64_t first) -> Value {
      return vector::ExtractStridedSliceOp::create(b, op.getTable(), first,
                                                   vectorBytes, 1);
    };
    // The instruction gives 0 beyond the table; where the indices are masked
    // already, this is nothing.
    Value mask = arith::ConstantOp::create(
        b, DenseElementsAttr::get(op.getType(), APInt(8, tableBytes - 1)));
    Value indices = arith::AndIOp::create(b, op.getIndices(), mask);
    op.replaceAllUsesWith(LLVM::CallIntrinsicOp::create(
                              b, op.getType(),
                              b.getStringAttr("llvm.aarch64.neon.tbl2.v16i8"),
                              {half(0), half(vectorBytes), indices})
                              .getResults());
    op.erase();
  }
};

} // namespace
