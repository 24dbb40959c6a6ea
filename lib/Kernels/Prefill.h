//===- Prefill.h - The ternary product of many tokens -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_PREFILL_H
#define HGF_LIB_KERNELS_PREFILL_H

#include "KernelBuilder.h"

namespace hgf {

/// Panels of rows times groups of tokens. A panel is unpacked once for all
/// tokens of the call, one code per byte, in vectors of `stepColumns` columns
/// of some rows. The totals of a panel wait on the stack until all columns have
/// been added.
///
/// How a vector of a panel meets activations is up to the two forms: lanes of
/// int32 that each belong to one row (PrefillLanes.cpp), or products of
/// matrices (PrefillMatrices.cpp).
class Prefill {
public:
  virtual ~Prefill() = default;

  void build();

protected:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;
  using VectorType = mlir::VectorType;

  static constexpr int64_t lanes = KernelBuilder::lanes;
  static constexpr int64_t floatBytes = 4;
  /// Columns of a panel: with the activations of a group of tokens they stay in
  /// the first-level cache.
  static constexpr int64_t panelColumns = 512;
  /// Steps per iteration of the innermost loop.
  static constexpr int64_t unrolledSteps = 2;

  /// A vector has `stepColumns` columns of `rowsPerVector` rows, a panel
  /// `vectors` times as many rows.
  Prefill(KernelBuilder &k, int64_t stepColumns, int64_t rowsPerVector,
          int64_t vectors);

  bool isGrouped() const { return k.key.granularity == Granularity::Group; }

  // What the forms do.
  /// Unpacks `count` blocks of columns of one panel. Rows behind the last row
  /// block repeat it; nothing reads their totals.
  virtual void emitPanel(Value rowBlock, Value block, Value count) = 0;
  /// A group of `size` tokens, the first of which is `token`, with `count`
  /// blocks of columns, which begin with `block`.
  virtual void emitGroup(int64_t size, Value token, Value rowBlock, Value block,
                         Value count) = 0;
  /// The totals of one token and of the row block `index` of the panel:
  /// vector<8xi32>, or vector<8xf32> with groups of columns.
  virtual Value loadTotals(Value token, Value index) = 0;

  void clear();
  void emitTokens(Value rowBlock, Value block, Value count);
  /// Totals of some tokens to products, scaled, in y.
  void emitProducts(Value rowBlock, Value first, Value last);
  Value emitProduct(Value rowBlock, Value totals, Value sum, Value inputScale);

  /// The row block `offset` behind `rowBlock`, or the last one.
  Value clampRowBlock(Value rowBlock, Value offset);
  /// The bytes of a row block in a block of columns.
  Value getPacked(Value rowBlock, Value block);
  /// The address of the activations of one token, from a column on.
  Value getInput(Value token, Value column);
  /// The dot products of the weights from those of their codes: a code c means
  /// the weight factor * c - offset, so that the sums of the activations are
  /// too much, `offset` times.
  Value emitMeaning(Value totals, Value sums);
  Value shuffle(Value left, Value right, llvm::ArrayRef<int64_t> mask);
  Value isEqual(Value left, Value right);
  void storeCodes(Value code, Value target, int64_t column, int64_t vector);
  /// A vector of the step that is `unrolled` behind that at `column`.
  Value loadCodes(Value column, int64_t unrolled, int64_t vector);
  /// Calls use(pointer, index) for `count` vectors of totals.
  void forEachTotal(Value sums, int64_t count,
                    llvm::function_ref<void(Value, int64_t)> use);

  KernelBuilder &k;
  const Encoding &encoding;
  int64_t vectorBytes;
  /// Columns whose codes share a lane of the totals, or a vector.
  int64_t stepColumns;
  int64_t rowsPerVector;
  /// Vectors of rows in a panel.
  int64_t vectors;
  int64_t panelRows;
  /// Bytes of a panel per step, and per block of columns.
  int64_t stepBytes;
  int64_t blockPanelBytes;
  /// Tokens of a group.
  int64_t groupTokens;
  VectorType codes;
  /// Lanes of int32 of one vector.
  VectorType total;
  /// Blocks of columns that are unpacked at a time.
  int64_t panelBlocks;
  Value blocks;
  /// Bytes of one token's activations.
  Value inputBytes;
  Value rowBlockBytes;
  Value lastRowBlock;
  /// On the stack.
  Value panel, totals;
};

/// Lanes of rows: four columns of four activations, repeated in all lanes, meet
/// the codes of as many rows as a vector has lanes of int32.
void buildPrefillLanes(KernelBuilder &k);

/// Products of matrices: eight columns of two tokens meet those of two rows.
void buildPrefillMatrices(KernelBuilder &k);

} // namespace hgf

#endif // HGF_LIB_KERNELS_PREFILL_H
