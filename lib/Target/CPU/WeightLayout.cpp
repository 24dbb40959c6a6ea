//===- WeightLayout.cpp - The blob of one layer -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/WeightLayout.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hgf;

/// Every part starts on a cache line.
static constexpr int64_t partAlignment = 64;

int64_t hgf::getElementBytes(FactorType type) {
  switch (type) {
  case FactorType::None:
    return 0;
  case FactorType::I8:
    return 1;
  case FactorType::F16:
  case FactorType::BF16:
    return 2;
  case FactorType::F32:
    return 4;
  }
  llvm_unreachable("unknown factor type");
}

static FactorType getFactorType(Value factor) {
  if (!factor)
    return FactorType::None;
  Type element = cast<ShapedType>(factor.getType()).getElementType();
  if (element.isInteger(8))
    return FactorType::I8;
  if (element.isF16())
    return FactorType::F16;
  return element.isBF16() ? FactorType::BF16 : FactorType::F32;
}

LinearParameters hgf::getLinearParameters(LinearOp op) {
  LinearParameters result;
  auto read = [&](auto type) {
    result.rows = type.getRows();
    result.columns = type.getColumns();
    result.granularity = type.getGranularity();
    result.group = type.getGroup();
    result.levels = type.getLevels();
  };
  if (auto type = dyn_cast<PackedType>(op.getWeight().getType()))
    read(type);
  else
    read(cast<TernaryType>(op.getWeight().getType()));
  result.a = getFactorType(op.getA());
  result.b = getFactorType(op.getB());
  if (op.getA())
    result.rank = cast<ShapedType>(op.getA().getType()).getDimSize(0);
  result.gateKind = op.getGateKind();
  result.rowGate =
      op.getGate() && cast<ShapedType>(op.getGate().getType()).getRank() == 1;
  result.bias = bool(op.getBias());
  result.norm = bool(op.getNormWeight());
  result.normEpsilon = op.getNormEpsilon().convertToFloat();
  result.gateThreshold = op.getGateThreshold().convertToFloat();
  // Segments matter to the correction only.
  if (op.getA() && op.getSegments().size() > 1) {
    llvm::append_range(result.segments, op.getSegments());
    llvm::append_range(result.segmentRanks, op.getSegmentRanks());
  }
  return result;
}

SmallVector<RowBlockRanks>
hgf::getRowBlockRanks(const Encoding &encoding,
                      const LinearParameters &parameters) {
  SmallVector<RowBlockRanks> result;
  int64_t blockRows = encoding.getBlockRows();
  int64_t offset = 0;
  for (int64_t block = 0; block < encoding.getRowBlockCount(parameters.rows);
       ++block) {
    int64_t firstRow = block * blockRows;
    int64_t lastRow = std::min(firstRow + blockRows, parameters.rows);
    int64_t first = 0, end = parameters.rank;
    if (!parameters.segments.empty()) {
      // A block on the border of two layers reads the ranks of both.
      int64_t row = 0, rank = 0;
      first = parameters.rank;
      end = 0;
      for (auto [rows, ranks] :
           llvm::zip_equal(parameters.segments, parameters.segmentRanks)) {
        if (row < lastRow && firstRow < row + rows && ranks > 0) {
          first = std::min(first, rank);
          end = std::max(end, rank + ranks);
        }
        row += rows;
        rank += ranks;
      }
      first = std::min(first, end);
    }
    first = llvm::alignDown(first, LinearParameters::rankBlock);
    end = llvm::alignTo(end, LinearParameters::rankBlock);
    result.push_back({static_cast<uint16_t>(first), static_cast<uint16_t>(end),
                      static_cast<uint32_t>(offset)});
    offset += (end - first) * blockRows * getElementBytes(parameters.b);
  }
  return result;
}

WeightLayout hgf::computeWeightLayout(const Encoding &encoding,
                                      const LinearParameters &parameters) {
  WeightLayout layout;
  auto place = [&](int64_t &offset, int64_t bytes) {
    offset = layout.byteCount;
    layout.byteCount += llvm::alignTo(bytes, partAlignment);
  };
  constexpr int64_t floatBytes = 4;
  int64_t rowBlocks = encoding.getRowBlockCount(parameters.rows);
  int64_t paddedRows = rowBlocks * encoding.getBlockRows();
  place(layout.codes,
        encoding.getByteCount(parameters.rows, parameters.columns) +
            encoding.getOverreadBytes());
  int64_t scales = 1;
  if (parameters.granularity == Granularity::Row)
    scales = paddedRows;
  if (parameters.granularity == Granularity::Group)
    scales = paddedRows * encoding.getBlockCount(parameters.columns) *
             encoding.getBlockColumns() / parameters.group;
  place(layout.scales, scales * floatBytes);
  if (parameters.hasCorrection()) {
    place(layout.a, parameters.getPaddedRank() * parameters.getFactorColumns() *
                        getElementBytes(parameters.a));
    if (parameters.a == FactorType::I8)
      place(layout.aScale, parameters.getPaddedRank() * floatBytes);
    RowBlockRanks last = getRowBlockRanks(encoding, parameters).back();
    place(layout.b, last.byteOffset + (last.end - last.first) *
                                          encoding.getBlockRows() *
                                          getElementBytes(parameters.b));
    if (parameters.b == FactorType::I8)
      place(layout.bScale, parameters.getPaddedRank() * floatBytes);
    if (!parameters.segments.empty())
      place(layout.segmentTable, rowBlocks * sizeof(RowBlockRanks));
  }
  switch (parameters.gateKind) {
  case GateKind::Open:
    break;
  case GateKind::Static:
    place(layout.gate, (parameters.rowGate ? paddedRows : 1) * floatBytes);
    break;
  case GateKind::SigmoidInput:
  case GateKind::SigmoidOutput:
    place(layout.gateWeight,
          llvm::alignTo(parameters.gateKind == GateKind::SigmoidInput
                            ? parameters.columns
                            : parameters.rows,
                        LinearParameters::factorVector) *
              floatBytes);
    place(layout.gateBias, 2 * floatBytes);
    break;
  }
  if (parameters.bias)
    place(layout.bias, paddedRows * floatBytes);
  if (parameters.norm) {
    place(layout.norm, parameters.getFactorColumns() * floatBytes);
    place(layout.normEpsilon, floatBytes);
  }
  return layout;
}

