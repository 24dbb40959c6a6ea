//===- Report.h - What a simulated launch found and counted ------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_GPUSIM_REPORT_H
#define HGF_GPUSIM_REPORT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <string>
#include <vector>

namespace hgf::gpusim {

struct Dimensions {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

enum class Defect {
  Launch,
  OutOfBounds,
  Misaligned,
  Uninitialised,
  PendingCopy,
  Race,
  Membermask,
  Barrier,
  Deadlock,
  StepLimit
};

llvm::StringRef getDefectName(Defect defect);

/// One defect, where it showed first.
struct Finding {
  Defect defect;
  std::string message;
  std::string kernel;
  /// The line of the PTX, from 1; 0 for the launch as a whole.
  unsigned line = 0;
  Dimensions block = {0, 0, 0}, thread = {0, 0, 0};
  /// How often the same defect showed on this line.
  uint64_t occurrences = 1;
};

/// What one instruction of the text did in the whole launch.
struct InstructionCounts {
  unsigned line = 0;
  std::string text;
  uint64_t warps = 0, threads = 0;
  /// Requests to global memory, and the sectors of 32 bytes they touch.
  uint64_t requests = 0, sectors = 0, globalBytes = 0;
  /// Requests to shared memory, the passes over the banks that they take, and
  /// how many of those bank conflicts add.
  uint64_t sharedRequests = 0, wavefronts = 0, conflicts = 0;
};

/// What one buffer of global memory saw of the whole launch.
struct BufferCounts {
  uint64_t address = 0;
  /// Sectors of 32 bytes of all requests, and different ones among them: what
  /// memory moves if caches hold all that is used again.
  uint64_t sectors = 0, distinctSectors = 0;
};

struct Report {
  std::vector<Finding> findings;
  /// With LaunchOptions::stats, one for each instruction that was executed.
  std::vector<InstructionCounts> instructions;
  /// The same for each buffer that was accessed.
  std::vector<BufferCounts> buffers;

  bool isClean() const { return findings.empty(); }
  bool has(Defect defect) const;
  InstructionCounts getTotals() const;
  /// Of the buffer at `address`; zeros where it was not accessed.
  BufferCounts getBuffer(uint64_t address) const;
  void print(llvm::raw_ostream &stream) const;
  void printJson(llvm::raw_ostream &stream) const;
};

} // namespace hgf::gpusim

#endif // HGF_GPUSIM_REPORT_H
