//===- Shadow.h - Finds races in shared memory -------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_SHADOW_H
#define HGF_LIB_GPUSIM_SHADOW_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include <cstdint>
#include <optional>
#include <vector>

namespace hgf::gpusim {

constexpr unsigned kWarpSize = 32;

enum class AccessKind : uint8_t { Read, Write, Atomic };

/// For each byte of shared memory, who wrote it and who read it. Two accesses
/// are ordered when they are of one thread, or when a barrier lies between:
/// between warps, vector clocks that bar.sync joins; within a warp, the count
/// of bar.warp.sync (and bar.sync) in which both lanes took part. Shuffles and
/// mma order nothing.
class Shadow {
public:
  Shadow(unsigned warps, uint32_t bytes);

  /// Records an access; the thread it races with, if it does.
  std::optional<unsigned> touch(unsigned warp, unsigned lane, uint32_t offset,
                                uint32_t bytes, AccessKind kind);
  /// A warp comes to a barrier, whose clocks take up what it has done.
  void arrive(unsigned warp, std::vector<uint32_t> &barrier);
  /// A warp leaves a barrier, and comes after all that has arrived there.
  void leave(unsigned warp, const std::vector<uint32_t> &barrier);
  /// What these lanes of a warp have done comes before what they do next.
  void joinLanes(unsigned warp, uint32_t lanes);

private:
  struct Access {
    uint32_t clock = 0, syncs = 0, lanes = 0;
    uint16_t warp = 0;
    bool atomic = false;
  };
  struct Byte {
    Access writer;
    /// Two warps' reads are kept; a third replaces the older.
    Access readers[2];
  };
  struct WarpState {
    std::vector<uint32_t> clocks;
    uint32_t syncs = 1;
    uint32_t lastSync[kWarpSize][kWarpSize] = {};
  };

  std::optional<unsigned> conflict(const Access &earlier, unsigned warp,
                                   unsigned lane) const;
  std::optional<unsigned> touchByte(Byte &byte, unsigned warp, unsigned lane,
                                    AccessKind kind);
  void addReader(Byte &byte, const Access &access);

  std::vector<WarpState> warps;
  std::vector<Byte> bytes;
};

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_SHADOW_H
