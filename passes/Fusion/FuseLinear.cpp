//===- FuseLinear.cpp - Layers become one operation ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

namespace hgf {
#define GEN_PASS_DEF_FUSELINEAR
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// What one hgf.linear is made of.
struct Parts {
  Value x, weight, a, b, aScale, bScale, gate, gateWeight, gateBias, bias;
  Quantization quantization = Quantization::None;
  Activation correctionActivation = Activation::SiLU;
  CorrectionInput correctionInput = CorrectionInput::Original;
  GateKind gateKind = GateKind::Open;
};

/// Takes the backbone apart; fails where its int8 activations come from
/// elsewhere than hgf.quantize.
LogicalResult addBackbone(TernaryLinearOp backbone, Parts &parts) {
  parts.weight = backbone.getWeight();
  parts.bias = backbone.getBias();
  parts.x = backbone.getX();
  if (!backbone.getScale())
    return success();
  auto quantize = backbone.getX().getDefiningOp<QuantizeOp>();
  if (!quantize || backbone.getScale() != quantize.getScale())
    return failure();
  parts.x = quantize.getX();
  parts.quantization = quantize.getOrder();
  return success();
}

LogicalResult addCorrection(LowRankOp correction, TernaryLinearOp backbone,
                            Parts &parts) {
  if (correction.getX() != parts.x) {
    auto dequantize = correction.getX().getDefiningOp<DequantizeOp>();
    if (!dequantize || dequantize.getQ() != backbone.getX() ||
        dequantize.getScale() != backbone.getScale())
      return failure();
    parts.correctionInput = CorrectionInput::Quantized;
  }
  parts.a = correction.getA();
  parts.b = correction.getB();
  parts.aScale = correction.getAScale();
  parts.bScale = correction.getBScale();
  parts.correctionActivation = correction.getActivation();
  return success();
}

/// b + w . bias: what the gate adds when it reads the output with its bias.
Value moveBiasIntoGate(OpBuilder &builder, Location location, Value weight,
                       Value gateBias, Value bias) {
  DenseFPElementsAttr w, b, added;
  if (!matchPattern(weight, m_Constant(&w)) ||
      !matchPattern(gateBias, m_Constant(&b)) ||
      !matchPattern(bias, m_Constant(&added)))
    return {};
  double sum = (*b.getValues<APFloat>().begin()).convertToDouble();
  for (auto [left, right] :
       llvm::zip_equal(w.getValues<APFloat>(), added.getValues<APFloat>()))
    sum += left.convertToDouble() * right.convertToDouble();
  auto type = cast<ShapedType>(gateBias.getType());
  return arith::ConstantOp::create(builder, location,
                                   DenseElementsAttr::get(type, float(sum)));
}

/// The linear without its bias: the gate of hgf.linear reads this.
bool isSameWithoutBias(Value value, TernaryLinearOp backbone) {
  auto other = value.getDefiningOp<TernaryLinearOp>();
  return other && !other.getBias() && other.getX() == backbone.getX() &&
         other.getScale() == backbone.getScale() &&
         other.getWeight() == backbone.getWeight();
}

LogicalResult addGate(OpBuilder &builder, GatedAddOp join,
                      TernaryLinearOp backbone, Parts &parts) {
  Value alpha = join.getAlpha();
  if (!alpha)
    return success();
  auto dynamic = alpha.getDefiningOp<DynamicGateOp>();
  if (!dynamic) {
    if (cast<ShapedType>(alpha.getType()).getRank() > 1)
      return failure();
    parts.gate = alpha;
    parts.gateKind = GateKind::Static;
    return success();
  }
  parts.gateWeight = dynamic.getW();
  parts.gateBias = dynamic.getB();
  if (dynamic.getH() == parts.x) {
    parts.gateKind = GateKind::SigmoidInput;
    return success();
  }
  parts.gateKind = GateKind::SigmoidOutput;
  if (isSameWithoutBias(dynamic.getH(), backbone))
    return success();
  if (dynamic.getH() != backbone.getY())
    return failure();
  parts.gateBias = moveBiasIntoGate(builder, join.getLoc(), parts.gateWeight,
                                    parts.gateBias, parts.bias);
  return success(bool(parts.gateBias));
}

LinearOp buildLinear(OpBuilder &builder, Location location, Type type,
                     const Parts &parts, TernaryLinearOp backbone) {
  auto tensorType = cast<RankedTensorType>(type);
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, location, parts.x);
  sizes.back() = builder.getIndexAttr(
      cast<ShapedType>(backbone.getY().getType()).getShape().back());
  Value init = tensor::EmptyOp::create(builder, location, sizes,
                                       tensorType.getElementType());
  auto linear = LinearOp::create(
      builder, location, init.getType(), parts.x, parts.weight, parts.a,
      parts.b, parts.aScale, parts.bScale, parts.gate, parts.gateWeight,
      parts.gateBias, parts.bias, /*residual=*/Value(), init,
      parts.quantization, parts.correctionActivation, parts.correctionInput,
      parts.gateKind);
  // What the report says about the layer.
  if (Attribute form = backbone->getAttr("hgf.form"))
    linear->setAttr("hgf.form", form);
  if (auto name = location->findInstanceOf<NameLoc>())
    linear->setAttr("hgf.node", name.getName());
  return linear;
}

