//===- LinearOp.cpp - The fused layer ----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Destination.h"
#include "ShapeRules.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace hgf;

MutableOperandRange LinearOp::getDpsInitsMutable() { return getInitMutable(); }

LogicalResult LinearOp::reifyResultShapes(OpBuilder &builder,
                                          ReifiedRankedShapedTypeDims &shapes) {
  return reifyDestination(*this, builder, shapes);
}

void LinearOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addDestinationEffects(*this, getInitMutable(), getScratch(), effects);
}

/// The number of gate operands that each kind asks for: constants, vectors.
static bool hasGateOperands(LinearOp op) {
  bool constant = bool(op.getGate());
  bool dynamic = op.getGateWeight() && op.getGateBias();
  bool partial = bool(op.getGateWeight()) != bool(op.getGateBias());
  switch (op.getGateKind()) {
  case GateKind::Open:
    return !constant && !dynamic && !partial;
  case GateKind::Static:
    return constant && !dynamic && !partial;
  case GateKind::SigmoidInput:
  case GateKind::SigmoidOutput:
    return !constant && dynamic;
  }
  llvm_unreachable("unknown gate");
}

static LogicalResult verifyCorrection(LinearOp op, int64_t rows,
                                      int64_t columns) {
  if (bool(op.getA()) != bool(op.getB()))
    return op.emitOpError("linear_c3: expected both factors of the correction "
                          "or none but got one");
  ArrayRef<int64_t> segments = op.getSegments(), ranks = op.getSegmentRanks();
  if (!segments.empty() && llvm::sum_of(segments) != rows)
    return op.emitOpError("linear_c8: expected segments that sum to ")
           << rows << " rows but got " << llvm::sum_of(segments);
  if (!op.getA()) {
    if (op.getGateKind() != GateKind::Open)
      return op.emitOpError("linear_c9: expected a correction beside the gate");
    return success();
  }
  ArrayRef<int64_t> a = getShape(op.getA()), b = getShape(op.getB());
  if (a.size() != 2 || !agree(a[1], columns))
    return emitShapeError(op, "linear_c3", "a", {ShapedType::kDynamic, columns},
                          a);
  if (segments.empty()) {
    if (!agree(b, {rows, a[0]}))
      return emitShapeError(op, "linear_c3", "b", {rows, a[0]}, b);
  } else {
    if (ranks.size() != segments.size() || llvm::sum_of(ranks) != a[0])
      return op.emitOpError("linear_c8: expected one rank per segment that "
                            "sum to ")
             << a[0];
    int64_t elements = 0;
    for (auto [segment, rank] : llvm::zip_equal(segments, ranks))
      elements += segment * rank;
    if (!agree(b, {elements}))
      return emitShapeError(op, "linear_c3", "b", {elements}, b);
  }
  for (auto [factor, scale] :
       {std::pair{op.getA(), op.getAScale()}, {op.getB(), op.getBScale()}}) {
    if (hasInt8Elements(factor) != bool(scale))
      return op.emitOpError("linear_c4: expected scales exactly where the "
                            "factor is i8 but got ")
             << factor.getType() << (scale ? " with" : " without") << " scales";
    if (scale && !agree(getShape(scale), {a[0]}))
      return emitShapeError(op, "linear_c4", "scales", {a[0]}, getShape(scale));
  }
  return success();
}

LogicalResult LinearOp::verify() {
  auto [rows, columns] = getMatrixShape(getWeight().getType());
  ArrayRef<int64_t> x = getShape(getX()), init = getShape(getInit());
  if (x.empty() || !agree(x.back(), columns)) {
    SmallVector<int64_t> expected(x);
    expected.resize(std::max<size_t>(x.size(), 1), columns);
    expected.back() = columns;
    return emitShapeError(*this, "linear_c1", "x", expected, x);
  }
  SmallVector<int64_t> expected(x);
  expected.back() = rows;
  if (!agree(init, expected))
    return emitShapeError(*this, "linear_c2", "init", expected, init);
  if (failed(verifyCorrection(*this, rows, columns)))
    return failure();
  if (!hasGateOperands(*this))
    return emitOpError("linear_c5: expected the gate operands of '")
           << stringifyGateKind(getGateKind()) << "'";
  if (getGate() && !getShape(getGate()).empty() &&
      !agree(getShape(getGate()), {rows}))
    return emitShapeError(*this, "linear_c5", "gate", {rows},
                          getShape(getGate()));
  if (getGateWeight()) {
    int64_t inputs = getGateKind() == GateKind::SigmoidInput ? columns : rows;
    if (!agree(getShape(getGateWeight()), {inputs}))
      return emitShapeError(*this, "linear_c5", "gate weight", {inputs},
                            getShape(getGateWeight()));
  }
  if (getBias() && !agree(getShape(getBias()), {rows}))
    return emitShapeError(*this, "linear_c6", "bias", {rows},
                          getShape(getBias()));
  if (getResidual() && !agree(getShape(getResidual()), init))
    return emitShapeError(*this, "linear_c7", "residual", init,
                          getShape(getResidual()));
  if (getNormWeight() && !agree(getShape(getNormWeight()), {columns}))
    return emitShapeError(*this, "linear_c10", "norm weight", {columns},
                          getShape(getNormWeight()));
  if (!getGateThreshold().isZero() && !getGateWeight())
    return emitOpError("linear_c11: expected a dynamic gate beside the gate "
                       "threshold but got '")
           << stringifyGateKind(getGateKind()) << "'";
  return success();
}

namespace {

/// A correction whose gate or second factor is zero adds nothing: drop it.
struct DropZeroCorrection : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getA())
      return rewriter.notifyMatchFailure(op, "has no correction");
    bool zeroGate =
        op.getGate() && matchPattern(op.getGate(), m_AnyZeroFloat());
    bool zeroFactor = matchPattern(op.getB(), m_AnyZeroFloat()) ||
                      matchPattern(op.getB(), m_Zero()) ||
                      matchPattern(op.getA(), m_AnyZeroFloat()) ||
                      matchPattern(op.getA(), m_Zero());
    if (!zeroGate && !zeroFactor)
      return rewriter.notifyMatchFailure(op, "the correction is not zero");
    rewriter.modifyOpInPlace(op, [&] {
      // Each range is taken anew: clearing one moves those behind it.
      op.getAMutable().clear();
      op.getBMutable().clear();
      op.getAScaleMutable().clear();
      op.getBScaleMutable().clear();
      op.getGateMutable().clear();
      op.getGateWeightMutable().clear();
      op.getGateBiasMutable().clear();
      op.setGateKind(GateKind::Open);
      op.setGateThreshold(APFloat(0.0f));
      op.setSegmentRanks({});
    });
    return success();
  }
};

} // namespace

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropZeroCorrection>(context);
}
