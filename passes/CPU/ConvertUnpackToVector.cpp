//===- ConvertUnpackToVector.cpp - Unpacking in plain vectors -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTUNPACKTOVECTOR
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct ConvertUnpackToVector
    : public hgf::impl::ConvertUnpackToVectorBase<ConvertUnpackToVector> {
  void runOnOperation() override {
    getOperation().walk([](MultishiftOp op) { convert(op); });
    getOperation().walk([](TableLookupOp op) { convert(op); });
  }

  static Value splat(ImplicitLocOpBuilder &b, VectorType type, uint64_t value) {
    APInt bits(type.getElementTypeBitWidth(), value);
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, bits));
  }

  /// Each byte is rotated to the bottom of the quadword, cut out and put into
  /// its place.
  static void convert(MultishiftOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto quadwords = VectorType::get({op.getType().getNumElements() / 8},
                                     b.getIntegerType(64));
    Value source = vector::BitCastOp::create(b, quadwords, op.getSource());
    Value mask = splat(b, quadwords, 0xff);
    Value result;
    for (auto [index, shift] : llvm::enumerate(op.getShifts())) {
      Value byte = source;
      if (shift != 0)
        byte = arith::ShRUIOp::create(b, source, splat(b, quadwords, shift));
      if (shift > 56) {
        Value wrapped =
            arith::ShLIOp::create(b, source, splat(b, quadwords, 64 - shift));
        byte = arith::OrIOp::create(b, byte, wrapped);
      }
      byte = arith::AndIOp::create(b, byte, mask);
      if (index != 0)
        byte = arith::ShLIOp::create(b, byte, splat(b, quadwords, 8 * index));
      result =
          result ? arith::OrIOp::create(b, result, byte).getResult() : byte;
    }
    op.replaceAllUsesWith(
        vector::BitCastOp::create(b, op.getType(), result).getResult());
    op.erase();
  }

  /// A loop over the lanes: unrolled it would be the largest part of a kernel.
  static void convert(TableLookupOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    VectorType type = op.getType();
    int64_t lanes = type.getNumElements();
    int64_t entries = op.getTable().getType().getNumElements();
    Value indices =
        arith::AndIOp::create(b, op.getIndices(), splat(b, type, entries - 1));
    auto loop = scf::ForOp::create(
        b, arith::ConstantIndexOp::create(b, 0),
        arith::ConstantIndexOp::create(b, lanes),
        arith::ConstantIndexOp::create(b, 1), op.getIndices(),
        [&](OpBuilder &inner, Location location, Value lane,
            ValueRange carried) {
          ImplicitLocOpBuilder b(location, inner);
          Value index = vector::ExtractOp::create(b, indices, lane);
          Value position =
              arith::IndexCastUIOp::create(b, b.getIndexType(), index);
          Value entry = vector::ExtractOp::create(b, op.getTable(), position);
          Value next =
              vector::InsertOp::create(b, entry, carried.front(), lane);
          scf::YieldOp::create(b, next);
        });
    op.replaceAllUsesWith(loop.getResult(0));
    op.erase();
  }
};

} // namespace
