//===- Collective.cpp - Lanes that exchange, and barriers -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

namespace {

enum Shuffle : uint8_t { Up, Down, Butterfly, Indexed };

/// The lane that a shuffle reads from, and whether that is within the segment
/// that `c` describes: bits 0-4 clamp, bits 8-12 divide the warp.
std::pair<unsigned, bool> shuffleSource(uint8_t mode, unsigned lane, uint32_t b,
                                        uint32_t c) {
  unsigned segment = c >> 8 & 31, clamp = c & 31;
  unsigned last = (lane & segment) | (clamp & ~segment);
  unsigned first = lane & segment;
  int source;
  b &= 31;
  switch (mode) {
  case Up:
    source = int(lane) - int(b);
    return {source, source >= int(last)};
  case Down:
    source = lane + b;
    return {source, source <= int(last)};
  case Butterfly:
    source = lane ^ b;
    return {source, source <= int(last)};
  default:
    source = first | (b & ~segment);
    return {source, source <= int(last)};
  }
}

} // namespace

/// Operands: d, its predicate (or d again), a, b, c, membermask.
static void executeShuffle(Warp &warp, const Instruction &instruction,
                           uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  uint64_t *inside = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 3);
  const uint64_t *c = warp.operand(instruction, 4);
  const uint64_t *named = warp.operand(instruction, 5);
  uint64_t before[kWarpSize];
  memcpy(before, warp.operand(instruction, 2), sizeof(before));
  forLanes(mask, [&](unsigned lane) {
    auto [source, valid] =
        shuffleSource(instruction.variant, lane, b[lane], c[lane]);
    if (!valid)
      source = lane;
    if (!(mask >> source & 1) || !(named[lane] >> source & 1))
      warp.report(Defect::Membermask, instruction, lane,
                  "takes the value of lane " + llvm::Twine(source) +
                      ", which does not take part");
    result[lane] = uint32_t(before[source]);
    if (inside != result)
      inside[lane] = valid;
  });
}

static void setCollective(Decoder &decoder, int membermask) {
  decoder.instruction.control = Control::WarpCollective;
  decoder.instruction.membermask = membermask;
}

/// Adds `count` scalar operands: a result, the predicate that may stand beside
/// it (or the result again), and the others. False after an error.
static bool addScalars(Decoder &decoder, int mode, size_t count) {
  llvm::ArrayRef<Operand> operands = decoder.statement.operands;
  if (mode < 0 || operands.size() != count) {
    decoder.fail("expected a mode and " + std::to_string(count) + " operands");
    return false;
  }
  for (const Operand &operand : operands)
    if (operand.kind != Operand::Scalar) {
      decoder.fail("an operand has the wrong form");
      return false;
    }
  int first = operands[0].rows[0];
  decoder.addRow(first);
  decoder.addRow(operands[0].second < 0 ? first : operands[0].second);
  for (const Operand &operand : operands.drop_front())
    decoder.addRow(operand.rows[0]);
  return true;
}

static void decodeShuffle(Decoder &decoder) {
  decoder.expect("sync");
  int mode = decoder.takeOneOf({"up", "down", "bfly", "idx"});
  decoder.expect("b32");
  if (!addScalars(decoder, mode, 5))
    return;
  decoder.instruction.variant = mode;
  setCollective(decoder, decoder.statement.operands[4].rows[0]);
  decoder.setExecute(executeShuffle);
}

/// secondOffset: the predicate is negated; variant: all, any, uni, ballot.
static void executeVote(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  uint32_t votes = 0;
  forLanes(mask, [&](unsigned lane) {
    bool vote = (a[lane] & 1) != uint64_t(instruction.secondOffset);
    votes |= uint32_t(vote) << lane;
  });
  bool all = votes == mask, any = votes != 0;
  uint64_t values[] = {all, any, all || !any, votes};
  forLanes(mask,
           [&](unsigned lane) { result[lane] = values[instruction.variant]; });
}

static void decodeVote(Decoder &decoder) {
  decoder.expect("sync");
  int mode = decoder.takeOneOf({"all", "any", "uni", "ballot"});
  decoder.expect(mode == 3 ? "b32" : "pred");
  llvm::ArrayRef<Operand> operands = decoder.statement.operands;
  if (mode < 0 || operands.size() != 3)
    return decoder.fail("expected a mode and 3 operands");
  for (const Operand &operand : operands) {
    if (operand.kind != Operand::Scalar)
      return decoder.fail("an operand has the wrong form");
    decoder.addRow(operand.rows[0]);
  }
  decoder.instruction.secondOffset = operands[1].negated;
  decoder.instruction.variant = mode;
  setCollective(decoder, operands[2].rows[0]);
  decoder.setExecute(executeVote);
}

