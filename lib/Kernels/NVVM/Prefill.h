//===- Prefill.h - The kernel that multiplies many tokens -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_PREFILL_H
#define HGF_LIB_KERNELS_NVVM_PREFILL_H

#include "LinearEpilogue.h"

#include "hgf/Kernels/NVVM/PrefillKernel.h"

namespace hgf {

/// The tile of one block: its warps stand side by side along the rows, and each
/// has all tokens, so that each weight is loaded and unpacked once.
struct PrefillShape {
  /// Matrices of one instruction: 16 tokens and 8 rows.
  static constexpr int64_t matrixTokens = 16, matrixRows = 8;
  static constexpr int64_t warps = 4;
  static constexpr int64_t threads = warps * GpuBuilder::warpLanes;

  int64_t tokenTiles, rowTiles;

  explicit PrefillShape(const GpuLinearKey &key);

  int64_t getTokens() const { return tokenTiles * matrixTokens; }
  int64_t getWarpRows() const { return rowTiles * matrixRows; }
  int64_t getRows() const { return warps * getWarpRows(); }
};

/// Emits one prefill kernel.
///
/// A unit of work is four chunks of a row, which is 256 columns; see
/// WordLayout. In the registers of an instruction m16n8k32, lanes are a number
/// `group` of a token or a row, 0 to 7, and a `place` among four lanes. Lane
/// `place` of row `group` loads chunk `place` of the unit. An instruction may
/// take columns in any order as long as both matrices have the same: the lane's
/// part of word j is its 16 columns, of which `word >> 2 q & 0x03030303` are
/// four; the tokens' same columns are 16 bytes of shared memory. So neither
/// matrix needs ldmatrix, and a weight costs two instructions per register.
///
/// Shared memory has two stages of one unit: per token 16 slots of 16 bytes,
/// slot 4 j + place. Odd tokens have slots 0 to 3 and 4 to 7 exchanged, and 8
/// to 11 and 12 to 15, so that the eight lanes that are served together, of two
/// tokens, read from all banks.
class GpuPrefill {
public:
  using Value = mlir::Value;
  using Values = GpuBuilder::Values;

  GpuPrefill(GpuBuilder &k, const GpuLinearKey &key);

  void build();

private:
  // The products, in PrefillProducts.cpp.

  /// Fragments of the products: number (tokenTile * rowTiles + rowTile) * 4 + r
  /// is of token `group` + 8 (r / 2) and row 2 `place` + r % 2 of the tile.
  Values multiply();
  Values getInitialSums();
  /// Where the columns of a chunk's word are: (number of the chunk, word).
  Value getColumn(Value chunk, Value word);
  /// Starts the copies of what a unit takes from shared memory.
  void copyUnit(Value unit);
  void copyInputs(Value unit, Value stage);
  void copyScales(Value unit, Value target);
  Value getStage(Value unit);
  /// vector<4xi32> per row tile.
  Values loadWeights(Value unit);
  void multiplyUnit(Value unit, llvm::ArrayRef<Value> weights, Values &sums);
  /// What makes four codes the numbers they mean: (codes & mask) + bias ^ sign.
  /// Not set where codes stay as they are.
  struct SignedCodes {
    Value mask, bias, sign;
  };
  /// The registers of one word of each row tile, four each.
  Values unpack(llvm::ArrayRef<Value> weights, int64_t word,
                const SignedCodes &codes);
  /// The tokens `group` and `group` + 8 of a tile.
  std::pair<Value, Value> loadInputs(Value stage, int64_t tile, int64_t word);
  void multiplyWord(std::pair<Value, Value> inputs,
                    llvm::ArrayRef<Value> registers, int64_t rowTile,
                    llvm::MutableArrayRef<Value> sums);
  void multiplyGroupWord(Value stage, llvm::ArrayRef<Value> weights,
                         int64_t word, Values &sums);
  /// Products that 64 columns of several groups are.
  int64_t getParts() const;
  /// Zeros in the lanes whose words are of another part.
  SignedCodes getSignedCodes(int64_t part);
  /// Of the rows of the sums: two per row tile.
  Values loadScales(Value stage, int64_t piece);
  /// A stage of shared memory: the tokens' slots, and with groups the scales
  /// [word][part][row].
  int64_t getScalesOffset() const;
  int64_t getStageBytes() const;
  /// D = A B + sums, in place.
  void multiplyMatrices(llvm::ArrayRef<Value> a, llvm::ArrayRef<Value> b,
                        llvm::MutableArrayRef<Value> sums, FactorType type);

  // The rest of a layer, in PrefillEpilogue.cpp.

  /// A row that a lane finishes, one per row tile, and what that takes.
  struct ResultRow {
    /// Whether the row exists; not set where all do.
    Value exists;
    Value number, scale, bias, gate;
  };
  ResultRow makeRow(int64_t tile);
  /// After exchange(), number rowTile * 4 + index of a tile of tokens is of
  /// row getResultRow() + 8 rowTile and token getResultToken(tile, index).
  Value getResultRow();
  Value getResultToken(int64_t tile, int64_t index);
  void finish(Values sums);
  void finishTile(int64_t tile, llvm::ArrayRef<Value> sums);
  Values exchange(llvm::ArrayRef<Value> fragments);
  Value outputAddress(DecodeArgument pointer, DecodeArgument stride, Value row,
                      Value token);

  /// B h of one tile of tokens, as exchange() orders it.
  Values correct(int64_t tile);
  /// Adds the products of 16 ranks, the lane's four from `rank` on; fragments.
  Values multiplyFactors(int64_t tile, Value rank,
                         llvm::ArrayRef<Value> carried);
  /// Adds the products of four ranks from `rank` on, as exchange() orders it.
  Values addFactors(int64_t tile, Value rank, llvm::ArrayRef<Value> carried);
  /// Four ranks from `rank` on, where ranks go in steps of `step`: h, and B as
  /// stored. What does not exist is zero.
  Value loadCorrection(Value token, Value rank, int64_t step);
  Value loadFactors(Value row, Value rank, int64_t step);
  /// Four numbers of `count` at `pointer`, from `index` on. `isWhole`: all
  /// exist.
  Value loadRanks(Value pointer, int64_t bytes, Value index, Value count,
                  bool isWhole);

  // Shared.

  Value exclusiveOr(Value left, Value right);
  /// A token of the block, counted from its first one; the last one where it
  /// does not exist.
  Value clampToken(Value token);
  Value clampRow(Value row);
  /// In the scratch of a token of the block.
  Value tokenPart(Value token, int64_t offset);
  Value weightPart(int64_t offset) {
    return k.address(k.argument(DecodeWeights), offset);
  }

  GpuBuilder &k;
  const GpuLinearKey &key;
  const LinearParameters &parameters;
  PrefillShape shape;
  WordLayout words;
  GpuWeightLayout layout;
  GpuScratch scratch;
  CodeMeaning meaning;

  Value group, place, shared;
  /// The warp's first row.
  Value firstRow;
  /// The block's first token, i64, and how many there are from it on.
  Value firstToken, tokensLeft;
  Value firstScratch;
  llvm::SmallVector<ResultRow> resultRows;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_PREFILL_H
