//===- LayerOps.cpp - Verifiers and folds of weights and layers --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeRules.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace hgf;

std::pair<int64_t, int64_t> hgf::getMatrixShape(Type type) {
  if (auto ternary = dyn_cast<TernaryType>(type))
    return {ternary.getRows(), ternary.getColumns()};
  auto packed = cast<PackedType>(type);
  return {packed.getRows(), packed.getColumns()};
}

static void appendShape(InFlightDiagnostic &diagnostic,
                        ArrayRef<int64_t> shape) {
  diagnostic << '[';
  llvm::interleave(
      shape,
      [&](int64_t size) {
        if (ShapedType::isDynamic(size))
          diagnostic << '?';
        else
          diagnostic << size;
      },
      [&] { diagnostic << ", "; });
  diagnostic << ']';
}

LogicalResult hgf::emitShapeError(Operation *op, StringRef rule, StringRef what,
                                  ArrayRef<int64_t> expected,
                                  ArrayRef<int64_t> found) {
  InFlightDiagnostic diagnostic = op->emitOpError(rule)
                                  << ": expected " << what << " of shape ";
  appendShape(diagnostic, expected);
  diagnostic << " but got ";
  appendShape(diagnostic, found);
  return diagnostic;
}

/// `value` must have `shape`.
static LogicalResult expectShape(Operation *op, StringRef rule, StringRef what,
                                 Value value, ArrayRef<int64_t> shape) {
  if (agree(getShape(value), shape))
    return success();
  return emitShapeError(op, rule, what, shape, getShape(value));
}

