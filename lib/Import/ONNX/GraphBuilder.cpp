//===- GraphBuilder.cpp - From structs to the onnx dialect ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NodeBuilder.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace hgf;
using namespace hgf::onnx;

static constexpr int64_t oldestOperatorSet = 11;
static constexpr int64_t newestOperatorSet = 27;

namespace {
class ModuleBuilder {
public:
  ModuleBuilder(const ImportContext &import, const Model &model)
      : import(import), model(model), builder(&import.context) {}

  FailureOr<OwningOpRef<ModuleOp>> build();

private:
  FailureOr<DictionaryAttr> readOperatorSets(ArrayRef<OperatorSet> sets,
                                             const llvm::Twine &what);
  FailureOr<DictionaryAttr> readMetadata();
  LogicalResult checkDimensionOptions();
  LogicalResult collectFunctions();
  LogicalResult checkRecursion();
  LogicalResult buildFunction(const Function &function);
  LogicalResult buildMain(const Graph &graph);
  LogicalResult addInitializers(const Graph &graph, GraphScope &scope,
                                Block &block);
  DictionaryAttr describeValue(const ValueInfo &info, Type type);

  const ImportContext &import;
  const Model &model;
  OpBuilder builder;
  FunctionTable functions;
};
} // namespace

FailureOr<DictionaryAttr>
ModuleBuilder::readOperatorSets(ArrayRef<OperatorSet> sets,
                                const llvm::Twine &what) {
  NamedAttrList attributes;
  for (const OperatorSet &set : sets) {
    StringRef domain = set.domain.empty() ? "ai.onnx" : set.domain;
    if (domain == "ai.onnx" &&
        (set.version < oldestOperatorSet || set.version > newestOperatorSet))
      return import.error()
             << what << ": expected operator set " << oldestOperatorSet
             << " to " << newestOperatorSet << " but got " << set.version
             << "; convert the model with onnx.version_converter";
    if (attributes.get(domain) &&
        attributes.get(domain) != builder.getI64IntegerAttr(set.version))
      return import.error() << what << ": imports two versions of the operator "
                            << "set '" << domain << "'";
    attributes.set(domain, builder.getI64IntegerAttr(set.version));
  }
  return attributes.getDictionary(&import.context);
}

FailureOr<DictionaryAttr> ModuleBuilder::readMetadata() {
  NamedAttrList attributes;
  for (auto [key, value] : model.metadata) {
    if (key.empty())
      return FailureOr<DictionaryAttr>(
          import.error() << "the model's metadata hold an entry without a key");
    if (attributes.get(key))
      return FailureOr<DictionaryAttr>(
          import.error() << "the model's metadata hold two entries for '" << key
                         << "'");
    attributes.set(key, builder.getStringAttr(value));
  }
  return attributes.getDictionary(&import.context);
}

LogicalResult ModuleBuilder::checkDimensionOptions() {
  llvm::StringSet<> known;
  std::string list;
  for (const auto *infos : {&model.graph->inputs, &model.graph->outputs})
    for (const ValueInfo &info : *infos)
      for (const Dimension &dimension : info.dims)
        if (!dimension.value && !dimension.name.empty() &&
            known.insert(dimension.name).second)
          list += (list.empty() ? "" : ", ") + dimension.name.str();
  for (const auto &[name, length] : import.options.dimensions) {
    if (!known.contains(name))
      return import.error() << "the model has no dimension '" << name << "'; "
                            << (list.empty() ? "all its dimensions are fixed"
                                             : "it has: " + list);
    if (length < 0 || length > (int64_t(1) << 40))
      return import.error()
             << "dimension '" << name
             << "': expected a length from 0 to 2^40 but got " << length;
  }
  return success();
}

LogicalResult ModuleBuilder::collectFunctions() {
  for (const Function &function : model.functions) {
    if (function.name.empty())
      return import.error() << "a model-local function has no name";
    if (!functions
             .try_emplace(getFunctionKey(function.domain, function.name,
                                         function.overload),
                          &function)
             .second)
      return import.error() << "the model defines the function '"
                            << getFunctionKey(function.domain, function.name,
                                              function.overload)
                            << "' twice";
  }
  return checkRecursion();
}

