//===- OutlineLinalg.cpp - Equal linalg operations share one function ---===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "mlir/Transforms/RegionUtils.h"

namespace hgf {
#define GEN_PASS_DEF_OUTLINELINALG
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct OutlineLinalg : public hgf::impl::OutlineLinalgBase<OutlineLinalg> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    SmallVector<linalg::LinalgOp> ops;
    main.walk([&](linalg::LinalgOp op) {
      // Operations on single elements are not worth a call.
      if (op.hasPureBufferSemantics() && op.getNumLoops() > 0)
        ops.push_back(op);
    });
    for (linalg::LinalgOp op : ops)
      outline(op);
  }

private:
  void outline(linalg::LinalgOp op) {
    // Each value is one argument, so that an operation in place is seen as one.
    llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), used);
    SmallVector<Value> arguments;
    SmallVector<Operation *> constants;
    for (Value value : used) {
      Operation *definition = value.getDefiningOp();
      if (definition && definition->hasTrait<OpTrait::ConstantLike>())
        constants.push_back(definition);
      else
        arguments.push_back(value);
    }
    func::FuncOp function = build(op, arguments, constants);
    std::string text;
    llvm::raw_string_ostream stream(text);
    function->print(stream, OpPrintingFlags().useLocalScope());
    func::FuncOp &shared = functions[text];
    if (shared) {
      function.erase();
    } else {
      shared = function;
      function.setName(("hgf_operation_" + Twine(functions.size() - 1)).str());
      getOperation().push_back(function);
    }
    OpBuilder builder(op);
    func::CallOp::create(builder, op.getLoc(), shared, arguments);
    op.erase();
  }

  func::FuncOp build(linalg::LinalgOp op, ArrayRef<Value> arguments,
                     ArrayRef<Operation *> constants) {
    OpBuilder builder(&getContext());
    auto function = func::FuncOp::create(
        op.getLoc(), "operation",
        builder.getFunctionType(TypeRange(ValueRange(arguments)), {}));
    function.setPrivate();
    function->setAttr("hgf.noalias",
                      builder.getDenseI64ArrayAttr(getNoAlias(arguments)));
    // Inlined, LLVM would drag every offset in the arena through every loop.
    // A portable binary also holds it for newer processors.
    function->setAttr(
        "passthrough",
        builder.getArrayAttr({builder.getStringAttr("noinline"),
                              builder.getStringAttr("hgf-multiversion")}));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToStart(block);
    IRMapping mapping;
    mapping.map(arguments, block->getArguments());
    for (Operation *constant : constants)
      builder.clone(*constant, mapping);
    builder.clone(*op, mapping);
    func::ReturnOp::create(builder, op.getLoc());
    return function;
  }

  /// The buffer that `value` is a view of, or null where that is not clear.
  /// Views of the arena that are alive together are buffers of their own.
  static Value getRoot(Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (isa<memref::ViewOp, memref::GetGlobalOp, memref::AllocaOp>(op))
        return value;
      if (auto cast = dyn_cast<memref::CastOp>(op))
        value = cast.getSource();
      else if (auto view = dyn_cast<ViewLikeOpInterface>(op))
        value = view.getViewSource();
      else if (auto metadata = dyn_cast<memref::ExtractStridedMetadataOp>(op))
        value = metadata.getSource();
      else
        return Value();
    }
    auto function = dyn_cast<func::FuncOp>(
        cast<BlockArgument>(value).getOwner()->getParentOp());
    return function ? value : Value();
  }

  /// Positions, in the function of the LLVM dialect, of pointers that alias no
  /// other argument.
  static SmallVector<int64_t> getNoAlias(ArrayRef<Value> arguments) {
    SmallVector<int64_t> positions;
    SmallVector<Value> roots;
    for (Value argument : arguments)
      if (isa<MemRefType>(argument.getType()))
        roots.push_back(getRoot(argument));
    if (llvm::is_contained(roots, Value()))
      return positions;
    int64_t position = 0;
    for (Value argument : arguments) {
      auto type = dyn_cast<MemRefType>(argument.getType());
      // A memref is allocated and aligned pointer, offset, sizes, strides.
      if (type && llvm::count(roots, getRoot(argument)) == 1)
        positions.push_back(position + 1);
      position += type ? 3 + 2 * type.getRank() : 1;
    }
    return positions;
  }

  /// Functions by the text of what they do.
  llvm::StringMap<func::FuncOp> functions;
};

} // namespace
