//===- InlineFunctions.cpp - Model-local functions into the graph ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphResults.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "hgf/Passes/Legalization/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringSet.h"

namespace hgf {
#define GEN_PASS_DEF_ONNXINLINEFUNCTIONS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {
class InlineFunctions
    : public hgf::impl::ONNXInlineFunctionsBase<InlineFunctions> {
public:
  using ONNXInlineFunctionsBase::ONNXInlineFunctionsBase;
  void runOnOperation() override;

private:
  LogicalResult inlineInto(func::FuncOp graph);
  LogicalResult checkOperatorSets(NodeOp node, FunctionOp function);
  LogicalResult inlineNode(NodeOp node, FunctionOp function,
                           SmallVectorImpl<NodeOp> &worklist);
  FailureOr<DictionaryAttr> resolveAttributes(NodeOp inner, NodeOp call,
                                              FunctionOp function);

  llvm::StringMap<FunctionOp> functions;
  int64_t inlinedNodes = 0;
};
} // namespace

static std::string getSymbol(NodeOp node) {
  return (node.getDomain() + "::" + node.getOpType() +
          "::" + node.getOverload())
      .str();
}

/// Calls that recognise-functions may take as a whole.
static bool isKnownLayer(NodeOp node, FunctionOp function) {
  if (node.getDomain() != "hgf" ||
      (node.getOpType() != "Linear" && node.getOpType() != "OneBitLinear"))
    return false;
  auto version = dyn_cast_or_null<IntegerAttr>(
      function.getDefaultAttributes().get("version"));
  return !version || version.getValue() == 1;
}

LogicalResult InlineFunctions::checkOperatorSets(NodeOp node,
                                                 FunctionOp function) {
  auto outer = getOperation()->getAttrOfType<DictionaryAttr>("onnx.opsets");
  if (!outer)
    return success();
  for (NamedAttribute set : function.getOpsets()) {
    auto version = dyn_cast_or_null<IntegerAttr>(outer.get(set.getName()));
    auto own = dyn_cast<IntegerAttr>(set.getValue());
    if (version && own && version != own)
      return node.emitError()
             << "node '" << getNodeName(node) << "' (" << node.getOpType()
             << "): expected its function to use version " << version.getInt()
             << " of the operator set '" << set.getName().getValue()
             << "', as the model does, but it uses " << own.getInt()
             << "; convert the model to one version";
  }
  return success();
}

FailureOr<DictionaryAttr>
InlineFunctions::resolveAttributes(NodeOp inner, NodeOp call,
                                   FunctionOp function) {
  DictionaryAttr own = inner.getNodeAttributesAttr();
  if (llvm::none_of(own, [](NamedAttribute attribute) {
        return attribute.getName().getValue().starts_with("onnx.ref.");
      }))
    return own;
  NamedAttrList resolved;
  for (NamedAttribute attribute : own) {
    StringRef name = attribute.getName();
    auto reference = dyn_cast<StringAttr>(attribute.getValue());
    if (!name.consume_front("onnx.ref.") || !reference) {
      resolved.set(attribute.getName(), attribute.getValue());
      continue;
    }
    Attribute value = call.getNodeAttributesAttr().get(reference);
    if (!value)
      value = function.getDefaultAttributes().get(reference);
    if (value)
      resolved.set(name, value);
  }
  return resolved.getDictionary(&getContext());
}

LogicalResult InlineFunctions::inlineNode(NodeOp node, FunctionOp function,
                                          SmallVectorImpl<NodeOp> &worklist) {
  if (failed(checkOperatorSets(node, function)))
    return failure();
  for (Attribute required : function.getRequiredAttributes())
    if (!node.getNodeAttributesAttr().get(cast<StringAttr>(required)))
      return node.emitError()
             << "node '" << getNodeName(node) << "' (" << node.getOpType()
             << "): expected the attribute '"
             << cast<StringAttr>(required).getValue()
             << "', which its function requires";
  Block &body = function.getBody().front();
  if (node.getInputs().size() > body.getNumArguments())
    return node.emitError()
           << "node '" << getNodeName(node) << "' (" << node.getOpType()
           << "): expected at most " << body.getNumArguments()
           << " inputs but got " << node.getInputs().size();
  OpBuilder builder(node);
  IRMapping mapping;
  mapping.map(body.getArguments().take_front(node.getInputs().size()),
              node.getInputs());
  for (BlockArgument omitted :
       body.getArguments().drop_front(node.getInputs().size()))
    mapping.map(omitted,
                NoneOp::create(builder, node.getLoc(), builder.getNoneType()));
  std::string prefix = getNodeName(node) + "/";
  SmallVector<Value> results;
  for (Operation &operation : body) {
    if (auto returned = dyn_cast<ReturnOp>(operation)) {
      for (Value output : returned.getOutputs())
        results.push_back(mapping.lookup(output));
      break;
    }
    // A chain of functions that each call two others doubles with every link.
    if (++inlinedNodes > maxNodes)
      return node.emitError()
             << "node '" << getNodeName(node) << "' (" << node.getOpType()
             << "): the model's functions expand to more than " << maxNodes
             << " nodes";
    Operation *clone = builder.clone(operation, mapping);
    if (auto name = dyn_cast<NameLoc>(operation.getLoc()))
      clone->setLoc(
          NameLoc::get(builder.getStringAttr(prefix + name.getName().str())));
    if (auto inner = dyn_cast<NodeOp>(clone)) {
      FailureOr<DictionaryAttr> attributes =
          resolveAttributes(inner, node, function);
      if (failed(attributes))
        return failure();
      inner.setNodeAttributesAttr(*attributes);
      worklist.push_back(inner);
    }
  }
  if (node.getNumResults() > results.size())
    return node.emitError()
           << "node '" << getNodeName(node) << "' (" << node.getOpType()
           << "): expected at most " << results.size() << " outputs but got "
           << node.getNumResults();
  for (auto [outer, inner] : llvm::zip(node.getOutputs(), results)) {
    // The file may tell the type of the call's output, not of the body's.
    if (isa<UnknownType>(inner.getType()) && inner.getDefiningOp<NodeOp>())
      inner.setType(outer.getType());
    outer.replaceAllUsesWith(inner);
  }
  node.erase();
  return success();
}

LogicalResult InlineFunctions::inlineInto(func::FuncOp graph) {
  SmallVector<NodeOp> worklist = llvm::to_vector(graph.getOps<NodeOp>());
  // Taken from the back: what a call expands to is done before the rest.
  while (!worklist.empty()) {
    NodeOp node = worklist.pop_back_val();
    FunctionOp function = functions.lookup(getSymbol(node));
    if (!function || (keepLayers && isKnownLayer(node, function)))
      continue;
    if (failed(inlineNode(node, function, worklist)))
      return failure();
  }
  updateResultTypes(graph);
  return success();
}

void InlineFunctions::runOnOperation() {
  ModuleOp module = getOperation();
  functions.clear();
  inlinedNodes = 0;
  for (FunctionOp function : module.getOps<FunctionOp>())
    functions[function.getSymName()] = function;
  llvm::StringSet<> called;
  for (func::FuncOp graph : module.getOps<func::FuncOp>()) {
    if (graph.isDeclaration())
      continue;
    if (failed(inlineInto(graph)))
      return signalPassFailure();
    for (NodeOp node : graph.getOps<NodeOp>())
      called.insert(getSymbol(node));
  }
  for (auto &[name, function] : functions)
    if (!called.contains(name))
      function.erase();
}
