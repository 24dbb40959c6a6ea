//===- RecogniseTernary.cpp - Ternary linears in plain operators --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ResourceUses.h"
#include "ConstantMatrix.h"
#include "Quantizer.h"
#include "TernaryWeight.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace hgf {
#define GEN_PASS_DEF_RECOGNISETERNARY
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// A product of activations with a constant, whatever operator makes it.
struct Product {
  NodeOp node;
  Value x;
  /// [N, K] if `rowsAreOutputs`, else [K, N].
  ConstantMatrix weight;
  bool rowsAreOutputs = false;
  /// Added to the product: [N] or one.
  std::vector<double> bias;
  Value dynamicBias;
  double alpha = 1;
  /// x holds int8 codes and the result int32.
  bool integer = false;
  StringRef form = "a";

  int64_t outputs() const {
    return rowsAreOutputs ? weight.height() : weight.width();
  }
  int64_t inputs() const {
    return rowsAreOutputs ? weight.width() : weight.height();
  }
};

bool isMatrixProduct(Operation *operation) {
  auto node = dyn_cast<NodeOp>(operation);
  return node && (isOperator(node, "MatMul") || isOperator(node, "Gemm") ||
                  isOperator(node, "MatMulInteger") ||
                  isOperator(node, "MatMulNBits", "com.microsoft"));
}

/// Reads the operators that multiply by a matrix. The empty reason says that
/// the node multiplies by no constant at all.
class ProductReader {
public:
  std::optional<Product> read(NodeOp node, std::string &why) {
    product.node = node;
    bool found = false;
    if (isOperator(node, "MatMul"))
      found = readMatMul(1);
    else if (isOperator(node, "Gemm"))
      found = readGemm();
    else if (isOperator(node, "MatMulInteger"))
      found = readInteger(why);
    else if (isOperator(node, "MatMulNBits", "com.microsoft"))
      found = readBlocks(why);
    return found ? std::optional(std::move(product)) : std::nullopt;
  }

private:
  bool readMatMul(unsigned index) {
    std::optional<ConstantMatrix> weight =
        evaluateMatrix(product.node.getInputs()[index]);
    if (!weight)
      return false;
    product.x = lookThroughIdentities(product.node.getInputs()[0]);
    if (isDequantized(product.node.getInputs()[index]))
      product.form = "b";
    product.weight = std::move(*weight);
    return true;
  }

  bool readGemm() {
    NodeOp node = product.node;
    if (getInteger(node, "transA").value_or(0) != 0 || !readMatMul(1))
      return false;
    if (getInteger(node, "transB").value_or(0) != 0)
      product.weight.transposed = !product.weight.transposed;
    product.alpha = getReal(node, "alpha").value_or(1);
    Value added = getInput(node, 2);
    double beta = getReal(node, "beta").value_or(1);
    if (!added || beta == 0)
      return true;
    std::optional<std::vector<double>> bias =
        matchPerOutput(added, product.outputs(), 2);
    if (bias)
      product.bias = std::move(*bias);
    else if (beta == 1)
      product.dynamicBias = added;
    else
      return false;
    for (double &value : product.bias)
      value *= beta;
    return true;
  }

  bool readInteger(std::string &why) {
    NodeOp node = product.node;
    std::optional<ConstantTensor> codes =
        ConstantTensor::get(node.getInputs()[1]);
    if (!codes || codes->rank() != 2)
      return false;
    if (node.getInputs()[0].getDefiningOp<NodeOp>() &&
        definedBy(node.getInputs()[0], "DynamicQuantizeLinear")) {
      why = "DynamicQuantizeLinear quantizes per tensor to unsigned integers; "
            "expected int8 per token";
      return false;
    }
    std::optional<ConstantMatrix> weight = evaluateMatrix(node.getInputs()[1]);
    if (Value zero = getInput(node, 2);
        zero && getScalarConstant(zero) != 0.0) {
      why = "activations have a zero point; expected 0";
      return false;
    }
    if (Value zero = getInput(node, 3)) {
      std::optional<ConstantTensor> zeros = ConstantTensor::get(zero);
      int64_t columns = weight->columns;
      if (!zeros || (zeros->size() != 1 && zeros->size() != columns)) {
        why = "the weight's zero points are no constants";
        return false;
      }
      for (auto [index, value] : llvm::enumerate(weight->edit()))
        value -= float((*zeros)[zeros->size() == 1 ? 0 : index % columns]);
    }
    product.weight = std::move(*weight);
    product.x = node.getInputs()[0];
    product.integer = true;
    product.form = "c";
    return true;
  }

