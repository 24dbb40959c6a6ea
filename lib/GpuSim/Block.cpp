//===- Block.cpp - Warps of a block, and its barriers ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace hgf::gpusim;

Block::Block(Launch &launch, Dimensions index)
    : launch(launch), index(index), shared(launch.sharedBytes, 0xcd),
      sharedStates(launch.sharedBytes, ByteState::Guard),
      shadow((launch.blockSize.count() + kWarpSize - 1) / kWarpSize,
             launch.options.check ? launch.sharedBytes : 0) {
  for (SharedRange range : launch.function.sharedRanges)
    std::fill(sharedStates.begin() + range.begin,
              sharedStates.begin() + range.end, ByteState::Uninitialised);
  std::fill(sharedStates.begin() + launch.function.sharedBytes,
            sharedStates.end(), ByteState::Uninitialised);
  uint64_t threads = launch.blockSize.count();
  warps.reserve((threads + kWarpSize - 1) / kWarpSize);
  for (uint64_t first = 0; first < threads; first += kWarpSize) {
    uint64_t lanes = std::min<uint64_t>(threads - first, kWarpSize);
    warps.emplace_back(*this, warps.size(),
                       uint32_t((uint64_t(1) << lanes) - 1));
  }
}

Dimensions Block::threadOf(const Warp &warp, unsigned lane) const {
  uint32_t thread = warp.index * kWarpSize + lane;
  Dimensions size = launch.blockSize;
  return {thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
}

bool Block::run() {
  std::vector<Warp *> ready;
  for (;;) {
    ready.clear();
    bool ended = true;
    for (Warp &warp : warps) {
      ended &= warp.hasEnded();
      if (warp.canRun())
        ready.push_back(&warp);
    }
    if (ended || launch.stopped)
      return true;
    if (ready.empty()) {
      if (releaseBarriers())
        continue;
      for (Warp &warp : warps)
        warp.reportStuck();
      return false;
    }
    // Turns of all lengths: short ones interleave, long ones run ahead.
    uint64_t turn = uint64_t(8) << launch.random() % 12;
    ready[launch.random() % ready.size()]->run(turn);
    if (launch.steps > launch.options.maximumSteps) {
      launch.add(Defect::StepLimit, 0, index, {0, 0, 0},
                 "more steps than a launch may take: an endless loop?");
      launch.stopped = true;
    }
    releaseBarriers();
  }
}

uint32_t Block::liveThreads() const {
  uint32_t count = 0;
  for (const Warp &warp : warps)
    count += __builtin_popcount(warp.live);
  return count;
}

void Block::arrive(Warp &warp, const Instruction &instruction, uint32_t lanes,
                   unsigned number, uint32_t expected, bool wait) {
  BarrierState &barrier = barriers[number];
  if (expected % kWarpSize)
    warp.report(Defect::Barrier, instruction, __builtin_ctz(lanes),
                "a barrier's count of threads is a multiple of 32");
  if (barrier.arrived && barrier.expected != expected)
    warp.report(Defect::Barrier, instruction, __builtin_ctz(lanes),
                "another warp waits here for another count of threads");
  barrier.expected = expected;
  // With a count, a warp counts as a whole even when the block's last is not.
  bool aligned = instruction.variant & kAlignedBarrier;
  barrier.arrived +=
      expected && aligned ? kWarpSize : __builtin_popcount(lanes);
  shadow.arrive(warp.index, barrier.clocks);
  if (!wait)
    return;
  barrier.waiting.push_back({warp.index, lanes});
  warp.atBarrier |= lanes;
}

bool Block::releaseBarriers() {
  bool released = false;
  for (BarrierState &barrier : barriers) {
    if (!barrier.arrived)
      continue;
    uint32_t expected = barrier.expected ? barrier.expected : liveThreads();
    if (barrier.arrived < expected)
      continue;
    for (auto [number, lanes] : barrier.waiting) {
      warps[number].atBarrier &= ~lanes;
      shadow.leave(number, barrier.clocks);
      shadow.joinLanes(number, lanes);
    }
    barrier = BarrierState();
    released = true;
  }
  return released;
}
