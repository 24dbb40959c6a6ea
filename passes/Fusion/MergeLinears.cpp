//===- MergeLinears.cpp - Linears that share their input ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantBytes.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

namespace hgf {
#define GEN_PASS_DEF_MERGELINEARS
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

TernaryType getWeightType(LinearOp linear) {
  return cast<TernaryType>(linear.getWeight().getType());
}

bool isConstant(Value value) { return !value || getConstantBytes(value); }

/// Why a linear stays on its own, or null.
const char *findObstacle(LinearOp linear) {
  if (!linear.getY())
    return "it works on buffers";
  if (!linear.getWeight().getDefiningOp<TernaryConstantOp>())
    return "its weight is no constant";
  if (linear.getGateKind() == GateKind::SigmoidInput ||
      linear.getGateKind() == GateKind::SigmoidOutput)
    return "its gate is computed for each token";
  if (linear.getActivation() != Activation::Identity || linear.getResidual())
    return "it has an epilogue of its own";
  if (!linear.getSegments().empty())
    return "it is merged already";
  for (Value operand : {linear.getA(), linear.getB(), linear.getAScale(),
                        linear.getBScale(), linear.getGate(), linear.getBias()})
    if (!isConstant(operand))
      return "a parameter is no constant";
  return nullptr;
}

/// Two linears can merge where these agree.
bool canMerge(LinearOp first, LinearOp second) {
  auto factorType = [](LinearOp linear) {
    return linear.getA()
               ? cast<ShapedType>(linear.getA().getType()).getElementType()
               : Type();
  };
  auto group = [](LinearOp linear) { return getWeightType(linear).getGroup(); };
  auto levels = [](LinearOp linear) {
    return getWeightType(linear).getLevels();
  };
  return first.getX() == second.getX() &&
         first->getBlock() == second->getBlock() &&
         first.getQuantization() == second.getQuantization() &&
         first.getCorrectionActivation() == second.getCorrectionActivation() &&
         first.getCorrectionInput() == second.getCorrectionInput() &&
         first.getGateKind() == second.getGateKind() &&
         first.getGateThreshold() == second.getGateThreshold() &&
         factorType(first) == factorType(second) &&
         levels(first) == levels(second) && group(first) == group(second);
}

/// Concatenates the parameters of several linears.
class Merger {
public:
  Merger(OpBuilder &builder, ArrayRef<LinearOp> linears)
      : builder(builder), linears(linears),
        location(LinearOp(linears.front()).getLoc()) {
    for (LinearOp linear : linears) {
      TernaryType type = getWeightType(linear);
      segments.push_back(type.getRows());
      rows += type.getRows();
      columns = type.getColumns();
      if (linear.getA()) {
        ranks.push_back(
            cast<ShapedType>(linear.getA().getType()).getDimSize(0));
        rank += ranks.back();
      }
    }
  }

  LinearOp merge();

private:
  Value weight();
  std::vector<char> codes();
  /// The parameter of every linear, one behind the other.
  Value joined(llvm::function_ref<Value(LinearOp)> get, ArrayRef<int64_t> shape,
               StringRef name);
  /// One float per row: the parameter's own, its only one, or zero.
  Value perRow(llvm::function_ref<Value(LinearOp)> get);
  Value constant(ElementsAttr elements) {
    return arith::ConstantOp::create(builder, location,
                                     cast<TypedAttr>(elements));
  }
  void describe(LinearOp merged);

