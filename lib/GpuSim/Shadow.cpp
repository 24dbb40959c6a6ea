//===- Shadow.cpp - Finds races in shared memory --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shadow.h"

using namespace hgf::gpusim;

Shadow::Shadow(unsigned warpCount, uint32_t byteCount)
    : warps(byteCount ? warpCount : 0), bytes(byteCount) {
  for (auto [index, warp] : llvm::enumerate(warps)) {
    warp.clocks.assign(warpCount, 0);
    warp.clocks[index] = 1;
  }
}

/// The thread of an earlier access that is not ordered before now.
std::optional<unsigned> Shadow::conflict(const Access &earlier, unsigned warp,
                                         unsigned lane) const {
  if (!earlier.lanes)
    return std::nullopt;
  if (earlier.warp != warp) {
    // A warp's clock counts on at each barrier, so what a barrier has brought
    // over is less than the clock of what came after it.
    if (earlier.clock <= warps[warp].clocks[earlier.warp])
      return std::nullopt;
    return earlier.warp * kWarpSize + __builtin_ctz(earlier.lanes);
  }
  for (uint32_t rest = earlier.lanes & ~(1u << lane); rest; rest &= rest - 1) {
    unsigned other = __builtin_ctz(rest);
    if (warps[warp].lastSync[lane][other] <= earlier.syncs)
      return warp * kWarpSize + other;
  }
  return std::nullopt;
}

void Shadow::addReader(Byte &byte, const Access &access) {
  for (Access &reader : byte.readers) {
    if (reader.lanes && reader.warp != access.warp)
      continue;
    uint32_t lanes =
        reader.clock == access.clock && reader.syncs == access.syncs
            ? reader.lanes
            : 0;
    reader = access;
    reader.lanes |= lanes;
    return;
  }
  byte.readers[0] = byte.readers[1];
  byte.readers[1] = access;
}

std::optional<unsigned> Shadow::touchByte(Byte &byte, unsigned warp,
                                          unsigned lane, AccessKind kind) {
  std::optional<unsigned> other;
  if (!(kind == AccessKind::Atomic && byte.writer.atomic))
    other = conflict(byte.writer, warp, lane);
  const WarpState &state = warps[warp];
  Access access = {state.clocks[warp], state.syncs, 1u << lane, uint16_t(warp),
                   kind == AccessKind::Atomic};
  if (kind == AccessKind::Read) {
    addReader(byte, access);
    return other;
  }
  for (Access &reader : byte.readers) {
    if (!other)
      other = conflict(reader, warp, lane);
    reader.lanes = 0;
  }
  byte.writer = access;
  return other;
}

std::optional<unsigned> Shadow::touch(unsigned warp, unsigned lane,
                                      uint32_t offset, uint32_t count,
                                      AccessKind kind) {
  std::optional<unsigned> other;
  for (uint32_t index = offset; index < offset + count; ++index)
    if (auto found = touchByte(bytes[index], warp, lane, kind))
      other = found;
  return other;
}

void Shadow::arrive(unsigned warp, std::vector<uint32_t> &barrier) {
  if (warps.empty())
    return;
  std::vector<uint32_t> &clocks = warps[warp].clocks;
  barrier.resize(clocks.size());
  for (auto [theirs, mine] : llvm::zip(barrier, clocks))
    theirs = std::max(theirs, mine);
  ++clocks[warp];
}

void Shadow::leave(unsigned warp, const std::vector<uint32_t> &barrier) {
  if (warps.empty())
    return;
  std::vector<uint32_t> &clocks = warps[warp].clocks;
  for (auto [mine, theirs] : llvm::zip(clocks, barrier))
    mine = std::max(mine, theirs);
}

void Shadow::joinLanes(unsigned warp, uint32_t lanes) {
  if (warps.empty())
    return;
  WarpState &state = warps[warp];
  ++state.syncs;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    for (unsigned other = 0; other < kWarpSize; ++other)
      if ((lanes >> lane & 1) && (lanes >> other & 1))
        state.lastSync[lane][other] = state.syncs;
}
