//===- Machine.h - Warps and blocks of a launch ------------------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_MACHINE_H
#define HGF_LIB_GPUSIM_MACHINE_H

#include "Program.h"
#include "Shadow.h"
#include "hgf/GpuSim/GpuSim.h"
#include <cstring>
#include <random>

namespace hgf::gpusim {

/// One register of a warp; a lane has the register's bits, the rest is zero.
struct alignas(64) Row {
  uint64_t lanes[kWarpSize];
};

/// Calls `function` with each lane of a mask.
template <class Body> inline void forLanes(uint32_t mask, Body body) {
  if (mask == ~0u) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      body(lane);
    return;
  }
  for (; mask; mask &= mask - 1)
    body(unsigned(__builtin_ctz(mask)));
}

class Block;
struct Launch;

/// Bytes that a lane may touch; no data when it may not.
struct Place {
  uint8_t *data = nullptr;
  ByteState *states = nullptr;
  explicit operator bool() const { return data; }
};

struct AsyncCopy {
  Place destination, source;
  uint32_t sharedOffset = 0;
  uint8_t bytes = 0, sourceBytes = 0;
};

/// The groups of cp.async that a lane has not waited for, oldest first.
struct AsyncGroups {
  std::vector<std::vector<AsyncCopy>> committed;
  std::vector<AsyncCopy> open;
};

class Warp {
public:
  Warp(Block &block, unsigned index, uint32_t initialLanes);

  uint64_t *row(int index) { return rows[index].lanes; }
  uint64_t *operand(const Instruction &instruction, unsigned index) {
    return rows[instruction.operands[index]].lanes;
  }

  /// Runs until the warp has ended, waits, or has had its turn.
  void run(uint64_t turn);
  bool hasEnded() const { return live == 0; }
  bool canRun() const { return live & ~waiting & ~atBarrier; }
  /// Says of each group of lanes that waits what it waits for.
  void reportStuck();
  void report(Defect defect, const Instruction &instruction, unsigned lane,
              const llvm::Twine &message);

  /// Bytes at an address, if a lane may access them so.
  Place access(const Instruction &instruction, unsigned lane, Space space,
               uint64_t address, unsigned bytes, unsigned alignment,
               AccessKind kind);
  /// Adds requests of these lanes to the counts.
  void countRequest(const Instruction &instruction, uint32_t mask, Space space,
                    const uint64_t *addresses, unsigned bytes);

  Block &block;
  unsigned index;
  uint32_t initial, live;
  /// Lanes that wait for others of the warp, or for the block.
  uint32_t waiting = 0, atBarrier = 0;
  uint32_t counters[kWarpSize] = {};
  std::vector<Row> rows;
  std::vector<std::vector<uint8_t>> local;
  std::vector<std::vector<ByteState>> localStates;
  std::vector<AsyncGroups> asyncGroups;

private:
  bool pick(uint32_t &mask, uint32_t &counter);
  bool releaseWaiting(uint32_t &mask, uint32_t &counter);
  /// The lanes at a collective that have all whom they wait for.
  uint32_t complete(uint32_t counter);
  uint32_t completeMasked(const Instruction &instruction, uint32_t there);
  uint32_t lanesAt(uint32_t lanes, uint32_t counter) const;
  void setCounters(uint32_t mask, uint32_t counter);
  uint32_t applyPredicate(const Instruction &instruction, uint32_t mask);
  /// Runs lanes that are together until they part, wait or have had their turn.
  void runTogether(uint32_t mask, uint32_t counter, uint64_t &turn);
  bool branch(const Instruction &instruction, uint32_t mask, uint32_t taken,
              uint32_t &counter);
  /// Executes a collective for lanes that are complete.
  void executeCollective(uint32_t mask, uint32_t counter);
  void countExecution(const Instruction &instruction, uint32_t mask);

  Place accessLocal(const Instruction &instruction, unsigned lane,
                    uint64_t address, unsigned bytes);
  Place accessGlobal(const Instruction &instruction, unsigned lane,
                     uint64_t address, unsigned bytes);
  Place accessShared(const Instruction &instruction, unsigned lane,
                     uint64_t address, unsigned bytes, AccessKind kind);
  Place accessParam(const Instruction &instruction, unsigned lane,
                    uint64_t address, unsigned bytes, AccessKind kind);
};

struct BarrierState {
  /// Threads that have come; those of a `.aligned` barrier count as whole
  /// warps. Nobody has while it is 0.
  uint32_t arrived = 0;
  /// 0: all threads of the block that have not ended.
  uint32_t expected = 0;
  /// The warps and lanes that wait.
  std::vector<std::pair<unsigned, uint32_t>> waiting;
  /// What has happened before (see Shadow).
  std::vector<uint32_t> clocks;
};

class Block {
public:
  Block(Launch &launch, Dimensions index);

  /// Runs all warps to their end; false on a deadlock.
  bool run();
  /// Lanes of a warp come to a barrier. `expected` is 0 for the whole block.
  void arrive(Warp &warp, const Instruction &instruction, uint32_t lanes,
              unsigned barrier, uint32_t expected, bool wait);
  /// Lets go on whom nothing holds any more.
  bool releaseBarriers();
  Dimensions threadOf(const Warp &warp, unsigned lane) const;

  Launch &launch;
  Dimensions index;
  std::vector<Warp> warps;
  std::vector<uint8_t> shared;
  std::vector<ByteState> sharedStates;
  Shadow shadow;

private:
  uint32_t liveThreads() const;

  BarrierState barriers[16];
};

/// What all blocks of a launch have in common.
struct Launch {
  Launch(const Program &program, const Function &function, DeviceMemory &memory,
         const LaunchOptions &options)
      : program(program), function(function), memory(memory), options(options),
        random(options.seed) {}

  const Program &program;
  const Function &function;
  DeviceMemory &memory;
  const LaunchOptions &options;
  Dimensions grid, blockSize;
  /// Dynamic shared memory begins where the static one ends.
  uint32_t sharedBytes = 0, staticShared = 0, dynamicShared = 0;
  std::vector<uint8_t> parameters;
  std::vector<ByteState> parameterStates;
  std::mt19937_64 random;
  Report report;
  std::vector<InstructionCounts> counts;
  uint64_t steps = 0;
  bool stopped = false;

  void add(Defect defect, unsigned line, Dimensions block, Dimensions thread,
           const llvm::Twine &message);
  InstructionCounts &countsOf(const Instruction &instruction) {
    return counts[&instruction - function.instructions.data()];
  }
};

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_MACHINE_H