  OpBuilder &builder;
  ArrayRef<LinearOp> linears;
  Location location;
  SmallVector<int64_t> segments, ranks;
  int64_t rows = 0, columns = 0, rank = 0;
};

std::vector<char> Merger::codes() {
  std::vector<char> result(getTwoBitByteCount(rows * columns));
  int64_t position = 0;
  for (LinearOp linear : linears) {
    auto source = linear.getWeight().getDefiningOp<TernaryConstantOp>();
    std::vector<char> bytes = *getElementBytes(source.getCodes());
    int64_t count = getWeightType(linear).getRows() * columns;
    if (position % 4 == 0) {
      std::copy(bytes.begin(), bytes.end(), result.begin() + position / 4);
    } else {
      for (int64_t index = 0; index < count; ++index) {
        int code = (uint8_t(bytes[index / 4]) >> (index % 4 * 2)) & 3;
        int64_t to = position + index;
        result[to / 4] |= char(code << (to % 4 * 2));
      }
    }
    position += count;
  }
  return result;
}

Value Merger::weight() {
  int64_t group = getWeightType(linears[0]).getGroup();
  std::vector<float> scales;
  for (LinearOp linear : linears) {
    auto source = linear.getWeight().getDefiningOp<TernaryConstantOp>();
    auto values = cast<DenseElementsAttr>(source.getScales());
    std::vector<float> own(values.value_begin<float>(),
                           values.value_end<float>());
    if (source.getType().getGranularity() == Granularity::Tensor)
      own.assign(source.getType().getRows(), own[0]);
    scales.insert(scales.end(), own.begin(), own.end());
  }
  Granularity granularity = group ? Granularity::Group : Granularity::Row;
  if (!group && llvm::all_equal(scales)) {
    granularity = Granularity::Tensor;
    scales.resize(1);
  }
  auto type = TernaryType::get(builder.getContext(), rows, columns, granularity,
                               group, getWeightType(linears[0]).getLevels());
  std::vector<char> bytes = codes();
  auto codeType =
      RankedTensorType::get({int64_t(bytes.size())}, builder.getI8Type());
  auto scaleType =
      RankedTensorType::get({int64_t(scales.size())}, builder.getF32Type());
  return TernaryConstantOp::create(
      builder, location, type, makeElementsAttr(codeType, bytes, "codes"),
      DenseElementsAttr::get(scaleType, ArrayRef<float>(scales)));
}

Value Merger::joined(llvm::function_ref<Value(LinearOp)> get,
                     ArrayRef<int64_t> shape, StringRef name) {
  if (!get(linears[0]))
    return {};
  std::vector<char> bytes;
  for (LinearOp linear : linears) {
    std::vector<char> own = *getConstantBytes(get(linear));
    bytes.insert(bytes.end(), own.begin(), own.end());
  }
  Type element = cast<ShapedType>(get(linears[0]).getType()).getElementType();
  return constant(
      makeElementsAttr(RankedTensorType::get(shape, element), bytes, name));
}

Value Merger::perRow(llvm::function_ref<Value(LinearOp)> get) {
  if (llvm::none_of(linears, get))
    return {};
  std::vector<float> values;
  for (auto [linear, count] : llvm::zip_equal(linears, segments)) {
    std::vector<float> own(count);
    if (Value parameter = get(linear))
      own = *getConstantFloats(parameter);
    if (int64_t(own.size()) != count)
      own.assign(count, own[0]);
    values.insert(values.end(), own.begin(), own.end());
  }
  return constant(DenseElementsAttr::get(
      RankedTensorType::get({rows}, builder.getF32Type()),
      ArrayRef<float>(values)));
}

/// The report names every layer that is in here.
void Merger::describe(LinearOp merged) {
  for (StringRef name : {"hgf.node", "hgf.form"}) {
    std::string text;
    for (LinearOp linear : linears) {
      auto value = linear->getAttrOfType<StringAttr>(name);
      if (!value || (name == "hgf.form" && text == value.getValue()))
        continue;
      if (!text.empty())
        text += "+";
      text += value.getValue();
    }
    if (!text.empty())
      merged->setAttr(name, builder.getStringAttr(text));
  }
}

LinearOp Merger::merge() {
  LinearOp first = linears[0];
  int64_t factorElements = 0;
  for (auto [segment, own] : llvm::zip(segments, ranks))
    factorElements += segment * own;
  SmallVector<OpFoldResult> sizes =
      tensor::getMixedSizes(builder, location, first.getX());
  sizes.back() = builder.getIndexAttr(rows);
  Value init =
      tensor::EmptyOp::create(builder, location, sizes, builder.getF32Type());
  auto a = [](LinearOp linear) { return linear.getA(); };
  auto b = [](LinearOp linear) { return linear.getB(); };
  auto aScale = [](LinearOp linear) { return linear.getAScale(); };
  auto bScale = [](LinearOp linear) { return linear.getBScale(); };
  auto gate = [](LinearOp linear) { return linear.getGate(); };
  auto bias = [](LinearOp linear) { return linear.getBias(); };
  auto merged = LinearOp::create(
      builder, location, init.getType(), first.getX(), weight(),
      joined(a, {rank, columns}, "factor"),
      joined(b, {factorElements}, "factor"), joined(aScale, {rank}, "scales"),
      joined(bScale, {rank}, "scales"), perRow(gate), /*gate_weight=*/Value(),
      /*gate_bias=*/Value(), perRow(bias), /*residual=*/Value(), init,
      first.getQuantization(), first.getCorrectionActivation(),
      first.getCorrectionInput(), first.getGateKind(), Activation::Identity,
      segments, ranks);
  describe(merged);
  return merged;
}

struct MergeLinears : public hgf::impl::MergeLinearsBase<MergeLinears> {
  void runOnOperation() override {
    // Those that share an input, in the order of the program.
    llvm::MapVector<Value, SmallVector<SmallVector<LinearOp>>> groups;
    getOperation()->walk([&](LinearOp linear) {
      if (findObstacle(linear))
        return;
      auto &candidates = groups[linear.getX()];
      for (SmallVector<LinearOp> &candidate : candidates)
        if (canMerge(candidate.front(), linear)) {
          candidate.push_back(linear);
          return;
        }
      candidates.push_back({linear});
    });
    for (auto &[x, candidates] : groups)
      for (SmallVector<LinearOp> &linears : candidates)
        if (linears.size() > 1)
          mergeAll(linears);
  }

  void mergeAll(ArrayRef<LinearOp> linears) {
    OpBuilder builder(linears.front());
    LinearOp merged = Merger(builder, linears).merge();
    Location location = merged.getLoc();
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, location, merged.getY());
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
    int64_t begin = 0;
    for (LinearOp linear : linears) {
      int64_t rows = getWeightType(linear).getRows();
      offsets.back() = builder.getIndexAttr(begin);
      sizes.back() = builder.getIndexAttr(rows);
      begin += rows;
      Value part = tensor::ExtractSliceOp::create(
          builder, linear.getLoc(), merged.getY(), offsets, sizes, strides);
      if (part.getType() != linear.getY().getType())
        part = tensor::CastOp::create(builder, linear.getLoc(),
                                      linear.getY().getType(), part);
      linear.getY().replaceAllUsesWith(part);
    }
    for (LinearOp linear : linears)
      linear.erase();
  }
};

} // namespace
