//===- RecogniseCorrections.cpp - Gated low-rank corrections ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantMatrix.h"
#include "Quantizer.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace hgf {
#define GEN_PASS_DEF_RECOGNISECORRECTIONS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// What multiplies a correction.
struct Gate {
  enum Kind { Open, Constant, Tanh, Dynamic } kind = Open;
  /// Constant and Tanh: the values, one or one per output.
  std::vector<float> values;
  /// Dynamic: sigmoid(h . weight + bias).
  Value h;
  std::vector<float> weight;
  float bias = 0;
};

/// phi(x A) B, times a gate; A is [K, R], B is [R, N].
struct Correction {
  Value x;
  ConstantMatrix a, b;
  Activation activation = Activation::Identity;
  Gate gate;
};

std::optional<std::vector<float>> matchRow(Value value, int64_t outputs) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(value);
  if (!constant || !constant->isFloat() ||
      (constant->size() != 1 && constant->size() != outputs) ||
      (constant->size() > 1 && constant->shape().back() != outputs))
    return std::nullopt;
  return constant->floats();
}

/// A product with a constant matrix [K, N], as MatMul or Gemm.
struct MatrixProduct {
  Value x;
  ConstantMatrix matrix;
  /// Gemm's third input.
  Value added;
};

std::optional<MatrixProduct> matchProduct(Value value) {
  value = lookThroughIdentities(value);
  NodeOp node = definedBy(value, "MatMul");
  bool gemm = false;
  if (!node) {
    node = definedBy(value, "Gemm");
    gemm = bool(node);
  }
  if (!node)
    return std::nullopt;
  if (gemm && (getInteger(node, "transA").value_or(0) != 0 ||
               getReal(node, "alpha").value_or(1) != 1 ||
               getReal(node, "beta").value_or(1) != 1))
    return std::nullopt;
  std::optional<ConstantMatrix> matrix = evaluateMatrix(node.getInputs()[1]);
  if (!matrix)
    return std::nullopt;
  if (gemm && getInteger(node, "transB").value_or(0) != 0)
    matrix->transposed = !matrix->transposed;
  return MatrixProduct{lookThroughIdentities(node.getInputs()[0]),
                       std::move(*matrix), gemm ? getInput(node, 2) : Value()};
}

/// `outputs` is what a gate per output has: 1 where only a scalar fits.
std::optional<Gate> matchGate(Value value, int64_t outputs) {
  value = lookThroughIdentities(value);
  Gate gate;
  if (auto values = matchRow(value, outputs)) {
    gate.kind = Gate::Constant;
    gate.values = std::move(*values);
    return gate;
  }
  if (NodeOp tanh = definedBy(value, "Tanh")) {
    auto values = matchRow(tanh.getInputs()[0], outputs);
    if (!values)
      return std::nullopt;
    gate.kind = Gate::Tanh;
    gate.values = std::move(*values);
    return gate;
  }
  NodeOp sigmoid = definedBy(value, "Sigmoid");
  if (!sigmoid)
    return std::nullopt;
  Value logit = lookThroughIdentities(sigmoid.getInputs()[0]);
  std::optional<MatrixProduct> product;
  auto takeBias = [&](Value bias) {
    std::optional<double> scalar = matchScalar(bias);
    if (scalar)
      gate.bias = float(*scalar);
    return scalar.has_value();
  };
  matchCommutative(logit, "Add", [&](Value dot, Value bias) {
    if (!takeBias(bias))
      return false;
    product = matchProduct(dot);
    return product.has_value();
  });
  if (!product)
    product = matchProduct(logit);
  if (!product || product->matrix.width() != 1 ||
      (product->added && !takeBias(product->added)))
    return std::nullopt;
  gate.kind = Gate::Dynamic;
  gate.h = product->x;
  for (int64_t row = 0; row < product->matrix.height(); ++row)
    gate.weight.push_back(product->matrix.at(row, 0));
  return gate;
}

