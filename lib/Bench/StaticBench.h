//===- StaticBench.h - Estimates without a machine --------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_STATICBENCH_H
#define HGF_LIB_BENCH_STATICBENCH_H

#include "Options.h"

namespace hgf {

/// Compiles the layers that `options` name, for processors that need not be at
/// hand, and prints what llvm-mca says of their kernels' inner loops. False
/// after an error, which was printed.
bool runStaticBench(const BenchOptions &options);

} // namespace hgf

#endif // HGF_LIB_BENCH_STATICBENCH_H
