//===- LinearEpilogue.cpp - What follows a layer's products -----*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearEpilogue.h"

#include "hgf/Kernels/Activations.h"

using namespace mlir;
using namespace hgf;

Value hgf::emitEpilogue(GpuBuilder &k, const GpuLinearKey &key, Value y,
                        Value correction, const EpilogueInputs &inputs) {
  if (inputs.bias)
    y = k.addFloat(y, inputs.bias);
  if (correction)
    y = inputs.gate ? k.multiplyAdd(inputs.gate, correction, y)
                    : k.addFloat(y, correction);
  y = emitActivation(k.b, y, key.activation);
  return inputs.residual ? k.addFloat(y, inputs.residual) : y;
}

RowRanks hgf::emitRowRanks(GpuBuilder &k, const LinearParameters &parameters,
                           Value row) {
  if (parameters.segments.empty())
    return {k.multiply(row, parameters.rank), k.integer(0),
            k.integer(parameters.rank)};
  // The last segment that begins at the row or before it.
  RowRanks result;
  int64_t firstOfSegment = 0, rank = 0, start = 0;
  for (auto [count, ranks] :
       llvm::zip_equal(parameters.segments, parameters.segmentRanks)) {
    RowRanks segment = {
        k.add(k.multiply(k.add(row, -firstOfSegment), ranks), start),
        k.integer(rank), k.integer(ranks)};
    if (!result.start) {
      result = segment;
    } else {
      Value before = k.isLess(row, firstOfSegment);
      result = {k.select(before, result.start, segment.start),
                k.select(before, result.first, segment.first),
                k.select(before, result.count, segment.count)};
    }
    firstOfSegment += count;
    rank += ranks;
    start += count * ranks;
  }
  return result;
}
