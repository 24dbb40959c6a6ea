//===- InstructionLevel.h - What a CPU can do -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_CPU_INSTRUCTIONLEVEL_H
#define HGF_TARGET_CPU_INSTRUCTIONLEVEL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Triple.h"

namespace hgf {

/// What `hgf.dot_step` accumulates in.
enum class Accumulator {
  /// Pairs of products; at most `safeSteps` steps before `hgf.dot_widen`.
  Int16,
  /// Single products; at most `safeSteps` steps, too.
  Int16Single,
  /// Quadruples of products; never overflows.
  Int32
};

/// How `hgf.dot_step` and `hgf.dot_widen` are lowered.
enum class DotLowering {
  /// Vectors of the target, nothing else.
  Portable,
  /// `pmaddubsw` and `pmaddwd` on vectors of 16 bytes.
  SSSE3,
  /// The same on vectors of 32 bytes.
  AVX2,
  /// `vpdpbusd` on vectors of the level's size, or narrower ones.
  VNNI,
  /// `smlal` and `smlal2`: single products.
  NEON,
  /// `sdot`.
  DotProduct,
  /// The same, and `smmla` where several tokens are multiplied.
  MatrixProduct
};

/// A bit that says at run time that the CPU can do something: on x86 what
/// `cpuid` answers, on AArch64 a bit of the auxiliary vector's entry `leaf`
/// (AT_HWCAP or AT_HWCAP2), which has one word.
struct ProcessorBit {
  int32_t leaf;
  int32_t subleaf;
  /// 0 to 3: eax, ebx, ecx, edx.
  int32_t word;
  int32_t bit;
};

/// A kernel for some tokens at once.
struct TokenBlock {
  int64_t tokens;
  /// Rows of 8 that it takes at once, and tokens that these are multiplied
  /// with: rows * together accumulators fit into the registers and hide the
  /// latency of a multiplication; with many rows, one load of activations
  /// serves many multiplications, with many tokens, one unpacking does.
  int64_t rows;
  int64_t together;
};

/// One row of the table of instruction levels: everything that kernel builders
/// need to know about a CPU.
struct InstructionLevel {
  /// What the report and `--describe` say, e.g. "avx2".
  llvm::StringLiteral name;
  /// The row whose kernels without dot products this one uses, so that portable
  /// binaries hold fewer of them; may be itself.
  llvm::StringLiteral general;
  llvm::Triple::ArchType architecture;
  /// LLVM features that the CPU must have, separated by commas.
  llvm::StringLiteral features;
  /// LLVM CPU that kernels are compiled for, with `features`; empty: the
  /// binary's own.
  llvm::StringLiteral cpu;
  /// Whether portable binaries hold this level.
  bool portable;
  /// What says at run time that the CPU has the features.
  llvm::ArrayRef<ProcessorBit> detection;
  /// Bits of the x86 register XCR0 that the operating system must have set, so
  /// that it saves the level's registers; 0: none.
  int32_t savedState;
  DotLowering lowering;
  /// Bytes of one vector of codes.
  int64_t vectorBytes;
  Accumulator accumulator;
  /// Most calls of `hgf.dot_step` into one int16 accumulator with codes of at
  /// most 2 and activations of at least -128: with pairs 64 * 2 * 2 * 128 =
  /// 32768, which just fits because positive activations end at 127.
  int64_t safeSteps;
  /// Whether a float32 multiply-add is one instruction.
  bool fusedMultiplyAdd;
  /// Whether float16 converts to float32 in one instruction.
  bool halfConversion;
  /// Whether float16 lanes are multiplied and added to float32 ones in one
  /// instruction.
  bool halfProducts;
  /// How far ahead of the weight stream to prefetch.
  int64_t prefetchBytes;
  /// Numbers of tokens that kernels exist for, largest first, ending in 1: the
  /// same in all rows of an architecture.
  llvm::ArrayRef<TokenBlock> tokenBlocks;
  /// The same for products of matrices, which take all 8 rows and all tokens at
  /// once; empty where the level has none.
  llvm::ArrayRef<TokenBlock> matrixBlocks;
  /// The register block of many tokens: tokens, and vectors of four codes of
  /// each of `vectorBytes / 4` rows, or with products of matrices of eight
  /// codes of each of two rows. All accumulators, one set of codes and one
  /// activation fit into the registers.
  int64_t panelTokens;
  int64_t panelVectors;
  /// From how many tokens on panels are faster than the decode form; measured
  /// by tools/dev/measure-crossover.
  int64_t crossover;

  /// Whether accumulators must be widened after so many steps.
  bool widens() const { return accumulator != Accumulator::Int32; }

  /// The kernel for `tokens` tokens.
  const TokenBlock &getTokenBlock(int64_t tokens, bool matrices) const;
};

/// All rows of `architecture`, least demanding first; empty where no kernels
/// exist.
llvm::SmallVector<const InstructionLevel *>
getInstructionLevels(llvm::Triple::ArchType architecture);

/// The row called `name` or null.
const InstructionLevel *findInstructionLevel(llvm::StringRef name);

/// The levels that a binary for `triple` holds, least demanding first: several
/// for the CPU "portable", otherwise the best one that `cpu` (an LLVM name or
/// "native") has. An empty triple means the machine that compiles. `name`
/// forces one row, whatever the CPU. Empty where the architecture has no
/// kernels or no row of that name.
llvm::SmallVector<const InstructionLevel *>
selectInstructionLevels(llvm::StringRef triple, llvm::StringRef cpu,
                        llvm::StringRef name = "");

/// Why, of a binary's levels, the one at `index` runs: one clause.
std::string explainLevel(llvm::ArrayRef<const InstructionLevel *> levels,
                         size_t index);

/// What of `level`'s features the level `other` lacks, separated by commas and
/// spaces; all of them where `other` is null.
std::string listFeatures(const InstructionLevel &level,
                         const InstructionLevel *other = nullptr);

} // namespace hgf

#endif // HGF_TARGET_CPU_INSTRUCTIONLEVEL_H
