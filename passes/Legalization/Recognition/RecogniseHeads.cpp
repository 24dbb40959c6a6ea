//===- RecogniseHeads.cpp - Float matrices at the end of a model --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../ResourceUses.h"
#include "HeadWeight.h"
#include "Quantizer.h"
#include "hgf/Passes/Legalization/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSwitch.h"

namespace hgf {
#define GEN_PASS_DEF_RECOGNISEHEADS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// Operators through which logits still reach the graph's output.
bool passesLogitsOn(NodeOp node) {
  return node.getDomain().empty() &&
         llvm::StringSwitch<bool>(node.getOpType())
             .Cases({"Identity", "Cast", "Add", "Mul", "Div", "Tanh"}, true)
             .Cases({"Reshape", "Squeeze", "Unsqueeze", "Slice"}, true)
             .Cases({"Softmax", "LogSoftmax", "ArgMax", "TopK"}, true)
             .Default(false);
}

bool reachesOutput(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    if (isa<func::ReturnOp>(user))
      return true;
    auto node = dyn_cast<NodeOp>(user);
    return node && passesLogitsOn(node) &&
           llvm::any_of(node.getOutputs(), reachesOutput);
  });
}

bool isProduct(Operation *operation) {
  auto node = dyn_cast<NodeOp>(operation);
  return node && (isOperator(node, "MatMul") || isOperator(node, "Gemm"));
}

/// The constant that a matrix is read from, before transposition and casts.
Value getRoot(Value value) {
  while (auto node = value.getDefiningOp<NodeOp>()) {
    if (!isOperator(node, "Transpose") && !isOperator(node, "Cast") &&
        !isOperator(node, "Identity"))
      break;
    value = node.getInputs()[0];
  }
  return value;
}

/// What `visit` takes, before anything is changed.
struct Candidate {
  NodeOp node;
  /// [K, N].
  ConstantMatrix matrix;
  /// The constant that the matrix is stored as.
  ConstantOp root;
  /// One or one per output; empty for none.
  std::vector<double> bias;
};

class Recogniser {
public:
  Recogniser(ModuleOp module, bool int8, int64_t minimum, bool reportMissed)
      : module(module), int8(int8), minimum(minimum),
        reportMissed(reportMissed), resources(module) {}

  void visit(NodeOp node);
  void finish() {
    if (!lines.empty())
      module->setAttr("hgf.heads", ArrayAttr::get(module.getContext(), lines));
  }

private:
  std::optional<Candidate> match(NodeOp node);
  void rewrite(const Candidate &candidate, HeadWeight packed);
  /// Lets embeddings that read rows of `root` read the packed matrix. Returns
  /// how many there are.
  int64_t shareRows(ConstantOp root, ValueRange weight,
                    ArrayRef<NamedAttribute> sizes);

  ModuleOp module;
  bool int8;
  int64_t minimum;
  bool reportMissed;
  ResourceUses resources;
  SmallVector<Attribute> lines;
};

std::optional<Candidate> Recogniser::match(NodeOp node) {
  bool gemm = isOperator(node, "Gemm");
  if (!reachesOutput(node.getOutputs()[0]) ||
      (gemm && (getInteger(node, "transA").value_or(0) != 0 ||
                getReal(node, "alpha").value_or(1) != 1 ||
                getReal(node, "beta").value_or(1) != 1)))
    return std::nullopt;
  Candidate candidate;
  candidate.node = node;
  Value source = node.getInputs()[1];
  candidate.root = getRoot(source).getDefiningOp<ConstantOp>();
  if (!candidate.root)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(candidate.root.getType());
  if (!type || type.getRank() != 2 || type.getNumElements() < minimum ||
      !isa<FloatType>(type.getElementType()) ||
      type.getElementTypeBitWidth() > 32)
    return std::nullopt;
  std::optional<ConstantMatrix> matrix = evaluateMatrix(source);
  if (!matrix)
    return std::nullopt;
  if (gemm && getInteger(node, "transB").value_or(0) != 0)
    matrix->transposed = !matrix->transposed;
  if (Value added = gemm ? getInput(node, 2) : Value()) {
    std::optional<std::vector<double>> bias =
        matchPerOutput(added, matrix->width(), 2);
    if (!bias)
      return std::nullopt;
    candidate.bias = std::move(*bias);
  }
  candidate.matrix = std::move(*matrix);
  return candidate;
}

