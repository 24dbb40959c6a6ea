//===- Report.h - Lines, progress and plots ---------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_REPORT_H
#define HGF_LIB_BENCH_REPORT_H

#include "Measure.h"

#include "llvm/Support/raw_ostream.h"

namespace hgf {

/// One line of the result: what was measured, and what came out.
struct BenchLine {
  /// Rows x columns, or "step" for a whole model.
  std::string shape;
  /// Layers of one run, and runs over different weights.
  int64_t layers = 1;
  int64_t chunks = 1;
  int64_t tokens = 1;
  int64_t threads = 1;
  int64_t rank = 0;
  std::string gate;
  std::string correction = "keep";
  std::string scale;
  std::string encoding;
  std::string kernel;
  std::string processor;
  std::string level;
  /// dram or cache.
  std::string residency;
  /// Bytes and multiply-adds of one layer.
  double bytes = 0;
  double macs = 0;
  llvm::StringRef loop;
  /// Time and bytes over those of the same layer without its correction,
  /// measured in the same rounds; 0 where there is none.
  double timeRatio = 0;
  double byteRatio = 0;
  Measurement measurement;

  bool isStep() const { return shape == "step"; }
  /// Of one layer, or of the step.
  double getSeconds() const {
    return measurement.seconds.median / (layers * chunks);
  }
};

/// One JSON object without the line's end.
std::string formatAsJSON(const BenchLine &line);

/// The heading of the table for people, and a row of it.
std::string formatHeading(const std::string &processor);
std::string formatAsText(const BenchLine &line);

/// What it costs to start and join `threads` threads.
std::string formatForkJoin(int64_t threads, const Statistics &seconds,
                           bool json);

/// A bar on a terminal's standard error; nothing elsewhere.
class Progress {
public:
  explicit Progress(int64_t total);
  ~Progress();
  /// Shows that `done` are over, and what is being done.
  /// Counts `more` lines that were not known before.
  void expect(int64_t more) { total += more; }
  void show(int64_t done, llvm::StringRef what);
  /// Makes room for a line of output.
  void clear();

private:
  int64_t total;
  bool visible;
};

/// Draws JSON lines to `path` by tools/dev/plot-bench. Returns the sentence to
/// print after an error.
std::string plot(llvm::StringRef json, llvm::StringRef path,
                 llvm::StringRef program);

} // namespace hgf

#endif // HGF_LIB_BENCH_REPORT_H
