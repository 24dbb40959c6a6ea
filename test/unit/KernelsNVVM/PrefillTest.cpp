//===- PrefillTest.cpp - Layers on many tokens --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "hgf/Kernels/NVVM/PrefillKernel.h"

#include <gtest/gtest.h>

using namespace hgf;
using namespace hgf::test;

static GpuLinearKey makeKey(int64_t rows, int64_t columns,
                            int64_t tokens = 64) {
  GpuLinearKey key;
  key.parameters.rows = rows;
  key.parameters.columns = columns;
  key.parameters.granularity = Granularity::Row;
  key.quantization = Quantization::Reciprocal;
  key.alignedInput = true;
  key.tokens = tokens;
  return key;
}

TEST(Prefill, OneLayer) { expectLayers({makeKey(67, 640)}, {17, 64}); }
