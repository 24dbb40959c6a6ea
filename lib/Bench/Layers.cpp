//===- Layers.cpp - Modules of many equal layers --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layers.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace hgf;

std::unique_ptr<MLIRContext>
hgf::makeReportingContext(const DialectRegistry &registry,
                          std::function<void(const std::string &)> report) {
  auto context =
      std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->getDiagEngine().registerHandler(
      [report = std::move(report)](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
          report("error: " + diagnostic.str());
        return success();
      });
  return context;
}

static std::string makeName(int64_t rows, int64_t columns) {
  return std::to_string(rows) + "x" + std::to_string(columns);
}

std::string LayerShape::getName() const { return makeName(rows, columns); }

std::string PackedLayer::getName() const { return makeName(rows, columns); }

int64_t PackedLayer::getBytes() const {
  // The runtime sees the type of the global, not this attribute.
  return const_cast<WeightsOp &>(weights).getByteCount();
}

//===----------------------------------------------------------------------===//
// One layer to be packed
//===----------------------------------------------------------------------===//

/// Random codes 0, 1 and 2, four per byte.
static AsmResourceBlob makeCodes(int64_t bytes) {
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64);
  uint64_t state = 0x9E3779B97F4A7C15;
  for (char &byte : blob.getMutableData()) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    // Code 3 is legal for four-level weights only.
    uint8_t codes = state >> 32;
    uint8_t three = codes & codes >> 1 & 0x55;
    byte = static_cast<char>(codes ^ three);
  }
  return blob;
}

/// The text of the correction's constants and the clauses of the operation.
static void addCorrection(const LayerShape &shape, std::string &constants,
                          std::string &clauses, std::string &kind) {
  if (shape.rank == 0)
    return;
  std::string rank = std::to_string(shape.rank);
  std::string a =
      "tensor<" + rank + "x" + std::to_string(shape.columns) + "xf16>";
  std::string b = "tensor<" + std::to_string(shape.rows) + "x" + rank + "xf16>";
  constants += "  %a = arith.constant dense<0.01> : " + a +
               "\n  %b = arith.constant dense<0.02> : " + b + "\n";
  clauses += " correction(%a, %b : " + a + ", " + b + ")";
  if (shape.gate == "static") {
    constants += "  %g = arith.constant dense<0.5> : tensor<f32>\n";
    clauses += " gate(%g : tensor<f32>)";
    kind = " gate_kind static";
  } else if (shape.gate != "none") {
    bool input = shape.gate == "input";
    std::string type = "tensor<" +
                       std::to_string(input ? shape.columns : shape.rows) +
                       "xf32>";
    constants += "  %gw = arith.constant dense<0.001> : " + type +
                 "\n  %gb = arith.constant dense<0.1> : tensor<f32>\n";
    clauses += " dynamic_gate(%gw, %gb : " + type + ", tensor<f32>)";
    kind = input ? " gate_kind sigmoid_input" : " gate_kind sigmoid_output";
  }
}

OwningOpRef<ModuleOp> hgf::makeLayerModule(MLIRContext &context,
                                           const LayerShape &shape) {
  int64_t bytes = getTwoBitByteCount(shape.rows * shape.columns);
  std::string rows = std::to_string(shape.rows);
  std::string columns = std::to_string(shape.columns);
  std::string scale = "scale = " + shape.scale;
  std::string scales = "tensor<1xf32>";
  int64_t group;
  if (shape.scale == "row") {
    scales = "tensor<" + rows + "xf32>";
  } else if (!StringRef(shape.scale).getAsInteger(10, group)) {
    scale = "scale = group, group = " + shape.scale;
    scales =
        "tensor<" +
        std::to_string(shape.rows * llvm::divideCeil(shape.columns, group)) +
        "xf32>";
  }
  std::string weight =
      "!hgf.ternary<" + rows + " by " + columns + ", " + scale + ">";
  std::string x = "tensor<?x" + columns + "xf32>",
              y = "tensor<?x" + rows + "xf32>";
  std::string constants, clauses, kind;
  addCorrection(shape, constants, clauses, kind);
  std::string text =
      "func.func @main(%x: " + x + ") -> " + y +
      " {\n  %zero = arith.constant 0 : index\n  %m = tensor.dim %x, %zero : " +
      x +
      "\n  %w = hgf.ternary_constant dense_resource<bench_codes> : tensor<" +
      std::to_string(bytes) + "xi8>, dense<0.01> : " + scales + " -> " +
      weight + "\n" + constants + "  %i = tensor.empty(%m) : " + y +
      "\n  %y = hgf.linear ins(%x : " + x + ") weight(%w : " + weight + ")" +
      clauses + " outs(%i : " + y + ") quantization " +
      (shape.isFloat ? "none" : "reciprocal") + kind + " -> " + y +
      "\n  return %y : " + y + "\n}\n";
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, ParserConfig(&context));
  if (module)
    module->walk([&](TernaryConstantOp op) {
      cast<DenseResourceElementsAttr>(op.getCodes())
          .getRawHandle()
          .getResource()
          ->setBlob(makeCodes(bytes));
    });
  return module;
}

//===----------------------------------------------------------------------===//
// Packed layers
//===----------------------------------------------------------------------===//

static StringRef nameGate(GateKind kind) {
  switch (kind) {
  case GateKind::Open:
    return "none";
  case GateKind::Static:
    return "static";
  case GateKind::SigmoidInput:
    return "input";
  case GateKind::SigmoidOutput:
    return "output";
  }
  llvm_unreachable("unknown kind of gate");
}

