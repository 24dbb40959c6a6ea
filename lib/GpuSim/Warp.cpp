//===- Warp.cpp - Lanes that part and meet again --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes at the lowest counter run first, so that those that parted meet again
// at the latest where the paths join. That alone fails on rotated loops: a lane
// that leaves one early would run ahead into a collective. So lanes wait at
// collectives until all whom the collective names are there.
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

using namespace hgf::gpusim;

static uint64_t specialValue(Special which, const Block &block, unsigned warp,
                             unsigned lane) {
  const Launch &launch = block.launch;
  Dimensions size = launch.blockSize;
  unsigned thread = warp * kWarpSize + lane;
  switch (which) {
  case Special::TidX:
    return thread % size.x;
  case Special::TidY:
    return thread / size.x % size.y;
  case Special::TidZ:
    return thread / size.x / size.y;
  case Special::NtidX:
    return size.x;
  case Special::NtidY:
    return size.y;
  case Special::NtidZ:
    return size.z;
  case Special::CtaidX:
    return block.index.x;
  case Special::CtaidY:
    return block.index.y;
  case Special::CtaidZ:
    return block.index.z;
  case Special::NctaidX:
    return launch.grid.x;
  case Special::NctaidY:
    return launch.grid.y;
  case Special::NctaidZ:
    return launch.grid.z;
  case Special::LaneId:
    return lane;
  case Special::WarpId:
    return warp;
  case Special::NwarpId:
    return (size.count() + kWarpSize - 1) / kWarpSize;
  case Special::LanemaskEq:
    return 1u << lane;
  case Special::LanemaskLe:
    return (2u << lane) - 1u;
  case Special::LanemaskLt:
    return (1u << lane) - 1u;
  case Special::LanemaskGe:
    return ~((1u << lane) - 1u);
  case Special::LanemaskGt:
    return ~((2u << lane) - 1u);
  case Special::DynamicSharedSize:
    return launch.dynamicShared;
  case Special::TotalSharedSize:
    return launch.sharedBytes;
  case Special::SmId:
    return 0;
  case Special::DynamicShared:
    return launch.function.sharedBytes;
  }
  return 0;
}

Warp::Warp(Block &block, unsigned index, uint32_t lanes)
    : block(block), index(index), initial(lanes), live(lanes) {
  const Function &function = block.launch.function;
  rows.assign(function.rowBits.size(), Row());
  for (auto [number, value] : function.constants)
    for (uint64_t &lane : rows[number].lanes)
      lane = value;
  for (auto [number, which] : function.specials)
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      rows[number].lanes[lane] =
          uint32_t(specialValue(which, block, index, lane));
  asyncGroups.resize(kWarpSize);
  local.assign(kWarpSize, std::vector<uint8_t>(function.localBytes));
  localStates.assign(kWarpSize, std::vector<ByteState>(function.localBytes));
}

void Warp::report(Defect defect, const Instruction &instruction, unsigned lane,
                  const llvm::Twine &message) {
  block.launch.add(defect, instruction.line, block.index,
                   block.threadOf(*this, lane), message);
}

uint32_t Warp::lanesAt(uint32_t lanes, uint32_t counter) const {
  uint32_t result = 0;
  forLanes(lanes, [&](unsigned lane) {
    result |= uint32_t(counters[lane] == counter) << lane;
  });
  return result;
}

void Warp::setCounters(uint32_t mask, uint32_t counter) {
  forLanes(mask, [&](unsigned lane) { counters[lane] = counter; });
}

/// The lanes to run next, and where they are.
bool Warp::pick(uint32_t &mask, uint32_t &counter) {
  uint32_t ready = live & ~waiting & ~atBarrier;
  if (!ready)
    return releaseWaiting(mask, counter);
  counter = ~0u;
  forLanes(ready,
           [&](unsigned lane) { counter = std::min(counter, counters[lane]); });
  mask = lanesAt(ready, counter);
  return true;
}

/// A lane's exit may be what others have waited for.
bool Warp::releaseWaiting(uint32_t &mask, uint32_t &counter) {
  for (uint32_t rest = waiting; rest;) {
    counter = counters[__builtin_ctz(rest)];
    if ((mask = complete(counter)))
      return true;
    rest &= ~lanesAt(rest, counter);
  }
  return false;
}

uint32_t Warp::applyPredicate(const Instruction &instruction, uint32_t mask) {
  if (instruction.predicate < 0)
    return mask;
  const uint64_t *predicate = row(instruction.predicate);
  uint32_t enabled = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    enabled |= uint32_t(predicate[lane] & 1) << lane;
  return mask & (instruction.negated ? ~enabled : enabled);
}

void Warp::countExecution(const Instruction &instruction, uint32_t mask) {
  InstructionCounts &counts = block.launch.countsOf(instruction);
  ++counts.warps;
  counts.threads += __builtin_popcount(mask);
}