/// `shape` with its last size replaced.
static SmallVector<int64_t> withLast(ArrayRef<int64_t> shape, int64_t size) {
  SmallVector<int64_t> result(shape);
  if (!result.empty())
    result.back() = size;
  return result;
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

LogicalResult TernaryConstantOp::verify() {
  TernaryType type = getType();
  int64_t bytes = getTwoBitByteCount(type.getRows() * type.getColumns());
  auto codes = cast<ShapedType>(getCodes().getType());
  if (!codes.getElementType().isInteger(8) || codes.getNumElements() != bytes)
    return emitOpError("ternary_constant_c1: expected ")
           << bytes << " bytes of codes but got " << getCodes().getType();
  auto scales = cast<ShapedType>(getScales().getType());
  if (!scales.getElementType().isF32() ||
      scales.getNumElements() != type.getScaleCount())
    return emitOpError("ternary_constant_c2: expected ")
           << type.getScaleCount() << " float32 scales but got "
           << getScales().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// The parts of a layer
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  if (failed(expectShape(*this, "quantize_c1", "q", getQ(), getShape(getX()))))
    return failure();
  if (getShape(getX()).empty())
    return emitOpError("quantize_c2: expected x of at least one dimension");
  if (failed(expectShape(*this, "quantize_c2", "scale", getScale(),
                         getShape(getX()).drop_back())))
    return failure();
  if (getOrder() == Quantization::None)
    return emitOpError("quantize_c3: expected an order of rounding but got "
                       "'none'");
  return success();
}

LogicalResult DequantizeOp::verify() {
  if (getShape(getQ()).empty())
    return emitOpError("dequantize_c1: expected q of at least one dimension");
  if (failed(
          expectShape(*this, "dequantize_c1", "x", getX(), getShape(getQ()))))
    return failure();
  return expectShape(*this, "dequantize_c2", "scale", getScale(),
                     getShape(getQ()).drop_back());
}

LogicalResult TernaryLinearOp::verify() {
  auto [rows, columns] = getMatrixShape(getWeight().getType());
  ArrayRef<int64_t> x = getShape(getX());
  if (x.empty() || !agree(x.back(), columns))
    return emitShapeError(
        *this, "ternary_linear_c1", "x",
        x.empty() ? SmallVector<int64_t>{columns} : withLast(x, columns), x);
  if (failed(expectShape(*this, "ternary_linear_c2", "y", getY(),
                         withLast(x, rows))))
    return failure();
  if (hasInt8Elements(getX()) != bool(getScale()))
    return emitOpError("ternary_linear_c3: expected i8 activations exactly "
                       "where a scale is given but got ")
           << getX().getType() << (getScale() ? " with" : " without")
           << " a scale";
  if (getScale() && failed(expectShape(*this, "ternary_linear_c4", "scale",
                                       getScale(), x.drop_back())))
    return failure();
  if (getBias())
    return expectShape(*this, "ternary_linear_c5", "bias", getBias(), {rows});
  return success();
}

/// Scales of a factor exist exactly where it holds i8, one per rank.
static LogicalResult verifyFactorScale(Operation *op, StringRef rule,
                                       Value factor, Value scale,
                                       int64_t rank) {
  if (hasInt8Elements(factor) != bool(scale))
    return op->emitOpError(rule)
           << ": expected scales exactly where the factor is i8 but got "
           << factor.getType() << (scale ? " with" : " without") << " scales";
  return scale ? expectShape(op, rule, "scales", scale, {rank}) : success();
}

LogicalResult LowRankOp::verify() {
  ArrayRef<int64_t> x = getShape(getX()), a = getShape(getA()),
                    b = getShape(getB());
  if (a.size() != 2 || x.empty() || !agree(a[1], x.back()))
    return emitShapeError(
        *this, "low_rank_c1", "a",
        {ShapedType::kDynamic, x.empty() ? ShapedType::kDynamic : x.back()}, a);
  if (b.size() != 2 || !agree(b[1], a[0]))
    return emitShapeError(*this, "low_rank_c2", "b",
                          {ShapedType::kDynamic, a[0]}, b);
  if (failed(
          verifyFactorScale(*this, "low_rank_c3", getA(), getAScale(), a[0])) ||
      failed(
          verifyFactorScale(*this, "low_rank_c3", getB(), getBScale(), a[0])))
    return failure();
  if (failed(expectShape(*this, "low_rank_c4", "the result", getC(),
                         withLast(x, b[0]))))
    return failure();
  if (getActivation() != Activation::SiLU &&
      getActivation() != Activation::Identity)
    return emitOpError("low_rank_c5: expected silu or identity but got ")
           << stringifyActivation(getActivation());
  return success();
}

LogicalResult StaticGateOp::verify() {
  if (getShape(getG()).size() <= 1)
    return success();
  return emitOpError("static_gate_c1: expected a scalar or one gate per "
                     "output but got ")
         << getG().getType();
}

OpFoldResult StaticGateOp::fold(FoldAdaptor adaptor) {
  auto gates = dyn_cast_or_null<DenseFPElementsAttr>(adaptor.getG());
  if (!gates)
    return {};
  return gates.mapValues(getType().getElementType(),
                         [](const APFloat &gate) -> APInt {
                           // In double: the nearest float32 whatever the C
                           // library.
                           double alpha = std::tanh(gate.convertToDouble());
                           return APFloat(float(alpha)).bitcastToAPInt();
                         });
}

LogicalResult DynamicGateOp::verify() {
  ArrayRef<int64_t> h = getShape(getH());
  if (h.empty() || !agree(getShape(getW())[0], h.back()))
    return emitShapeError(*this, "dynamic_gate_c1", "w",
                          {h.empty() ? ShapedType::kDynamic : h.back()},
                          getShape(getW()));
  return expectShape(*this, "dynamic_gate_c2", "alpha", getAlpha(),
                     withLast(h, 1));
}

LogicalResult GatedAddOp::verify() {
  if (!getAlpha())
    return success();
  ArrayRef<int64_t> y = getShape(getY()), alpha = getShape(getAlpha());
  if (alpha.empty() ||
      (alpha.size() == 1 && !y.empty() && agree(alpha[0], y.back())) ||
      agree(alpha, withLast(y, 1)))
    return success();
  return emitOpError("gated_add_c1: expected a scalar gate, one per output or "
                     "one per token but got ")
         << getAlpha().getType();
}

OpFoldResult GatedAddOp::fold(FoldAdaptor adaptor) {
  // A gate of tanh(0), or a correction of zeros, adds nothing.
  if (matchPattern(adaptor.getAlpha(), m_AnyZeroFloat()) ||
      matchPattern(adaptor.getC(), m_AnyZeroFloat()))
    return getY();
  return {};
}

LogicalResult OneBitLinearOp::verify() {
  auto [rows, columns] = getMatrixShape(getWeight().getType());
  ArrayRef<int64_t> x = getShape(getX()), y = getShape(getY());
  if (x.empty() || !agree(x.back(), columns))
    return emitShapeError(
        *this, "onebit_linear_c1", "x",
        x.empty() ? SmallVector<int64_t>{columns} : withLast(x, columns), x);
  if (failed(expectShape(*this, "onebit_linear_c1", "u", getU(), {columns})) ||
      failed(expectShape(*this, "onebit_linear_c2", "v", getV(), {rows})))
    return failure();
  return agree(y, withLast(x, rows))
             ? success()
             : emitShapeError(*this, "onebit_linear_c2", "the result",
                              withLast(x, rows), y);
}

OpFoldResult ActivationOp::fold(FoldAdaptor adaptor) {
  return getKind() == Activation::Identity ? getX() : Value();
}

LogicalResult
RMSNormOp::reifyResultShapes(OpBuilder &builder,
                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  return success();
}

LogicalResult
ActivationOp::reifyResultShapes(OpBuilder &builder,
                                ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(tensor::getMixedSizes(builder, getLoc(), getX()));
  return success();
}

LogicalResult RMSNormOp::verify() {
  ArrayRef<int64_t> x = getShape(getX());
  if (x.empty())
    return emitOpError("rms_norm_c1: expected x of at least one dimension");
  return expectShape(*this, "rms_norm_c1", "weight", getWeight(), {x.back()});
}

#define GET_OP_CLASSES
#include "hgf/Dialect/HGF/HGFOps.cpp.inc"
