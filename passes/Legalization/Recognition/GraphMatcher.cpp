//===- GraphMatcher.cpp - Matching subgraphs of the ONNX graph ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphMatcher.h"

#include "hgf/Analysis/Operands.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace hgf;

bool hgf::isOperator(NodeOp node, StringRef operatorType, StringRef domain) {
  return node.getOpType() == operatorType && node.getDomain() == domain &&
         hasExpectedOperands(node);
}

NodeOp hgf::definedBy(Value value, StringRef operatorType) {
  auto node = value ? value.getDefiningOp<NodeOp>() : NodeOp();
  return node && isOperator(node, operatorType) ? node : NodeOp();
}

NodeOp hgf::definedByCanonical(Value value, StringRef operatorType) {
  auto node = value ? value.getDefiningOp<NodeOp>() : NodeOp();
  return node && node.getDomain() == canonicalDomain &&
                 node.getOpType() == operatorType
             ? node
             : NodeOp();
}

Value hgf::getInput(NodeOp node, unsigned index) {
  if (index >= node.getInputs().size())
    return {};
  Value input = node.getInputs()[index];
  return input.getDefiningOp<NoneOp>() ? Value() : input;
}

std::optional<int64_t> hgf::getInteger(NodeOp node, StringRef attribute) {
  auto value = node.getNodeAttributes().getAs<IntegerAttr>(attribute);
  if (!value)
    return std::nullopt;
  return value.getValue().getSExtValue();
}

std::optional<double> hgf::getReal(NodeOp node, StringRef attribute) {
  auto value = node.getNodeAttributes().getAs<FloatAttr>(attribute);
  if (!value)
    return std::nullopt;
  return value.getValueAsDouble();
}

/// Operators whose result has the element type of the first input.
static bool keepsElementType(StringRef operatorType) {
  return llvm::is_contained<StringRef>({"Abs",
                                        "Add",
                                        "Clip",
                                        "Concat",
                                        "Div",
                                        "Expand",
                                        "Exp",
                                        "Flatten",
                                        "Gather",
                                        "Gemm",
                                        "Identity",
                                        "MatMul",
                                        "Max",
                                        "Min",
                                        "Mul",
                                        "Neg",
                                        "Pow",
                                        "ReduceMax",
                                        "ReduceMean",
                                        "Reciprocal",
                                        "Relu",
                                        "Reshape",
                                        "Round",
                                        "Sigmoid",
                                        "Slice",
                                        "Softmax",
                                        "Split",
                                        "Sqrt",
                                        "Squeeze",
                                        "Sub",
                                        "Swish",
                                        "Tanh",
                                        "Transpose",
                                        "Unsqueeze",
                                        "Gelu",
                                        "RMSNormalization",
                                        "LayerNormalization"},
                                       operatorType);
}

Type hgf::findElementType(Value value) {
  // Deep enough for any chain of layers between two typed values.
  for (int depth = 0; depth < 64; ++depth) {
    if (auto type = dyn_cast<ShapedType>(value.getType()))
      return type.getElementType();
    auto node = value.getDefiningOp<NodeOp>();
    if (!node || node.getInputs().empty())
      return {};
    Builder builder(node.getContext());
    if (node.getDomain() == canonicalDomain)
      return node.getOpType() == "Quantize" &&
                     value == node.getOutputs().front()
                 ? builder.getI8Type()
                 : Type(builder.getF32Type());
    if (isOperator(node, "Cast")) {
      constexpr int64_t onnxFloat = 1;
      return getInteger(node, "to") == onnxFloat ? Type(builder.getF32Type())
                                                 : Type();
    }
    if (!keepsElementType(node.getOpType()))
      return {};
    value = node.getInputs().front();
  }
  return {};
}

bool hgf::isFloat32(Value value) {
  Type type = findElementType(value);
  return type && type.isF32();
}

std::optional<int64_t> hgf::findRank(Value value) {
  for (int depth = 0; depth < 64; ++depth) {
    if (auto type = dyn_cast<RankedTensorType>(value.getType()))
      return type.getRank();
    auto node = value.getDefiningOp<NodeOp>();
    if (!node || node.getInputs().empty())
      return std::nullopt;
    bool keepsRank =
        llvm::is_contained<StringRef>(
            {"Abs", "Cast", "Clip", "Identity", "Relu", "Round", "Sigmoid",
             "Tanh", "RMSNormalization", "Softmax", "Swish", "Transpose"},
            node.getOpType()) ||
        (node.getDomain() == canonicalDomain && node.getOpType() != "Quantize");
    if (!keepsRank)
      return std::nullopt;
    value = node.getInputs().front();
  }
  return std::nullopt;
}

