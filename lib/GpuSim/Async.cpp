//===- Async.cpp - cp.async and its groups --------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The copy happens as late as it may: at the wait. Until then its destination
// is poisoned, and reading it is an error.
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

static constexpr uint8_t kPoison = 0xee;

/// Operands: destination, source, size, and how much of it the source has.
static void executeCopy(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  const uint64_t *to = warp.operand(instruction, 0);
  const uint64_t *from = warp.operand(instruction, 1);
  auto bytes = unsigned(warp.operand(instruction, 2)[0]);
  const uint64_t *sourceBytes =
      warp.operand(instruction, instruction.operandCount - 1);
  uint64_t destinations[kWarpSize], sources[kWarpSize];
  forLanes(mask, [&](unsigned lane) {
    destinations[lane] = to[lane] + instruction.offset;
    sources[lane] = from[lane] + instruction.secondOffset;
  });
  warp.countRequest(instruction, mask, Space::Global, sources, bytes);
  warp.countRequest(instruction, mask, Space::Shared, destinations, bytes);
  forLanes(mask, [&](unsigned lane) {
    AsyncCopy copy;
    copy.bytes = bytes;
    copy.sourceBytes = std::min<uint32_t>(bytes, sourceBytes[lane]);
    copy.sharedOffset = destinations[lane];
    copy.destination =
        warp.access(instruction, lane, Space::Shared, destinations[lane], bytes,
                    bytes, AccessKind::Write);
    // Nothing is read where the source has nothing; alignment counts still.
    if (copy.sourceBytes)
      copy.source = warp.access(instruction, lane, Space::Global, sources[lane],
                                copy.sourceBytes, bytes, AccessKind::Read);
    if (!copy.destination || (copy.sourceBytes && !copy.source))
      return;
    std::fill_n(copy.destination.data, bytes, kPoison);
    std::fill_n(copy.destination.states, bytes, ByteState::Pending);
    warp.asyncGroups[lane].open.push_back(copy);
  });
}

static void finish(Warp &warp, unsigned lane, std::vector<AsyncCopy> &group) {
  for (const AsyncCopy &copy : group) {
    if (copy.sourceBytes)
      memcpy(copy.destination.data, copy.source.data, copy.sourceBytes);
    std::fill(copy.destination.data + copy.sourceBytes,
              copy.destination.data + copy.bytes, 0);
    std::fill_n(copy.destination.states, copy.bytes, ByteState::Initialised);
    // Others see the bytes after a barrier that follows the wait.
    if (warp.block.launch.options.check)
      warp.block.shadow.touch(warp.index, lane, copy.sharedOffset, copy.bytes,
                              AccessKind::Write);
  }
  group.clear();
}

static void executeCommit(Warp &warp, const Instruction &, uint32_t mask) {
  forLanes(mask, [&](unsigned lane) {
    AsyncGroups &groups = warp.asyncGroups[lane];
    groups.committed.push_back(std::move(groups.open));
    groups.open.clear();
  });
}

/// variant: wait for all, those that are not in a group too.
static void executeWait(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  bool all = instruction.variant;
  uint64_t kept = all ? 0 : warp.operand(instruction, 0)[0];
  forLanes(mask, [&](unsigned lane) {
    AsyncGroups &groups = warp.asyncGroups[lane];
    while (groups.committed.size() > kept) {
      finish(warp, lane, groups.committed.front());
      groups.committed.erase(groups.committed.begin());
    }
    if (all)
      finish(warp, lane, groups.open);
  });
}

static void decodeCopy(Decoder &decoder) {
  bool all = decoder.takeOneOf({"ca", "cg"}) == 0;
  if (takeSpace(decoder) != Space::Shared)
    decoder.fail("expected .shared");
  decoder.expect("global");
  decoder.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  bool hasSourceSize = decoder.statement.operands.size() == 4;
  decoder.expectOperands(hasSourceSize ? "aass" : "aas");
  uint64_t size = decoder.constantOf(2).value_or(0);
  if (size != 16 && !(all && (size == 4 || size == 8)))
    decoder.fail("copies 16 bytes, .ca also 4 or 8");
  decoder.setExecute(executeCopy);
}

static void decodeAsync(Decoder &decoder) {
  decoder.expect("async");
  if (decoder.take("commit_group")) {
    decoder.expectOperands("");
    return decoder.setExecute(executeCommit);
  }
  if (decoder.take("wait_all")) {
    decoder.expectOperands("");
    decoder.instruction.variant = 1;
    return decoder.setExecute(executeWait);
  }
  if (decoder.take("wait_group")) {
    decoder.expectOperands("s");
    if (!decoder.constantOf(0))
      decoder.fail("expected an integer");
    return decoder.setExecute(executeWait);
  }
  decodeCopy(decoder);
}

void hgf::gpusim::addAsyncOpcodes(OpcodeTable &table) {
  table["cp"] = decodeAsync;
}
