//===- EncodingChoice.h - Which encoding a layer gets, and why -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_CPU_ENCODINGCHOICE_H
#define HGF_TARGET_CPU_ENCODINGCHOICE_H

#include "hgf/Target/CPU/Encoding.h"
#include "hgf/Target/CPU/InstructionLevel.h"

namespace hgf {

/// The memory of the machines that a level is found in, as one core sees it.
struct MemoryCosts {
  /// Name of the instruction level; empty: all others.
  llvm::StringLiteral level;
  /// Read from memory, per cycle.
  double bytesPerCycle;
  /// A model of no more bytes than this is read from a cache.
  int64_t cacheBytes;
};

/// The row of `level`.
const MemoryCosts &getMemoryCosts(const InstructionLevel &level);

/// Where the weights of a model are when a token needs them.
enum class Residency { Memory, Cache };

/// "dram" or "cache", as reports say it.
llvm::StringRef stringifyResidency(Residency residency);

/// What decides the encoding of a layer.
struct EncodingQuery {
  /// Of the binary; at least one.
  llvm::ArrayRef<const InstructionLevel *> levels;
  Residency residency = Residency::Memory;
  /// Inputs of the layer, which blocks may pad by much.
  int64_t columns = 1;
  /// Columns per scale; 0 where there are no groups.
  int64_t group = 0;
  /// Weights of two bits instead of ternary ones.
  bool fourLevels = false;
  bool floatActivations = false;
  /// The encoding that was asked for, or null.
  const Encoding *wanted = nullptr;
};

struct EncodingChoice {
  const Encoding *encoding;
  /// One clause that completes "because".
  std::string reason;
};

/// The residency of a model whose weights take `bytes` in the levels' plainest
/// encoding.
Residency getResidency(llvm::ArrayRef<const InstructionLevel *> levels,
                       int64_t bytes);

/// The fastest encoding that the query allows, or the wanted one where it can
/// hold the layer. What is wanted must be one that
/// explainRefusal() accepts.
EncodingChoice chooseEncoding(const EncodingQuery &query);

/// Why no binary with these levels may hold `encoding`; empty if it may.
std::string explainRefusal(const Encoding &encoding,
                           llvm::ArrayRef<const InstructionLevel *> levels);

/// Cycles of one core for 256 weights of rows with `columns` inputs and one
/// token, what pads the rows to whole blocks included.
double estimateCycles(const Encoding &encoding, const InstructionLevel &level,
                      Residency residency, KernelWork work, int64_t columns);

} // namespace hgf

#endif // HGF_TARGET_CPU_ENCODINGCHOICE_H