/// Operands: d, its predicate (or d again), a, membermask.
template <class T, bool All>
static void executeMatch(Warp &warp, const Instruction &instruction,
                         uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  uint64_t *agree = warp.operand(instruction, 1);
  uint64_t a[kWarpSize];
  memcpy(a, warp.operand(instruction, 2), sizeof(a));
  forLanes(mask, [&](unsigned lane) {
    uint32_t same = 0;
    forLanes(mask, [&](unsigned other) {
      same |= uint32_t(T(a[other]) == T(a[lane])) << other;
    });
    bool all = same == mask;
    result[lane] = All && !all ? 0 : same;
    if (agree != result)
      agree[lane] = all;
  });
}

static void decodeMatch(Decoder &decoder) {
  int mode = decoder.takeOneOf({"any", "all"});
  decoder.expect("sync");
  Type type = decoder.takeType();
  if (!addScalars(decoder, mode, 3))
    return;
  setCollective(decoder, decoder.statement.operands[2].rows[0]);
  if (getBits(type) == 32)
    decoder.setExecute(mode ? executeMatch<uint32_t, true>
                            : executeMatch<uint32_t, false>);
  else
    decoder.setExecute(type != Type::B64 ? nullptr
                       : mode            ? executeMatch<uint64_t, true>
                                         : executeMatch<uint64_t, false>);
}

template <class T>
static void executeReduce(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  T value = fromLane<T>(a[__builtin_ctz(mask)]);
  forLanes(mask & (mask - 1), [&](unsigned lane) {
    T other = fromLane<T>(a[lane]);
    switch (instruction.variant) {
    case 0:
      value = T(uint32_t(value) + uint32_t(other));
      break;
    case 1:
      value = std::min(value, other);
      break;
    case 2:
      value = std::max(value, other);
      break;
    case 3:
      value &= other;
      break;
    case 4:
      value |= other;
      break;
    default:
      value ^= other;
    }
  });
  forLanes(mask, [&](unsigned lane) { result[lane] = toLane<T>(value); });
}

static void decodeReduce(Decoder &decoder) {
  decoder.expect("sync");
  int operation = decoder.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  if (operation < 0 || getBits(type) != 32 || isFloat(type))
    return decoder.fail("expected an operation on 32 bits");
  decoder.instruction.variant = operation;
  setCollective(decoder, decoder.instruction.operands[2]);
  decoder.setExecute(isSigned(type) ? executeReduce<int32_t>
                                    : executeReduce<uint32_t>);
}

static void executeActiveMask(Warp &warp, const Instruction &instruction,
                              uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  forLanes(mask, [&](unsigned lane) { result[lane] = mask; });
}

static void decodeActiveMask(Decoder &decoder) {
  decoder.expect("b32");
  decoder.expectOperands("s");
  decoder.setExecute(executeActiveMask);
}

static void executeWarpBarrier(Warp &warp, const Instruction &instruction,
                               uint32_t mask) {
  warp.block.shadow.joinLanes(warp.index, mask);
}

/// Operands: the barrier, and the count of threads where there is one.
static void executeBlockBarrier(Warp &warp, const Instruction &instruction,
                                uint32_t mask) {
  unsigned lane = __builtin_ctz(mask);
  uint64_t number = warp.operand(instruction, 0)[lane];
  bool hasCount = instruction.variant & kHasCount;
  auto count = uint32_t(hasCount ? warp.operand(instruction, 1)[lane] : 0);
  if (number > 15 || (hasCount && count == 0)) {
    warp.report(Defect::Barrier, instruction, lane,
                "a barrier's number is 0 to 15, its count not 0");
    return;
  }
  warp.block.arrive(warp, instruction, mask, number, count,
                    !(instruction.variant & kArriveOnly));
}

/// `bar` is `barrier.aligned`.
template <bool Bar> static void decodeBarrier(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  if (Bar && decoder.take("warp")) {
    decoder.expect("sync");
    decoder.expectOperands("s");
    setCollective(decoder, instruction.operands[0]);
    return decoder.setExecute(executeWarpBarrier);
  }
  decoder.take("cta");
  int form = decoder.takeOneOf({"sync", "arrive"});
  if (form < 0)
    return decoder.fail("expected .sync or .arrive");
  bool aligned = decoder.take("aligned") || Bar;
  bool hasCount = decoder.statement.operands.size() > 1;
  if (form == 1 && !hasCount)
    return decoder.fail("expected a count of threads");
  decoder.expectOperands(hasCount ? "ss" : "s");
  instruction.control = Control::BlockBarrier;
  instruction.variant = (aligned ? kAlignedBarrier : 0) |
                        (form == 1 ? kArriveOnly : 0) |
                        (hasCount ? kHasCount : 0);
  decoder.setExecute(executeBlockBarrier);
}

void hgf::gpusim::addCollectiveOpcodes(OpcodeTable &table) {
  table["shfl"] = decodeShuffle;
  table["vote"] = decodeVote;
  table["match"] = decodeMatch;
  table["redux"] = decodeReduce;
  table["activemask"] = decodeActiveMask;
  table["bar"] = decodeBarrier<true>;
  table["barrier"] = decodeBarrier<false>;
}
