//===- Chip.h - NVIDIA GPUs that kernels are made for -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_NVVM_CHIP_H
#define HGF_TARGET_NVVM_CHIP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace hgf {

/// What one streaming multiprocessor holds at most.
struct MultiprocessorLimits {
  int64_t warps;
  int64_t blocks;
  /// Of 32 bits.
  int64_t registers;
  int64_t sharedBytes;
  /// What the system takes of it for each block.
  int64_t reservedSharedBytes;
  /// What a block's share of it is rounded up to.
  int64_t sharedGranularity;
};

/// A device that a chip is found in, by which bounds are computed.
struct Device {
  llvm::StringLiteral name;
  int64_t multiprocessors;
  /// The boost clock.
  double gigahertz;
  /// Of the device's memory.
  double gigabytesPerSecond;
};

/// One row of the table of chips: everything that the compiler needs to know
/// about a GPU.
struct Chip {
  /// As LLVM and ptxas call it, e.g. "sm_80".
  llvm::StringLiteral name;
  /// The compute capability, ten times the major plus the minor number.
  int64_t capability;
  /// The PTX version that LLVM is asked for, e.g. "ptx70": the oldest that
  /// knows the chip, which the most drivers read.
  llvm::StringLiteral ptxFeature;
  MultiprocessorLimits limits;
  /// Results per clock and multiprocessor: of additions, shifts, logic.
  int64_t logicLanes;
  /// The same of multiplications: dot products of four bytes, multiply-adds.
  int64_t productLanes;
  /// The same of all instructions: four schedulers issue one for a warp each.
  int64_t issueLanes;
  Device device;
};

/// All rows, oldest first.
llvm::ArrayRef<Chip> getChips();

/// The row called `name`; null where there is none.
const Chip *findChip(llvm::StringRef name);

/// The names of all rows, separated by commas, for messages.
std::string listChips();

/// What one block of a kernel asks of a multiprocessor.
struct BlockDemand {
  int64_t threads = 0;
  int64_t registersPerThread = 0;
  int64_t sharedBytes = 0;
};

/// How many warps of such blocks a multiprocessor of `chip` holds at once; 0
/// where not even one block fits.
int64_t countResidentWarps(const Chip &chip, const BlockDemand &demand);

/// The same as a part of the most warps that it could hold.
double computeOccupancy(const Chip &chip, const BlockDemand &demand);

/// Instructions that a kernel executes for one weight, on each thread.
struct InstructionMix {
  double total = 0;
  /// Of those, additions, shifts and logic.
  double logic = 0;
  /// Of those, dot products and other multiplications.
  double products = 0;
};

/// Microseconds that the device of `chip` takes for a million weights if it
/// does nothing but execute `mix` on full warps. Logic and multiplications have
/// pipelines of their own, which work side by side.
double computeArithmeticTime(const Chip &chip, const InstructionMix &mix);

/// Microseconds that it takes to move the bytes of a million weights.
double computeMemoryTime(const Chip &chip, double bytesPerWeight);

} // namespace hgf

#endif // HGF_TARGET_NVVM_CHIP_H
