//===- GraphMatcher.h - Matching subgraphs of the ONNX graph -*- C++ -* -===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_GRAPHMATCHER_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_GRAPHMATCHER_H

#include "ConstantTensor.h"
#include "mlir/IR/Builders.h"

namespace hgf {

/// The domain of the canonical nodes that recognition makes, which
/// `convert-onnx-to-linalg` turns into operations of the hgf dialect.
inline constexpr llvm::StringLiteral canonicalDomain = "hgf";

/// Whether `node` is `operatorType` of `domain` and has the operands that this
/// operator takes: those that it needs may be read by their position.
bool isOperator(NodeOp node, llvm::StringRef operatorType,
                llvm::StringRef domain = "");
/// The node that defines `value` if it is `operatorType` of ONNX's own domain.
NodeOp definedBy(mlir::Value value, llvm::StringRef operatorType);
/// The same for the canonical domain.
NodeOp definedByCanonical(mlir::Value value, llvm::StringRef operatorType);

/// Input `index`, or null where it is omitted.
mlir::Value getInput(NodeOp node, unsigned index);
std::optional<int64_t> getInteger(NodeOp node, llvm::StringRef attribute);
std::optional<double> getReal(NodeOp node, llvm::StringRef attribute);

/// The element type of `value` as far as the graph tells it, or null.
mlir::Type findElementType(mlir::Value value);
/// Whether the graph tells that `value` holds float32.
bool isFloat32(mlir::Value value);
/// The rank of `value` where the graph tells it.
std::optional<int64_t> findRank(mlir::Value value);

/// `value` before identities and casts to the type it already has.
mlir::Value lookThroughIdentities(mlir::Value value);
/// `value` before identities and any casts: only for values that every type
/// on the way holds exactly, such as int8 codes.
mlir::Value lookThroughCasts(mlir::Value value);

/// The value of a constant with one element, also where a CastLike wraps it.
std::optional<double> matchScalar(mlir::Value value);
bool isScalar(mlir::Value value, double expected);

/// Whether `value` is `operatorType` of two inputs. Calls `match` with the
/// inputs in both orders until it returns true.
bool matchCommutative(mlir::Value value, llvm::StringRef operatorType,
                      llvm::function_ref<bool(mlir::Value, mlir::Value)> match);

/// Whether two values are one, identities aside.
bool isSame(mlir::Value first, mlir::Value second);
/// x of x * x, as a product or a power; or null.
mlir::Value matchSquare(mlir::Value value);
/// x of the mean of x over its last dimension, which stays as 1; or null.
mlir::Value matchLastMean(mlir::Value value);

/// Makes a canonical node. `resultTypes` empty: one of unknown type.
NodeOp makeCanonical(mlir::OpBuilder &builder, mlir::Location location,
                     llvm::StringRef operatorType, mlir::ValueRange inputs,
                     llvm::ArrayRef<mlir::NamedAttribute> attributes = {},
                     llvm::ArrayRef<mlir::Type> resultTypes = {});
mlir::Value makeNone(mlir::OpBuilder &builder, mlir::Location location);

/// The nodes in functions below `root` that `wanted` takes, in their order: a
/// list, because what is done with one may erase others.
llvm::SmallVector<NodeOp> collectNodes(mlir::Operation *root,
                                       llvm::function_ref<bool(NodeOp)> wanted);

/// Erases nodes and constants below `root` that nothing reads.
void eraseUnusedNodes(mlir::Operation *root);

/// "node 'NAME' (OpType)".
std::string describe(NodeOp node);

/// Says at a node why it was not taken, where reports are asked for.
struct MissReport {
  bool enabled = false;
  void operator()(NodeOp node, const llvm::Twine &reason) const;
};

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_GRAPHMATCHER_H
