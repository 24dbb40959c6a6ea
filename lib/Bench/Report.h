//===- Report.h - Progress and plots ----------------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_REPORT_H
#define HGF_LIB_BENCH_REPORT_H

#include "llvm/Support/raw_ostream.h"

namespace hgf {

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