Value hgf::lookThroughIdentities(Value value) {
  while (auto node = value.getDefiningOp<NodeOp>()) {
    bool identity = isOperator(node, "Identity");
    if (isOperator(node, "Cast")) {
      Type from = findElementType(node.getInputs()[0]);
      identity = from && from == findElementType(node.getOutputs()[0]);
    }
    if (!identity)
      break;
    value = node.getInputs()[0];
  }
  return value;
}

Value hgf::lookThroughCasts(Value value) {
  while (auto node = value.getDefiningOp<NodeOp>()) {
    if (!isOperator(node, "Identity") && !isOperator(node, "Cast") &&
        !isOperator(node, "CastLike"))
      break;
    value = node.getInputs()[0];
  }
  return value;
}

std::optional<double> hgf::matchScalar(Value value) {
  return value ? getScalarConstant(lookThroughCasts(value)) : std::nullopt;
}

bool hgf::isScalar(Value value, double expected) {
  std::optional<double> found = matchScalar(value);
  return found && float(*found) == float(expected);
}

bool hgf::matchCommutative(Value value, StringRef operatorType,
                           llvm::function_ref<bool(Value, Value)> match) {
  NodeOp node = definedBy(value, operatorType);
  if (!node || node.getInputs().size() != 2)
    return false;
  Value first = node.getInputs()[0], second = node.getInputs()[1];
  return match(first, second) || match(second, first);
}

bool hgf::isSame(Value first, Value second) {
  return lookThroughIdentities(first) == lookThroughIdentities(second);
}

Value hgf::matchSquare(Value value) {
  value = lookThroughIdentities(value);
  if (NodeOp power = definedBy(value, "Pow"))
    return isScalar(power.getInputs()[1], 2)
               ? lookThroughIdentities(power.getInputs()[0])
               : Value();
  NodeOp product = definedBy(value, "Mul");
  if (!product || !isSame(product.getInputs()[0], product.getInputs()[1]))
    return {};
  return lookThroughIdentities(product.getInputs()[0]);
}

Value hgf::matchLastMean(Value value) {
  NodeOp reduce = definedBy(lookThroughIdentities(value), "ReduceMean");
  if (!reduce || getInteger(reduce, "keepdims").value_or(1) != 1)
    return {};
  std::optional<double> axis;
  if (Value axes = getInput(reduce, 1))
    axis = getScalarConstant(axes);
  else if (auto list =
               reduce.getNodeAttributes().getAs<DenseI64ArrayAttr>("axes");
           list && list.size() == 1)
    axis = double(list[0]);
  Value x = reduce.getInputs()[0];
  std::optional<int64_t> rank = findRank(x);
  if (!axis || (*axis != -1 && !(rank && *axis == *rank - 1)))
    return {};
  return lookThroughIdentities(x);
}

NodeOp hgf::makeCanonical(OpBuilder &builder, Location location,
                          StringRef operatorType, ValueRange inputs,
                          ArrayRef<NamedAttribute> attributes,
                          ArrayRef<Type> resultTypes) {
  SmallVector<Type> types(resultTypes);
  if (types.empty())
    types.push_back(UnknownType::get(builder.getContext()));
  return NodeOp::create(builder, location, types, canonicalDomain, operatorType,
                        "", builder.getDictionaryAttr(attributes), inputs);
}

Value hgf::makeNone(OpBuilder &builder, Location location) {
  return NoneOp::create(builder, location, builder.getNoneType());
}

SmallVector<NodeOp> hgf::collectNodes(Operation *root,
                                      llvm::function_ref<bool(NodeOp)> wanted) {
  SmallVector<NodeOp> nodes;
  root->walk([&](NodeOp node) {
    if (node->getParentOfType<func::FuncOp>() && wanted(node))
      nodes.push_back(node);
  });
  return nodes;
}

void hgf::eraseUnusedNodes(Operation *root) {
  SmallVector<Operation *> candidates;
  root->walk([&](Operation *op) {
    if (isa<NodeOp, NoneOp, ConstantOp>(op))
      candidates.push_back(op);
  });
  // Users come after what they use.
  for (Operation *op : llvm::reverse(candidates))
    if (op->use_empty())
      op->erase();
}

std::string hgf::describe(NodeOp node) {
  std::string text = "node";
  if (auto name = node.getLoc()->findInstanceOf<NameLoc>())
    text += " '" + name.getName().str() + "'";
  return text + " (" + node.getOpType().str() + ")";
}

void MissReport::operator()(NodeOp node, const Twine &reason) const {
  if (enabled)
    node.emitRemark() << describe(node)
                      << " is not taken as a ternary layer: " << reason;
}
