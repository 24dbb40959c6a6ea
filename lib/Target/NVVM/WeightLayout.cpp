//===- WeightLayout.cpp - The blob of one layer on a GPU -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/NVVM/WeightLayout.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hgf;

/// Every part starts on a cache line's half, which is two sectors.
static constexpr int64_t partAlignment = 64;
/// From here on one more chunk is at most 3 % of a row.
static constexpr int64_t longRowChunks = 33;
/// Sixteen codes of 1, however they are ordered.
static constexpr uint32_t wordOfOnes = 0x55555555;

//===----------------------------------------------------------------------===//
// Codes
//===----------------------------------------------------------------------===//

WordLayout::WordLayout(int64_t columns) : columns(columns) {
  chunks = llvm::divideCeil(columns, chunkColumns);
  if (chunks >= longRowChunks)
    chunks = llvm::alignTo(chunks, 2);
  for (lanes = warpLanes; lanes > 1; lanes /= 2)
    if (int64_t(llvm::alignTo(chunks, lanes)) * 3 < chunks * 4)
      break;
}

int64_t WordLayout::getWordOffset(int64_t word) const {
  int64_t step = word / (chunkWords * lanes);
  int64_t active = step < getFullSteps() ? lanes : getLastLanes();
  int64_t inside = word - step * chunkWords * lanes;
  int64_t chunk = step * lanes + inside % active;
  return chunk * chunkWords + inside / active;
}

/// Exchanges q and b of the codes 4 q + b of a word: its own inverse.
static uint32_t transpose(uint32_t word) {
  uint32_t change = (word >> 6 ^ word) & 0x00cc00cc;
  word ^= change ^ change << 6;
  change = (word >> 12 ^ word) & 0x0000f0f0;
  return word ^ change ^ change << 12;
}

/// The 16 codes from number `index` on, in their order. What is read beyond
/// the end is 0.
static uint32_t readCodes(ArrayRef<uint8_t> codes, int64_t index) {
  constexpr int64_t codesPerByte = 4, bytes = 5;
  int64_t first = index / codesPerByte;
  uint8_t source[8] = {};
  std::memcpy(source, &codes[first],
              std::min<int64_t>(bytes, codes.size() - first));
  return llvm::support::endian::read64le(source) >> 2 * (index % codesPerByte);
}

void WordLayout::pack(ArrayRef<uint8_t> codes, int64_t begin, int64_t end,
                      MutableArrayRef<uint8_t> packed) const {
  for (int64_t row = begin; row < end; ++row) {
    uint8_t *target = &packed[row * getRowBytes()];
    for (int64_t word = 0; word < chunks * chunkWords; ++word) {
      int64_t column = word * wordColumns, left = columns - column;
      uint32_t bits = wordOfOnes;
      if (left > 0)
        bits = readCodes(codes, row * columns + column);
      if (left > 0 && left < wordColumns) {
        uint32_t mask = llvm::maskTrailingOnes<uint32_t>(2 * left);
        bits = (bits & mask) | (wordOfOnes & ~mask);
      }
      llvm::support::endian::write32le(target + 4 * getWordOffset(word),
                                       transpose(bits));
    }
  }
}

void WordLayout::unpack(ArrayRef<uint8_t> packed, int64_t rows,
                        MutableArrayRef<uint8_t> codes) const {
  constexpr int64_t codesPerByte = 4;
  std::fill(codes.begin(), codes.end(), 0);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const uint8_t *source = &packed[row * getRowBytes()];
      int64_t offset = getWordOffset(column / wordColumns);
      uint32_t bits =
          transpose(llvm::support::endian::read32le(source + 4 * offset));
      uint8_t code = bits >> 2 * (column % wordColumns) & 3;
      int64_t index = row * columns + column;
      codes[index / codesPerByte] |= code << 2 * (index % codesPerByte);
    }
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

int64_t hgf::getGpuFactorColumns(const LinearParameters &parameters) {
  constexpr int64_t vectorBytes = 16;
  return llvm::alignTo(parameters.columns,
                       vectorBytes / getElementBytes(parameters.a));
}

int64_t hgf::getGpuGroups(const LinearParameters &parameters) {
  return llvm::divideCeil(WordLayout(parameters.columns).getPaddedColumns(),
                          parameters.group);
}

