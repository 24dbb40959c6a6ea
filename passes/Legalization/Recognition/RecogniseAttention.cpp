//===- RecogniseAttention.cpp - Attention written out -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphMatcher.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include <cmath>

namespace hgf {
#define GEN_PASS_DEF_RECOGNISEATTENTION
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct Match {
  Value query;
  /// [B, G, T, D], or [B, T, G, D] where `swapped`.
  Value key, value;
  /// Added to the scores; null without one.
  Value mask;
  /// Where not null, `mask` is boolean and this replaces the scores that it
  /// hides.
  Value hidden;
  double scale = 1;
  bool swapped = false;
};

/// A constant of one element, of no more dimensions than the scores.
std::optional<double> matchFactor(Value value) {
  std::optional<ConstantTensor> constant =
      ConstantTensor::get(lookThroughIdentities(value));
  return constant && constant->rank() <= 4 ? matchScalar(value) : std::nullopt;
}

/// `value` before products and quotients with constants, which join `scale`.
Value peelScale(Value value, double &scale) {
  while (true) {
    value = lookThroughIdentities(value);
    Value inner;
    if (NodeOp divide = definedBy(value, "Div")) {
      if (std::optional<double> factor = matchFactor(divide.getInputs()[1])) {
        scale /= *factor;
        inner = divide.getInputs()[0];
      }
    } else {
      matchCommutative(value, "Mul", [&](Value first, Value second) {
        std::optional<double> factor = matchFactor(second);
        if (!factor)
          return false;
        scale *= *factor;
        inner = first;
        return true;
      });
    }
    if (!inner)
      return value;
    value = inner;
  }
}

/// scale * Q K^t.
bool matchScores(Value value, Match &match) {
  match.scale = 1;
  NodeOp product = definedBy(peelScale(value, match.scale), "MatMul");
  // Scores that something else reads have to be computed in any case.
  if (!product || !product->hasOneUse())
    return false;
  match.query = peelScale(product.getInputs()[0], match.scale);
  NodeOp transpose =
      definedBy(peelScale(product.getInputs()[1], match.scale), "Transpose");
  if (!transpose)
    return false;
  auto order = transpose.getNodeAttributes().getAs<DenseI64ArrayAttr>("perm");
  if (!order)
    return false;
  match.swapped = order.asArrayRef() == ArrayRef<int64_t>{0, 2, 3, 1};
  if (!match.swapped && order.asArrayRef() != ArrayRef<int64_t>{0, 1, 3, 2})
    return false;
  match.key = peelScale(transpose.getInputs()[0], match.scale);
  return std::isfinite(match.scale);
}

/// Scores with a mask, if there is one.
bool matchMasked(Value value, Match &match) {
  value = lookThroughIdentities(value);
  if (matchScores(value, match))
    return true;
  if (NodeOp choice = definedBy(value, "Where")) {
    // So low that a score added to it vanishes in rounding.
    match.mask = choice.getInputs()[0];
    match.hidden = choice.getInputs()[2];
    std::optional<double> hidden = matchFactor(match.hidden);
    return hidden && *hidden <= -1e30 && isFloat32(match.hidden) &&
           matchScores(choice.getInputs()[1], match);
  }
  return matchCommutative(value, "Add", [&](Value scores, Value mask) {
    match.mask = mask;
    return matchScores(scores, match);
  });
}

std::optional<Match> matchAttention(NodeOp node) {
  if (!isOperator(node, "MatMul"))
    return std::nullopt;
  NodeOp softmax =
      definedBy(lookThroughIdentities(node.getInputs()[0]), "Softmax");
  if (!softmax || !softmax->hasOneUse() ||
      getInteger(softmax, "axis").value_or(0) != -1)
    return std::nullopt;
  Match match;
  if (!matchMasked(softmax.getInputs()[0], match))
    return std::nullopt;
  match.value = node.getInputs()[1];
  // Other types round in other places. A product with a constant is a layer.
  Value parts[] = {match.query, match.key, match.value, node.getOutputs()[0]};
  bool known = llvm::any_of(parts, isFloat32);
  if (!known || ConstantTensor::get(match.key) ||
      ConstantTensor::get(match.value))
    return std::nullopt;
  return match;
}

struct RecogniseAttention
    : public hgf::impl::RecogniseAttentionBase<RecogniseAttention> {
  void runOnOperation() override {
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), [](NodeOp node) {
      return node.getOutputs().size() == 1;
    });
    for (NodeOp node : nodes)
      if (std::optional<Match> match = matchAttention(node))
        rewrite(node, *match);
    eraseUnusedNodes(getOperation());
  }

  void rewrite(NodeOp node, const Match &match) {
    OpBuilder builder(node);
    Location location = node.getLoc();
    Value key = match.key;
    if (match.swapped)
      key = NodeOp::create(
                builder, location, UnknownType::get(builder.getContext()), "",
                "Transpose", "",
                builder.getDictionaryAttr(builder.getNamedAttr(
                    "perm", builder.getDenseI64ArrayAttr({0, 2, 1, 3}))),
                ValueRange{key})
                .getOutputs()[0];
    Value mask = match.mask ? match.mask : makeNone(builder, location);
    if (match.hidden) {
      Value zero = makeFloatConstant(builder, location, {}, {0.0f}, "zero");
      mask = NodeOp::create(builder, location,
                            UnknownType::get(builder.getContext()), "", "Where",
                            "", builder.getDictionaryAttr({}),
                            ValueRange{mask, zero, match.hidden})
                 .getOutputs()[0];
    }
    NamedAttribute attributes[] = {builder.getNamedAttr(
        "scale", builder.getF32FloatAttr(float(match.scale)))};
    NodeOp made = makeCanonical(builder, location, "Attention",
                                {match.query, key, match.value, mask},
                                attributes, node.getOutputs()[0].getType());
    node.replaceAllUsesWith(made);
  }
};

} // namespace
