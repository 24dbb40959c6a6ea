//===- AppendCache.cpp - State that grows in place ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace hgf {
#define GEN_PASS_DEF_APPENDCACHE
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

Value lookThroughCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

/// `concat` as an append to `past`, its first input.
Value buildAppend(tensor::ConcatOp concat, Value past) {
  OpBuilder builder(concat);
  Location location = concat.getLoc();
  ValueRange added = concat.getInputs().drop_front();
  Value newPart = added.front();
  if (added.size() > 1)
    newPart =
        tensor::ConcatOp::create(builder, location, concat.getDim(), added);
  return CacheAppendOp::create(builder, location, concat.getType(), past,
                               newPart, concat.getDim());
}

struct AppendCache : public hgf::impl::AppendCacheBase<AppendCache> {
  void runOnOperation() override {
    auto metadata =
        getOperation()->getAttrOfType<DictionaryAttr>("onnx.metadata");
    auto state =
        metadata ? metadata.getAs<StringAttr>("hgf.state") : StringAttr();
    auto function = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!state || !function)
      return;
    SmallVector<StringRef> pairs;
    state.getValue().split(pairs, ',', -1, /*KeepEmpty=*/false);
    for (StringRef pair : pairs) {
      auto [input, output] = pair.split('=');
      if (failed(addState(function, input.trim(), output.trim())))
        return signalPassFailure();
    }
  }

  LogicalResult addState(func::FuncOp function, StringRef input,
                         StringRef output) {
    std::optional<unsigned> argument, result;
    for (unsigned index = 0; index < function.getNumArguments(); ++index)
      if (auto name = function.getArgAttrOfType<StringAttr>(index, "onnx.name"))
        if (name.getValue() == input)
          argument = index;
    for (unsigned index = 0; index < function.getNumResults(); ++index)
      if (auto name =
              function.getResultAttrOfType<StringAttr>(index, "onnx.name"))
        if (name.getValue() == output)
          result = index;
    if (!argument || !result)
      return getOperation().emitError()
             << "metadata 'hgf.state': expected pairs INPUT=OUTPUT of names of "
                "the graph but got '"
             << input << "=" << output
             << "'; correct the metadata with the model's exporter";
    auto terminator =
        cast<func::ReturnOp>(function.getBody().front().getTerminator());
    Value past = function.getArgument(*argument);
    auto concat = lookThroughCasts(terminator.getOperand(*result))
                      .getDefiningOp<tensor::ConcatOp>();
    int64_t axis = -1;
    if (concat && concat.getInputs().size() > 1 &&
        lookThroughCasts(concat.getInputs().front()) == past) {
      axis = concat.getDim();
      concat.replaceAllUsesWith(
          buildAppend(concat, concat.getInputs().front()));
      concat.erase();
    }
    Builder builder(&getContext());
    function.setArgAttr(*argument, "hgf.state_result",
                        builder.getI32IntegerAttr(*result));
    function.setArgAttr(*argument, "hgf.state_axis",
                        builder.getI32IntegerAttr(axis));
    return success();
  }
};

} // namespace