  bool readBlocks(std::string &why) {
    NodeOp node = product.node;
    if (getInteger(node, "bits") != 2)
      return false;
    std::optional<ConstantMatrix> weight = evaluateBlockWeight(node, why);
    if (!weight)
      return false;
    product.weight = std::move(*weight);
    product.rowsAreOutputs = true;
    product.x = lookThroughIdentities(node.getInputs()[0]);
    product.form = "d";
    if (Value added = getInput(node, 5)) {
      std::optional<std::vector<double>> bias =
          matchPerOutput(added, product.outputs(), 1);
      if (!bias) {
        why = "its bias is no constant";
        return false;
      }
      product.bias = std::move(*bias);
    }
    return true;
  }

  Product product;
};

/// The chain of multiplications behind a product, each the only reader of the
/// one before.
struct Chain {
  Value end;
  Factor factor;
};

/// Follows the product to the farthest point at which a/127 stands to `power`.
std::optional<Chain> followScales(const Product &product,
                                  const Quantizer *quantizer, int power) {
  std::optional<Chain> best;
  Chain chain;
  chain.end = NodeOp(product.node).getOutputs()[0];
  std::optional<int64_t> rank = findRank(product.x);
  if (power == 0 && !product.integer)
    best = chain;
  // What is added before the scale is scaled, too.
  if (!product.bias.empty() || product.dynamicBias)
    return best;
  bool isFloat = !product.integer;
  while (chain.end.hasOneUse()) {
    auto user = dyn_cast<NodeOp>(*chain.end.user_begin());
    if (!user || user.getOutputs().size() != 1)
      break;
    Value result = user.getOutputs()[0];
    bool first = user.getInputs()[0] == chain.end;
    if (isOperator(user, "Cast")) {
      constexpr int64_t onnxFloat = 1;
      if (getInteger(user, "to") != onnxFloat ||
          (isFloat && lookThroughIdentities(result) == result))
        break;
      isFloat = true;
    } else if (isOperator(user, "Identity")) {
    } else if (isFloat && (isOperator(user, "Mul") ||
                           (isOperator(user, "Div") && first))) {
      std::optional<Factor> factor = matchFactor(
          user.getInputs()[first ? 1 : 0], quantizer, product.outputs(), rank);
      if (!factor || !chain.factor.multiply(*factor, user.getOpType() == "Div"))
        break;
    } else {
      break;
    }
    chain.end = result;
    if (isFloat && chain.factor.power == power)
      best = chain;
  }
  return best;
}

class Recogniser {
public:
  Recogniser(MissReport report, Operation *root)
      : report(report), resources(root) {}

  void visit(NodeOp node);

  /// Lines of the report for products that almost are ternary linears.
  ArrayRef<Attribute> getMissed() const { return missed; }

private:
  /// How the activations reach the product.
  struct Activations {
    std::optional<Quantizer> quantizer;
    Chain chain;
    StringRef form;
  };
  std::optional<Activations> findActivations(const Product &product,
                                             std::string &why);
  void rewrite(const Product &product, TernaryWeight weight,
               const Activations &activations);
  /// A block-quantized product that is not ternary, as float product.
  void expandBlocks(const Product &product);