int64_t Recogniser::shareRows(ConstantOp root, ValueRange weight,
                              ArrayRef<NamedAttribute> sizes) {
  SmallVector<NodeOp> gathers;
  for (OpOperand &use : root->getUses()) {
    auto node = dyn_cast<NodeOp>(use.getOwner());
    if (node && isOperator(node, "Gather") && use.getOperandNumber() == 0 &&
        getInteger(node, "axis").value_or(0) == 0)
      gathers.push_back(node);
  }
  for (NodeOp gather : gathers) {
    OpBuilder builder(gather);
    Location location = gather.getLoc();
    Value result =
        makeCanonical(builder, location, "HeadRows",
                      {weight[0], weight[1], gather.getInputs()[1]}, sizes)
            .getOutputs()[0];
    Type type = gather.getOutputs()[0].getType();
    if (Type element = cast<ShapedType>(root.getType()).getElementType();
        !element.isF32()) {
      auto scalar = RankedTensorType::get({}, element);
      Value like =
          ConstantOp::create(builder, location, scalar,
                             cast<ElementsAttr>(builder.getZeroAttr(scalar)));
      result = NodeOp::create(builder, location, type, "", "CastLike", "",
                              builder.getDictionaryAttr({}),
                              ValueRange{result, like})
                   .getOutputs()[0];
    }
    result.setType(type);
    gather.getOutputs()[0].replaceAllUsesWith(result);
    gather.erase();
  }
  return gathers.size();
}

void Recogniser::rewrite(const Candidate &candidate, HeadWeight packed) {
  NodeOp node = candidate.node;
  int64_t rows = candidate.matrix.width(), columns = candidate.matrix.height();
  // An embedding reads the constants long before the product does.
  OpBuilder builder(candidate.root);
  Location location = node.getLoc();
  auto vector = [&](ArrayRef<double> values, StringRef name) -> Value {
    if (values.empty())
      return makeNone(builder, location);
    std::vector<float> padded(llvm::alignTo(rows, HeadOp::blockRows));
    for (int64_t row = 0; row < rows; ++row)
      padded[row] = float(values[values.size() == 1 ? 0 : row]);
    return makeFloatConstant(builder, location, {int64_t(padded.size())},
                             padded, name);
  };
  std::vector<double> scales(packed.scales.begin(), packed.scales.end());
  SmallVector<Value> weight = {ConstantOp::create(builder, location,
                                                  packed.weight.getType(),
                                                  packed.weight),
                               vector(scales, "scales")};
  Value bias = vector(candidate.bias, "bias");
  Type number = builder.getIntegerType(64, /*isSigned=*/true);
  SmallVector<NamedAttribute> sizes = {
      builder.getNamedAttr("rows", builder.getIntegerAttr(number, rows)),
      builder.getNamedAttr("columns", builder.getIntegerAttr(number, columns))};
  // Its rows are the outputs only if it is stored that way.
  bool tied = candidate.matrix.transposed &&
              shareRows(candidate.root, weight, sizes) > 0;
  builder.setInsertionPoint(node);
  Value y = node.getOutputs()[0];
  Value head =
      makeCanonical(builder, location, "Head",
                    {node.getInputs()[0], weight[0], weight[1], bias}, sizes)
          .getOutputs()[0];
  head.setType(y.getType());
  y.replaceAllUsesWith(head);
  auto add = [&](StringRef name, Attribute value) {
    return builder.getNamedAttr(name, value);
  };
  auto name = location->findInstanceOf<NameLoc>();
  lines.push_back(builder.getDictionaryAttr(
      {add("node",
           builder.getStringAttr(name ? name.getName().getValue() : "")),
       add("rows", builder.getI64IntegerAttr(rows)),
       add("columns", builder.getI64IntegerAttr(columns)),
       add("storage", builder.getStringAttr(int8 ? "int8" : "f16")),
       add("bytes", builder.getI64IntegerAttr(packed.byteCount)),
       add("rounding_error", builder.getF64FloatAttr(packed.roundingError)),
       add("embedding", builder.getBoolAttr(tied))}));
}

void Recogniser::visit(NodeOp node) {
  std::optional<Candidate> candidate = match(node);
  if (!candidate)
    return;
  std::optional<HeadWeight> packed =
      packHead(candidate->matrix, int8, node.getContext());
  if (!packed) {
    if (reportMissed)
      node.emitRemark() << describe(node)
                        << " keeps its weight in float32: it holds a value "
                           "that is not finite or too large for float16";
    return;
  }
  rewrite(*candidate, std::move(*packed));
  resources.eraseUnused(node, [&](Operation *operation) {
    return operation != node && isProduct(operation);
  });
}

struct RecogniseHeads : public hgf::impl::RecogniseHeadsBase<RecogniseHeads> {
  using RecogniseHeadsBase::RecogniseHeadsBase;

  void runOnOperation() override {
    if (storage == "keep")
      return;
    SmallVector<NodeOp> nodes = collectNodes(getOperation(), isProduct);
    Recogniser recogniser(getOperation(), storage == "int8", minimum,
                          reportMissed);
    for (NodeOp node : nodes)
      recogniser.visit(node);
    recogniser.finish();
  }
};

} // namespace
