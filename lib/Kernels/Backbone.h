//===- Backbone.h - The ternary product of a block of rows -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_BACKBONE_H
#define HGF_LIB_KERNELS_BACKBONE_H

#include "KernelBuilder.h"

#include "mlir/IR/BuiltinTypes.h"

namespace hgf {

/// The ternary product of one row block with a block of tokens.
///
/// Activations of 8 bits are multiplied tile by tile: some rows of the row
/// block with some or all tokens, one accumulator each, which stay in registers
/// while the tile walks along the columns. A tile of all rows reads the weights
/// as one forward stream. Smaller ones walk along a chunk of the columns whose
/// activations stay in the first-level cache; totals wait in memory.
///
/// Rows are counted as bundles come, one after another (Encoding.h), until the
/// products of a row block are complete. Where the level multiplies matrices
/// and there are several tokens, an accumulator has two rows of two bundles and
/// two tokens.
class Backbone {
public:
  explicit Backbone(KernelBuilder &k);

  /// Loops over the row blocks of the call.
  void build();

private:
  using Value = mlir::Value;
  using Values = KernelBuilder::Values;
  using VectorType = mlir::VectorType;
  /// What is multiplied with one vector of activations.
  struct Operand {
    Value codes;
    /// In the tile: a row, or with matrices a pair of rows.
    int64_t row;
    bool isSigned;
  };
  /// Columns of a vector that a product of matrices takes at once.
  static constexpr int64_t matrixColumns = 8;
  /// By the first column of the block, in the order in which they come.
  using Operands = llvm::MapVector<int64_t, llvm::SmallVector<Operand>>;

  bool isFloat() const { return k.key.quantization == Quantization::None; }
  bool isGrouped() const { return k.key.granularity == Granularity::Group; }

  /// vector<8xf32> per token, scaled.
  Values multiply(Value rowBlock, Value weights);

  // Scales.
  Value scaleVector(Value rowBlock);
  Value inputScale(int64_t token);
  /// A code c means the weight factor * c - offset; `excess` is what `offset`
  /// adds.
  Value removeOffset(Value totals, Value excess);
  Value times(Value value, int64_t factor);
  Values scale(Value rowBlock, llvm::ArrayRef<Value> totals);
  /// Scales of the groups of one block of one row: blockRows values apart.
  Value groupScales(Value rowBlock, Value block, Value row);

  // Tiles of 8-bit activations.
  /// Of the token after those that begin at `start`.
  Value inputPointer(Value start, Value block, int64_t token);
  /// One vector<8xi32>, or vector<8xf32> with groups, per token.
  Values emitWholeRows(Value rowBlock, Value weights);
  Values emitTiles(Value rowBlock, Value weights);
  /// Adds the blocks [first, last) of the tile's rows, which begin with `row`
  /// at `pointer` in block 0, to `totals`: [row][token].
  Values emitChunk(Value rowBlock, Value row, Value pointer, Value inputs,
                   Value first, Value last, Value prefetchDistance,
                   llvm::ArrayRef<Value> totals);
  /// Writes the sums of the lanes of a tile, [row][token], to `products`.
  void storeProducts(Value row, Value token, llvm::ArrayRef<Value> sums);
  void emitBlock(Value rows, llvm::ArrayRef<Value> inputs,
                 llvm::MutableArrayRef<Value> accumulators);
  /// With groups: each sum is scaled before it joins the row's.
  void emitGroupBlock(Value rows, llvm::ArrayRef<Value> inputs, Value scales,
                      llvm::MutableArrayRef<Value> sums);
  // One part of a block of columns.
  void emitToken(Value rows, int64_t part, Value input,
                 llvm::MutableArrayRef<Value> accumulators);
  void emitTokens(Value rows, int64_t part, llvm::ArrayRef<Value> inputs,
                  llvm::MutableArrayRef<Value> accumulators);
  void emitPairs(Value rows, int64_t part, llvm::ArrayRef<Value> inputs,
                 llvm::MutableArrayRef<Value> accumulators);
  /// Mixed where that is possible.
  void unpack(int64_t part, Encoding::LoadBytes load, Encoding::UseCodes use);
  void unpackRows(Value rows, int64_t bundle, int64_t part, Operands &operands);
  /// The rows of a bundle and of the next one, in pairs: one half of the
  /// columns.
  void unpackPairs(Value rows, int64_t bundle, int64_t part, int64_t half,
                   Operands &operands);
  Value load(Value pointer, int64_t offset);
  Value loadInput(Value input, int64_t column);
  /// Eight columns of two tokens.
  Value loadInputPair(Value first, Value second, int64_t column);
  Value dot(Value accumulator, const Operand &operand, Value x);
  Value dot(Value accumulator, Value codes, Value x) {
    return dot(accumulator, {codes, 0, false}, x);
  }
  Value widen(Value sum, Value part);

  // Sums of lanes.
  Value add(Value left, Value right);
  Value shuffle(Value left, Value right, llvm::ArrayRef<int64_t> mask);
  Value addPairs(Value left, Value right, llvm::ArrayRef<int64_t> low,
                 llvm::ArrayRef<int64_t> high);
  Value addHalves(Value vector);
  /// Four or eight totals to one vector of their sums.
  Value reduce(llvm::ArrayRef<Value> totals);
  /// Totals of pairs of rows and tokens, [pair of rows][pair of tokens], to
  /// one vector per token.
  Values reducePairs(llvm::ArrayRef<Value> totals);
  /// From the order of bundles to that of rows.
  Value orderRows(Value products);

  // Float activations.
  Values emitFloat(Value rowBlock, Value weights);
  void emitFloatRow(Value row, llvm::ArrayRef<Value> inputs,
                    llvm::MutableArrayRef<Values> parts);
  Values scaleFloat(Value rowBlock, llvm::ArrayRef<Value> sums);

  KernelBuilder &k;
  const Encoding &encoding;
  int64_t tokens;
  int64_t blockRows;
  int64_t bundleRows;
  int64_t bundleBytes;
  int64_t vectorBytes;
  int64_t blockBytes;
  /// Of a bundle in one block.
  int64_t partCount;
  /// Of a row in one block; 1 without groups.
  int64_t groups;
  /// Whether products of matrices are used.
  bool matrices;
  /// Whether codes of several rows stay mixed until their products are taken
  /// apart.
  bool mixed;
  Encoding::Mix mix;
  /// Rows and tokens of a tile.
  int64_t tileRows;
  int64_t tileTokens;
  /// Accumulators of a tile.
  int64_t tileTotals;
  /// Blocks of columns that a tile takes at most before its totals go back to
  /// memory or int16 accumulators are widened.
  int64_t chunk;
  /// Whether accumulators are widened at the end of a chunk.
  bool widens;
  VectorType codes;
  VectorType accumulator;
  /// Of one row and token, or of two of each.
  VectorType total;
  Value blocks;
  /// Bytes of one token's activations.
  Value inputBytes;
  Value rowBlockBytes;
  /// Totals between chunks, on the stack.
  Value memory;
  /// Sums of the lanes, [token][row], on the stack.
  Value products;
  /// Blocks of columns of one chunk.
  Value chunkBlocks;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_BACKBONE_H
