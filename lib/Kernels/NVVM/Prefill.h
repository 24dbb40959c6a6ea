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
  /// Of one instruction: 16 rows and 8 tokens.
  static constexpr int64_t matrixRows = 16, matrixTokens = 8;
  /// Of four lanes each.
  static constexpr int64_t groups = 8;
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
/// WordLayout. The products are instructions m16n8k32, with codes as the first
/// matrix and activations as the second. In both, lane 4 `group` + `place` has
/// columns of row or token `group`, and rows also of `group` + 8. Which columns
/// it has is free, as long as both matrices have the same: lane `place` loads
/// chunk number `place` of the unit, and for word j of it takes those 16
/// columns, in two steps. So a weight costs two instructions per register,
/// `word >> 2 q & 0x03030303`, the activations are 16 bytes of shared memory
/// side by side, and no register is moved.
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

  /// Sums of products: number (tokenTile * rowTiles + rowTile) * 4 + r is of
  /// token getResultToken(tokenTile, r % 2) and of row `group` + 8 (r / 2) of
  /// the row tile. So lanes that store together have eight rows side by side.
  Values multiply();
  Values getInitialSums();
  /// Where the columns of a chunk's word are: (number of the chunk, word).
  Value getColumn(Value chunk, Value word);
  /// Starts the copies of what a unit takes from shared memory.
  void copyUnit(Value unit);
  void copyInputs(Value unit, Value stage);
  void copyScales(Value unit, Value target);
  Value getStage(Value unit);
  /// Per word and eight rows.
  Values loadWeights(Value unit);
  /// Four words side by side.
  Values loadWords(Value pointer);
  void multiplyUnit(Value unit, llvm::ArrayRef<Value> weights, Values &sums);
  /// What makes four codes the numbers they mean: (codes & mask) + bias ^ sign.
  /// Not set where codes stay as they are.
  struct SignedCodes {
    Value mask, bias, sign;
  };
  /// The registers of one word of each eight rows, four each.
  Values unpack(llvm::ArrayRef<Value> codes, const SignedCodes &meanings);
  /// Where the lane's columns of a word are: of its token of the first tile.
  Value getInputStart(Value stage, Value word);
  /// Those of one tile, four registers.
  Values loadInputs(Value start, int64_t tile);
  /// The products of one word of each eight rows.
  void multiplyWord(Value stage, llvm::ArrayRef<Value> codes, Value word,
                    Values &sums);
  void multiplyGroupWord(Value stage, llvm::ArrayRef<Value> codes, Value word,
                         Values &sums);
  void multiplyTile(llvm::ArrayRef<Value> registers, int64_t rowTile,
                    llvm::ArrayRef<Value> inputs,
                    llvm::MutableArrayRef<Value> sums);
  /// Products that 64 columns of several groups are.
  int64_t getParts() const;
  /// Zeros in the lanes whose words are of another part.
  SignedCodes getSignedCodes(int64_t part);
  /// Per eight rows.
  Values loadScales(Value stage, Value word, int64_t part);
  /// A stage of shared memory: the tokens' slots, and with groups the scales
  /// [word][part][row].
  int64_t getScalesOffset() const;
  int64_t getStageBytes() const;
  /// D = A B + sums, in place.
  void multiplyMatrices(llvm::ArrayRef<Value> a, llvm::ArrayRef<Value> b,
                        llvm::MutableArrayRef<Value> sums, FactorType type);

  // The rest of a layer, in PrefillEpilogue.cpp.

  /// A row that a lane finishes, one per eight rows, and what that takes.
  struct ResultRow {
    /// Whether the row exists; not set where all do.
    Value exists;
    Value number, scale, bias, gate;
  };
  ResultRow makeRow(int64_t offset);
  Value getResultToken(int64_t tile, int64_t index) {
    return k.add(k.multiply(place, 2),
                 tile * PrefillShape::matrixTokens + index);
  }
  void finish(Values sums);
  /// Tiles of tokens that are finished together: more would take more
  /// registers, and fewer read B more often.
  int64_t getTilesAtOnce() const {
    return parameters.b == FactorType::F32 ? 1 : 2;
  }
  /// Finishes as many tiles from number `first` on.
  void finishTiles(int64_t first, llvm::ArrayRef<Value> sums);
  /// Visits a lane's tokens of these tiles, with the numbers of the sums of
  /// each of resultRows.
  void forEachResult(
      int64_t first,
      llvm::function_ref<void(Value token, llvm::ArrayRef<int64_t> numbers)>
          visit);
  Value outputAddress(DecodeArgument pointer, DecodeArgument stride, Value row,
                      Value token);

  /// The ranks of all of the warp's rows, from the first to behind the last:
  /// rows of a segment have zeros in those of the others.
  std::pair<Value, Value> getWarpRanks();
  /// B h of these tiles, in the order of their sums.
  Values correct(int64_t first);
  /// Adds the products of 16 ranks, of which the lane has four from `rank` on.
  Values multiplyFactors(int64_t first, Value rank,
                         llvm::ArrayRef<Value> carried);
  /// Adds the products of four ranks from `rank` on.
  Values addFactors(int64_t first, Value rank, llvm::ArrayRef<Value> carried);
  /// Four ranks from `rank` on, where ranks go in steps of `step`: h, and B as
  /// stored. What does not exist is zero.
  Value loadCorrection(Value token, Value rank, int64_t step);
  Value loadFactors(Value row, Value rank, int64_t step);
  /// Four numbers of `count` at `pointer`, from `index` on. `isWhole`: all
  /// exist.
  Value loadRanks(Value pointer, int64_t bytes, Value index, Value count,
                  bool isWhole);

  // Shared.

  /// The results of a loop that LLVM is not to unroll: its turns have enough to
  /// do, and too many registers would be too few.
  Values keepLoop(Values results);
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