/// The factor B [R, N], with a gate where one multiplies it.
bool matchGatedFactor(Value value, ConstantMatrix &b, Gate &gate) {
  // Folded constants are not looked into: a gate is found as tanh alone.
  bool gated = matchCommutative(value, "Mul", [&](Value factor, Value alpha) {
    if (!definedBy(alpha, "Tanh"))
      return false;
    std::optional<ConstantMatrix> matrix = evaluateMatrix(factor);
    std::optional<Gate> found =
        matrix ? matchGate(alpha, matrix->width()) : std::nullopt;
    if (!found)
      return false;
    b = std::move(*matrix);
    gate = std::move(*found);
    return true;
  });
  if (gated)
    return true;
  std::optional<ConstantMatrix> matrix = evaluateMatrix(value);
  if (matrix)
    b = std::move(*matrix);
  return matrix.has_value();
}

/// x A behind an activation.
bool matchHidden(Value value, Correction &correction) {
  value = lookThroughIdentities(value);
  Value inner = value;
  correction.activation = Activation::SiLU;
  if (NodeOp activation = definedByCanonical(value, "Activation")) {
    auto kind = activation.getNodeAttributes().getAs<StringAttr>("kind");
    if (!kind || kind.getValue() != "silu")
      return false;
    inner = activation.getInputs()[0];
  } else if (NodeOp swish = definedBy(value, "Swish");
             swish && getReal(swish, "alpha").value_or(1) == 1) {
    inner = swish.getInputs()[0];
  } else if (!matchCommutative(value, "Mul", [&](Value h, Value sigmoid) {
               NodeOp node = definedBy(sigmoid, "Sigmoid");
               if (!node || lookThroughIdentities(node.getInputs()[0]) !=
                                lookThroughIdentities(h))
                 return false;
               inner = h;
               return true;
             })) {
    correction.activation = Activation::Identity;
  }
  std::optional<MatrixProduct> product = matchProduct(inner);
  if (!product || product->added)
    return false;
  correction.x = product->x;
  correction.a = std::move(product->matrix);
  return true;
}

std::optional<Correction> matchLowRank(Value value) {
  value = lookThroughIdentities(value);
  NodeOp node = definedBy(value, "MatMul");
  bool turned = false;
  if (!node) {
    node = definedBy(value, "Gemm");
    if (!node || getInput(node, 2) ||
        getInteger(node, "transA").value_or(0) != 0 ||
        getReal(node, "alpha").value_or(1) != 1)
      return std::nullopt;
    turned = getInteger(node, "transB").value_or(0) != 0;
  }
  Correction correction;
  if (!matchGatedFactor(node.getInputs()[1], correction.b, correction.gate))
    return std::nullopt;
  if (turned) {
    // A gate per output on the rows of the transpose is another broadcast.
    if (correction.gate.values.size() > 1)
      return std::nullopt;
    correction.b.transposed = !correction.b.transposed;
  }
  Value h = node.getInputs()[0];
  if (!matchHidden(h, correction)) {
    bool gated =
        correction.gate.kind == Gate::Open &&
        matchCommutative(lookThroughIdentities(h), "Mul",
                         [&](Value hidden, Value alpha) {
                           std::optional<Gate> gate = matchGate(alpha, 1);
                           if (!gate || !matchHidden(hidden, correction))
                             return false;
                           correction.gate = std::move(*gate);
                           return true;
                         });
    if (!gated)
      return std::nullopt;
  }
  if (correction.a.width() != correction.b.height())
    return std::nullopt;
  return correction;
}

std::optional<Correction> matchCorrection(Value value) {
  value = lookThroughIdentities(value);
  if (std::optional<Correction> correction = matchLowRank(value))
    return correction;
  std::optional<Correction> found;
  matchCommutative(value, "Mul", [&](Value product, Value alpha) {
    std::optional<Correction> correction = matchLowRank(product);
    if (!correction || correction->gate.kind != Gate::Open)
      return false;
    std::optional<Gate> gate = matchGate(alpha, correction->b.width());
    if (!gate)
      return false;
    correction->gate = std::move(*gate);
    found = std::move(correction);
    return true;
  });
  return found;
}

