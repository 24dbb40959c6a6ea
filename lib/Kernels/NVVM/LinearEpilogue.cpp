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

SmallVector<std::pair<int64_t, int64_t>>
hgf::getSegments(const LinearParameters &parameters) {
  if (parameters.segments.empty())
    return {{parameters.rows, parameters.rank}};
  SmallVector<std::pair<int64_t, int64_t>> result;
  for (auto [rows, ranks] :
       llvm::zip_equal(parameters.segments, parameters.segmentRanks))
    result.push_back({rows, ranks});
  return result;
}

RowRanks hgf::emitRowRanks(GpuBuilder &k, const LinearParameters &parameters,
                           Value row) {
  RowRanks result;
  int64_t firstRow = 0, rank = 0, element = 0;
  // The last segment that begins at the row or before it.
  for (auto [count, ranks] : getSegments(parameters)) {
    RowRanks segment = {
        k.add(k.multiply(k.add(row, -firstRow), ranks), element),
        k.integer(rank), k.integer(ranks)};
    // Nothing is used of a segment without ranks, but it may be loaded.
    if (ranks == 0)
      segment.start = segment.first = k.integer(0);
    if (!result.start) {
      result = segment;
    } else {
      Value before = k.isLess(row, firstRow);
      result = {k.select(before, result.start, segment.start),
                k.select(before, result.first, segment.first),
                k.select(before, result.count, segment.count)};
    }
    firstRow += count;
    rank += ranks;
    element += count * ranks;
  }
  return result;
}
