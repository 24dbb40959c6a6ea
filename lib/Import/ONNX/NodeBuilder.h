//===- NodeBuilder.h - Nodes of graphs and functions ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_IMPORT_ONNX_NODEBUILDER_H
#define HGF_LIB_IMPORT_ONNX_NODEBUILDER_H

#include "Importer.h"

namespace hgf::onnx {

/// Model-local functions by `domain::name::overload`.
using FunctionTable = llvm::StringMap<const Function *>;

std::string getFunctionKey(llvm::StringRef domain, llvm::StringRef name,
                           llvm::StringRef overload);

/// "node 'name' (OpType)", for errors.
std::string describeNode(const Node &node, size_t index);

/// The named values of one graph or function.
class GraphScope {
public:
  GraphScope(const ImportContext &import, llvm::StringRef name)
      : import(import), name(name) {}

  /// Fails if `valueName` is empty or taken. `what` defines it.
  mlir::LogicalResult define(llvm::StringRef valueName, mlir::Value value,
                             llvm::StringRef what);

  /// Null if nothing has defined `valueName` yet.
  mlir::Value lookup(llvm::StringRef valueName) const {
    return values.lookup(valueName);
  }

  llvm::StringRef getName() const { return name; }

private:
  const ImportContext &import;
  std::string name;
  llvm::StringMap<mlir::Value> values;
};

/// Turns nodes into operations.
class NodeBuilder {
public:
  NodeBuilder(const ImportContext &import, const FunctionTable &functions,
              mlir::DictionaryAttr operatorSets)
      : import(import), functions(functions), operatorSets(operatorSets),
        tensorReader(import), builder(&import.context) {}

  /// Appends `nodes` in order at `builder`. `types` tells values' types; all
  /// others are !onnx.unknown.
  mlir::LogicalResult build(mlir::OpBuilder &builder,
                            llvm::ArrayRef<Node> nodes,
                            const llvm::StringMap<mlir::Type> &types,
                            GraphScope &scope);

  /// Converts `attribute` of `what` and adds it to `attributes`.
  mlir::LogicalResult addAttribute(const Attribute &attribute,
                                   llvm::StringRef what,
                                   mlir::NamedAttrList &attributes);

private:
  mlir::LogicalResult checkSupported(const Node &node, llvm::StringRef what);
  mlir::LogicalResult readInputs(mlir::OpBuilder &builder,
                                 llvm::ArrayRef<Node> nodes, size_t index,
                                 llvm::StringRef what, GraphScope &scope,
                                 llvm::SmallVectorImpl<mlir::Value> &inputs);
  mlir::FailureOr<mlir::Attribute> convert(const Attribute &attribute,
                                           llvm::StringRef what);

  const ImportContext &import;
  const FunctionTable &functions;
  mlir::DictionaryAttr operatorSets;
  TensorReader tensorReader;
  mlir::Builder builder;
};

} // namespace hgf::onnx

#endif // HGF_LIB_IMPORT_ONNX_NODEBUILDER_H