/// The ternary linear of a sum, and a constant that was added to it.
struct Backbone {
  NodeOp linear;
  Value bias;
};

int64_t getOutputs(NodeOp linear) {
  return cast<TernaryType>(linear.getInputs()[2].getType()).getRows();
}

class Recogniser {
public:
  explicit Recogniser(MissReport report) : report(report) {}
  void visit(NodeOp sum);

private:
  std::optional<Backbone> matchBackbone(OpBuilder &builder, Value value);
  std::optional<Value> makeBias(OpBuilder &builder, Location location,
                                Value added, int64_t outputs);
  NodeOp withBias(OpBuilder &builder, NodeOp linear, Value bias);
  /// What the correction reads: x, or the dequantized activations.
  Value findSource(OpBuilder &builder, NodeOp linear, Value source);
  Value makeGate(OpBuilder &builder, NodeOp linear, const Gate &gate);
  bool rewrite(NodeOp sum, Value backboneValue, Value correctionValue);

  MissReport report;
};

/// The layer's activations before quantization.
Value getOriginal(NodeOp linear) {
  if (NodeOp quantize = definedByCanonical(linear.getInputs()[0], "Quantize"))
    return lookThroughIdentities(quantize.getInputs()[0]);
  return linear.getInputs()[0];
}

std::optional<Value> Recogniser::makeBias(OpBuilder &builder, Location location,
                                          Value added, int64_t outputs) {
  auto values = matchRow(added, outputs);
  std::optional<ConstantTensor> constant = ConstantTensor::get(added);
  if (!values || constant->rank() > 1)
    return std::nullopt;
  if (values->size() == 1)
    values->assign(outputs, values->front());
  return makeFloatConstant(builder, location, {outputs}, *values, "bias");
}

NodeOp Recogniser::withBias(OpBuilder &builder, NodeOp linear, Value bias) {
  SmallVector<Value> inputs(linear.getInputs());
  inputs[3] = bias;
  return makeCanonical(builder, linear.getLoc(), "TernaryLinear", inputs,
                       linear.getNodeAttributes().getValue());
}

std::optional<Backbone> Recogniser::matchBackbone(OpBuilder &builder,
                                                  Value value) {
  value = lookThroughIdentities(value);
  if (NodeOp linear = definedByCanonical(value, "TernaryLinear"))
    return Backbone{linear, Value()};
  std::optional<Backbone> found;
  matchCommutative(value, "Add", [&](Value product, Value added) {
    NodeOp linear =
        definedByCanonical(lookThroughIdentities(product), "TernaryLinear");
    if (!linear || getInput(linear, 3))
      return false;
    std::optional<Value> bias =
        makeBias(builder, linear.getLoc(), added, getOutputs(linear));
    if (!bias)
      return false;
    found = Backbone{linear, *bias};
    return true;
  });
  return found;
}

Value Recogniser::findSource(OpBuilder &builder, NodeOp linear, Value source) {
  if (source == getOriginal(linear))
    return source;
  NodeOp quantize = definedByCanonical(linear.getInputs()[0], "Quantize");
  std::string why;
  std::optional<Quantizer> quantizer = matchFakeQuantized(source, why);
  if (!quantize || !quantizer ||
      quantizer->x != lookThroughIdentities(quantize.getInputs()[0]) ||
      quantize.getNodeAttributes().getAs<StringAttr>("order").getValue() !=
          stringifyQuantization(quantizer->order))
    return {};
  return makeCanonical(builder, linear.getLoc(), "Dequantize",
                       {quantize.getOutputs()[0], quantize.getOutputs()[1]})
      .getOutputs()[0];
}

