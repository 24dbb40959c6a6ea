//===- FlashAttentionPlan.cpp - How attention is cut for GPUs -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/NVVM/FlashAttention.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hgf;

/// Floats that a thread may hold of rows of queries and results, and of keys
/// and values.
static constexpr int64_t rowFloats = 80, keyFloats = 80;
/// The most heads and keys of one thread.
static constexpr int64_t mostHeads = 4, mostKeys = 4;
/// Blocks that fill a large device, and how often keys are split at least and
/// at most.
static constexpr int64_t manyBlocks = 256, fewestSplits = 8, mostSplits = 32;

/// Lanes that share a key. Eight elements or more for each lane keep the number
/// of shuffles low; a number that divides both lengths needs no bounds.
static int64_t chooseLanes(int64_t depth, int64_t width) {
  int64_t longest = std::max(depth, width);
  for (int64_t lanes = FlashAttentionPlan::warpLanes; lanes > 0; lanes /= 2)
    if (depth % (4 * lanes) == 0 && width % (4 * lanes) == 0 &&
        longest >= 8 * lanes && longest <= 32 * lanes)
      return lanes;
  int64_t lanes = llvm::PowerOf2Ceil(llvm::divideCeil(longest, 8));
  return std::min(lanes, FlashAttentionPlan::warpLanes);
}

FlashAttentionPlan::FlashAttentionPlan(FlashAttentionOp op) {
  auto query = cast<ShapedType>(op.getQuery().getType());
  auto key = cast<ShapedType>(op.getKey().getType());
  auto value = cast<ShapedType>(op.getValue().getType());
  heads = query.getDimSize(1);
  keyHeads = key.getDimSize(1);
  depth = query.getDimSize(3);
  width = value.getDimSize(3);
  softmaxes = op.isDifferential() ? 2 : 1;

  lanes = chooseLanes(depth, width);
  int64_t depthFloats = 4 * llvm::divideCeil(depth, 4 * lanes);
  int64_t widthFloats = 4 * llvm::divideCeil(width, 4 * lanes);
  int64_t group = heads / keyHeads;
  int64_t fit = rowFloats / (softmaxes * (depthFloats + widthFloats));
  chunks = llvm::divideCeil(group, std::clamp<int64_t>(fit, 1, mostHeads));
  headsPerBlock = llvm::divideCeil(group, chunks);
  keysPerLane = std::clamp<int64_t>(
      keyFloats / (softmaxes * depthFloats + widthFloats), 1, mostKeys);
  int64_t batch = query.isDynamicDim(0) ? 1 : query.getDimSize(0);
  int64_t blocks = std::max<int64_t>(batch, 1) * keyHeads * chunks;
  splits = std::clamp<int64_t>(
      llvm::PowerOf2Ceil(llvm::divideCeil(manyBlocks, blocks)), fewestSplits,
      mostSplits);
  if (!key.isDynamicDim(2))
    splits = std::clamp<int64_t>(
        llvm::divideCeil(key.getDimSize(2), getBlockKeys()), 1, splits);

  // Both tiles of elements, and one of scores, have to fit in 48 KiB.
  int64_t longest = std::max(depth, width);
  queriesPerThread = longest <= 64 ? 4 : longest <= 128 ? 2 : 1;
  // The first softmax's results stay in registers during the second.
  if (op.isDifferential())
    queriesPerThread = std::min<int64_t>(queriesPerThread, 2);
  keysPerThread = longest <= 128 ? 4 : 2;
}

int64_t FlashAttentionPlan::getScratchBytes() const {
  return sizeof(float) * keyHeads * chunks * splits * headsPerBlock *
         softmaxes * getPartialFloats();
}