SmallVector<PackedLayer> hgf::findPackedLayers(ModuleOp module) {
  SmallVector<PackedLayer> layers;
  llvm::StringSet<> known;
  SymbolTable symbols(module);
  module.walk([&](LinearOp op) {
    auto constant = op.getWeight().getDefiningOp<PackedConstantOp>();
    if (!constant)
      return;
    PackedLayer layer;
    layer.linear = op;
    layer.weights = symbols.lookup<WeightsOp>(constant.getWeights());
    PackedType type = constant.getType();
    layer.rows = type.getRows();
    layer.columns = type.getColumns();
    if (op.getA())
      layer.rank = cast<ShapedType>(op.getA().getType()).getDimSize(0);
    layer.gate = nameGate(op.getGateKind()).str();
    layer.scale = type.getGranularity() == Granularity::Group
                      ? std::to_string(type.getGroup())
                      : stringifyGranularity(type.getGranularity()).str();
    layer.encoding = type.getEncoding().str();
    layer.isFloat = op.getQuantization() == Quantization::None;
    layer.kernel = layer.encoding + (layer.isFloat ? "_float_" : "_int8_") +
                   stringifyGranularity(type.getGranularity()).str();
    std::string key;
    llvm::raw_string_ostream stream(key);
    stream << type << ' ' << layer.rank << ' ' << layer.gate << ' '
           << op->getPropertiesAsAttribute() << ' ' << layer.getBytes();
    if (known.insert(key).second)
      layers.push_back(layer);
  });
  return layers;
}

std::string hgf::explainNoKernel(ModuleOp module) {
  std::string reason = "unknown";
  module.walk([&](LinearOp op) {
    if (auto missed = op->getAttrOfType<StringAttr>("hgf.missed"))
      reason = missed.str();
  });
  return reason;
}

std::string hgf::chooseEncodingName(const LayerShape &shape,
                                    const CompileOptions &options,
                                    Residency residency) {
  EncodingQuery query;
  auto levels = selectInstructionLevels(options.target.triple,
                                        options.target.cpu, options.level);
  query.levels = levels;
  query.residency = residency;
  query.columns = shape.columns;
  query.floatActivations = shape.isFloat;
  // Not a number: no groups.
  if (StringRef(shape.scale).getAsInteger(10, query.group))
    query.group = 0;
  return levels.empty() ? "auto"
                        : chooseEncoding(query).encoding->getName().str();
}

OwningOpRef<ModuleOp> hgf::repeatLayer(const PackedLayer &layer, int64_t count,
                                       int64_t blobs) {
  LinearOp linear = layer.linear;
  WeightsOp weights = layer.weights;
  Location location = linear.getLoc();
  OpBuilder builder(linear.getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  builder.setInsertionPointToEnd(module->getBody());

  // The same bytes under as many names: they reach the file once each.
  ArrayRef<char> bytes = cast<DenseResourceElementsAttr>(weights.getBytesAttr())
                             .getRawHandle()
                             .getBlob()
                             ->getData();
  Type bytesType = weights.getBytesAttr().getType();
  for (int64_t index = 0; index < blobs; ++index) {
    std::string name = "bench_weights_" + std::to_string(index);
    auto attribute = DenseResourceElementsAttr::get(
        cast<ShapedType>(bytesType), name,
        UnmanagedAsmResourceBlob::allocateWithAlign(bytes, /*align=*/64));
    WeightsOp::create(builder, location, name, attribute,
                      weights.getByteCount());
  }

  int64_t dynamic = ShapedType::kDynamic;
  Type element = builder.getF32Type();
  auto xType = RankedTensorType::get({dynamic, layer.columns}, element);
  auto yType = RankedTensorType::get({dynamic, layer.rows}, element);
  SmallVector<Type> inputs = {xType};
  if (linear.getResidual())
    inputs.push_back(yType);
  auto main = func::FuncOp::create(builder, location, "main",
                                   builder.getFunctionType(inputs, yType));
  Block *body = main.addEntryBlock();
  builder.setInsertionPointToStart(body);
  Value x = body->getArgument(0);
  Value zero = arith::ConstantIndexOp::create(builder, location, 0);
  Value tokens = tensor::DimOp::create(builder, location, x, zero);
  IRMapping mapping;
  mapping.map(linear.getX(), x);
  if (linear.getResidual())
    mapping.map(linear.getResidual(), body->getArgument(1));
  for (Value operand : linear->getOperands())
    if (Operation *constant = operand.getDefiningOp())
      if (constant->hasTrait<OpTrait::ConstantLike>() &&
          !mapping.contains(operand))
        builder.clone(*constant, mapping);
  // Each writes over what the one before wrote: that is a use, so none is dead,
  // and there is one output, as in a model.
  Value result =
      tensor::EmptyOp::create(builder, location, yType, ValueRange{tokens});
  for (int64_t index = 0; index < count; ++index) {
    mapping.map(linear.getInit(), result);
    mapping.map(linear.getWeight(),
                PackedConstantOp::create(
                    builder, location, linear.getWeight().getType(),
                    "bench_weights_" + std::to_string(index))
                    .getResult());
    Operation *copy = builder.clone(*linear, mapping);
    result = copy->getResult(0);
    result.setType(yType);
  }
  func::ReturnOp::create(builder, location, result);
  return module;
}
