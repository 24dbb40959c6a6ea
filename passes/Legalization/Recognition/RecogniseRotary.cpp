//===- RecogniseRotary.cpp - Rotary embedding written out ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphMatcher.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <limits>

namespace hgf {
#define GEN_PASS_DEF_RECOGNISEROTARY
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct Rotary {
  Value x, cosine, sine;
  /// Where x is parted; 0 where a Split makes two equal parts.
  int64_t half = 0;
  /// Whether the tables have half the width, and serve both halves.
  bool sharedTables = false;
};

/// The part [begin, end) of `x`'s last dimension.
struct Part {
  Value x;
  int64_t begin = 0, end = 0;
};

bool isLastAxis(int64_t axis, Value value) {
  std::optional<int64_t> rank = findRank(value);
  return axis == -1 || (rank && axis == *rank - 1);
}

/// The only element of an integer constant.
std::optional<int64_t> matchElement(Value value) {
  std::optional<ConstantTensor> constant =
      value ? ConstantTensor::get(value) : std::nullopt;
  if (!constant || constant->size() != 1 || constant->isFloat())
    return std::nullopt;
  // The largest int64, which means "to the end", is not exact as a double.
  double element = (*constant)[0];
  if (std::abs(element) >= double(std::numeric_limits<int32_t>::max()))
    return element > 0 ? std::numeric_limits<int32_t>::max()
                       : std::numeric_limits<int32_t>::min();
  return int64_t(element);
}

std::optional<Part> matchPart(Value value) {
  NodeOp slice = definedBy(lookThroughIdentities(value), "Slice");
  if (!slice)
    return std::nullopt;
  std::optional<int64_t> begin = matchElement(getInput(slice, 1));
  std::optional<int64_t> end = matchElement(getInput(slice, 2));
  std::optional<int64_t> axis = matchElement(getInput(slice, 3));
  bool unitSteps = !getInput(slice, 4) || matchElement(getInput(slice, 4)) == 1;
  if (!begin || !end || !axis || !unitSteps || *begin < 0 || *end <= *begin ||
      !isLastAxis(*axis, slice.getInputs()[0]))
    return std::nullopt;
  return Part{lookThroughIdentities(slice.getInputs()[0]), *begin, *end};
}

/// Whether `first` and `second` are the two parts of a Split of x.
bool matchSplitHalves(Value first, Value second, Rotary &rotary) {
  NodeOp split = definedBy(lookThroughIdentities(first), "Split");
  if (!split || split.getOutputs().size() != 2 || getInput(split, 1) ||
      lookThroughIdentities(first) != split.getOutputs()[0] ||
      lookThroughIdentities(second) != split.getOutputs()[1])
    return false;
  std::optional<int64_t> axis = getInteger(split, "axis");
  rotary.x = lookThroughIdentities(split.getInputs()[0]);
  rotary.half = 0;
  return axis && isLastAxis(*axis, split.getInputs()[0]);
}

/// Whether `first` and `second` are x[..., :half] and x[..., half:].
bool matchHalves(Value first, Value second, Rotary &rotary) {
  if (matchSplitHalves(first, second, rotary))
    return true;
  std::optional<Part> low = matchPart(first), high = matchPart(second);
  if (!low || !high || low->x != high->x || low->begin != 0 ||
      high->begin != low->end)
    return false;
  auto type = dyn_cast<RankedTensorType>(low->x.getType());
  bool known = type && !type.isDynamicDim(type.getRank() - 1);
  int64_t width = known ? type.getShape().back() : 0;
  rotary.x = low->x;
  rotary.half = low->end;
  if (known)
    return high->end >= width && rotary.half <= width;
  return high->end == std::numeric_limits<int32_t>::max();
}

/// The two inputs of a concatenation along the last dimension.
std::optional<std::pair<Value, Value>> matchPair(Value value) {
  NodeOp concat = definedBy(lookThroughIdentities(value), "Concat");
  std::optional<int64_t> axis;
  if (!concat || concat.getInputs().size() != 2 ||
      !(axis = getInteger(concat, "axis")) ||
      !(isLastAxis(*axis, concat.getOutputs()[0]) ||
        isLastAxis(*axis, concat.getInputs()[0])))
    return std::nullopt;
  return std::pair(concat.getInputs()[0], concat.getInputs()[1]);
}

/// concat(-x[..., half:], x[..., :half]).
bool matchRotated(Value value, Rotary &rotary) {
  std::optional<std::pair<Value, Value>> parts = matchPair(value);
  NodeOp negated =
      parts ? definedBy(lookThroughIdentities(parts->first), "Neg") : NodeOp();
  return negated && matchHalves(parts->second, negated.getInputs()[0], rotary);
}

/// x * cosine + rotated(x) * sine.
bool matchWhole(Value value, Rotary &rotary) {
  rotary.sharedTables = false;
  return matchCommutative(value, "Add", [&](Value plain, Value turned) {
    return matchCommutative(
        lookThroughIdentities(turned), "Mul", [&](Value rotated, Value sine) {
          rotary.sine = sine;
          return matchRotated(rotated, rotary) &&
                 matchCommutative(lookThroughIdentities(plain), "Mul",
                                  [&](Value x, Value cosine) {
                                    rotary.cosine = cosine;
                                    return isSame(x, rotary.x);
                                  });
        });
  });
}

/// `value` is `factor` * `table`, whichever comes first; null tables are set.
bool matchProduct(Value value, Value factor, Value &table) {
  return matchCommutative(
      lookThroughIdentities(value), "Mul", [&](Value first, Value second) {
        if (!isSame(first, factor) || (table && !isSame(second, table)))
          return false;
        table = second;
        return true;
      });
}

/// concat(x1 * cosine - x2 * sine, x2 * cosine + x1 * sine).
bool matchSplit(Value value, Rotary &rotary) {
  std::optional<std::pair<Value, Value>> parts = matchPair(value);
  NodeOp difference =
      parts ? definedBy(lookThroughIdentities(parts->first), "Sub") : NodeOp();
  if (!difference)
    return false;
  rotary.sharedTables = true;
  return matchCommutative(
      lookThroughIdentities(difference.getInputs()[0]), "Mul",
      [&](Value low, Value cosine) {
        return matchCommutative(
            lookThroughIdentities(difference.getInputs()[1]), "Mul",
            [&](Value high, Value sine) {
              rotary.cosine = cosine;
              rotary.sine = sine;
              return matchHalves(low, high, rotary) &&
                     matchCommutative(
                         lookThroughIdentities(parts->second), "Add",
                         [&](Value first, Value second) {
                           return matchProduct(first, high, rotary.cosine) &&
                                  matchProduct(second, low, rotary.sine);
                         });
            });
      });
}

struct RecogniseRotary
    : public hgf::impl::RecogniseRotaryBase<RecogniseRotary> {
  void runOnOperation() override {
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), [](NodeOp node) {
      return isOperator(node, "Add") || isOperator(node, "Concat");
    });
    for (NodeOp node : nodes)
      visit(node);
    eraseUnusedNodes(getOperation());
  }

  static void visit(NodeOp node) {
    Rotary rotary;
    Value result = node.getOutputs()[0];
    if (!matchWhole(result, rotary) && !matchSplit(result, rotary))
      return;
    Type type = findElementType(rotary.x);
    if (type && !isa<FloatType>(type))
      return;
    OpBuilder builder(node);
    NamedAttribute attributes[] = {
        builder.getNamedAttr("half", builder.getI64IntegerAttr(rotary.half)),
        builder.getNamedAttr("shared_tables",
                             builder.getBoolAttr(rotary.sharedTables))};
    NodeOp made = makeCanonical(builder, node.getLoc(), "Rotary",
                                {rotary.x, rotary.cosine, rotary.sine},
                                attributes, result.getType());
    node.replaceAllUsesWith(made);
  }
};

} // namespace
