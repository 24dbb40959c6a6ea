//===- RecogniseFunctions.cpp - Calls of hgf functions ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// docs/ModelFormat.md specifies the functions. The role of an input is the
// name of the function's formal parameter.

#include "GraphMatcher.h"
#include "TernaryWeight.h"
#include "hgf/Passes/Legalization/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

namespace hgf {
#define GEN_PASS_DEF_RECOGNISEFUNCTIONS
#include "hgf/Passes/Legalization/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// One call, its inputs by role and its attributes.
class Call {
public:
  Call(NodeOp node, FunctionOp function) : node(node), function(function) {}

  /// Fails with the reason where the call is none that we know.
  std::optional<std::string> checkLinear();
  std::optional<std::string> checkOneBitLinear();
  void rewriteLinear();
  void rewriteOneBitLinear();

private:
  std::optional<std::string> readRoles(ArrayRef<StringRef> known);
  std::optional<std::string>
  readAttributes(ArrayRef<std::pair<StringRef, ArrayRef<StringRef>>> known);
  std::optional<std::string> checkShape(StringRef role,
                                        ArrayRef<int64_t> shape);
  std::optional<std::string> checkWeight(bool oneBit);
  std::optional<std::string> checkScale();
  std::optional<std::string> checkCorrection();
  std::optional<std::string> checkGate();
  TernaryWeight readWeight();
  bool has(StringRef role) const { return roles.contains(role); }
  Value get(StringRef role) const { return roles.lookup(role); }
  ConstantTensor constant(StringRef role) const {
    return *ConstantTensor::get(get(role));
  }
  StringRef attribute(StringRef name) const { return attributes.lookup(name); }
  Value reshaped(OpBuilder &builder, StringRef role, ArrayRef<int64_t> shape);

  NodeOp node;
  FunctionOp function;
  llvm::StringMap<Value> roles;
  llvm::StringMap<StringRef> attributes;
  int64_t rows = 0, columns = 0;
};

} // namespace

std::optional<std::string> Call::readRoles(ArrayRef<StringRef> known) {
  ArrayAttr names = function.getInputNames();
  if (names.size() != node.getInputs().size())
    return llvm::formatv("it has {0} inputs; expected {1}",
                         node.getInputs().size(), names.size())
        .str();
  for (auto [index, name] :
       llvm::enumerate(names.getAsValueRange<StringAttr>())) {
    if (!llvm::is_contained(known, name))
      return ("the parameter '" + name + "' is unknown").str();
    Value input = getInput(node, index);
    if (!input)
      return ("the input '" + name + "' is omitted").str();
    roles[name] = input;
    if (name != "x" && name != "residual" && !ConstantTensor::get(input))
      return ("the input '" + name + "' is not a constant").str();
  }
  for (StringRef required : {"x", "weight"})
    if (!has(required))
      return ("the parameter '" + required + "' is missing").str();
  return std::nullopt;
}

std::optional<std::string> Call::readAttributes(
    ArrayRef<std::pair<StringRef, ArrayRef<StringRef>>> known) {
  for (auto [name, values] : known)
    attributes[name] = values.front();
  if (!node.getNodeAttributes().empty())
    return "the node overrides the function's attributes";
  for (NamedAttribute entry : function.getDefaultAttributes()) {
    StringRef name = entry.getName().strref();
    if (name == "version") {
      auto version = dyn_cast<IntegerAttr>(entry.getValue());
      if (!version || version.getValue() != 1)
        return "its version is not 1";
      continue;
    }
    auto row = llvm::find_if(
        known, [&](const auto &row) { return row.first == name; });
    if (row == known.end())
      return ("the attribute '" + name + "' is unknown").str();
    auto value = dyn_cast<StringAttr>(entry.getValue());
    if (!value || !llvm::is_contained(row->second, value.getValue()))
      return ("the value of attribute '" + name + "' is unknown").str();
    attributes[name] = value.getValue();
  }
  return std::nullopt;
}

std::optional<std::string> Call::checkShape(StringRef role,
                                            ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> found = constant(role).shape();
  if (found == shape)
    return std::nullopt;
  std::string text = ("the shape of '" + role + "' is [").str();
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(found, stream);
  stream << "]; expected [";
  llvm::interleaveComma(shape, stream);
  stream << "]";
  return text;
}

std::optional<std::string> Call::checkWeight(bool oneBit) {
  ConstantTensor weight = constant("weight");
  if (weight.rank() != 2 || weight.isFloat() || weight.size() == 0)
    return "the weight is not a matrix of integers";
  rows = weight.shape()[0];
  columns = weight.shape()[1];
  for (int64_t index = 0; index < weight.size(); ++index) {
    double code = weight[index];
    if (code < -1 || code > 1 || (oneBit && code == 0))
      return llvm::formatv("the weight has the code {0}; expected {1}", code,
                           oneBit ? "-1 or 1" : "-1, 0 or 1")
          .str();
  }
  return std::nullopt;
}

