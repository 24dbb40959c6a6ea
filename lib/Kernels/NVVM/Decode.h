//===- Decode.h - The kernel that multiplies few tokens ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_DECODE_H
#define HGF_LIB_KERNELS_NVVM_DECODE_H

#include "Linear.h"
#include "LinearEpilogue.h"

namespace hgf {

/// Emits one decode kernel. A group of lanes has `rows` rows and the tokens of
/// its block, and walks along the columns; see WordLayout. What belongs to row
/// r and token t is number t * rows + r in lists of values.
class Decode {
public:
  using Value = mlir::Value;
  using Values = GpuBuilder::Values;

  static constexpr int64_t rows = 2;

  Decode(GpuBuilder &k, const GpuLinearKey &key);

  void build();

private:
  // The products, in DecodeProducts.cpp.

  /// A lane's chunks of one step for all rows, and where what belongs to them
  /// is.
  struct Step {
    /// vector<4xi32> per row.
    Values weights;
    /// Activations of word 0 per token, and their sums, which groups need.
    Values inputs, sums;
    /// Lane 0's word 0 is number `word` + firstWord, and word j is j wordStride
    /// later.
    Value word;
    int64_t firstWord, wordStride;
    /// Set where some lanes have no chunk.
    Value active;
  };
  /// Per row and token and part of a word: the sums of one lane.
  Values multiply();
  /// The full steps [first + begin, first + end), and with `last` the partial
  /// one; all their loads come first.
  void emitSteps(Value first, int64_t begin, int64_t end, bool last,
                 Values &sums);
  /// Keeps the loads of all steps before the first one's use.
  void await(llvm::MutableArrayRef<Step> steps);
  Step loadStep(Value first, int64_t offset);
  Step loadLastStep();
  /// The chunk that is `chunk` + `chunks` behind the lane's first one; word 0
  /// is number `word` + 4 `chunks` from the lane's first one on.
  Step loadChunks(Value chunk, Value word, int64_t chunks, int64_t wordStride);
  void emitStep(Step &step, Values &sums);
  /// Where a token's activations start.
  Value inputPointer(int64_t token);
  /// int8 codes of one word's columns, as vector<4xi32>.
  Value loadCodes(const Step &step, int64_t word, int64_t token);
  void emitWord(const Step &step, int64_t word, Values &sums);
  void emitGroupWord(const Step &step, int64_t word, Values &sums);
  /// The weight in byte `byte` of a place as float32, over the factor of the
  /// code's meaning.
  Value toWeight(Value word, Value upperHalf, int64_t place, int64_t byte);
  void emitFloatWord(const Step &step, int64_t word, Values &sums);
  /// The group's scale of the columns of one word, per row.
  Values loadGroupScales(const Step &step, int64_t word);
  /// Sums of one value per row and token over the lanes of a row. Each lane
  /// gets those of getHeld() values, which are its own where `lanes` suffice.
  Values reduceRows(Values values, GpuBuilder::Combine combine);

  // The rest of a layer, in DecodeEpilogue.cpp.

  /// One row and token that a lane finishes, and what that takes. All of it is
  /// loaded before the products, whose loads it would wait behind.
  struct Result {
    Value row, token, holds;
    Value scale, inputScale, sum, bias, gate, residual;
  };
  void loadResults();
  /// The scaled product.
  Value scale(const Result &result, Value product);
  /// alpha * correction, bias, activation, residual; in the order of the CPU's
  /// kernels.
  Value finish(Value y, Value correction, const Result &result);
  void storeResult(Value y, const Result &result);
  Value loadRow(DecodeArgument pointer, DecodeArgument stride, Value row,
                Value token);
  Value outputAddress(DecodeArgument pointer, DecodeArgument stride, Value row,
                      Value token);

  // The correction, in DecodeCorrection.cpp.

  /// Decides how lanes share ranks, and loads B where it may be loaded early.
  void planCorrection();
  /// One lane's part of B h per row and token.
  Values correct();
  Values emitCorrection();
  /// A lane's first rank of one step, 0 where there is none; and whether there
  /// is one, unset where there always is.
  std::pair<Value, Value> getRank(const RowRanks &ranks, Value step);
  /// The bits of `rankStep` ranks of B.
  Value loadFactor(const RowRanks &ranks, Value rank);
  /// b * h of these ranks, added to `sum`.
  Value addRanks(Value sum, Value factor, const RowRanks &ranks, Value rank,
                 Value tokenPointer);
  bool mayBeClosed() const {
    return key.gatesInput() && parameters.gateThreshold > 0;
  }

  /// The last block to come here gates with the complete rows and finishes
  /// them.
  void finishInLastBlock();
  Value isLastBlock();
  void finishToken(Value number);

  // Shared.

  int64_t getHeld() const {
    return std::max<int64_t>(1, rows * tokens / lanes);
  }
  Value weightPart(int64_t offset) {
    return k.address(k.argument(DecodeWeights), offset);
  }
  /// In the scratch of the block's token number `token`.
  Value tokenPart(int64_t token, int64_t offset) {
    return k.address(tokenPointers[token], offset);
  }

  GpuBuilder &k;
  const GpuLinearKey &key;
  const LinearParameters &parameters;
  WordLayout words;
  GpuWeightLayout layout;
  GpuScratch scratch;
  int64_t tokens, lanes;
  /// Of one activation.
  int64_t inputBytes;
  /// Codes stay where they are in a word, and each place has its own sum: saves
  /// shifts, as long as there are registers for four sums.
  bool inPlace;
  CodeMeaning meaning;

  /// The lane's number in its group, and the first row of the group.
  Value sub, firstRow;
  /// The rows that exist, the last one again where some do not.
  Values rowNumbers;
  /// The block's first token, and how many there are from it on.
  Value firstToken, tokensLeft;
  /// i64 numbers, the last token again where some do not exist, and their
  /// scratch.
  Values tokenNumbers, tokenPointers;
  /// A lane's first chunk of each row, and the activations of its first word.
  Values rowPointers, inputPointers;
  /// With groups, the sum of its first word's activations, and each row's
  /// scales.
  Values sumPointers, scalePointers;
  llvm::SmallVector<Result> results;
  /// Ranks per load, and a lane's loads of each row.
  int64_t rankStep = 1, rankSteps = 0;
  /// Every lane has ranks in every step.
  bool evenRanks = false;
  bool loadsAhead = false;
  llvm::SmallVector<RowRanks> rowRanks;
  /// The bits of B per row and step, where they are loaded ahead.
  Values factors;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_DECODE_H
