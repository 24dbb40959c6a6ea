//===- WeightLayout.h - The blob of one layer on a GPU -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_NVVM_WEIGHTLAYOUT_H
#define HGF_TARGET_NVVM_WEIGHTLAYOUT_H

#include "hgf/Target/CPU/WeightLayout.h"

namespace hgf {

/// The encoding "words2": rows one after another, each of whole chunks of 16
/// bytes. A chunk is what one lane loads at once, four words; a word holds 16
/// consecutive columns c to c + 15 with the code of column c + 4 q + b in the
/// bits 8 b + 2 q. So `word & (0x03030303 << 2 q)` is the codes of four
/// consecutive columns, one per byte and times 4^q: what a dot product of bytes
/// takes as it is.
///
/// A row is the work of `lanes` lanes, in steps of one chunk per lane. In step
/// s, word j of lane l's chunk has the columns from 16 (4 s lanes + j lanes +
/// l) on, so that the lanes' loads of int8 activations, 16 bytes each, are as
/// contiguous as those of the weights. The last step may have fewer lanes; then
/// their number takes the place of the second `lanes`.
///
/// Columns that the matrix lacks have code 1; their activations are zeros.
class WordLayout {
public:
  explicit WordLayout(int64_t columns);

  static llvm::StringRef getName() { return "words2"; }
  static constexpr int64_t wordColumns = 16;
  static constexpr int64_t chunkWords = 4;
  static constexpr int64_t chunkBytes = 16;
  static constexpr int64_t chunkColumns = wordColumns * chunkWords;
  static constexpr int64_t warpLanes = 32;

  int64_t getColumns() const { return columns; }
  /// Chunks of a row. Long rows have an even number, so that each begins with a
  /// sector of 32 bytes; that costs them 3 % at most.
  int64_t getChunks() const { return chunks; }
  /// Columns with those that fill the last chunk: the length of a token's
  /// activations.
  int64_t getPaddedColumns() const { return chunks * chunkColumns; }
  int64_t getRowBytes() const { return chunks * chunkBytes; }
  /// Lanes that share a row: as many of a warp's as leave less than a quarter
  /// of them idle over all steps. More lanes for a row are more warps for the
  /// whole GPU, and more sums to bring together.
  int64_t getLanes() const { return lanes; }
  /// Steps in which every lane has a chunk.
  int64_t getFullSteps() const { return chunks / lanes; }
  /// Lanes that have a chunk in the last step; 0 where all steps are full.
  int64_t getLastLanes() const { return chunks % lanes; }

  /// Where the columns from 16 `word` on are in a row, in words.
  int64_t getWordOffset(int64_t word) const;

  /// Packs the rows [begin, end) of `codes` (two bits each, least significant
  /// first, rows one after another without padding) to their place in `packed`.
  void pack(llvm::ArrayRef<uint8_t> codes, int64_t begin, int64_t end,
            llvm::MutableArrayRef<uint8_t> packed) const;
  /// The inverse of pack(), for all of `rows` rows.
  void unpack(llvm::ArrayRef<uint8_t> packed, int64_t rows,
              llvm::MutableArrayRef<uint8_t> codes) const;

private:
  int64_t columns, chunks, lanes;
};

/// Where each part of a layer starts in its blob, in the order that kernels
/// read them: offsets in bytes, multiples of 64.
///
/// | part | layout |
/// |---|---|
/// | codes | WordLayout |
/// | scales | float32: one; one per row; or [row][group], groups that the
/// padding adds being 0 |
/// | a | [rank][getFactorColumns()], padded with zeros |
/// | aScale, bScale | float32 per rank, for int8 factors |
/// | b | per segment [row][rank of the segment], as it came |
/// | gate | float32: one, or one per row |
/// | gateWeight | float32 per column or per row |
/// | gateBias | float32: the bias and the threshold |
/// | bias | float32 per row |
/// | norm, normEpsilon | float32 per column; one |
struct GpuWeightLayout {
  int64_t codes = 0, scales = 0, a = 0, aScale = 0, b = 0, bScale = 0, gate = 0,
          gateWeight = 0, gateBias = 0, bias = 0, norm = 0, normEpsilon = 0;
  int64_t byteCount = 0;
};

/// Columns of A as stored: whole 16 bytes, whatever the type.
int64_t getGpuFactorColumns(const LinearParameters &parameters);
/// Scales of one row, where the granularity is `group`.
int64_t getGpuGroups(const LinearParameters &parameters);

GpuWeightLayout computeGpuWeightLayout(const LinearParameters &parameters);

/// Writes the blob. `blob` has computeGpuWeightLayout().byteCount bytes, all
/// zero.
void packGpuWeights(const LinearParameters &parameters,
                    const LinearConstants &constants,
                    llvm::MutableArrayRef<uint8_t> blob);

} // namespace hgf

#endif // HGF_TARGET_NVVM_WEIGHTLAYOUT_H
