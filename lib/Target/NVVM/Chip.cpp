//===- Chip.cpp - NVIDIA GPUs that kernels are made for -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/NVVM/Chip.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace hgf;
using llvm::StringRef;

// Limits: the CUDA C++ programming guide, "Technical Specifications per Compute
// Capability"; the granularities are those of its occupancy calculator.
static constexpr MultiprocessorLimits limits75 = {32,       16, 65536,
                                                  64 << 10, 0,  256};
static constexpr MultiprocessorLimits limits80 = {64,        32,   65536,
                                                  164 << 10, 1024, 128};
static constexpr MultiprocessorLimits limits86 = {48,        16,   65536,
                                                  100 << 10, 1024, 128};
static constexpr MultiprocessorLimits limits87 = {48,        16,   65536,
                                                  164 << 10, 1024, 128};
static constexpr MultiprocessorLimits limits89 = {48,        24,   65536,
                                                  100 << 10, 1024, 128};
static constexpr MultiprocessorLimits limits90 = {64,        32,   65536,
                                                  228 << 10, 1024, 128};
static constexpr MultiprocessorLimits limits110 = {48,        24,   65536,
                                                   228 << 10, 1024, 128};

// Lanes: the same guide, "Arithmetic Instructions", rows of 32-bit bitwise
// operations and of 32-bit integer multiply-adds. Dot products of bytes have
// the pipeline of the latter ("FMA heavy" in the guide of Nsight Compute),
// which is another than that of logic ("ALU"). Some chips do twice as much in
// one of them; not counting on it errs towards arithmetic. PTX versions: what
// LLVM 22 takes by itself. Devices: the makers' data sheets; clocks are boost
// clocks, where a sheet has none, that of its float32 rate / (multiprocessors *
// 128 * 2).
// clang-format off
static constexpr Chip chips[] = {
    // name    capability PTX     limits     logic, products, issue device             multiprocessors, GHz, GB/s
    {"sm_75",  75,  "ptx63", limits75,  64, 64, 128, {"T4",              40,  1.59, 320}},
    {"sm_80",  80,  "ptx70", limits80,  64, 64, 128, {"A100 SXM 80GB",   108, 1.41, 2039}},
    {"sm_86",  86,  "ptx71", limits86,  64, 64, 128, {"RTX 3090",        82,  1.70, 936}},
    {"sm_87",  87,  "ptx74", limits87,  64, 64, 128, {"Jetson AGX Orin", 16,  1.30, 204.8}},
    {"sm_89",  89,  "ptx78", limits89,  64, 64, 128, {"RTX 4090",        128, 2.52, 1008}},
    {"sm_90",  90,  "ptx78", limits90,  64, 64, 128, {"H100 SXM",        132, 1.98, 3350}},
    {"sm_100", 100, "ptx86", limits90,  64, 64, 128, {"B200",            148, 1.98, 8000}},
    {"sm_103", 103, "ptx88", limits90,  64, 64, 128, {"B300",            148, 1.98, 8000}},
    {"sm_110", 110, "ptx90", limits110, 64, 64, 128, {"Jetson T5000",    20,  1.57, 273}},
    {"sm_120", 120, "ptx87", limits89,  64, 64, 128, {"RTX 5090",        170, 2.41, 1792}},
    {"sm_121", 121, "ptx88", limits89,  64, 64, 128, {"DGX Spark",       48,  2.42, 273}},
};
// clang-format on

llvm::ArrayRef<Chip> hgf::getChips() { return chips; }

const Chip *hgf::findChip(StringRef name) {
  const Chip *chip =
      llvm::find_if(chips, [&](const Chip &row) { return row.name == name; });
  return chip == std::end(chips) ? nullptr : chip;
}

std::string hgf::listChips() {
  std::string names;
  for (const Chip &chip : chips)
    names += (names.empty() ? "" : ", ") + chip.name.str();
  return names;
}

static constexpr int64_t warpLanes = 32;
/// A multiprocessor has four parts with a scheduler and registers each.
static constexpr int64_t parts = 4;
/// Registers are given to whole warps, so many at a time.
static constexpr int64_t registerGranularity = 256;
/// No instruction can name more.
static constexpr int64_t mostRegisters = 255;
static constexpr int64_t mostThreads = 1024;

int64_t hgf::countResidentWarps(const Chip &chip, const BlockDemand &demand) {
  const MultiprocessorLimits &limits = chip.limits;
  if (demand.threads < 1 || demand.threads > mostThreads ||
      demand.registersPerThread > mostRegisters)
    return 0;
  int64_t warps = llvm::divideCeil(demand.threads, warpLanes);
  int64_t blocks = std::min(limits.blocks, limits.warps / warps);
  if (int64_t registers = llvm::alignTo(demand.registersPerThread * warpLanes,
                                        registerGranularity)) {
    int64_t warpsPerPart = limits.registers / parts / registers;
    blocks = std::min(blocks, warpsPerPart * parts / warps);
  }
  int64_t shared =
      llvm::alignTo(demand.sharedBytes + limits.reservedSharedBytes,
                    limits.sharedGranularity);
  if (shared > 0)
    blocks = std::min(blocks, limits.sharedBytes / shared);
  return blocks * warps;
}

double hgf::computeOccupancy(const Chip &chip, const BlockDemand &demand) {
  return static_cast<double>(countResidentWarps(chip, demand)) /
         static_cast<double>(chip.limits.warps);
}

double hgf::computeArithmeticTime(const Chip &chip, const InstructionMix &mix) {
  double clocks =
      std::max({mix.total / static_cast<double>(chip.issueLanes),
                mix.logic / static_cast<double>(chip.logicLanes),
                mix.products / static_cast<double>(chip.productLanes)});
  // A million weights and microseconds cancel out; a gigahertz is a thousand
  // clocks of each.
  return 1e3 * clocks /
         (static_cast<double>(chip.device.multiprocessors) *
          chip.device.gigahertz);
}

double hgf::computeMemoryTime(const Chip &chip, double bytesPerWeight) {
  return 1e3 * bytesPerWeight / chip.device.gigabytesPerSecond;
}
