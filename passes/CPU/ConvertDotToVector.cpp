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
    getOperation().walk([](HalfStepOp op) { convert(op); });
  }

  static void convert(DotStepOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    op.replaceAllUsesWith(op.getMatrix() ? multiplyMatrices(b, op)
                                         : multiplyLanes(b, op));
    op.erase();
  }

  static Value multiplyLanes(ImplicitLocOpBuilder &b, DotStepOp op) {
    VectorType type = op.getAcc().getType();
    if (type.getNumElements() == op.getCodes().getType().getNumElements()) {
      Value codes = extend(b, op.getCodes(), type, op.getSignedCodes());
      Value products =
          arith::MulIOp::create(b, codes, extend(b, op.getX(), type, true));
      return arith::AddIOp::create(b, op.getAcc(), products);
    }
    auto [codesEven, codesOdd] =
        splitNeighbours(b, op.getCodes(), op.getSignedCodes());
    auto [xEven, xOdd] = splitNeighbours(b, op.getX(), true);
    Value sum = op.getAcc();
    Value even = arith::MulIOp::create(b, codesEven, xEven);
    Value odd = arith::MulIOp::create(b, codesOdd, xOdd);
    if (type.getElementType().isInteger(16))
      return addBoth(b, sum, even, odd);
    // A pair of products may need 17 bits: each is widened for itself.
    for (Value products : {even, odd}) {
      auto [low, high] = splitNeighbours(b, products, true);
      sum = addBoth(b, sum, low, high);
    }
    return sum;
  }

  /// Each lane is a dot product of eight columns.
  static Value multiplyMatrices(ImplicitLocOpBuilder &b, DotStepOp op) {
    VectorType type = op.getAcc().getType();
    constexpr int64_t columns = 8;
    auto wide = VectorType::get({columns}, b.getI32Type());
    auto slice = [&](Value bytes, int64_t first, bool isSigned) {
      Value part =
          vector::ExtractStridedSliceOp::create(b, bytes, first, columns, 1);
      return extend(b, part, wide, isSigned);
    };
    Value sum = op.getAcc();
    for (int64_t lane = 0; lane < type.getNumElements(); ++lane) {
      int64_t pair = lane / 4 * 2 * columns;
      Value codes = slice(op.getCodes(), pair + lane / 2 % 2 * columns,
                          op.getSignedCodes());
      Value x = slice(op.getX(), pair + lane % 2 * columns, true);
      Value dot = vector::ReductionOp::create(
          b, vector::CombiningKind::ADD, arith::MulIOp::create(b, codes, x),
          vector::ExtractOp::create(b, sum, lane));
      sum = vector::InsertOp::create(b, dot, sum, lane);
    }
    return sum;
  }

  static Value extend(ImplicitLocOpBuilder &b, Value bytes, VectorType type,
                      bool isSigned) {
    if (isSigned)
      return arith::ExtSIOp::create(b, type, bytes);
    return arith::ExtUIOp::create(b, type, bytes);
  }

  static Value addBoth(ImplicitLocOpBuilder &b, Value sum, Value first,
                       Value second) {
    return arith::AddIOp::create(b, arith::AddIOp::create(b, sum, first),
                                 second);
  }

  /// The product is exact: a multiplication and an addition are as good as one
  /// instruction for both.
  static void convert(HalfStepOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    auto extend = [&](Value halves) -> Value {
      return arith::ExtFOp::create(b, op.getType(), halves);
    };
    Value product =
        arith::MulFOp::create(b, extend(op.getLeft()), extend(op.getRight()));
    op.replaceAllUsesWith(
        arith::AddFOp::create(b, op.getAcc(), product).getResult());
    op.erase();
  }

  static void convert(DotWidenOp op) {
    ImplicitLocOpBuilder b(op.getLoc(), op);
    VectorType type = op.getTotal().getType();
    auto [first, second] = std::pair<Value, Value>(op.getAcc(), Value());
    if (op.getAcc().getType().getElementType().isInteger(16))
      std::tie(first, second) = splitNeighbours(b, op.getAcc(), true);
    Value sum = op.getTotal();
    if (!second) {
      sum = arith::AddIOp::create(b, sum, first);
    } else if (cast<VectorType>(first.getType()) == type) {
      sum = addBoth(b, sum, first, second);
    } else {
      // Pairs of pairs.
      Value pairs = arith::AddIOp::create(b, first, second);
      auto select = [&](int64_t from) -> Value {
        SmallVector<int64_t> mask;
        for (int64_t lane = 0; lane < type.getNumElements(); ++lane)
          mask.push_back(2 * lane + from);
        return vector::ShuffleOp::create(b, pairs, pairs, mask);
      };
      sum = addBoth(b, sum, select(0), select(1));
    }
    op.replaceAllUsesWith(sum);
    op.erase();
  }
};

} // namespace
