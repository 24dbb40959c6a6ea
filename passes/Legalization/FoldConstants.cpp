//===- FoldConstants.cpp - Subgraphs of initializers become constants -----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphResults.h"
#include "ResourceUses.h"
#include "hgf/Analysis/ConstantFolding.h"
#include "hgf/Analysis/Operands.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "hgf/Passes/Legalization/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSwitch.h"

namespace hgf {
#define GEN_PASS_DEF_ONNXFOLDCONSTANTS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {
class FoldConstants : public hgf::impl::ONNXFoldConstantsBase<FoldConstants> {
public:
  using ONNXFoldConstantsBase::ONNXFoldConstantsBase;
  void runOnOperation() override;

private:
  void foldGraph(func::FuncOp graph);
  bool foldNode(NodeOp node);
  void eraseIfUnused(Operation *operation);

  ResourceUses resources;
};
} // namespace

/// Operators that hand a weight on to a matrix product.
static bool passesWeightOn(StringRef type) {
  return llvm::StringSwitch<bool>(type)
      .Cases({"Transpose", "Reshape", "Cast", "CastLike", "Identity"}, true)
      .Cases({"Squeeze", "Unsqueeze", "Flatten"}, true)
      .Default(false);
}

/// Operators behind which recognition still finds a matrix.
static bool isEvaluated(StringRef type) {
  return llvm::StringSwitch<bool>(type)
      .Cases({"Transpose", "Cast", "Mul", "Div"}, true)
      .Default(false);
}

static bool reachesMatrixProduct(Value value) {
  for (OpOperand &use : value.getUses()) {
    auto node = dyn_cast<NodeOp>(use.getOwner());
    if (!node)
      continue;
    StringRef type = node.getOpType();
    if (type == "MatMul" || type == "Gemm" || type == "FusedMatMul" ||
        (node.getDomain().empty() && passesWeightOn(type) &&
         use.getOperandNumber() == 0 && node.getNumResults() == 1 &&
         reachesMatrixProduct(node.getOutputs()[0])))
      return true;
  }
  return false;
}

/// A quantized weight: dequantized it would take four times the bytes or more,
/// and its codes are what recognition looks for.
static bool isQuantizedWeight(NodeOp node) {
  if (node.getOpType() != "DequantizeLinear" || node.getInputs().empty() ||
      node.getNumResults() != 1)
    return false;
  auto type = dyn_cast<RankedTensorType>(node.getInputs()[0].getType());
  return type && type.getElementType().isInteger() &&
         type.getElementTypeBitWidth() <= 8 &&
         reachesMatrixProduct(node.getOutputs()[0]);
}

/// Whether a product reads `value` as a matrix that recognition evaluates
/// itself, through the operators that it looks through.
static bool isEvaluatedByProduct(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    auto node = dyn_cast<NodeOp>(use.getOwner());
    if (!node || !node.getDomain().empty())
      return false;
    StringRef type = node.getOpType();
    if (type == "MatMul" || type == "Gemm")
      return use.getOperandNumber() == 1;
    return node.getNumResults() == 1 && isEvaluated(type) &&
           isEvaluatedByProduct(node.getOutputs()[0]);
  });
}

/// A weight so large that a copy of it as floats, before recognition has made
/// two bits of each, would be felt.
static bool isLargeWeight(NodeOp node) {
  constexpr int64_t largeCount = int64_t(1) << 20;
  return node.getDomain().empty() && node.getNumResults() == 1 &&
         isEvaluated(node.getOpType()) &&
         llvm::any_of(node.getInputs(),
                      [](Value input) {
                        auto type = dyn_cast<RankedTensorType>(input.getType());
                        return type && type.getRank() == 2 &&
                               type.hasStaticShape() &&
                               type.getNumElements() >= largeCount;
                      }) &&
         isEvaluatedByProduct(node.getOutputs()[0]);
}

/// The input that a node hands on unchanged; null if it does more.
static Value getForwarded(NodeOp node) {
  if (!node.getDomain().empty() || !hasExpectedOperands(node))
    return {};
  if (node.getOpType() == "Identity" && node.getNumResults() == 1)
    return node.getInputs()[0];
  if (node.getOpType() != "Dropout")
    return {};
  // Trained at run time only if the third input says so.
  if (node.getInputs().size() > 2 &&
      !node.getInputs()[2].getDefiningOp<NoneOp>()) {
    auto training = ConstantReader::get(node.getInputs()[2]);
    if (!training || training->getElementCount() != 1 || training->at<bool>(0))
      return {};
  }
  bool usesMask = node.getNumResults() > 1 && !node.getOutputs()[1].use_empty();
  return usesMask ? Value() : node.getInputs()[0];
}

/// The types say the same, or `value` knows more.
static bool mayReplace(Value value, Value replaced) {
  auto known = dyn_cast<ShapedType>(replaced.getType());
  auto own = dyn_cast<ShapedType>(value.getType());
  return !known || !own ||
         (known.getElementType() == own.getElementType() &&
          succeeded(verifyCompatibleShape(known, own)));
}

void FoldConstants::eraseIfUnused(Operation *operation) {
  resources.eraseUnused(operation, [](Operation *) { return false; });
}

bool FoldConstants::foldNode(NodeOp node) {
  if (Value forwarded = getForwarded(node)) {
    if (!mayReplace(forwarded, node.getOutputs()[0]))
      return false;
    node.getOutputs()[0].replaceAllUsesWith(forwarded);
    return true;
  }
  if (isQuantizedWeight(node) || (keepWeights && isLargeWeight(node)))
    return false;
  auto folded = foldConstantNode(node, maxBytes);
  if (!folded)
    return false;
  OpBuilder builder(node);
  for (auto [output, constant] : llvm::zip(node.getOutputs(), *folded)) {
    Value replacement = ConstantOp::create(builder, node.getLoc(),
                                           constant.type, constant.value);
    resources.add(constant.value);
    output.replaceAllUsesWith(replacement);
    if (replacement.use_empty())
      eraseIfUnused(replacement.getDefiningOp());
  }
  return true;
}

void FoldConstants::foldGraph(func::FuncOp graph) {
  // In order, so that every operand is as constant as it gets; an operation
  // that is erased on the way stands before the current one.
  for (Operation &operation :
       llvm::make_early_inc_range(graph.getBody().front()))
    if (auto node = dyn_cast<NodeOp>(operation))
      if (foldNode(node))
        eraseIfUnused(node);
  SmallVector<Operation *> operations;
  for (Operation &operation : graph.getBody().front())
    operations.push_back(&operation);
  // Backwards, users come before what they use: one sweep finds all.
  for (Operation *operation : llvm::reverse(operations)) {
    if (!operation->use_empty() || !isa<NodeOp, ConstantOp, NoneOp>(operation))
      continue;
    if (auto constant = dyn_cast<ConstantOp>(operation))
      resources.remove(constant.getValue());
    operation->erase();
  }
  updateResultTypes(graph);
}

void FoldConstants::runOnOperation() {
  resources = ResourceUses(getOperation());
  for (func::FuncOp graph : getOperation().getOps<func::FuncOp>())
    if (!graph.isDeclaration())
      foldGraph(graph);
}
