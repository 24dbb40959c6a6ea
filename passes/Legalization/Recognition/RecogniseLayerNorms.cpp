//===- RecogniseLayerNorms.cpp - Layer normalization written out --------===//
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

namespace hgf {
#define GEN_PASS_DEF_RECOGNISELAYERNORMS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct Norm {
  Value x, weight;
  double epsilon = 0;
};

/// A vector of float32 for the last dimension.
bool isParameter(Value value) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(value);
  return constant && constant->rank() == 1 && constant->size() > 1 &&
         constant->elementType().isF32();
}

/// x of x - mean(x).
Value matchCentred(Value value) {
  NodeOp difference = definedBy(lookThroughIdentities(value), "Sub");
  if (!difference)
    return {};
  Value x = lookThroughIdentities(difference.getInputs()[0]);
  return matchLastMean(difference.getInputs()[1]) == x ? x : Value();
}

/// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon).
bool matchNormal(Value value, Norm &norm) {
  NodeOp divide = definedBy(lookThroughIdentities(value), "Div");
  if (!divide || !(norm.x = matchCentred(divide.getInputs()[0])))
    return false;
  NodeOp root = definedBy(lookThroughIdentities(divide.getInputs()[1]), "Sqrt");
  return root && matchCommutative(lookThroughIdentities(root.getInputs()[0]),
                                  "Add", [&](Value variance, Value epsilon) {
                                    std::optional<double> bound =
                                        matchScalar(epsilon);
                                    Value square = matchLastMean(variance);
                                    Value centred =
                                        square ? matchSquare(square) : Value();
                                    norm.epsilon = bound.value_or(0);
                                    return bound && centred &&
                                           matchCentred(centred) == norm.x;
                                  });
}

bool matchScaled(Value value, Norm &norm) {
  return matchCommutative(
      lookThroughIdentities(value), "Mul", [&](Value normal, Value weight) {
        norm.weight = weight;
        return isParameter(weight) && matchNormal(normal, norm);
      });
}

struct RecogniseLayerNorms
    : public hgf::impl::RecogniseLayerNormsBase<RecogniseLayerNorms> {
  void runOnOperation() override {
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), [](NodeOp node) {
      return isOperator(node, "Add") || isOperator(node, "Mul");
    });
    // Last first: with the shift before without.
    for (NodeOp node : llvm::reverse(nodes))
      if (!node->use_empty())
        visit(node);
    eraseUnusedNodes(getOperation());
  }

  void visit(NodeOp node) {
    Norm norm;
    Value shift, result = node.getOutputs()[0];
    bool found =
        matchCommutative(result, "Add", [&](Value scaled, Value added) {
          shift = added;
          return isParameter(added) && matchScaled(scaled, norm);
        });
    if (!found) {
      shift = {};
      found = matchScaled(result, norm);
    }
    // Computations in other types round in other places: they stay.
    if (!found || !isFloat32(norm.x))
      return;
    OpBuilder builder(node);
    auto axis =
        IntegerAttr::get(builder.getIntegerType(64, /*isSigned=*/true), -1);
    NamedAttribute attributes[] = {
        builder.getNamedAttr("axis", axis),
        builder.getNamedAttr("epsilon",
                             builder.getF32FloatAttr(float(norm.epsilon)))};
    SmallVector<Value> inputs{norm.x, norm.weight};
    if (shift)
      inputs.push_back(shift);
    auto made = NodeOp::create(builder, node.getLoc(), result.getType(), "",
                               "LayerNormalization", "",
                               builder.getDictionaryAttr(attributes), inputs);
    node.replaceAllUsesWith(made);
  }
};

} // namespace
