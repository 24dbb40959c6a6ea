//===- WeightLayout.h - The blob of one layer -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_CPU_WEIGHTLAYOUT_H
#define HGF_TARGET_CPU_WEIGHTLAYOUT_H

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Target/CPU/Encoding.h"

namespace hgf {

/// Storage of a correction's factor.
enum class FactorType { None, F16, BF16, F32, I8 };

/// Bytes of one element; 0 for None.
int64_t getElementBytes(FactorType type);

/// Sizes and kinds of the constant parameters of one `hgf.linear`.
struct LinearParameters {
  int64_t rows = 0;
  int64_t columns = 0;
  Granularity granularity = Granularity::Tensor;
  /// Columns per scale where the granularity is `group`.
  int64_t group = 0;
  Levels levels = Levels::Ternary;
  FactorType a = FactorType::None;
  FactorType b = FactorType::None;
  int64_t rank = 0;
  GateKind gateKind = GateKind::Open;
  /// A static gate with one value per row.
  bool rowGate = false;
  bool bias = false;
  /// x goes through a norm first.
  bool norm = false;
  float normEpsilon = 0;
  /// Dynamic gates below it are closed.
  float gateThreshold = 0;
  /// Rows and ranks of merged layers; empty for one.
  llvm::SmallVector<int64_t> segments;
  llvm::SmallVector<int64_t> segmentRanks;

  bool hasCorrection() const { return a != FactorType::None; }
  /// The rank in whole blocks of `rankBlock`.
  int64_t getPaddedRank() const { return llvm::alignTo(rank, rankBlock); }
  /// Columns of A as stored.
  int64_t getFactorColumns() const {
    return llvm::alignTo(columns, factorVector);
  }

  /// Ranks that one step of the kernels takes.
  static constexpr int64_t rankBlock = 4;
  /// Elements of a factor that one step of the kernels takes.
  static constexpr int64_t factorVector = 8;
};

/// The parameters of `op`, whose weight is a ternary or a packed matrix.
LinearParameters getLinearParameters(LinearOp op);

/// Where each part of a layer starts in its blob: 64-byte aligned offsets.
///
/// | part | layout |
/// |---|---|
/// | codes | as the encoding says |
/// | scales | float32: one; or one per row; or [row block][group][row of the
/// block] | | a | [rank block][columns / 8][rank of the block][8] | | aScale,
/// bScale | float32 per rank, for int8 factors | | b | [row block][rank][row of
/// the block] | | segmentTable | per row block three int64: first rank, last
/// rank + 1, byte offset into b; only with segments | | gate | float32: one, or
/// one per row | | gateWeight, gateBias | float32; the bias and the threshold |
/// | bias | float32 per row | | norm | float32 per column, then epsilon |
///
/// Rows, ranks and columns are padded with zeros to whole blocks.
struct WeightLayout {
  int64_t codes = 0, scales = 0, a = 0, aScale = 0, b = 0, bScale = 0,
          segmentTable = 0, gate = 0, gateWeight = 0, gateBias = 0, bias = 0,
          norm = 0, normEpsilon = 0;
  int64_t byteCount = 0;
};

/// The ranks that a row block reads, in whole rank blocks, and where its part
/// of b starts. Kernels read it, so its layout is fixed.
struct RowBlockRanks {
  uint16_t first;
  uint16_t end;
  uint32_t byteOffset;
};
llvm::SmallVector<RowBlockRanks>
getRowBlockRanks(const Encoding &encoding, const LinearParameters &parameters);

WeightLayout computeWeightLayout(const Encoding &encoding,
                                 const LinearParameters &parameters);

/// The source bytes of a layer's parameters, little endian and dense, in the
/// shapes of `hgf.linear`; empty where the layer lacks them.
struct LinearConstants {
  llvm::ArrayRef<uint8_t> codes, scales, a, aScale, b, bScale, gate, gateWeight,
      gateBias, bias, norm;
};

/// Writes the blob. `blob` has computeWeightLayout().byteCount bytes, all zero.
void packWeights(const Encoding &encoding, const LinearParameters &parameters,
                 const LinearConstants &constants,
                 llvm::MutableArrayRef<uint8_t> blob);

} // namespace hgf

#endif // HGF_TARGET_CPU_WEIGHTLAYOUT_H