/// Depth-first over the call graph with an explicit stack: a hostile file may
/// chain any number of functions.
LogicalResult ModuleBuilder::checkRecursion() {
  enum class State { Open, Done };
  llvm::DenseMap<const Function *, State> states;
  for (const Function &root : model.functions) {
    SmallVector<std::pair<const Function *, size_t>> stack;
    if (states.try_emplace(&root, State::Open).second)
      stack.push_back({&root, 0});
    while (!stack.empty()) {
      auto &[function, next] = stack.back();
      if (next == function->nodes.size()) {
        states[function] = State::Done;
        stack.pop_back();
        continue;
      }
      const Node &node = function->nodes[next++];
      const Function *callee = functions.lookup(
          getFunctionKey(node.domain, node.opType, node.overload));
      if (!callee)
        continue;
      auto [entry, isNew] = states.try_emplace(callee, State::Open);
      if (isNew)
        stack.push_back({callee, 0});
      else if (entry->second == State::Open)
        return import.error()
               << describeNode(node, 0) << " calls the function '"
               << getFunctionKey(callee->domain, callee->name, callee->overload)
               << "', which is called by itself: functions must not recurse";
    }
  }
  return success();
}

LogicalResult ModuleBuilder::buildFunction(const Function &function) {
  std::string key =
      getFunctionKey(function.domain, function.name, function.overload);
  std::string what = "function '" + key + "'";
  FailureOr<DictionaryAttr> operatorSets =
      readOperatorSets(function.operatorSets, what);
  if (failed(operatorSets))
    return failure();
  NodeBuilder nodes(import, functions, *operatorSets);
  NamedAttrList defaults;
  for (const onnx::Attribute &attribute : function.defaultAttributes)
    if (failed(nodes.addAttribute(attribute, what, defaults)))
      return failure();
  Location location = NameLoc::get(builder.getStringAttr(key));
  auto op = FunctionOp::create(
      builder, location, builder.getStringAttr(key),
      builder.getStrArrayAttr(function.inputs),
      builder.getStrArrayAttr(function.outputs),
      builder.getStrArrayAttr(function.requiredAttributes),
      defaults.getDictionary(&import.context), *operatorSets);
  Block &block = op.getBody().emplaceBlock();
  GraphScope scope(import, what);
  Type unknown = UnknownType::get(&import.context);
  for (StringRef input : function.inputs)
    if (failed(scope.define(input, block.addArgument(unknown, location), what)))
      return failure();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&block);
  if (failed(nodes.build(builder, function.nodes, {}, scope)))
    return failure();
  SmallVector<Value> results;
  for (StringRef output : function.outputs) {
    Value value = scope.lookup(output);
    if (!value)
      return import.error()
             << what << ": no node computes its output '" << output << "'";
    results.push_back(value);
  }
  ReturnOp::create(builder, location, results);
  return success();
}

LogicalResult ModuleBuilder::addInitializers(const Graph &graph,
                                             GraphScope &scope, Block &block) {
  TensorReader reader(import);
  if (graph.hasSparseInitializer)
    return import.error() << "sparse initializers are not supported; store "
                          << "them as dense tensors";
  for (const Tensor &tensor : graph.initializers) {
    std::string what = ("initializer '" + tensor.name + "'").str();
    FailureOr<StoredTensor> stored = reader.read(tensor, what);
    if (failed(stored))
      return failure();
    Value value = ConstantOp::create(
        builder, NameLoc::get(builder.getStringAttr(tensor.name)), stored->type,
        stored->value);
    if (failed(scope.define(tensor.name, value, what)))
      return failure();
  }
  return success();
}

DictionaryAttr ModuleBuilder::describeValue(const ValueInfo &info, Type type) {
  SmallVector<StringRef> names;
  if (auto ranked = dyn_cast<RankedTensorType>(type))
    for (auto [index, length] : llvm::enumerate(ranked.getShape())) {
      bool isNamed = index < info.dims.size() && !info.dims[index].name.empty();
      names.push_back(!ShapedType::isDynamic(length) ? StringRef()
                      : isNamed                      ? info.dims[index].name
                                                     : StringRef("?"));
    }
  return builder.getDictionaryAttr(
      {builder.getNamedAttr("onnx.dims", builder.getStrArrayAttr(names)),
       builder.getNamedAttr("onnx.dtype",
                            builder.getI32IntegerAttr(info.elementType)),
       builder.getNamedAttr("onnx.name", builder.getStringAttr(info.name))});
}