Value Recogniser::makeGate(OpBuilder &builder, NodeOp linear,
                           const Gate &gate) {
  Location location = linear.getLoc();
  auto constant = [&](ArrayRef<float> values) {
    SmallVector<int64_t> shape;
    if (values.size() > 1)
      shape.push_back(values.size());
    return makeFloatConstant(builder, location, shape, values, "gate");
  };
  switch (gate.kind) {
  case Gate::Open:
    return makeNone(builder, location);
  case Gate::Constant:
    return constant(gate.values);
  case Gate::Tanh:
    return makeCanonical(builder, location, "StaticGate", constant(gate.values))
        .getOutputs()[0];
  case Gate::Dynamic:
    return makeCanonical(
               builder, location, "DynamicGate",
               {gate.h,
                makeFloatConstant(builder, location,
                                  {int64_t(gate.weight.size())}, gate.weight,
                                  "gate"),
                makeFloatConstant(builder, location, {}, gate.bias, "gate")})
        .getOutputs()[0];
  }
  llvm_unreachable("unknown gate");
}

bool Recogniser::rewrite(NodeOp sum, Value backboneValue,
                         Value correctionValue) {
  OpBuilder builder(sum);
  std::optional<Backbone> backbone = matchBackbone(builder, backboneValue);
  if (!backbone)
    return false;
  std::optional<Correction> correction = matchCorrection(correctionValue);
  if (!correction)
    return false;
  NodeOp linear = backbone->linear;
  Location location = linear.getLoc();
  if (correction->b.width() != getOutputs(linear))
    return false;
  Value source = findSource(builder, linear, correction->x);
  if (!source) {
    report(sum, "the correction reads another value than the layer");
    return false;
  }
  // A gate of the output may read it before or after the bias.
  Value y = linear.getOutputs()[0];
  if (correction->gate.kind == Gate::Dynamic &&
      correction->gate.h != getOriginal(linear) && correction->gate.h != y) {
    report(sum, "the gate reads another value than the layer's input or "
                "output");
    return false;
  }
  // What follows the sum may be a bias, too.
  Value end = sum.getOutputs()[0], bias = backbone->bias;
  if (!bias && !getInput(linear, 3) && end.hasOneUse())
    if (auto user = dyn_cast<NodeOp>(*end.user_begin());
        user && isOperator(user, "Add")) {
      Value added = user.getInputs()[user.getInputs()[0] == end ? 1 : 0];
      if (std::optional<Value> constant =
              makeBias(builder, location, added, getOutputs(linear))) {
        bias = *constant;
        end = user.getOutputs()[0];
      }
    }
  Value c =
      makeCanonical(
          builder, location, "LowRank",
          {source, makeFactorConstant(builder, location, correction->a, true),
           makeFactorConstant(builder, location, correction->b, true),
           makeNone(builder, location), makeNone(builder, location)},
          builder.getNamedAttr(
              "activation", builder.getStringAttr(
                                stringifyActivation(correction->activation))))
          .getOutputs()[0];
  Value alpha = makeGate(builder, linear, correction->gate);
  if (bias)
    y = withBias(builder, linear, bias).getOutputs()[0];
  NodeOp join = makeCanonical(builder, location, "GatedAdd", {y, c, alpha}, {},
                              {end.getType()});
  end.replaceAllUsesWith(join.getOutputs()[0]);
  return true;
}

void Recogniser::visit(NodeOp sum) {
  if (sum->use_empty() || sum.getInputs().size() != 2)
    return;
  Value first = sum.getInputs()[0], second = sum.getInputs()[1];
  if (!rewrite(sum, first, second))
    rewrite(sum, second, first);
}

struct RecogniseCorrections
    : public hgf::impl::RecogniseCorrectionsBase<RecogniseCorrections> {
  using RecogniseCorrectionsBase::RecogniseCorrectionsBase;

  void runOnOperation() override {
    SmallVector<NodeOp> sums = collectNodes(
        getOperation(), [](NodeOp node) { return isOperator(node, "Add"); });
    Recogniser recogniser(MissReport{reportMissed});
    for (NodeOp sum : sums)
      recogniser.visit(sum);
    eraseUnusedNodes(getOperation());
  }
};

} // namespace