void Warp::run(uint64_t turn) {
  uint32_t mask, counter;
  while (live && !block.launch.stopped && (turn || !canRun()) &&
         pick(mask, counter)) {
    if (mask & waiting)
      executeCollective(mask, counter);
    else
      runTogether(mask, counter, turn);
    // Lanes that have parted come back after every instruction: without this
    // they would never end their turn.
    if (turn)
      --turn;
  }
}

void Warp::runTogether(uint32_t mask, uint32_t counter, uint64_t &turn) {
  const std::vector<Instruction> &code = block.launch.function.instructions;
  bool stats = block.launch.options.stats;
  // Lanes that have parted look for the others after every instruction.
  for (bool whole = mask == live; turn; --turn) {
    const Instruction &instruction = code[counter];
    uint32_t enabled = applyPredicate(instruction, mask);
    ++block.launch.steps;
    switch (instruction.control) {
    case Control::Plain:
      if (stats)
        countExecution(instruction, enabled);
      if (enabled)
        instruction.execute(*this, instruction, enabled);
      ++counter;
      break;
    case Control::Branch:
      if (stats)
        countExecution(instruction, enabled);
      if (!branch(instruction, mask, enabled, counter))
        return;
      break;
    case Control::Exit:
      if (stats)
        countExecution(instruction, enabled);
      setCounters(mask & ~enabled, counter + 1);
      live &= ~enabled;
      return;
    default:
      setCounters(mask & ~enabled, counter + 1);
      setCounters(enabled, counter);
      waiting |= enabled;
      if (uint32_t ready = complete(counter))
        executeCollective(ready, counter);
      return;
    }
    if (!whole)
      break;
  }
  setCounters(mask, counter);
}

/// True when all lanes go the same way.
bool Warp::branch(const Instruction &instruction, uint32_t mask, uint32_t taken,
                  uint32_t &counter) {
  if (taken == mask || taken == 0) {
    counter = taken ? instruction.target : counter + 1;
    return true;
  }
  setCounters(taken, instruction.target);
  setCounters(mask & ~taken, counter + 1);
  return false;
}

uint32_t Warp::complete(uint32_t counter) {
  const Instruction &instruction = block.launch.function.instructions[counter];
  uint32_t there = lanesAt(waiting, counter);
  if (!there)
    return 0;
  switch (instruction.control) {
  case Control::WarpCollective:
    return completeMasked(instruction, there);
  case Control::BlockBarrier:
    // Without .aligned, each lane waits for itself.
    if (!(instruction.variant & kAlignedBarrier))
      return there;
    [[fallthrough]];
  default:
    // Lanes that have ended will not come: the instruction says so.
    return there == live ? there : 0;
  }
}

/// Lanes that name the same mask wait for each other, not for those that have
/// ended.
uint32_t Warp::completeMasked(const Instruction &instruction, uint32_t there) {
  const uint64_t *masks = row(instruction.membermask);
  for (uint32_t rest = there; rest;) {
    uint32_t named = masks[__builtin_ctz(rest)];
    uint32_t same = 0;
    forLanes(there, [&](unsigned lane) {
      same |= uint32_t(uint32_t(masks[lane]) == named) << lane;
    });
    if ((named & live & ~same) == 0)
      return same;
    rest &= ~same;
  }
  return 0;
}

void Warp::executeCollective(uint32_t mask, uint32_t counter) {
  const Instruction &instruction = block.launch.function.instructions[counter];
  if (block.launch.options.stats)
    countExecution(instruction, mask);
  waiting &= ~mask;
  setCounters(mask, counter + 1);
  if (instruction.control == Control::WarpCollective) {
    const uint64_t *masks = row(instruction.membermask);
    forLanes(mask, [&](unsigned lane) {
      if (!(masks[lane] >> lane & 1))
        report(Defect::Membermask, instruction, lane,
               "the membermask does not name the lane itself");
    });
  } else if (instruction.control == Control::AlignedCollective ||
             (instruction.variant & kAlignedBarrier)) {
    bool barrier = instruction.control == Control::BlockBarrier;
    if (mask != (barrier ? initial : ~0u))
      report(barrier ? Defect::Barrier : Defect::Membermask, instruction,
             __builtin_ctz(mask),
             "only a part of the warp comes to an .aligned instruction");
  }
  instruction.execute(*this, instruction, mask);
}

void Warp::reportStuck() {
  const Function &function = block.launch.function;
  for (uint32_t rest = waiting; rest;) {
    unsigned lane = __builtin_ctz(rest);
    const Instruction &instruction = function.instructions[counters[lane]];
    rest &= ~lanesAt(rest, counters[lane]);
    bool barrier = instruction.control == Control::BlockBarrier;
    report(barrier ? Defect::Barrier : Defect::Membermask, instruction, lane,
           "waits for lanes of its warp that do not come");
  }
  for (uint32_t rest = atBarrier; rest;) {
    unsigned lane = __builtin_ctz(rest);
    const Instruction &instruction = function.instructions[counters[lane] - 1];
    rest &= ~lanesAt(rest, counters[lane]);
    report(Defect::Deadlock, instruction, lane,
           "waits at a barrier for threads that do not come");
  }
}
