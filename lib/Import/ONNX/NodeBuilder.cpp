//===- NodeBuilder.cpp - Nodes of graphs and functions --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace hgf;
using namespace hgf::onnx;

static StringRef normalizeDomain(StringRef domain) {
  return domain == "ai.onnx" ? StringRef() : domain;
}

std::string hgf::onnx::getFunctionKey(StringRef domain, StringRef name,
                                      StringRef overload) {
  return (normalizeDomain(domain) + "::" + name + "::" + overload).str();
}

/// A node's name, or the name it goes by in locations if it has none.
static std::string getNodeName(const Node &node, size_t index) {
  if (!node.name.empty())
    return node.name.str();
  return (node.opType + "_" + llvm::Twine(index)).str();
}

std::string hgf::onnx::describeNode(const Node &node, size_t index) {
  return "node '" + getNodeName(node, index) + "' (" + node.opType.str() + ")";
}

LogicalResult GraphScope::define(StringRef valueName, Value value,
                                 StringRef what) {
  if (valueName.empty())
    return import.error() << what << ": expected a name but it has none";
  if (!values.try_emplace(valueName, value).second)
    return import.error() << what << ": the value '" << valueName
                          << "' is defined twice in " << name;
  return success();
}

FailureOr<mlir::Attribute>
NodeBuilder::convert(const onnx::Attribute &attribute, StringRef what) {
  switch (static_cast<AttributeType>(attribute.type)) {
  case AttributeType::Float:
    return mlir::Attribute(builder.getF32FloatAttr(attribute.floatValue));
  case AttributeType::Int:
    return mlir::Attribute(builder.getIntegerAttr(
        builder.getIntegerType(64, /*isSigned=*/true), attribute.intValue));
  case AttributeType::String:
    return mlir::Attribute(builder.getStringAttr(attribute.stringValue));
  case AttributeType::Floats:
    return mlir::Attribute(builder.getDenseF32ArrayAttr(attribute.floats));
  case AttributeType::Ints:
    return mlir::Attribute(builder.getDenseI64ArrayAttr(attribute.ints));
  case AttributeType::Strings: {
    SmallVector<StringRef> strings(attribute.strings.begin(),
                                   attribute.strings.end());
    return mlir::Attribute(builder.getStrArrayAttr(strings));
  }
  case AttributeType::Tensor: {
    if (attribute.tensor.empty())
      return import.error() << what << ": its attribute '" << attribute.name
                            << "' lacks the tensor that its type promises";
    FailureOr<ElementsAttr> elements = tensorReader.readAttribute(
        attribute.tensor.front(),
        what + ", attribute '" + attribute.name + "'");
    if (failed(elements))
      return failure();
    return mlir::Attribute(*elements);
  }
  case AttributeType::Graph:
    return import.error() << what << ": its attribute '" << attribute.name
                          << "' is a graph; control flow is not supported";
  default:
    return import.error() << what << ": expected attribute '" << attribute.name
                          << "' to be a number, a string, a list of them, or "
                             "a tensor but its type is "
                          << attribute.type;
  }
}

LogicalResult NodeBuilder::addAttribute(const onnx::Attribute &attribute,
                                        StringRef what,
                                        NamedAttrList &attributes) {
  if (attribute.name.empty())
    return import.error() << what << ": one of its attributes has no name";
  std::string name = attribute.name.str();
  mlir::Attribute value;
  if (!attribute.referenceName.empty()) {
    name = "onnx.ref." + name;
    value = builder.getStringAttr(attribute.referenceName);
  } else {
    FailureOr<mlir::Attribute> converted = convert(attribute, what);
    if (failed(converted))
      return failure();
    value = *converted;
  }
  if (attributes.get(name))
    return import.error() << what << ": its attribute '" << attribute.name
                          << "' is given twice";
  attributes.set(name, value);
  return success();
}

