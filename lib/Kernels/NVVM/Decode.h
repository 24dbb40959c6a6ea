//===- Decode.h - The kernel that multiplies few tokens ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_DECODE_H
#define HGF_LIB_KERNELS_NVVM_DECODE_H

#include "Linear.h"

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

  /// A lane's chunks of one step for all rows, and where their activations are.
  struct Step {
    /// vector<4xi32> per row.
    Values weights;
    /// Activations of word 0, per token, and bytes from one word to the next.
    Values inputs;
    int64_t inputStride;
    /// The number of word 0, and from one word to the next.
    Value word;
    int64_t wordStride;
    /// Set where some lanes have no chunk.
    Value active;
  };
  /// Per row and token and part of a word: the sums of one lane.
  Values multiply();
  /// The full steps [first, first + count).
  Values emitSteps(Value first, int64_t count, llvm::ArrayRef<Value> sums);
  Values emitLastStep(llvm::ArrayRef<Value> sums);
  Step loadStep(Value first, int64_t offset);
  Step loadLastStep();
  void emitStep(Step &step, Values &sums);
  /// Where a token's activations start.
  Value inputPointer(int64_t token);
  /// int8 codes of one word's columns, as vector<4xi32>.
  Value loadCodes(const Step &step, int64_t word, int64_t token);
  void emitWord(const Step &step, int64_t word, Values &sums);
  void emitGroupWord(const Step &step, int64_t word, Values &sums);
  void emitFloatWord(const Step &step, int64_t word, Values &sums);
  Value loadGroupScale(Value word, int64_t row);
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

  /// One lane's part of B h per row and token.
  Values correct();
  Values emitCorrection();
  /// Of a row's segment: where its part of B starts in elements, its first rank
  /// and the number of ranks.
  struct Ranks {
    Value start, first, count;
  };
  Ranks getRanks(Value row);
  int64_t getMostRanks() const;
  /// b * h of one rank, added to `sum`.
  Value addRank(Value sum, const Ranks &ranks, Value rank, Value tokenPointer);

  /// The last block to come here gates with the complete rows and finishes
  /// them.
  void finishInLastBlock();
  Value isLastBlock();
  void finishToken(int64_t token);

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
  llvm::SmallVector<Result> results;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_DECODE_H