std::optional<std::string> Call::checkScale() {
  if (!has("scale"))
    return "the parameter 'scale' is missing";
  ConstantTensor scale = constant("scale");
  if (!scale.elementType().isF32())
    return "the scale is not of float32";
  if (scale.rank() == 0)
    return std::nullopt;
  if (scale.rank() == 1)
    return checkShape("scale", {rows});
  int64_t groups = scale.shape().back();
  if (scale.rank() != 2 || scale.shape()[0] != rows || groups == 0 ||
      columns % groups != 0 ||
      !llvm::is_contained({32, 64, 128, 256}, columns / groups))
    return "the scale's shape is none of [], [N] and [N, K/G] with G of 32, "
           "64, 128 or 256";
  return std::nullopt;
}

std::optional<std::string> Call::checkCorrection() {
  if (has("correction_a") != has("correction_b"))
    return "one factor of the correction is missing";
  if (!has("correction_a"))
    return attribute("gate_kind") == "none"
               ? std::nullopt
               : std::optional<std::string>("a gate needs a correction");
  ConstantTensor a = constant("correction_a"), b = constant("correction_b");
  int64_t rank = a.rank() == 2 ? a.shape()[0] : 0;
  if (rank == 0)
    return "the correction has no rank";
  if (auto reason = checkShape("correction_a", {rank, columns}))
    return reason;
  if (auto reason = checkShape("correction_b", {rows, rank}))
    return reason;
  Type type = a.elementType();
  if (type != b.elementType() || !(type.isF32() || type.isF16() ||
                                   type.isBF16() || type.isSignlessInteger(8)))
    return "the factors of the correction are not both float16, bfloat16, "
           "float32 or int8";
  for (StringRef role : {"correction_a_scale", "correction_b_scale"}) {
    if (has(role) != type.isInteger(8))
      return "scales of the correction are expected exactly with int8 factors";
    if (!has(role))
      continue;
    if (auto reason = checkShape(role, {rank}))
      return reason;
    if (!constant(role).elementType().isF32())
      return ("'" + role + "' is not of float32").str();
  }
  return std::nullopt;
}

std::optional<std::string> Call::checkGate() {
  StringRef kind = attribute("gate_kind");
  if (has("gate") != (kind == "tanh"))
    return "the parameter 'gate' is expected exactly with gate_kind 'tanh'";
  bool dynamic = kind.starts_with("sigmoid");
  if (has("gate_weight") != dynamic || has("gate_bias") != dynamic)
    return "'gate_weight' and 'gate_bias' are expected exactly with a sigmoid "
           "gate_kind";
  if (has("gate") && constant("gate").rank() != 0)
    if (auto reason = checkShape("gate", {rows}))
      return reason;
  if (dynamic) {
    if (auto reason = checkShape("gate_weight",
                                 {1, kind == "sigmoid_input" ? columns : rows}))
      return reason;
    if (auto reason = checkShape("gate_bias", {1}))
      return reason;
  }
  for (StringRef role : {"gate", "gate_weight", "gate_bias", "bias"})
    if (has(role) && !constant(role).elementType().isF32())
      return ("'" + role + "' is not of float32").str();
  if (has("bias"))
    return checkShape("bias", {rows});
  return std::nullopt;
}

std::optional<std::string> Call::checkLinear() {
  if (auto reason = readAttributes(
          {{"activation_quantization", {"int8_per_token", "none"}},
           {"rounding_order", {"reciprocal", "division"}},
           {"correction_activation", {"silu", "identity"}},
           {"correction_input", {"x", "quantized"}},
           {"gate_kind", {"none", "tanh", "sigmoid_input", "sigmoid_output"}}}))
    return reason;
  if (auto reason =
          readRoles({"x", "weight", "scale", "correction_a", "correction_b",
                     "correction_a_scale", "correction_b_scale", "gate",
                     "gate_weight", "gate_bias", "bias", "residual"}))
    return reason;
  if (attribute("activation_quantization") == "none" &&
      attribute("correction_input") == "quantized")
    return "the correction reads quantized activations but nothing quantizes";
  if (auto reason = checkWeight(/*oneBit=*/false))
    return reason;
  if (auto reason = checkScale())
    return reason;
  if (auto reason = checkCorrection())
    return reason;
  return checkGate();
}

std::optional<std::string> Call::checkOneBitLinear() {
  if (auto reason = readAttributes({}))
    return reason;
  if (auto reason = readRoles({"x", "weight", "u", "v"}))
    return reason;
  if (auto reason = checkWeight(/*oneBit=*/true))
    return reason;
  for (auto [role, size] : {std::pair{StringRef("u"), columns}, {"v", rows}}) {
    if (!has(role))
      return ("the parameter '" + role + "' is missing").str();
    if (auto reason = checkShape(role, {size}))
      return reason;
    Type type = constant(role).elementType();
    if (!type.isF16() && !type.isF32())
      return ("'" + role + "' is not of float16 or float32").str();
  }
  return std::nullopt;
}

