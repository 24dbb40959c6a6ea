//===- Measure.h - Rounds of limits and kernels -----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_MEASURE_H
#define HGF_LIB_BENCH_MEASURE_H

#include "CompiledModel.h"
#include "Limits.h"

#include "llvm/ADT/SmallVector.h"

namespace hgf {

/// Median, extremes and spread of some numbers.
struct Statistics {
  double median = 0, least = 0, most = 0;
  /// The distance of the quartiles over the median.
  double spread = 0;
};
Statistics computeStatistics(llvm::SmallVector<double> values);

/// What is to be measured in rounds: limits, then the kernel.
struct Task {
  /// One call of the kernel; false after an error.
  llvm::function_ref<bool()> run;
  /// One call of another kernel to compare with in every round; may be null.
  llvm::function_ref<bool()> runBeside;
  /// Bytes that one call reads, and its multiply-adds.
  double bytes = 0;
  double multiplyAdds = 0;
  int threads = 1;
  const DotLoop *loop = nullptr;
  /// Holds at least `bytes` bytes.
  const ReadBuffer *memory = nullptr;
  /// Seconds that all rounds should take.
  double seconds = 0.5;
};

/// What the rounds gave. Rates are medians of the rounds.
struct Measurement {
  /// Of one call of the kernel.
  Statistics seconds;
  /// Bytes per second of plain reading, multiply-adds per second of the loop.
  double readRate = 0;
  double dotRate = 0;
  /// Time that the limit asks for over the time it took, each the median of the
  /// rounds' ratios.
  double readRatio = 0;
  double dotRatio = 0;
  /// Time of a call over that of a call of the other kernel.
  double besideRatio = 0;
  int rounds = 0;
  /// Why the numbers must not be believed; empty: they may.
  std::string doubt;

  bool isReadBound() const { return readRatio >= dotRatio; }
  double getLimitRatio() const { return std::max(readRatio, dotRatio); }
};

/// Runs the rounds. False after an error of the kernel.
bool measure(const Task &task, Measurement &result);

/// Seconds that the runtime's pool takes to start and join `threads` threads
/// with nothing to do, in rounds.
Statistics measureForkJoin(int threads);

} // namespace hgf

#endif // HGF_LIB_BENCH_MEASURE_H
