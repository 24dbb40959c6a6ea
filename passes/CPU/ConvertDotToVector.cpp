//===- ConvertDotToVector.cpp - Dot products in plain vectors -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTDOTTOVECTOR
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Lanes of the next wider integer over the same bits.
static VectorType widenLanes(VectorType type) {
  return VectorType::get(
      {type.getNumElements() / 2},
      IntegerType::get(type.getContext(), 2 * type.getElementTypeBitWidth()));
}

/// A lane of the wider type holds two neighbours: the even one in its low
/// half. No shuffle separates them, only shifts.
static std::pair<Value, Value> splitNeighbours(ImplicitLocOpBuilder &b,
                                               Value vector, bool isSigned) {
  VectorType wide = widenLanes(cast<VectorType>(vector.getType()));
  Value pairs = vector::BitCastOp::create(b, wide, vector);
  Value half = arith::ConstantOp::create(
      b, DenseElementsAttr::get(wide, Attribute(b.getIntegerAttr(
                                          wide.getElementType(),
                                          wide.getElementTypeBitWidth() / 2))));
  Value raised = arith::ShLIOp::create(b, pairs, half);
  if (isSigned)
    return {arith::ShRSIOp::create(b, raised, half),
            arith::ShRSIOp::create(b, pairs, half)};
  return {arith::ShRUIOp::create(b, raised, half),
          arith::ShRUIOp::create(b, pairs, half)};
}

namespace {

struct ConvertDotToVector
    : public hgf::impl::ConvertDotToVectorBase<ConvertDotToVector> {
  void runOnOperation() override {
    getOperation().walk([](DotStepOp op) { convert(op); });
    getOperation().walk([](DotWidenOp op) { convert(op); });
  }

  static void convert(DotStepOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto [codesEven, codesOdd] = splitNeighbours(b, op.getCodes(), false);
    auto [xEven, xOdd] = splitNeighbours(b, op.getX(), true);
    Value sum = op.getAcc();
    VectorType type = op.getAcc().getType();
    if (type.getElementType().isInteger(16)) {
      Value even = arith::MulIOp::create(b, codesEven, xEven);
      Value odd = arith::MulIOp::create(b, codesOdd, xOdd);
      sum = arith::AddIOp::create(b, arith::AddIOp::create(b, sum, even), odd);
    } else {
      // A pair of products may need 17 bits: each is widened for itself.
      Value even = arith::MulIOp::create(b, codesEven, xEven);
      Value odd = arith::MulIOp::create(b, codesOdd, xOdd);
      for (Value products : {even, odd}) {
        auto [low, high] = splitNeighbours(b, products, true);
        sum =
            arith::AddIOp::create(b, arith::AddIOp::create(b, sum, low), high);
      }
    }
    op.replaceAllUsesWith(sum);
    op.erase();
  }

  static void convert(DotWidenOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    Value sum = op.getTotal();
    if (op.getAcc().getType().getElementType().isInteger(16)) {
      auto [even, odd] = splitNeighbours(b, op.getAcc(), true);
      sum = arith::AddIOp::create(b, arith::AddIOp::create(b, sum, even), odd);
    } else {
      sum = arith::AddIOp::create(b, sum, op.getAcc());
    }
    op.replaceAllUsesWith(sum);
    op.erase();
  }
};

} // namespace
