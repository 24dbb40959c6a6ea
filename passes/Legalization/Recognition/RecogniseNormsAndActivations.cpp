//===- RecogniseNormsAndActivations.cpp - Formulas of known layers ------===//
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
#define GEN_PASS_DEF_RECOGNISENORMSANDACTIVATIONS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// Exporters round such constants in different places.
bool isNearScalar(Value value, double expected) {
  std::optional<double> found = matchScalar(value);
  return found && std::abs(*found - expected) <= 1e-6 * std::abs(expected);
}

/// The factors of a tree of at most a few products.
void collectFactors(Value value, SmallVectorImpl<Value> &factors) {
  value = lookThroughIdentities(value);
  NodeOp product = definedBy(value, "Mul");
  if (!product || factors.size() > 6) {
    factors.push_back(value);
    return;
  }
  for (Value input : product.getInputs())
    collectFactors(input, factors);
}

/// Whether `value` is erf(x / sqrt 2).
bool isErrorFunction(Value value, Value x) {
  NodeOp erf = definedBy(lookThroughIdentities(value), "Erf");
  if (!erf)
    return false;
  Value argument = lookThroughIdentities(erf.getInputs()[0]);
  if (NodeOp divide = definedBy(argument, "Div"))
    return isSame(divide.getInputs()[0], x) &&
           isNearScalar(divide.getInputs()[1], std::sqrt(2.0));
  return matchCommutative(argument, "Mul", [&](Value first, Value second) {
    return isSame(first, x) && isNearScalar(second, std::sqrt(0.5));
  });
}

/// Whether `value` is tanh(sqrt(2/pi) * (x + 0.044715 x^3)).
bool isTanhApproximation(Value value, Value x) {
  NodeOp tanh = definedBy(lookThroughIdentities(value), "Tanh");
  if (!tanh)
    return false;
  auto isCube = [&](Value cube) {
    if (NodeOp power = definedBy(lookThroughIdentities(cube), "Pow"))
      return isSame(power.getInputs()[0], x) &&
             isScalar(power.getInputs()[1], 3);
    SmallVector<Value> factors;
    collectFactors(cube, factors);
    return factors.size() == 3 && llvm::all_of(factors, [&](Value factor) {
             return isSame(factor, x);
           });
  };
  auto isSum = [&](Value sum) {
    return matchCommutative(
        lookThroughIdentities(sum), "Add", [&](Value first, Value second) {
          return isSame(first, x) &&
                 matchCommutative(lookThroughIdentities(second), "Mul",
                                  [&](Value cube, Value factor) {
                                    return isNearScalar(factor, 0.044715) &&
                                           isCube(cube);
                                  });
        });
  };
  return matchCommutative(lookThroughIdentities(tanh.getInputs()[0]), "Mul",
                          [&](Value sum, Value factor) {
                            return isNearScalar(factor, 0.7978845608028654) &&
                                   isSum(sum);
                          });
}

struct Match {
  Activation kind;
  Value x;
};

std::optional<Match> matchGELU(NodeOp node) {
  SmallVector<Value> factors;
  collectFactors(node.getOutputs()[0], factors);
  if (factors.size() != 3)
    return std::nullopt;
  // x, one half and 1 + erf(...) or 1 + tanh(...), in any order.
  for (unsigned half = 0; half < 3; ++half) {
    if (!isScalar(factors[half], 0.5))
      continue;
    for (unsigned at = 0; at < 3; ++at) {
      unsigned other = 3 - half - at;
      if (at == half || other > 2 || other == half)
        continue;
      Value x = factors[at];
      std::optional<Match> found;
      matchCommutative(factors[other], "Add", [&](Value inner, Value one) {
        if (!isScalar(one, 1))
          return false;
        if (isErrorFunction(inner, x))
          found = Match{Activation::GELU, x};
        else if (isTanhApproximation(inner, x))
          found = Match{Activation::GELUTanh, x};
        return found.has_value();
      });
      if (found)
        return found;
    }
  }
  return std::nullopt;
}

std::optional<Match> matchActivation(NodeOp node) {
  if (isOperator(node, "Swish") && getReal(node, "alpha").value_or(1) == 1)
    return Match{Activation::SiLU, node.getInputs()[0]};
  if (isOperator(node, "Gelu")) {
    auto approximate =
        node.getNodeAttributes().getAs<StringAttr>("approximate");
    bool tanh = approximate && approximate.getValue() == "tanh";
    return Match{tanh ? Activation::GELUTanh : Activation::GELU,
                 node.getInputs()[0]};
  }
  Value result = node.getOutputs()[0];
  if (NodeOp relu = definedBy(matchSquare(result), "Relu"))
    return Match{Activation::ReLUSquared, relu.getInputs()[0]};
  if (!isOperator(node, "Mul"))
    return std::nullopt;
  std::optional<Match> found;
  matchCommutative(result, "Mul", [&](Value x, Value gate) {
    NodeOp sigmoid = definedBy(lookThroughIdentities(gate), "Sigmoid");
    if (!sigmoid || !isSame(sigmoid.getInputs()[0], x))
      return false;
    found = Match{Activation::SiLU, lookThroughIdentities(x)};
    return true;
  });
  return found ? found : matchGELU(node);
}