LogicalResult ModuleBuilder::buildMain(const Graph &graph) {
  FailureOr<DictionaryAttr> operatorSets =
      readOperatorSets(model.operatorSets, "the model");
  if (failed(operatorSets))
    return failure();
  GraphScope scope(import, "the graph");
  Location location = builder.getUnknownLoc();
  auto function = func::FuncOp::create(builder, location, "main",
                                       builder.getFunctionType({}, {}));
  Block &block = *function.addEntryBlock();
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&block);

  // Before IR version 4 every initializer was an input, too: it is a constant.
  llvm::StringSet<> initializers;
  for (const Tensor &tensor : graph.initializers)
    initializers.insert(tensor.name);
  SmallVector<Type> inputTypes;
  SmallVector<DictionaryAttr> inputAttributes;
  for (const ValueInfo &info : graph.inputs) {
    if (initializers.contains(info.name))
      continue;
    std::string what = ("input '" + info.name + "'").str();
    FailureOr<Type> type = readType(import, info, what);
    if (failed(type))
      return failure();
    if (isa<UnknownType>(*type))
      return import.error() << what << ": expected a type but the file has "
                            << "none; run onnx.shape_inference or set it";
    Location inputLocation = NameLoc::get(builder.getStringAttr(info.name));
    if (failed(scope.define(info.name, block.addArgument(*type, inputLocation),
                            what)))
      return failure();
    inputTypes.push_back(*type);
    inputAttributes.push_back(describeValue(info, *type));
  }
  if (failed(addInitializers(graph, scope, block)))
    return failure();

  llvm::StringMap<Type> types;
  for (const auto *infos : {&graph.outputs, &graph.valueInfos})
    for (const ValueInfo &info : *infos) {
      std::string what = ("value '" + info.name + "'").str();
      FailureOr<Type> type = readType(import, info, what);
      if (failed(type))
        return failure();
      types.try_emplace(info.name, *type);
    }
  NodeBuilder nodes(import, functions, *operatorSets);
  if (failed(nodes.build(builder, graph.nodes, types, scope)))
    return failure();

  SmallVector<Value> results;
  SmallVector<DictionaryAttr> resultAttributes;
  llvm::StringSet<> outputNames;
  for (const ValueInfo &info : graph.outputs) {
    Value value = scope.lookup(info.name);
    if (!value)
      return import.error()
             << "no node computes the graph's output '" << info.name << "'";
    if (!outputNames.insert(info.name).second)
      return import.error()
             << "the graph has two outputs '" << info.name << "'";
    results.push_back(value);
    resultAttributes.push_back(describeValue(info, types.lookup(info.name)));
  }
  if (results.empty())
    return import.error() << "the graph has no output";
  func::ReturnOp::create(builder, location, results);
  function.setFunctionType(builder.getFunctionType(
      inputTypes, llvm::to_vector(ValueRange(results).getTypes())));
  function.setAllArgAttrs(inputAttributes);
  function.setAllResultAttrs(resultAttributes);
  return success();
}

FailureOr<OwningOpRef<ModuleOp>> ModuleBuilder::build() {
  if (!model.graph)
    return import.error() << "expected an ONNX model but the file holds no "
                          << "graph";
  if (model.irVersion < 3)
    return import.error() << "expected IR version 3 or newer but got "
                          << model.irVersion;
  OwningOpRef<ModuleOp> module = ModuleOp::create(
      builder.getUnknownLoc(),
      model.graph->name.empty() ? std::nullopt
                                : std::optional<StringRef>(model.graph->name));
  builder.setInsertionPointToEnd(module->getBody());
  FailureOr<DictionaryAttr> operatorSets =
      readOperatorSets(model.operatorSets, "the model");
  FailureOr<DictionaryAttr> metadata = failure();
  if (failed(operatorSets) || failed(metadata = readMetadata()) ||
      failed(checkDimensionOptions()) || failed(collectFunctions()))
    return failure();
  (*module)->setAttr("onnx.ir_version",
                     builder.getI64IntegerAttr(model.irVersion));
  (*module)->setAttr("onnx.opsets", *operatorSets);
  (*module)->setAttr("onnx.metadata", *metadata);
  for (const Function &function : model.functions)
    if (failed(buildFunction(function)))
      return failure();
  if (failed(buildMain(*model.graph)))
    return failure();
  return module;
}

FailureOr<OwningOpRef<ModuleOp>>
hgf::onnx::buildModule(const ImportContext &import, const Model &model) {
  return ModuleBuilder(import, model).build();
}