TernaryWeight Call::readWeight() {
  ConstantTensor codes = constant("weight");
  TernaryWeight weight(rows, columns);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      weight.set(row, column, int(codes[row * columns + column]));
  weight.scales = {1.0f};
  if (!has("scale"))
    return weight;
  ConstantTensor scale = constant("scale");
  weight.scales = scale.floats();
  if (scale.rank() == 1)
    weight.granularity = Granularity::Row;
  if (scale.rank() == 2) {
    weight.granularity = Granularity::Group;
    weight.group = columns / scale.shape()[1];
  }
  return weight;
}

Value Call::reshaped(OpBuilder &builder, StringRef role,
                     ArrayRef<int64_t> shape) {
  return makeFloatConstant(builder, node.getLoc(), shape,
                           constant(role).floats(), role);
}

void Call::rewriteLinear() {
  OpBuilder builder(node);
  Location location = node.getLoc();
  auto text = [&](StringRef name, StringRef value) {
    return builder.getNamedAttr(name, builder.getStringAttr(value));
  };
  Value none = makeNone(builder, location), x = get("x"), q = x, scale = none;
  auto orNone = [&](StringRef role) { return has(role) ? get(role) : none; };
  if (attribute("activation_quantization") != "none") {
    Type unknown = UnknownType::get(builder.getContext());
    NodeOp quantize = makeCanonical(builder, location, "Quantize", x,
                                    text("order", attribute("rounding_order")),
                                    {unknown, unknown});
    q = quantize.getOutputs()[0];
    scale = quantize.getOutputs()[1];
  }
  Value weight = readWeight().materialize(builder, location);
  auto backbone = [&](Value bias) {
    return makeCanonical(builder, location, "TernaryLinear",
                         {q, scale, weight, bias}, text("form", "f"))
        .getOutputs()[0];
  };
  Value y = backbone(orNone("bias"));
  if (has("correction_a")) {
    Value source = x;
    if (attribute("correction_input") == "quantized")
      source = makeCanonical(builder, location, "Dequantize", {q, scale})
                   .getOutputs()[0];
    Value c = makeCanonical(
                  builder, location, "LowRank",
                  {source, get("correction_a"), get("correction_b"),
                   orNone("correction_a_scale"), orNone("correction_b_scale")},
                  text("activation", attribute("correction_activation")))
                  .getOutputs()[0];
    Value alpha = none;
    StringRef kind = attribute("gate_kind");
    if (kind == "tanh") {
      alpha = makeCanonical(builder, location, "StaticGate", get("gate"))
                  .getOutputs()[0];
    } else if (kind != "none") {
      // The gate reads the backbone's output before the bias.
      Value h = x;
      if (kind == "sigmoid_output")
        h = has("bias") ? backbone(none) : y;
      alpha = makeCanonical(builder, location, "DynamicGate",
                            {h,
                             reshaped(builder, "gate_weight",
                                      {constant("gate_weight").size()}),
                             reshaped(builder, "gate_bias", {})})
                  .getOutputs()[0];
    }
    y = makeCanonical(builder, location, "GatedAdd", {y, c, alpha})
            .getOutputs()[0];
  }
  if (has("residual"))
    y = NodeOp::create(builder, location, y.getType(), "", "Add", "",
                       builder.getDictionaryAttr({}),
                       ValueRange{y, get("residual")})
            .getOutputs()[0];
  y.setType(node.getOutputs()[0].getType());
  node.replaceAllUsesWith(ValueRange{y});
}

void Call::rewriteOneBitLinear() {
  OpBuilder builder(node);
  Value weight = readWeight().materialize(builder, node.getLoc());
  NodeOp made = makeCanonical(builder, node.getLoc(), "OneBitProduct",
                              {get("x"), get("u"), weight, get("v")}, {},
                              {node.getOutputs()[0].getType()});
  node.replaceAllUsesWith(made);
}

namespace {

struct RecogniseFunctions
    : public hgf::impl::RecogniseFunctionsBase<RecogniseFunctions> {
  using RecogniseFunctionsBase::RecogniseFunctionsBase;

  void runOnOperation() override {
    MissReport report{reportMissed};
    SymbolTable symbols(getOperation());
    SmallVector<NodeOp> calls;
    getOperation().walk([&](NodeOp node) {
      if (node.getDomain() == "hgf" &&
          (node.getOpType() == "Linear" || node.getOpType() == "OneBitLinear"))
        calls.push_back(node);
    });
    for (NodeOp node : calls) {
      auto function = symbols.lookup<FunctionOp>(
          ("hgf::" + node.getOpType() + "::" + node.getOverload()).str());
      if (!function || node.getOutputs().size() != 1)
        continue;
      Call call(node, function);
      bool linear = node.getOpType() == "Linear";
      std::optional<std::string> reason =
          linear ? call.checkLinear() : call.checkOneBitLinear();
      if (reason) {
        report(node, *reason);
        continue;
      }
      if (linear)
        call.rewriteLinear();
      else
        call.rewriteOneBitLinear();
      node.erase();
    }
  }
};

} // namespace