/// Elements of B: each row has the ranks of its segment.
static int64_t countFactorB(const LinearParameters &parameters) {
  if (parameters.segments.empty())
    return parameters.rows * parameters.rank;
  int64_t count = 0;
  for (auto [rows, ranks] :
       llvm::zip_equal(parameters.segments, parameters.segmentRanks))
    count += rows * ranks;
  return count;
}

GpuWeightLayout
hgf::computeGpuWeightLayout(const LinearParameters &parameters) {
  GpuWeightLayout layout;
  auto place = [&](int64_t &offset, int64_t bytes) {
    offset = layout.byteCount;
    layout.byteCount += llvm::alignTo(bytes, partAlignment);
  };
  constexpr int64_t floatBytes = 4;
  place(layout.codes,
        parameters.rows * WordLayout(parameters.columns).getRowBytes());
  int64_t scales = 1;
  if (parameters.granularity == Granularity::Row)
    scales = parameters.rows;
  if (parameters.granularity == Granularity::Group)
    scales = parameters.rows * getGpuGroups(parameters);
  place(layout.scales, scales * floatBytes);
  if (parameters.hasCorrection()) {
    place(layout.a, parameters.rank * getGpuFactorColumns(parameters) *
                        getElementBytes(parameters.a));
    if (parameters.a == FactorType::I8)
      place(layout.aScale, parameters.rank * floatBytes);
    place(layout.b, countFactorB(parameters) * getElementBytes(parameters.b));
    if (parameters.b == FactorType::I8)
      place(layout.bScale, parameters.rank * floatBytes);
  }
  switch (parameters.gateKind) {
  case GateKind::Open:
    break;
  case GateKind::Static:
    place(layout.gate, (parameters.rowGate ? parameters.rows : 1) * floatBytes);
    break;
  case GateKind::SigmoidInput:
  case GateKind::SigmoidOutput:
    place(layout.gateWeight,
          (parameters.gateKind == GateKind::SigmoidInput ? parameters.columns
                                                         : parameters.rows) *
              floatBytes);
    place(layout.gateBias, 2 * floatBytes);
    break;
  }
  if (parameters.bias)
    place(layout.bias, parameters.rows * floatBytes);
  if (parameters.norm) {
    place(layout.norm, parameters.columns * floatBytes);
    place(layout.normEpsilon, floatBytes);
  }
  return layout;
}

void hgf::packGpuWeights(const LinearParameters &parameters,
                         const LinearConstants &constants,
                         MutableArrayRef<uint8_t> blob) {
  GpuWeightLayout layout = computeGpuWeightLayout(parameters);
  auto copy = [&](int64_t offset, ArrayRef<uint8_t> source) {
    if (!source.empty())
      std::memcpy(&blob[offset], source.data(), source.size());
  };
  // Rows that are longer in the blob than they came.
  auto copyRows = [&](int64_t offset, ArrayRef<uint8_t> source, int64_t rows,
                      int64_t bytes, int64_t stride) {
    for (int64_t row = 0; row < rows; ++row)
      copy(offset + row * stride, source.slice(row * bytes, bytes));
  };
  constexpr int64_t floatBytes = 4;
  WordLayout words(parameters.columns);
  words.pack(constants.codes, 0, parameters.rows,
             blob.slice(layout.codes, parameters.rows * words.getRowBytes()));
  if (parameters.granularity == Granularity::Group)
    copyRows(layout.scales, constants.scales, parameters.rows,
             llvm::divideCeil(parameters.columns, parameters.group) *
                 floatBytes,
             getGpuGroups(parameters) * floatBytes);
  else
    copy(layout.scales, constants.scales);
  if (parameters.hasCorrection()) {
    int64_t bytes = getElementBytes(parameters.a);
    copyRows(layout.a, constants.a, parameters.rank, parameters.columns * bytes,
             getGpuFactorColumns(parameters) * bytes);
    copy(layout.aScale, constants.aScale);
    copy(layout.b, constants.b);
    copy(layout.bScale, constants.bScale);
  }
  copy(layout.gate, constants.gate);
  copy(layout.gateWeight, constants.gateWeight);
  copy(layout.gateBias, constants.gateBias);
  if (!constants.gateBias.empty())
    std::memcpy(&blob[layout.gateBias + floatBytes], &parameters.gateThreshold,
                floatBytes);
  copy(layout.bias, constants.bias);
  copy(layout.norm, constants.norm);
  if (parameters.norm)
    std::memcpy(&blob[layout.normEpsilon], &parameters.normEpsilon, floatBytes);
}
