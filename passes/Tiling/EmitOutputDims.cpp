//===- EmitOutputDims.cpp - Output dims as a function of input dims -----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Tiling/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Transforms/Passes.h"

namespace hgf {
#define GEN_PASS_DEF_EMITOUTPUTDIMS
#include "hgf/Passes/Tiling/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// tensor.dim of a destination-style result -> tensor.dim of its destination.
struct DimOfDestination : public OpRewritePattern<tensor::DimOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::DimOp dim,
                                PatternRewriter &rewriter) const override {
    auto result = dyn_cast<OpResult>(dim.getSource());
    if (!result)
      return rewriter.notifyMatchFailure(dim, "expected an operation's result");
    auto op = dyn_cast<DestinationStyleOpInterface>(result.getOwner());
    if (!op)
      return rewriter.notifyMatchFailure(
          dim, "expected a destination-style operation");
    rewriter.modifyOpInPlace(dim, [&] {
      dim.getSourceMutable().assign(op.getTiedOpOperand(result)->get());
    });
    return success();
  }
};

struct EmitOutputDims : public hgf::impl::EmitOutputDimsBase<EmitOutputDims> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    if (getOperation().lookupSymbol("hgf_output_dims"))
      return;
    func::FuncOp copy = cloneWithDims(main);
    // Shapes are resolved by the operations' own interfaces, until only the
    // arguments' dims are left.
    OpPassManager pipeline("func.func");
    pipeline.addPass(memref::createResolveRankedShapeTypeResultDimsPass());
    pipeline.addPass(createCanonicalizerPass());
    pipeline.addPass(createCSEPass());
    if (failed(runPipeline(pipeline, copy)) ||
        failed(replaceArguments(main, copy)))
      return signalPassFailure();
  }

  /// A copy of `main` that returns the dims of its results.
  func::FuncOp cloneWithDims(func::FuncOp main) {
    func::FuncOp copy = main.clone();
    copy.setName("hgf_output_dims");
    // Checks belong to the run, not to the question for its dims.
    copy.walk([](cf::AssertOp assertion) { assertion.erase(); });
    copy.setPrivate();
    copy.removeResAttrsAttr();
    copy.removeArgAttrsAttr();
    getOperation().push_back(copy);
    auto returned = cast<func::ReturnOp>(copy.front().getTerminator());
    OpBuilder builder(returned);
    SmallVector<Value> dims;
    for (Value result : returned.getOperands()) {
      auto type = cast<RankedTensorType>(result.getType());
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        dims.push_back(builder.createOrFold<tensor::DimOp>(returned.getLoc(),
                                                           result, axis));
    }
    func::ReturnOp::create(builder, returned.getLoc(), dims);
    returned.erase();
    copy.setType(builder.getFunctionType(copy.getArgumentTypes(),
                                         ValueRange(dims).getTypes()));
    RewritePatternSet patterns(&getContext());
    patterns.add<DimOfDestination>(&getContext());
    (void)applyPatternsGreedily(copy, std::move(patterns));
    return copy;
  }

  /// Gives `function` the dims of the arguments as arguments. Fails where
  /// anything but arithmetic on them is left.
  LogicalResult replaceArguments(func::FuncOp main, func::FuncOp function) {
    Block &body = function.front();
    unsigned tensorCount = body.getNumArguments();
    Builder builder(&getContext());
    for (unsigned index = 0; index < tensorCount; ++index) {
      Value argument = body.getArgument(index);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type)
        return main.emitError("expected argument #")
               << index << " of @main to be a ranked tensor but got "
               << argument.getType();
      SmallVector<Value> dims;
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        dims.push_back(
            body.addArgument(builder.getIndexType(), argument.getLoc()));
      for (Operation *user : llvm::make_early_inc_range(argument.getUsers())) {
        auto dim = dyn_cast<tensor::DimOp>(user);
        std::optional<int64_t> axis =
            dim ? dim.getConstantIndex() : std::nullopt;
        if (!axis || *axis >= type.getRank())
          continue;
        dim.replaceAllUsesWith(dims[*axis]);
        dim.erase();
      }
    }
    auto returned = cast<func::ReturnOp>(body.getTerminator());
    for (unsigned index = 0; index < tensorCount; ++index)
      if (!body.getArgument(index).use_empty())
        return reportDependence(main, returned);
    body.eraseArguments(0, tensorCount);
    function.setType(builder.getFunctionType(body.getArgumentTypes(),
                                             function.getResultTypes()));
    return success();
  }

  /// Names the first output whose dims need more than the inputs' dims.
  LogicalResult reportDependence(func::FuncOp main, func::ReturnOp dims) {
    auto returned = cast<func::ReturnOp>(main.front().getTerminator());
    unsigned position = 0;
    for (auto [index, result] : llvm::enumerate(returned.getOperands())) {
      int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
      for (int64_t axis = 0; axis < rank; ++axis) {
        if (!dependsOnTensor(dims.getOperand(position++)))
          continue;
        auto name = main.getResultAttrOfType<StringAttr>(index, "onnx.name");
        return emitError(result.getLoc())
               << "expected the dims of every output to follow from the dims "
                  "of the inputs, but dim "
               << axis << " of output '"
               << (name ? name.getValue() : StringRef("")) << "' (#" << index
               << ") depends on the contents of a tensor; fix that dimension "
                  "in the model";
      }
    }
    return main.emitError("the dims of the outputs cannot be computed");
  }

  static bool dependsOnTensor(Value value) {
    SmallVector<Value> worklist = {value};
    llvm::SmallDenseSet<Value> seen;
    while (!worklist.empty()) {
      Value current = worklist.pop_back_val();
      if (!seen.insert(current).second)
        continue;
      if (isa<TensorType>(current.getType()))
        return true;
      if (Operation *op = current.getDefiningOp())
        worklist.append(op->operand_begin(), op->operand_end());
    }
    return false;
  }
};

} // namespace
