//===- AssemblyLoops.h - Inner loops in assembly text -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_ASSEMBLYLOOPS_H
#define HGF_LIB_BENCH_ASSEMBLYLOOPS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Triple.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hgf {

/// One line of assembly. Texts belong to the assembly that was read.
struct AssemblyInstruction {
  /// The whole line without comment, e.g. "sdot v0.4s, v1.16b, v2.4b[0]".
  llvm::StringRef text;
  /// Without a prefix such as "{vex}".
  llvm::StringRef mnemonic;
  /// In the order of the text.
  llvm::SmallVector<llvm::StringRef, 4> operands;
};

/// What a dot product is made of; where a loop has several kinds, the later
/// ones are something else, such as unpacking.
enum class DotKind { None, Word, PairsOfWords, Bytes };

/// Whether `instruction` multiplies codes with activations on `architecture`,
/// and how many.
struct DotInstruction {
  DotKind kind = DotKind::None;
  int64_t multiplyAdds = 0;
};
DotInstruction classifyDot(const AssemblyInstruction &instruction,
                           llvm::Triple::ArchType architecture);

/// An innermost loop that holds dot products.
struct KernelLoop {
  /// From the label to the backward branch, one iteration.
  llvm::SmallVector<AssemblyInstruction, 0> instructions;
  /// Those of them that multiply weights.
  llvm::SmallVector<AssemblyInstruction, 0> dots;
  /// Multiply-adds of weights in one iteration.
  int64_t multiplyAdds = 0;
};

/// The functions of `assembly` whose names begin with `prefix` and contain
/// `part`.
std::vector<llvm::StringRef> findFunctions(llvm::StringRef assembly,
                                           llvm::StringRef prefix,
                                           llvm::StringRef part);

/// Of the innermost loops of `function` that hold dot products, that with the
/// most multiply-adds: others do what the trip count leaves over. None where no
/// loop holds any.
///
/// `constantSources` says that dot products with a constant are no weights' but
/// sum up activations, as kernels of groups do.
std::optional<KernelLoop> findKernelLoop(llvm::StringRef assembly,
                                         llvm::StringRef function,
                                         llvm::Triple::ArchType architecture,
                                         bool constantSources = false);

/// The dot products of `loop`, `repeats` times, with nothing to wait for: other
/// operands are constant and the accumulators take turns.
std::string makeIndependentDots(const KernelLoop &loop,
                                llvm::Triple::ArchType architecture,
                                int64_t repeats);

} // namespace hgf

#endif // HGF_LIB_BENCH_ASSEMBLYLOOPS_H