  /// Says that the product stays ordinary code.
  void miss(NodeOp node, const Product *product, StringRef why);

  MissReport report;
  ResourceUses resources;
  SmallVector<Attribute> missed;
};

std::optional<Recogniser::Activations>
Recogniser::findActivations(const Product &product, std::string &why) {
  Activations result;
  if (!product.integer) {
    if ((result.quantizer = matchFakeQuantized(product.x, why))) {
      result.chain = *followScales(product, &*result.quantizer, 0);
      result.form = "e";
      return result;
    }
  }
  if ((result.quantizer = matchCodes(product.x, why))) {
    if (std::optional<Chain> chain =
            followScales(product, &*result.quantizer, 1)) {
      result.chain = *chain;
      result.form = product.form;
      return result;
    }
    why = "the product with quantized activations is not multiplied by their "
          "scale max(|x|) / 127";
    result.quantizer.reset();
  }
  if (product.integer) {
    if (why.empty())
      why = "its activations are not quantized to int8 per token";
    return std::nullopt;
  }
  result.chain = *followScales(product, nullptr, 0);
  result.form = product.form;
  return result;
}

void Recogniser::expandBlocks(const Product &product) {
  NodeOp node = product.node;
  OpBuilder builder(node);
  Location location = node.getLoc();
  std::vector<float> values(product.inputs() * product.outputs());
  for (int64_t row = 0; row < product.outputs(); ++row)
    for (int64_t column = 0; column < product.inputs(); ++column)
      values[column * product.outputs() + row] = product.weight.at(row, column);
  Value weight = makeFloatConstant(builder, location,
                                   {product.inputs(), product.outputs()},
                                   values, "weight");
  Type type = node.getOutputs()[0].getType();
  auto make = [&](StringRef operatorType, Value first, Value second) -> Value {
    return NodeOp::create(builder, location, type, "", operatorType, "",
                          builder.getDictionaryAttr({}),
                          ValueRange{first, second})
        .getOutputs()[0];
  };
  Value y = make("MatMul", node.getInputs()[0], weight);
  if (Value bias = getInput(node, 5))
    y = make("Add", y, bias);
  node.getOutputs()[0].replaceAllUsesWith(y);
  node.erase();
}

void Recogniser::rewrite(const Product &product, TernaryWeight weight,
                         const Activations &activations) {
  Factor factor = activations.chain.factor;
  std::vector<float> scales;
  scales.reserve(factor.values.size());
  for (double value : factor.values)
    scales.push_back(float(value * product.alpha));
  if (scales.size() > 1 || scales[0] != 1.0f)
    weight.scale(scales);

  NodeOp node = product.node;
  OpBuilder builder(node);
  Location location = node.getLoc();
  Value none = makeNone(builder, location), x = product.x, scale = none;
  auto text = [&](StringRef name, StringRef value) {
    return builder.getNamedAttr(name, builder.getStringAttr(value));
  };
  if (activations.quantizer) {
    Type unknown = UnknownType::get(builder.getContext());
    NodeOp quantize = makeCanonical(
        builder, location, "Quantize", activations.quantizer->x,
        text("order", stringifyQuantization(activations.quantizer->order)),
        {unknown, unknown});
    x = quantize.getOutputs()[0];
    scale = quantize.getOutputs()[1];
  }
  auto makeBias = [&](ArrayRef<double> values) {
    std::vector<float> bias(product.outputs(), float(values[0]));
    if (values.size() > 1)
      bias.assign(values.begin(), values.end());
    return makeFloatConstant(builder, location, {product.outputs()}, bias,
                             "bias");
  };
  Value end = activations.chain.end, bias = none;
  if (!product.bias.empty()) {
    bias = makeBias(product.bias);
  } else if (!product.dynamicBias && end.hasOneUse()) {
    auto user = dyn_cast<NodeOp>(*end.user_begin());
    if (user && isOperator(user, "Add")) {
      bool first = user.getInputs()[0] == end;
      if (auto values =
              matchPerOutput(user.getInputs()[first ? 1 : 0], product.outputs(),
                             findRank(product.x))) {
        bias = makeBias(*values);
        end = user.getOutputs()[0];
      }
    }
  }
  Value y =
      makeCanonical(builder, location, "TernaryLinear",
                    {x, scale, weight.materialize(builder, location), bias},
                    text("form", activations.form))
          .getOutputs()[0];
  if (product.dynamicBias)
    y = NodeOp::create(builder, location, end.getType(), "", "Add", "",
                       builder.getDictionaryAttr({}),
                       ValueRange{y, product.dynamicBias})
            .getOutputs()[0];
  y.setType(end.getType());
  end.replaceAllUsesWith(y);
  // Before the next weight is read. Other products are still to be visited.
  resources.eraseUnused(end.getDefiningOp(), [&](Operation *operation) {
    return operation != node && isMatrixProduct(operation);
  });
}

