//===- Limits.h - What the machine can do at most ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_LIMITS_H
#define HGF_LIB_BENCH_LIMITS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace hgf {

/// Seconds since some moment.
double readClock();

/// Memory of our own for the read limit, on huge pages where the system gives
/// them: a limit must not depend on how the kernel's weights are mapped.
class ReadBuffer {
public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer &) = delete;
  ReadBuffer &operator=(const ReadBuffer &) = delete;
  ~ReadBuffer();

  /// Makes the buffer at least `bytes` long and touches every page. False: the
  /// system has no room.
  bool reserve(uint64_t bytes);
  const char *data() const { return memory; }

private:
  char *memory = nullptr;
  uint64_t size = 0;
};

/// Bytes per second of plain loads: `threads` threads read their share of
/// [data, data + bytes) front to back, `repeats` times.
double measureRead(const char *data, uint64_t bytes, int threads,
                   int64_t repeats);

/// One assembly loop of multiply-adds on registers.
struct DotLoop {
  /// The instructions, e.g. "vpdpbusd zmm".
  llvm::StringLiteral name;
  /// Multiply-adds of one iteration.
  int64_t multiplyAdds;
  void (*run)(int64_t iterations);
};

/// The loop that bounds the kernels of the instruction level `level` with int8
/// or with float activations.
const DotLoop &findDotLoop(llvm::StringRef level, bool isFloat);

/// Multiply-adds per second of `threads` threads that each run `loop` for about
/// `seconds`.
double measureDot(const DotLoop &loop, int threads, double seconds);

/// Calls body(index) on `threads` threads, one of them the caller's, and
/// returns the seconds from a common start to the end of the last.
double runTeam(int threads, llvm::function_ref<void(int)> body);

/// What /proc/cpuinfo calls the CPU.
std::string getProcessorName();

} // namespace hgf

#endif // HGF_LIB_BENCH_LIMITS_H
