//===- GpuStatic.h - Bounds of GPU kernels without a GPU --------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_GPUSTATIC_H
#define HGF_LIB_BENCH_GPUSTATIC_H

#include "Options.h"

namespace hgf {

/// Compiles the layers that `options` name for GPUs that need not be at hand,
/// and prints what NVIDIA's assembler makes of their kernels and what the
/// simulator counts. False after an error, which was printed.
bool runGpuStatic(const BenchOptions &options);

} // namespace hgf

#endif // HGF_LIB_BENCH_GPUSTATIC_H