struct Norm {
  Value x, weight;
  double epsilon = 0;
};

/// mean(x^2) + epsilon over the last dimension.
bool matchVariance(Value value, Norm &norm) {
  return matchCommutative(lookThroughIdentities(value), "Add",
                          [&](Value mean, Value epsilon) {
                            std::optional<double> bound = matchScalar(epsilon);
                            Value square = matchLastMean(mean);
                            Value x = square ? matchSquare(square) : Value();
                            if (!bound || !x)
                              return false;
                            norm.x = x;
                            norm.epsilon = *bound;
                            return true;
                          });
}

/// x over the root of its mean square.
bool matchNormal(Value value, Norm &norm) {
  value = lookThroughIdentities(value);
  auto isRoot = [&](Value root) {
    NodeOp node = definedBy(lookThroughIdentities(root), "Sqrt");
    return node && matchVariance(node.getInputs()[0], norm);
  };
  if (NodeOp divide = definedBy(value, "Div"))
    return isRoot(divide.getInputs()[1]) &&
           isSame(divide.getInputs()[0], norm.x);
  return matchCommutative(value, "Mul", [&](Value x, Value inverse) {
    inverse = lookThroughIdentities(inverse);
    bool found = false;
    if (NodeOp reciprocal = definedBy(inverse, "Reciprocal"))
      found = isRoot(reciprocal.getInputs()[0]);
    else if (NodeOp divide = definedBy(inverse, "Div"))
      found =
          isScalar(divide.getInputs()[0], 1) && isRoot(divide.getInputs()[1]);
    else if (NodeOp power = definedBy(inverse, "Pow"))
      found = isScalar(power.getInputs()[1], -0.5) &&
              matchVariance(power.getInputs()[0], norm);
    return found && isSame(x, norm.x);
  });
}

std::optional<Norm> matchNorm(NodeOp node) {
  Norm norm;
  bool found = matchCommutative(
      node.getOutputs()[0], "Mul", [&](Value normal, Value weight) {
        std::optional<ConstantTensor> constant = ConstantTensor::get(weight);
        if (!constant || constant->rank() != 1 || constant->size() < 2 ||
            !constant->elementType().isF32() || !matchNormal(normal, norm))
          return false;
        norm.weight = weight;
        return true;
      });
  return found ? std::optional(norm) : std::nullopt;
}

struct RecogniseNormsAndActivations
    : public hgf::impl::RecogniseNormsAndActivationsBase<
          RecogniseNormsAndActivations> {
  void runOnOperation() override {
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), [](NodeOp node) {
      return node.getOutputs().size() == 1;
    });
    // Last first: a formula is taken before its parts are.
    for (NodeOp node : llvm::reverse(nodes))
      if (!node->use_empty())
        visit(node);
    eraseUnusedNodes(getOperation());
  }

  /// Computations in other types round in other places: they stay.
  void visit(NodeOp node) {
    OpBuilder builder(node);
    Type type = node.getOutputs()[0].getType();
    NodeOp made;
    if (std::optional<Norm> norm = matchNorm(node)) {
      if (!isFloat32(norm->x))
        return;
      auto axis =
          IntegerAttr::get(builder.getIntegerType(64, /*isSigned=*/true), -1);
      NamedAttribute attributes[] = {
          builder.getNamedAttr("axis", axis),
          builder.getNamedAttr("epsilon",
                               builder.getF32FloatAttr(float(norm->epsilon)))};
      made =
          NodeOp::create(builder, node.getLoc(), type, "", "RMSNormalization",
                         "", builder.getDictionaryAttr(attributes),
                         ValueRange{norm->x, norm->weight});
    } else if (std::optional<Match> match = matchActivation(node)) {
      if (!isFloat32(match->x))
        return;
      made = makeCanonical(
          builder, node.getLoc(), "Activation", match->x,
          builder.getNamedAttr(
              "kind", builder.getStringAttr(stringifyActivation(match->kind))),
          type);
    } else {
      return;
    }
    node.replaceAllUsesWith(made);
  }
};

} // namespace
