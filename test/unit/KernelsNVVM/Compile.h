//===- Compile.h - From keys to PTX -----------------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TEST_UNIT_KERNELSNVVM_COMPILE_H
#define HGF_TEST_UNIT_KERNELSNVVM_COMPILE_H

#include "hgf/Kernels/NVVM/LinearKernels.h"

namespace hgf::test {

/// How to launch a kernel of compiled text.
struct Launch {
  std::string name;
  int64_t threads = 0, blocks = 0, tokens = 1;
};

/// The kernels of some layers.
struct Compiled {
  std::string ptx;
  /// Per key; without a name where there is no prologue. From 16 tokens per
  /// block on, prefill takes the place of decode.
  std::vector<Launch> prologues, decodes;
};

Compiled compile(llvm::ArrayRef<GpuLinearKey> keys,
                 llvm::StringRef chip = "sm_80");

} // namespace hgf::test

#endif // HGF_TEST_UNIT_KERNELSNVVM_COMPILE_H