namespace {

/// Writes the parts of one blob.
struct Packer {
  const Encoding &encoding;
  const LinearParameters &parameters;
  MutableArrayRef<uint8_t> blob;

  /// Copies one element of `bytes` bytes.
  void copyElement(int64_t target, ArrayRef<uint8_t> source, int64_t index,
                   int64_t bytes) {
    std::memcpy(&blob[target], &source[index * bytes], bytes);
  }

  void copy(int64_t offset, ArrayRef<uint8_t> source) {
    if (!source.empty())
      std::memcpy(&blob[offset], source.data(), source.size());
  }

  void copyFloat(int64_t offset, float value) {
    std::memcpy(&blob[offset], &value, sizeof(value));
  }

  void packScales(int64_t offset, ArrayRef<uint8_t> scales) {
    if (parameters.granularity != Granularity::Group)
      return copy(offset, scales);
    int64_t groups = llvm::divideCeil(parameters.columns, parameters.group);
    int64_t padded = encoding.getBlockCount(parameters.columns) *
                     encoding.getBlockColumns() / parameters.group;
    int64_t blockRows = encoding.getBlockRows();
    for (int64_t n = 0; n < parameters.rows; ++n)
      for (int64_t g = 0; g < groups; ++g) {
        int64_t target =
            (n / blockRows * padded + g) * blockRows + n % blockRows;
        copyElement(offset + target * 4, scales, n * groups + g, 4);
      }
  }

  void packA(int64_t offset, ArrayRef<uint8_t> a) {
    constexpr int64_t block = LinearParameters::rankBlock;
    constexpr int64_t vector = LinearParameters::factorVector;
    int64_t bytes = getElementBytes(parameters.a);
    int64_t vectors = parameters.getFactorColumns() / vector;
    for (int64_t r = 0; r < parameters.rank; ++r)
      for (int64_t k = 0; k < parameters.columns; ++k) {
        int64_t target =
            ((r / block * vectors + k / vector) * block + r % block) * vector +
            k % vector;
        copyElement(offset + target * bytes, a, r * parameters.columns + k,
                    bytes);
      }
  }

  void packB(int64_t offset, ArrayRef<uint8_t> b) {
    int64_t bytes = getElementBytes(parameters.b);
    int64_t blockRows = encoding.getBlockRows();
    SmallVector<RowBlockRanks> ranks = getRowBlockRanks(encoding, parameters);
    SmallVector<int64_t> segments = parameters.segments;
    SmallVector<int64_t> segmentRanks = parameters.segmentRanks;
    if (segments.empty()) {
      segments = {parameters.rows};
      segmentRanks = {parameters.rank};
    }
    int64_t n = 0, firstRank = 0, source = 0;
    for (auto [rows, count] : llvm::zip_equal(segments, segmentRanks)) {
      for (int64_t row = 0; row < rows; ++row, ++n)
        for (int64_t r = 0; r < count; ++r, ++source) {
          const RowBlockRanks &range = ranks[n / blockRows];
          int64_t target =
              (firstRank + r - range.first) * blockRows + n % blockRows;
          copyElement(offset + range.byteOffset + target * bytes, b, source,
                      bytes);
        }
      firstRank += count;
    }
  }

  void packSegmentTable(int64_t offset) {
    if (parameters.segments.empty())
      return;
    for (const RowBlockRanks &range : getRowBlockRanks(encoding, parameters)) {
      std::memcpy(&blob[offset], &range, sizeof(range));
      offset += sizeof(range);
    }
  }
};

} // namespace

void hgf::packWeights(const Encoding &encoding,
                      const LinearParameters &parameters,
                      const LinearConstants &constants,
                      MutableArrayRef<uint8_t> blob) {
  WeightLayout layout = computeWeightLayout(encoding, parameters);
  Packer packer{encoding, parameters, blob};
  encoding.pack(
      constants.codes, parameters.rows, parameters.columns,
      blob.slice(layout.codes,
                 encoding.getByteCount(parameters.rows, parameters.columns)));
  packer.packScales(layout.scales, constants.scales);
  if (parameters.hasCorrection()) {
    packer.packA(layout.a, constants.a);
    packer.copy(layout.aScale, constants.aScale);
    packer.packB(layout.b, constants.b);
    packer.copy(layout.bScale, constants.bScale);
    packer.packSegmentTable(layout.segmentTable);
  }
  packer.copy(layout.gate, constants.gate);
  packer.copy(layout.gateWeight, constants.gateWeight);
  packer.copy(layout.gateBias, constants.gateBias);
  if (!constants.gateBias.empty())
    packer.copyFloat(layout.gateBias + 4, parameters.gateThreshold);
  packer.copy(layout.bias, constants.bias);
  if (parameters.norm) {
    packer.copy(layout.norm, constants.norm);
    packer.copyFloat(layout.normEpsilon, parameters.normEpsilon);
  }
}