void Recogniser::miss(NodeOp node, const Product *product, StringRef why) {
  report(node, why);
  Builder builder(node);
  SmallVector<NamedAttribute> line;
  auto add = [&](StringRef name, Attribute value) {
    line.push_back(builder.getNamedAttr(name, value));
  };
  add("form", builder.getStringAttr("float"));
  add("kernel", builder.getStringAttr("none"));
  add("missed", builder.getStringAttr(why));
  auto name = node.getLoc()->findInstanceOf<NameLoc>();
  add("node", name ? name.getName() : builder.getStringAttr(node.getOpType()));
  if (product) {
    add("rows", builder.getI64IntegerAttr(product->outputs()));
    add("columns", builder.getI64IntegerAttr(product->inputs()));
  }
  missed.push_back(builder.getDictionaryAttr(line));
}

void Recogniser::visit(NodeOp node) {
  if (node->use_empty())
    return;
  std::string why;
  std::optional<Product> product = ProductReader().read(node, why);
  if (!product) {
    if (!why.empty())
      miss(node, nullptr, why);
    return;
  }
  bool near = false;
  const ConstantMatrix &matrix = product->weight;
  // Stored row by row as [N, K], or as its transpose.
  bool storedByOutput = product->rowsAreOutputs != matrix.transposed;
  std::optional<TernaryWeight> weight =
      findTernaryWeight(matrix.values, product->outputs(), product->inputs(),
                        !storedByOutput, why, near);
  if (!weight)
    weight = findTwoBitWeight(matrix.values, product->outputs(),
                              product->inputs(), !storedByOutput);
  std::string activationReason;
  if (!weight) {
    // A layer of floats is none of ours, unless it quantizes like one.
    std::optional<Activations> activations =
        findActivations(*product, activationReason);
    if (near || product->form == "d" || product->integer ||
        (activations && activations->quantizer) || !activationReason.empty())
      miss(node, &*product, why);
    if (product->form == "d")
      expandBlocks(*product);
    return;
  }
  std::optional<Activations> activations =
      findActivations(*product, activationReason);
  if (!activations)
    return miss(node, &*product, activationReason);
  if (!activationReason.empty())
    report(node, activationReason);
  rewrite(*product, std::move(*weight), *activations);
}

struct RecogniseTernary
    : public hgf::impl::RecogniseTernaryBase<RecogniseTernary> {
  using RecogniseTernaryBase::RecogniseTernaryBase;

  void runOnOperation() override {
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), isMatrixProduct);
    Recogniser recogniser(MissReport{reportMissed}, getOperation());
    for (NodeOp node : nodes)
      recogniser.visit(node);
    if (!recogniser.getMissed().empty())
      getOperation()->setAttr(
          "hgf.report", ArrayAttr::get(&getContext(), recogniser.getMissed()));
    eraseUnusedNodes(getOperation());
  }
};

} // namespace
