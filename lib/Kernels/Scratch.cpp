//===- Scratch.cpp - Memory that one layer computes in -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/Scratch.h"

using namespace hgf;

Scratch hgf::computeScratch(LinearOp op, const Encoding &encoding) {
  LinearParameters parameters = getLinearParameters(op);
  constexpr int64_t wordBytes = 4;
  int64_t columns =
      encoding.getBlockCount(parameters.columns) * encoding.getBlockColumns();
  Scratch scratch;
  if (op.getQuantization() == Quantization::None) {
    scratch.inputs = columns * wordBytes;
  } else {
    int64_t groups = parameters.granularity == Granularity::Group
                         ? columns / parameters.group
                         : 1;
    scratch.inputs = columns;
    scratch.sums = groups * wordBytes;
    scratch.inputScales = wordBytes;
    if (parameters.norm)
      scratch.normalized = parameters.getFactorColumns() * wordBytes;
  }
  if (parameters.hasCorrection())
    scratch.correction = parameters.getPaddedRank() * wordBytes;
  if (op.getGateWeight())
    scratch.gate = wordBytes;
  return scratch;
}
