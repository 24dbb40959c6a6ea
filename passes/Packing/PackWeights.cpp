//===- PackWeights.cpp - Constants become the blobs that kernels read -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Packing/Passes.h"

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Target/CPU/EncodingChoice.h"
#include "hgf/Target/NVVM/WeightLayout.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APFloat.h"

namespace hgf {
#define GEN_PASS_DEF_PACKWEIGHTS
#include "hgf/Passes/Packing/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Bytes of a constant; `storage` holds them where the attribute does not.
struct Bytes {
  ArrayRef<uint8_t> view;
  SmallVector<uint8_t> storage;
};

/// Dense bytes of `attribute`, or failure for kinds of attributes that hold
/// none.
LogicalResult readBytes(ElementsAttr attribute, Bytes &bytes) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return failure();
    bytes.view =
        ArrayRef(reinterpret_cast<const uint8_t *>(blob->getData().data()),
                 blob->getData().size());
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!dense)
    return failure();
  ArrayRef<char> raw = dense.getRawData();
  bytes.view =
      ArrayRef(reinterpret_cast<const uint8_t *>(raw.data()), raw.size());
  if (!dense.isSplat())
    return success();
  for (int64_t index = 0; index < dense.getNumElements(); ++index)
    llvm::append_range(bytes.storage, bytes.view);
  bytes.view = bytes.storage;
  return success();
}

/// Bytes of the constant behind `value`; none where there is no value.
LogicalResult readBytes(Value value, Bytes &bytes) {
  if (!value)
    return success();
  ElementsAttr attribute;
  if (!matchPattern(value, m_Constant(&attribute)))
    return failure();
  return readBytes(attribute, bytes);
}

/// How one layer's constants lie in its blob.
struct BlobFormat {
  /// Null on a GPU, whose kernels read one layout.
  const hgf::Encoding *encoding;

  StringRef getName() const {
    return encoding ? encoding->getName() : hgf::WordLayout::getName();
  }
  double getBitsPerWeight() const {
    return encoding ? encoding->getBitsPerWeight() : 2.0;
  }
  int64_t getByteCount(const hgf::LinearParameters &parameters) const {
    return encoding ? hgf::computeWeightLayout(*encoding, parameters).byteCount
                    : hgf::computeGpuWeightLayout(parameters).byteCount;
  }
  void pack(const hgf::LinearParameters &parameters,
            const hgf::LinearConstants &constants,
            MutableArrayRef<uint8_t> blob) const {
    if (encoding)
      hgf::packWeights(*encoding, parameters, constants, blob);
    else
      hgf::packGpuWeights(parameters, constants, blob);
  }
};

struct PackWeights : public hgf::impl::PackWeightsBase<PackWeights> {
  using PackWeightsBase::PackWeightsBase;

