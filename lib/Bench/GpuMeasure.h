//===- GpuMeasure.h - Layers measured on a GPU ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_GPUMEASURE_H
#define HGF_LIB_BENCH_GPUMEASURE_H

#include "Options.h"

namespace hgf {

/// Measures the layers that `options` name on a GPU, or one step of their
/// model, in turns with a kernel that copies. False after an error, which was
/// printed.
bool runGpuMeasure(const BenchOptions &options,
                   const std::string &runtimeDirectory);

} // namespace hgf

#endif // HGF_LIB_BENCH_GPUMEASURE_H
