//===- Bench.h - Measures kernels against limits ----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_BENCH_BENCH_H
#define HGF_BENCH_BENCH_H

namespace hgf {

/// The command hgf-bench. Returns its exit status: 0 done, 1 a model that
/// cannot be compiled or run, 2 wrong usage.
int benchMain(int argc, char **argv);

} // namespace hgf

#endif // HGF_BENCH_BENCH_H