  void runOnOperation() override {
    SmallVector<hgf::OneBitLinearOp> signs;
    getOperation().walk([&](hgf::OneBitLinearOp op) { signs.push_back(op); });
    for (hgf::OneBitLinearOp op : signs)
      replaceSigns(op);
    SmallVector<hgf::LinearOp> layers;
    getOperation().walk([&](hgf::LinearOp op) { layers.push_back(op); });
    if (failed(readOptions(layers)))
      return signalPassFailure();
    getOperation().walk([&](hgf::TernaryConstantOp op) {
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getCodes()))
        ++users[resource.getRawHandle().getKey()];
    });
    SmallVector<Attribute> report;
    if (auto known = getOperation()->getAttrOfType<ArrayAttr>("hgf.report"))
      llvm::append_range(report, known);
    for (hgf::LinearOp op : layers)
      if (isa<hgf::TernaryType>(op.getWeight().getType())) {
        report.push_back(pack(op));
        // Kernels are chosen later, and join the line then.
        if (gpu && !op->hasAttr("hgf.missed"))
          op->setAttr(
              "hgf.line",
              Builder(&getContext()).getI64IntegerAttr(report.size() - 1));
      }
    if (!report.empty())
      getOperation()->setAttr("hgf.report",
                              ArrayAttr::get(&getContext(), report));
  }

  /// What the choice of every layer's encoding depends on.
  LogicalResult readOptions(ArrayRef<hgf::LinearOp> layers) {
    if (gpu)
      return success();
    levels = hgf::selectInstructionLevels(target, cpu, level);
    if (encoding != "auto") {
      query.wanted = hgf::findEncoding(encoding);
      if (!query.wanted)
        return getOperation().emitError("expected the encoding to be auto")
               << hgf::listEncodings() << " but got '" << encoding << "'";
    }
    if (levels.empty())
      return success();
    query.levels = levels;
    if (query.wanted)
      if (std::string why = hgf::explainRefusal(*query.wanted, levels);
          !why.empty())
        return getOperation().emitError("the encoding ")
               << encoding << " is not possible for the CPU '" << cpu
               << "', because " << why << "; name a CPU that has "
               << query.wanted->getFeatures()
               << " (--cpu=native where this machine does) or choose the "
                  "encoding auto";
    int64_t bytes = 0;
    for (hgf::LinearOp op : layers)
      bytes += hgf::computeWeightLayout(*hgf::getEncodings().front(),
                                        hgf::getLinearParameters(op))
                   .byteCount;
    query.residency = hgf::getResidency(levels, bytes);
    return success();
  }

  hgf::EncodingChoice choose(hgf::LinearOp op) {
    // Lowering says that there are no kernels.
    if (levels.empty())
      return {hgf::getEncodings().front(), "the target has no kernels"};
    hgf::LinearParameters parameters = hgf::getLinearParameters(op);
    query.columns = parameters.columns;
    query.group = parameters.group;
    query.fourLevels = parameters.levels != hgf::Levels::Ternary;
    query.floatActivations = op.getQuantization() == hgf::Quantization::None;
    return hgf::chooseEncoding(query);
  }

  /// y = ((x * u) S^t) * v is a ternary linear on x * u with the scales v.
  void replaceSigns(hgf::OneBitLinearOp op) {
    auto signs = op.getWeight().getDefiningOp<hgf::TernaryConstantOp>();
    ElementsAttr v;
    if (!signs || !matchPattern(op.getV(), m_Constant(&v)))
      return;
    SmallVector<APFloat> scales;
    for (APFloat scale : v.getValues<APFloat>()) {
      bool exact;
      scale.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                    &exact);
      scales.push_back(scale);
    }
    OpBuilder builder(op);
    Location location = op.getLoc();
    hgf::TernaryType type = signs.getType();
    auto rowType =
        hgf::TernaryType::get(&getContext(), type.getRows(), type.getColumns(),
                              hgf::Granularity::Row, 0, hgf::Levels::Ternary);
    auto scaleType =
        RankedTensorType::get({type.getRows()}, builder.getF32Type());
    Value weight = hgf::TernaryConstantOp::create(
        builder, location, rowType, signs.getCodes(),
        DenseElementsAttr::get(scaleType, scales));
    Value x = multiplyInputs(builder, op);
    auto resultType = cast<RankedTensorType>(op.getType());
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, location, x);
    sizes.back() = builder.getIndexAttr(type.getRows());
    Value init = tensor::EmptyOp::create(builder, location, sizes,
                                         resultType.getElementType());
    auto linear = hgf::LinearOp::create(
        builder, location, init.getType(), x, weight, Value(), Value(), Value(),
        Value(), Value(), Value(), Value(), Value(), Value(), init);
    linear->setAttr("hgf.form", builder.getStringAttr("onebit"));
    if (Attribute node = op->getAttr("hgf.node"))
      linear->setAttr("hgf.node", node);
    Value result = linear.getY();
    if (result.getType() != resultType)
      result = tensor::CastOp::create(builder, location, resultType, result);
    op.replaceAllUsesWith(result);
    op.erase();
    if (signs->use_empty())
      signs.erase();
  }

  /// x * u over the last dimension.
  static Value multiplyInputs(OpBuilder &builder, hgf::OneBitLinearOp op) {
    Location location = op.getLoc();
    auto type = cast<RankedTensorType>(op.getX().getType());
    Value init = tensor::EmptyOp::create(
        builder, location, tensor::getMixedSizes(builder, location, op.getX()),
        type.getElementType());
    AffineMap all = builder.getMultiDimIdentityMap(type.getRank());
    AffineMap last = AffineMap::get(
        type.getRank(), 0, builder.getAffineDimExpr(type.getRank() - 1));
    SmallVector<utils::IteratorType> iterators(type.getRank(),
                                               utils::IteratorType::parallel);
    auto generic = linalg::GenericOp::create(
        builder, location, init.getType(), ValueRange{op.getX(), op.getU()},
        init, ArrayRef<AffineMap>{all, last, all}, iterators,
        [](OpBuilder &inner, Location location, ValueRange arguments) {
          Value u = arguments[1];
          Type element = arguments[0].getType();
          if (u.getType() != element)
            u = arith::ExtFOp::create(inner, location, element, u);
          linalg::YieldOp::create(
              inner, location,
              arith::MulFOp::create(inner, location, arguments[0], u)
                  .getResult());
        });
    return generic.getResult(0);
  }

  /// Packs one layer; returns its line of the report.
  Attribute pack(hgf::LinearOp op) {
    hgf::EncodingChoice choice;
    if (!gpu)
      choice = choose(op);
    BlobFormat format = {gpu ? nullptr : choice.encoding};
    const char *missed = tryPack(op, format);
    Builder builder(&getContext());
    hgf::LinearParameters parameters = hgf::getLinearParameters(op);
    SmallVector<NamedAttribute> line;
    auto add = [&](StringRef name, Attribute value) {
      line.push_back(builder.getNamedAttr(name, value));
    };
    Attribute form = op->getAttr("hgf.form");
    add("form", form ? form : builder.getStringAttr("hgf"));
    add("node", getNode(op));
    add("rows", builder.getI64IntegerAttr(parameters.rows));
    add("columns", builder.getI64IntegerAttr(parameters.columns));
    add("rank", builder.getI64IntegerAttr(parameters.rank));
    if (op.getA())
      add("correction", TypeAttr::get(getElementTypeOrSelf(op.getA())));
    if (parameters.gateThreshold > 0)
      add("gate_threshold", op.getGateThresholdAttr());
    if (Attribute error = op->getAttr("hgf.gate_error"))
      add("gate_error", error);
    if (Attribute error = op->getAttr("hgf.correction_error"))
      add("correction_error", error);
    if (parameters.levels != hgf::Levels::Ternary)
      add("levels",
          builder.getStringAttr(hgf::stringifyLevels(parameters.levels)));
    if (missed) {
      add("kernel", builder.getStringAttr("none"));
      add("missed", builder.getStringAttr(missed));
      op->setAttr("hgf.missed", builder.getStringAttr(missed));
      return builder.getDictionaryAttr(line);
    }
    add("encoding", builder.getStringAttr(format.getName()));
    add("encoding_reason",
        builder.getStringAttr(gpu ? "the one that the GPU's kernels read"
                                  : choice.reason));
    if (!gpu)
      add("residency",
          builder.getStringAttr(hgf::stringifyResidency(query.residency)));
    bool isFloat = op.getQuantization() == hgf::Quantization::None;
    add("kernel",
        builder.getStringAttr(
            (Twine(format.getName()) + (isFloat ? "_float" : "_int8") + "_" +
             hgf::stringifyGranularity(parameters.granularity))
                .str()));
    add("bits", builder.getF64FloatAttr(format.getBitsPerWeight()));
    int64_t bytes = format.getByteCount(parameters);
    add("effective_bits",
        builder.getF64FloatAttr(8.0 * bytes /
                                (parameters.rows * parameters.columns)));
    return builder.getDictionaryAttr(line);
  }

  static Attribute getNode(hgf::LinearOp op) {
    if (Attribute node = op->getAttr("hgf.node"))
      return node;
    if (auto name = op.getLoc()->findInstanceOf<NameLoc>())
      return name.getName();
    return StringAttr::get(op.getContext(), "");
  }

  /// Replaces the weight by its packed form, or says why it cannot.
  const char *tryPack(hgf::LinearOp op, const BlobFormat &format) {
    auto source = op.getWeight().getDefiningOp<hgf::TernaryConstantOp>();
    if (!source)
      return "the weight is not a constant";
    Bytes codes, scales, a, aScale, b, bScale, gate, gateWeight, gateBias, bias,
        norm;
    if (failed(readBytes(source.getCodes(), codes)) ||
        failed(readBytes(source.getScales(), scales)))
      return "the weight's bytes are not in the module";
    for (auto [value, bytes] : {std::pair{op.getA(), &a},
                                {op.getAScale(), &aScale},
                                {op.getB(), &b},
                                {op.getBScale(), &bScale},
                                {op.getGate(), &gate},
                                {op.getGateWeight(), &gateWeight},
                                {op.getGateBias(), &gateBias},
                                {op.getBias(), &bias},
                                {op.getNormWeight(), &norm}})
      if (failed(readBytes(value, *bytes)))
        return "a parameter of the correction, the gate or the bias is not a "
               "constant";
    hgf::LinearParameters parameters = hgf::getLinearParameters(op);
    int64_t byteCount = format.getByteCount(parameters);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        byteCount, /*align=*/64, /*dataIsMutable=*/true);
    MutableArrayRef<uint8_t> target(
        reinterpret_cast<uint8_t *>(blob.getMutableData().data()), byteCount);
    llvm::fill(target, 0);
    format.pack(parameters,
                {codes.view, scales.view, a.view, aScale.view, b.view,
                 bScale.view, gate.view, gateWeight.view, gateBias.view,
                 bias.view, norm.view},
                target);
    replaceWeight(op, source, format.getName(), std::move(blob), byteCount);
    return nullptr;
  }

  void replaceWeight(hgf::LinearOp op, hgf::TernaryConstantOp source,
                     StringRef encoding, AsmResourceBlob blob,
                     int64_t byteCount) {
    SymbolTable symbols(getOperation());
    OpBuilder builder(&getContext());
    std::string name;
    do
      name = "hgf_weights_" + std::to_string(count++);
    while (symbols.lookup(name));
    auto bytes = DenseResourceElementsAttr::get(
        RankedTensorType::get({byteCount}, builder.getI8Type()), name,
        std::move(blob));
    builder.setInsertionPointToStart(getOperation().getBody());
    hgf::WeightsOp::create(builder, op.getLoc(), name, bytes, byteCount);
    builder.setInsertionPoint(op);
    hgf::TernaryType type = source.getType();
    op.getWeightMutable().set(hgf::PackedConstantOp::create(
        builder, op.getLoc(),
        hgf::PackedType::get(&getContext(), type.getRows(), type.getColumns(),
                             type.getGranularity(), type.getGroup(), encoding,
                             type.getLevels()),
        name));
    if (!source->use_empty())
      return;
    // The next layer's bytes need the room.
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(source.getCodes()))
      if (--users[resource.getRawHandle().getKey()] == 0)
        resource.getRawHandle().getResource()->setBlob(AsmResourceBlob());
    source.erase();
  }

  SmallVector<const hgf::InstructionLevel *> levels;
  /// What all layers share of it.
  hgf::EncodingQuery query;
  /// Layers that read a resource.
  llvm::StringMap<int64_t> users;
  int64_t count = 0;
};

} // namespace