void replace(Value old, LinearOp linear, OpBuilder &builder) {
  Value result = linear.getY();
  if (result.getType() != old.getType())
    result =
        tensor::CastOp::create(builder, linear.getLoc(), old.getType(), result);
  old.replaceAllUsesWith(result);
}

/// Joins a correction to its backbone; says why where it cannot.
const char *fuse(GatedAddOp join) {
  auto backbone = join.getY().getDefiningOp<TernaryLinearOp>();
  auto correction = join.getC().getDefiningOp<LowRankOp>();
  if (!backbone || !correction)
    return "it adds something else than a low-rank correction to a ternary "
           "linear";
  OpBuilder builder(join);
  Parts parts;
  if (failed(addBackbone(backbone, parts)))
    return "its activations were not quantized by hgf.quantize";
  if (failed(addCorrection(correction, backbone, parts)))
    return "its correction reads another value than the layer";
  if (failed(addGate(builder, join, backbone, parts)))
    return "its gate reads another value than the layer's input or output";
  LinearOp linear = buildLinear(builder, backbone.getLoc(),
                                join.getResult().getType(), parts, backbone);
  replace(join.getResult(), linear, builder);
  join.erase();
  return nullptr;
}

const char *fuse(TernaryLinearOp backbone) {
  OpBuilder builder(backbone);
  Parts parts;
  if (failed(addBackbone(backbone, parts)))
    return "its activations were not quantized by hgf.quantize";
  LinearOp linear = buildLinear(builder, backbone.getLoc(),
                                backbone.getY().getType(), parts, backbone);
  replace(backbone.getY(), linear, builder);
  backbone.erase();
  return nullptr;
}

struct FuseLinear : public hgf::impl::FuseLinearBase<FuseLinear> {
  void runOnOperation() override {
    bool failedAny = false;
    auto fuseAll = [&](auto op) {
      if (const char *reason = fuse(op)) {
        op->emitOpError("cannot become one fused layer: ") << reason;
        failedAny = true;
      }
    };
    SmallVector<GatedAddOp> joins;
    getOperation()->walk([&](GatedAddOp join) { joins.push_back(join); });
    for (GatedAddOp join : joins)
      fuseAll(join);
    eraseUnused();
    SmallVector<TernaryLinearOp> backbones;
    getOperation()->walk([&](TernaryLinearOp op) { backbones.push_back(op); });
    for (TernaryLinearOp backbone : backbones)
      fuseAll(backbone);
    eraseUnused();
    if (failedAny)
      signalPassFailure();
  }

  /// Users come after what they use, so one walk in reverse is enough.
  void eraseUnused() {
    SmallVector<Operation *> parts;
    getOperation()->walk([&](Operation *op) {
      if (isa<TernaryLinearOp, LowRankOp, DynamicGateOp, StaticGateOp,
              QuantizeOp, DequantizeOp>(op))
        parts.push_back(op);
    });
    for (Operation *op : llvm::reverse(parts))
      if (op->use_empty())
        op->erase();
  }
};

} // namespace
