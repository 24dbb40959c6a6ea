//===- ConvertONNXToLinalg.cpp - ONNX nodes to linalg ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk over @main in its own order instead of a dialect conversion: a
// node's lowering depends on what its inputs turned into (dimensions, known
// elements, constants), never on its users.
//
//===----------------------------------------------------------------------===//

#include "ConvertONNXToLinalg/LoweringContext.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace hgf {
#define GEN_PASS_DEF_CONVERTONNXTOLINALG
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

LoweringTable makeTable() {
  LoweringTable table;
  populateElementwiseLowerings(table);
  populateActivationLowerings(table);
  populateShapeLowerings(table);
  populateSliceLowerings(table);
  populateScatterLowerings(table);
  populateReductionLowerings(table);
  populateQuantizationLowerings(table);
  populateNormalizationLowerings(table);
  populateGatherLowerings(table);
  populateAttentionLowerings(table);
  populateMatmulLowerings(table);
  populateHGFLowerings(table);
  populateRotaryLowerings(table);
  return table;
}

struct ConvertONNXToLinalg
    : public hgf::impl::ConvertONNXToLinalgBase<ConvertONNXToLinalg> {
  using ConvertONNXToLinalgBase::ConvertONNXToLinalgBase;

  /// Names every kind of node that has no handler, in one go.
  LogicalResult reportUnsupported(func::FuncOp function,
                                  const LoweringTable &table,
                                  LoweringContext &context) {
    llvm::MapVector<StringRef, SmallVector<NodeOp>> missing;
    for (NodeOp node : function.getOps<NodeOp>())
      if (!table.find(node.getDomain(), node.getOpType()))
        missing[node.getOpType()].push_back(node);
    for (auto &[type, nodes] : missing) {
      InFlightDiagnostic diagnostic =
          NodeLowering(nodes.front(), context).error();
      diagnostic << "not supported";
      if (nodes.size() > 1)
        diagnostic << " (" << nodes.size() << " nodes of this kind)";
      StringRef domain = nodes.front().getDomain();
      if (type == "If" || type == "Loop" || type == "Scan")
        diagnostic << "; export the model without control flow";
      else if (!domain.empty() && domain != "ai.onnx")
        diagnostic << "; export it as standard operators, or as a model-local "
                      "function of them";
      else
        diagnostic << "; write it in terms of other operators";
    }
    return success(missing.empty());
  }

  /// Whether what a handler has built after `last` is valid. Handlers check
  /// what users get wrong often; this finds the rest, at the node.
  LogicalResult verifyLowered(NodeLowering &lowering, Operation *last,
                              Block &body) {
    bool valid = true;
    {
      ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) {});
      Block::iterator begin =
          last ? std::next(last->getIterator()) : body.begin();
      for (Operation &operation :
           llvm::make_range(begin, lowering.node->getIterator()))
        valid = valid && succeeded(verify(&operation));
    }
    if (valid)
      return success();
    InFlightDiagnostic diagnostic = lowering.error();
    diagnostic << "expected inputs whose types fit the operator but got ";
    llvm::interleaveComma(
        llvm::seq(lowering.inputCount()), diagnostic, [&](unsigned i) {
          if (!lowering.has(i))
            diagnostic << "none";
          else
            diagnostic << RankedTensorType::get(
                lowering
                    .tensorType(lowering.input(i).dims,
                                lowering.input(i).storageType())
                    .getShape(),
                lowering.input(i).elementType);
        });
    return diagnostic;
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto function = module.lookupSymbol<func::FuncOp>("main");
    if (!function)
      return;
    LoweringTable table = makeTable();
    Block &body = function.getBody().front();
    // Everything that is in the function now is replaced.
    SmallVector<Operation *> nodes;
    for (Operation &operation : body)
      if (isa_and_nonnull<ONNXDialect>(operation.getDialect()))
        nodes.push_back(&operation);
    // A function that a person wrote in the core dialects is done already.
    if (nodes.empty() && !module->hasAttr("onnx.opsets"))
      return;
    LoweringContext context(module, function);
    if (failed(reportUnsupported(function, table, context)) ||
        failed(context.lowerArguments()))
      return signalPassFailure();

    bool failedAny = false;
    for (Operation *operation : nodes) {
      auto node = dyn_cast<NodeOp>(operation);
      if (!node)
        continue;
      // A node behind one that failed has nothing to start from.
      bool hasInputs = llvm::all_of(node.getInputs(), [&](Value input) {
        return input.getDefiningOp<NoneOp>() ||
               isa<TernaryType>(input.getType()) || context.find(input);
      });
      NodeLowering lowering(node, context);
      Operation *last = node->getPrevNode();
      if (!hasInputs ||
          failed(table.find(node.getDomain(), node.getOpType())(lowering)) ||
          lowering.hasErrors() || failed(verifyLowered(lowering, last, body)))
        failedAny = true;
    }
    if (failedAny || failed(context.lowerReturn()))
      return signalPassFailure();
    for (Operation *operation : llvm::reverse(nodes))
      operation->erase();
    // Dimensions that were computed but turned out not to matter.
    for (Operation &operation :
         llvm::make_early_inc_range(llvm::reverse(body.getOperations())))
      if (isOpTriviallyDead(&operation))
        operation.erase();
    // Model-local functions have been inlined or recognised by now.
    for (FunctionOp local :
         llvm::make_early_inc_range(module.getOps<FunctionOp>()))
      local.erase();
  }
};

} // namespace