LogicalResult NodeBuilder::checkSupported(const Node &node, StringRef what) {
  if (node.opType.empty())
    return import.error() << what << ": expected an operator but it has none";
  StringRef domain = normalizeDomain(node.domain);
  const Function *callee =
      functions.lookup(getFunctionKey(domain, node.opType, node.overload));
  if (callee) {
    if (node.inputs.size() > callee->inputs.size() ||
        node.outputs.size() > callee->outputs.size())
      return import.error()
             << what << ": expected at most " << callee->inputs.size()
             << " inputs and " << callee->outputs.size()
             << " outputs, as its function has, but got " << node.inputs.size()
             << " and " << node.outputs.size();
    return success();
  }
  if (domain == "hgf")
    return import.error() << what << ": the model has no function '"
                          << getFunctionKey(domain, node.opType, node.overload)
                          << "'; nodes of domain hgf need one";
  if (!operatorSets.contains(domain.empty() ? "ai.onnx" : domain))
    return import.error() << what << ": its domain '" << domain
                          << "' is not among the operator sets imported";
  if (!domain.empty())
    return success();
  bool isControlFlow = llvm::StringSwitch<bool>(node.opType)
                           .Cases({"If", "Loop", "Scan", "SequenceMap"}, true)
                           .Default(false);
  if (isControlFlow)
    return import.error() << what
                          << ": control flow is not supported; export the "
                             "model with the branch or loop resolved";
  bool isOtherValue =
      llvm::StringSwitch<bool>(node.opType)
          .Cases({"SequenceConstruct", "SequenceEmpty", "SequenceInsert",
                  "SequenceErase", "SequenceAt", "SequenceLength"},
                 true)
          .Cases({"SplitToSequence", "ConcatFromSequence", "Optional",
                  "OptionalGetElement", "OptionalHasElement"},
                 true)
          .Cases({"StringNormalizer", "StringConcat", "StringSplit",
                  "RegexFullMatch", "TfIdfVectorizer"},
                 true)
          .Default(false);
  if (isOtherValue)
    return import.error() << what
                          << ": sequences, optionals and strings are not "
                             "supported; only tensors of numbers are";
  return success();
}

LogicalResult NodeBuilder::readInputs(OpBuilder &builder, ArrayRef<Node> nodes,
                                      size_t index, StringRef what,
                                      GraphScope &scope,
                                      SmallVectorImpl<Value> &inputs) {
  ArrayRef<StringRef> names = nodes[index].inputs;
  // Trailing omitted inputs carry no information.
  while (!names.empty() && names.back().empty())
    names = names.drop_back();
  for (StringRef input : names) {
    if (input.empty()) {
      inputs.push_back(NoneOp::create(
          builder,
          NameLoc::get(builder.getStringAttr(getNodeName(nodes[index], index))),
          builder.getNoneType()));
      continue;
    }
    if (Value value = scope.lookup(input)) {
      inputs.push_back(value);
      continue;
    }
    for (size_t later = index; later < nodes.size(); ++later)
      if (llvm::is_contained(nodes[later].outputs, input))
        return import.error()
               << what << ": its input '" << input << "' comes from "
               << describeNode(nodes[later], later)
               << ", which does not stand before it: nodes must be in "
                  "topological order, without cycles";
    return import.error() << what << ": nothing in " << scope.getName()
                          << " defines its input '" << input << "'";
  }
  return success();
}

LogicalResult NodeBuilder::build(OpBuilder &builder, ArrayRef<Node> nodes,
                                 const llvm::StringMap<Type> &types,
                                 GraphScope &scope) {
  Type unknown = UnknownType::get(&import.context);
  for (size_t index = 0; index < nodes.size(); ++index) {
    const Node &node = nodes[index];
    std::string what = describeNode(node, index);
    Location location =
        NameLoc::get(builder.getStringAttr(getNodeName(node, index)));
    NamedAttrList attributes;
    SmallVector<Value> inputs;
    if (failed(checkSupported(node, what)) ||
        failed(readInputs(builder, nodes, index, what, scope, inputs)))
      return failure();
    // A tensor in a Constant node is as good as an initializer, and as large.
    if (normalizeDomain(node.domain).empty() && node.opType == "Constant" &&
        inputs.empty() && node.outputs.size() == 1 &&
        node.attributes.size() == 1 && node.attributes[0].name == "value" &&
        !node.attributes[0].tensor.empty()) {
      FailureOr<StoredTensor> stored =
          tensorReader.read(node.attributes[0].tensor[0], what);
      if (failed(stored) ||
          failed(scope.define(node.outputs[0],
                              ConstantOp::create(builder, location,
                                                 stored->type, stored->value),
                              what)))
        return failure();
      continue;
    }
    for (const onnx::Attribute &attribute : node.attributes)
      if (failed(addAttribute(attribute, what, attributes)))
        return failure();
    SmallVector<Type> outputTypes;
    for (StringRef output : node.outputs) {
      auto known = types.find(output);
      outputTypes.push_back(
          output.empty() || known == types.end() ? unknown : known->second);
    }
    auto op =
        NodeOp::create(builder, location, outputTypes,
                       builder.getStringAttr(normalizeDomain(node.domain)),
                       builder.getStringAttr(node.opType),
                       builder.getStringAttr(node.overload),
                       attributes.getDictionary(&import.context), inputs);
    for (auto [name, value] : llvm::zip(node.outputs, op.getOutputs()))
      if (!name.empty() && failed(scope.define(name, value, what)))
        return failure();
  }
  return success();
}
