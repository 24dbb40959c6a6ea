//===- EncodingChoice.cpp - Which encoding a layer gets, and why ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/EncodingChoice.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace hgf;
using llvm::ArrayRef;
using llvm::StringRef;

// clang-format off
static constexpr MemoryCosts memoryCosts[] = {
    // level       bytes/cycle cache
    {"avx512vbmi", 9.0,        24 << 20},
    // Assumed, not measured: boards with Cortex-A53 and Cortex-A76, a server with
    // Neoverse-V1, one core reading.
    {"neon",       1.7,        512 << 10},
    {"dotprod",    4.0,        2 << 20},
    {"i8mm",       7.0,        16 << 20},
    {"",           6.0,        16 << 20},
};
// clang-format on

/// Weights that costs are given for.
static constexpr int64_t costWeights = 256;

const MemoryCosts &hgf::getMemoryCosts(const InstructionLevel &level) {
  return *llvm::find_if(memoryCosts, [&](const MemoryCosts &row) {
    return row.level.empty() || row.level == level.name;
  });
}

StringRef hgf::stringifyResidency(Residency residency) {
  return residency == Residency::Cache ? "cache" : "dram";
}

Residency hgf::getResidency(ArrayRef<const InstructionLevel *> levels,
                            int64_t bytes) {
  return bytes <= getMemoryCosts(*levels.back()).cacheBytes ? Residency::Cache
                                                            : Residency::Memory;
}

/// Features of `encoding` that `level` lacks, separated by commas.
static std::string getMissing(const Encoding &encoding,
                              const InstructionLevel &level) {
  llvm::SmallVector<StringRef> wanted, given, missing;
  encoding.getFeatures().split(wanted, ',', -1, /*KeepEmpty=*/false);
  StringRef(level.features).split(given, ',', -1, /*KeepEmpty=*/false);
  llvm::copy_if(wanted, std::back_inserter(missing), [&](StringRef feature) {
    return !llvm::is_contained(given, feature);
  });
  return llvm::join(missing, ",");
}

/// The encodings that all `levels` can unpack fast.
static llvm::SmallVector<StringRef>
getPortableNames(ArrayRef<const InstructionLevel *> levels) {
  llvm::SmallVector<StringRef> names;
  for (const Encoding *encoding : getEncodings())
    if (llvm::all_of(levels, [&](const InstructionLevel *level) {
          return getMissing(*encoding, *level).empty();
        }))
      names.push_back(encoding->getName());
  return names;
}

std::string hgf::explainRefusal(const Encoding &encoding,
                                ArrayRef<const InstructionLevel *> levels) {
  for (const InstructionLevel *level : levels) {
    std::string missing = getMissing(encoding, *level);
    if (missing.empty())
      continue;
    if (levels.size() > 1)
      return llvm::formatv("portable binaries hold {0} only",
                           llvm::join(getPortableNames(levels), " or "));
    return llvm::formatv("the level {0} lacks {1}", level->name, missing);
  }
  return "";
}

/// Cycles of the kernel alone, and of reading alone.
static std::pair<double, double> getCosts(const Encoding &encoding,
                                          const InstructionLevel &level,
                                          KernelWork work, int64_t columns) {
  int64_t padded = encoding.getBlockCount(columns) * encoding.getBlockColumns();
  double paddedWeights = double(costWeights) * padded / columns;
  double bytes = encoding.getBitsPerWeight() / 8 * paddedWeights;
  return {encoding.getCycles(level, work) * paddedWeights / costWeights,
          bytes / getMemoryCosts(level).bytesPerCycle};
}

double hgf::estimateCycles(const Encoding &encoding,
                           const InstructionLevel &level, Residency residency,
                           KernelWork work, int64_t columns) {
  auto [kernel, reading] = getCosts(encoding, level, work, columns);
  return residency == Residency::Cache ? kernel : std::max(kernel, reading);
}

/// Why `encoding` cannot hold the layer; empty if it can.
static std::string explainContent(const Encoding &encoding,
                                  const EncodingQuery &query) {
  if (query.fourLevels && !encoding.holdsFourLevels())
    return llvm::formatv("{0} cannot hold four levels", encoding.getName());
  if (query.floatActivations && !encoding.suitsFloat())
    return llvm::formatv("{0} is for int8 activations", encoding.getName());
  if (query.columns > encoding.getMostColumns())
    return llvm::formatv("{0} holds up to {1} columns", encoding.getName(),
                         encoding.getMostColumns());
  int64_t vectorBytes = query.levels.back()->vectorBytes;
  if (!query.group ||
      encoding.keepsGroups(query.group, std::min(vectorBytes, query.group)))
    return "";
  return llvm::formatv("{0} cannot hold groups of {1} columns",
                       encoding.getName(), query.group);
}

EncodingChoice hgf::chooseEncoding(const EncodingQuery &query) {
  const Encoding &plain = *getEncodings().front();
  if (query.wanted) {
    std::string problem = explainContent(*query.wanted, query);
    if (problem.empty())
      return {query.wanted, "it was asked for"};
    return {&plain, problem};
  }
  const InstructionLevel &level = *query.levels.back();
  KernelWork work = query.floatActivations ? KernelWork::Float
                    : query.group          ? KernelWork::Int8Groups
                                           : KernelWork::Int8;
  // Of two that wait for memory equally long, the one that does less.
  auto estimate = [&](const Encoding &encoding) {
    return std::pair(
        estimateCycles(encoding, level, query.residency, work, query.columns),
        encoding.getCycles(level, work));
  };
  const Encoding *best = &plain;
  std::string obstacle;
  for (const Encoding *encoding : getEncodings().drop_front()) {
    if (!encoding->isFor(level.architecture))
      continue;
    std::string problem = explainRefusal(*encoding, query.levels);
    if (problem.empty())
      problem = explainContent(*encoding, query);
    // No level of a binary may lose what the last one gains.
    auto losesOn = [&](const InstructionLevel *other) {
      auto getCycles = [&](const Encoding &encoding) {
        return estimateCycles(encoding, *other, query.residency, work,
                              query.columns);
      };
      return getCycles(*encoding) > getCycles(plain);
    };
    if (problem.empty() && estimate(*encoding) < estimate(*best) &&
        llvm::none_of(query.levels, losesOn))
      best = encoding;
    else if (obstacle.empty())
      obstacle = problem;
  }
  if (best == &plain && !obstacle.empty())
    return {best, obstacle};
  if (query.residency == Residency::Cache)
    return {best, "the model stays in the cache, where it unpacks fastest"};
  auto [kernel, reading] = getCosts(*best, level, work, query.columns);
  if (kernel >= reading)
    return {best, query.group ? "groups cost more than reading weights"
                  : query.floatActivations
                      ? "float activations cost more than reading weights"
                      : "unpacking costs more than reading weights"};
  return {best, "weights are read from memory, and it has the fewest bytes"};
}
