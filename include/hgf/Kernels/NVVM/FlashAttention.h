//===- FlashAttention.h - Kernels of attention for GPUs ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_FLASHATTENTION_H
#define HGF_KERNELS_NVVM_FLASHATTENTION_H

#include "hgf/Dialect/HGF/HGFDialect.h"

namespace hgf {

/// How the kernels of one attention are cut. It follows from types alone, so
/// that the same attention has the same grid at every length of its cache.
struct FlashAttentionPlan {
  /// Threads of every block: four warps.
  static constexpr int64_t threads = 128;
  static constexpr int64_t warpLanes = 32;
  static constexpr int64_t warps = threads / warpLanes;
  /// The most queries for which the keys are split over blocks. Each of them
  /// reads the keys anew, which the cache makes cheap; a tile of queries would
  /// be mostly empty, and its block alone with all keys.
  static constexpr int64_t mostFewQueries = 8;
  /// The largest depth of a head, and the largest width of its values.
  static constexpr int64_t mostDepth = 256;
  /// Threads side by side along the keys of a tile, and along its queries.
  static constexpr int64_t tileColumns = 8, tileRows = threads / tileColumns;

  explicit FlashAttentionPlan(FlashAttentionOp op);

  int64_t heads, keyHeads, depth, width;
  /// Softmaxes of each result: 2 for differential attention.
  int64_t softmaxes;

  // The kernel for few queries. A block takes one query of some heads of a
  // group, and one of `splits` parts of the keys.

  /// Heads of one block, and blocks of one group.
  int64_t headsPerBlock, chunks;
  /// Lanes that share a key, four neighbouring elements each at a time.
  int64_t lanes;
  /// Keys that a lane has in registers at a time.
  int64_t keysPerLane;
  int64_t splits;

  /// Keys that a block takes at a time.
  int64_t getBlockKeys() const {
    return warps * (warpLanes / lanes) * keysPerLane;
  }
  /// What one split leaves of one softmax: a row of the result, the maximum and
  /// the sum.
  int64_t getPartialFloats() const { return width + 2; }
  /// The scratch memory of one query of one batch entry.
  int64_t getScratchBytes() const;

  // The kernel for many queries. A block takes a tile of queries of one head
  // and goes over tiles of keys.

  /// Queries and keys of a tile that one thread computes scores for.
  int64_t queriesPerThread, keysPerThread;

  int64_t getTileQueries() const { return queriesPerThread * tileRows; }
  int64_t getTileKeys() const { return keysPerThread * tileColumns; }
};

/// The three kernels. `op`, on memrefs, stands where a kernel's body shall be
/// and is replaced by it.
///
/// The first writes partial results of few queries to the scratch memory. Grid:
/// (batch * queries * keyHeads * chunks) x plan.splits.
void emitFlashAttentionSplits(FlashAttentionOp op);
/// The second joins them. Grid: batch * heads * queries.
void emitFlashAttentionJoin(FlashAttentionOp op);
/// The kernel for many queries. Grid: (batch * heads) x at most the number of
/// tiles of queries.
void emitFlashAttentionTiles(FlashAttentionOp op);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_FLASHATTENTION_H
