//===- Mca.h - Cycles of instructions by llvm-mca ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_MCA_H
#define HGF_LIB_BENCH_MCA_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace llvm {
class MCSubtargetInfo;
} // namespace llvm

namespace hgf {

/// The processor that llvm-mca simulates.
struct McaTarget {
  std::string triple;
  /// LLVM CPU name.
  std::string cpu;
  /// LLVM features, each with a sign, separated by commas.
  std::string features;
};

/// Runs llvm-mca on each of `blocks`, which are instructions one per line, as
/// loops of many iterations. Sets `cycles` to the cycles of one iteration of
/// each. Returns the sentence to print after an error.
std::string analyzeBlocks(const McaTarget &target,
                          llvm::ArrayRef<std::string> blocks,
                          std::vector<double> &cycles);

/// The CPU that the scheduling model of `subtarget` was written for: often an
/// older one. Empty where LLVM has no model at all.
std::string findSchedulingModel(const llvm::MCSubtargetInfo &subtarget);

} // namespace hgf

#endif // HGF_LIB_BENCH_MCA_H
