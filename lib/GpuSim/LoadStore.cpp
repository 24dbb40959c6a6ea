//===- LoadStore.cpp - Loads, stores, atomics, addresses ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

Space hgf::gpusim::takeSpace(Decoder &decoder) {
  int index = decoder.takeOneOf({"global", "shared", "shared::cta", "local",
                                 "param", "param::entry", "const"});
  constexpr Space spaces[] = {Space::Generic, Space::Global, Space::Shared,
                              Space::Shared,  Space::Local,  Space::Param,
                              Space::Param,   Space::Const};
  return spaces[index + 1];
}

/// What changes caching or ordering only; order between blocks is not
/// simulated, and lanes see each other's accesses at once.
static void takeHints(Decoder &decoder) {
  decoder.takeOneOf({"weak", "relaxed", "acquire", "release", "volatile"});
  decoder.takeOneOf({"cta", "cluster", "gpu", "sys"});
}

static void takeCacheHints(Decoder &decoder) {
  decoder.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  while (
      decoder.takeOneOf({"nc", "L1::evict_normal", "L1::evict_unchanged",
                         "L1::evict_first", "L1::evict_last", "L1::no_allocate",
                         "L2::64B", "L2::128B", "L2::256B"}) >= 0) {
  }
}

static uint64_t extend(uint64_t value, Type type, unsigned registerBits) {
  unsigned shift = 64 - getBits(type);
  if (isSigned(type))
    value = uint64_t(int64_t(value << shift) >> shift);
  return registerBits >= 64 ? value
                            : value & ((uint64_t(1) << registerBits) - 1);
}

static void collectAddresses(Warp &warp, const Instruction &instruction,
                             unsigned operand, uint32_t mask,
                             uint64_t *addresses) {
  const uint64_t *base = warp.operand(instruction, operand);
  forLanes(mask, [&](unsigned lane) {
    addresses[lane] = base[lane] + instruction.offset;
  });
}

static void executeLoad(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  unsigned count = instruction.vectorSize;
  unsigned width = getBits(instruction.type) / 8, bytes = width * count;
  uint64_t addresses[kWarpSize];
  collectAddresses(warp, instruction, count, mask, addresses);
  warp.countRequest(instruction, mask, instruction.space, addresses, bytes);
  const auto &rowBits = warp.block.launch.function.rowBits;
  forLanes(mask, [&](unsigned lane) {
    Place place = warp.access(instruction, lane, instruction.space,
                              addresses[lane], bytes, bytes, AccessKind::Read);
    for (unsigned part = 0; part < count; ++part) {
      uint64_t value = 0;
      if (place)
        memcpy(&value, place.data + part * width, width);
      warp.operand(instruction, part)[lane] =
          extend(value, instruction.type, rowBits[instruction.operands[part]]);
    }
  });
}

static void executeStore(Warp &warp, const Instruction &instruction,
                         uint32_t mask) {
  unsigned count = instruction.vectorSize;
  unsigned width = getBits(instruction.type) / 8, bytes = width * count;
  uint64_t addresses[kWarpSize];
  collectAddresses(warp, instruction, 0, mask, addresses);
  warp.countRequest(instruction, mask, instruction.space, addresses, bytes);
  forLanes(mask, [&](unsigned lane) {
    Place place = warp.access(instruction, lane, instruction.space,
                              addresses[lane], bytes, bytes, AccessKind::Write);
    if (!place)
      return;
    for (unsigned part = 0; part < count; ++part)
      memcpy(place.data + part * width,
             &warp.operand(instruction, part + 1)[lane], width);
    std::fill_n(place.states, bytes, ByteState::Initialised);
  });
}

template <bool Load> static void decodeLoadStore(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  takeHints(decoder);
  instruction.space = takeSpace(decoder);
  takeCacheHints(decoder);
  int vector = decoder.takeOneOf({"v2", "v4", "v8"});
  instruction.vectorSize = vector < 0 ? 1 : 2 << vector;
  instruction.type = decoder.takeType();
  decoder.expectOperands(Load ? "va" : "av");
  if (instruction.operandCount != instruction.vectorSize + 1)
    return decoder.fail("the vector has another number of elements");
  unsigned bits = getBits(instruction.type);
  if (bits < 8 || bits * instruction.vectorSize > 256)
    return decoder.fail("this type is not supported here");
  decoder.setExecute(Load ? executeLoad : executeStore);
}

namespace {

enum AtomicOperation : uint8_t {
  AtomicAdd,
  AtomicMin,
  AtomicMax,
  AtomicAnd,
  AtomicOr,
  AtomicXor,
  AtomicExchange,
  AtomicCompare
};

template <class T> T combine(uint8_t operation, T old, T b, T c) {
  switch (operation) {
  case AtomicAdd:
    if constexpr (std::is_integral_v<T>)
      return T(uint64_t(old) + uint64_t(b));
    else
      return T(old + b);
  case AtomicMin:
    return b < old ? b : old;
  case AtomicMax:
    return old < b ? b : old;
  case AtomicExchange:
    return b;
  case AtomicCompare:
    return old == b ? c : old;
  default:
    break;
  }
  if constexpr (std::is_integral_v<T>) {
    if (operation == AtomicAnd)
      return old & b;
    return operation == AtomicOr ? old | b : old ^ b;
  }
  return old;
}

} // namespace

/// Operands: the old value's row when it is wanted, address, b, c.
template <class T, bool WantsOld>
static void executeAtomic(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  constexpr unsigned base = WantsOld;
  uint64_t addresses[kWarpSize];
  collectAddresses(warp, instruction, base, mask, addresses);
  warp.countRequest(instruction, mask, instruction.space, addresses, sizeof(T));
  const uint64_t *b = warp.operand(instruction, base + 1);
  bool compares = instruction.variant == AtomicCompare;
  const uint64_t *c = compares ? warp.operand(instruction, base + 2) : b;
  forLanes(mask, [&](unsigned lane) {
    Place place =
        warp.access(instruction, lane, instruction.space, addresses[lane],
                    sizeof(T), sizeof(T), AccessKind::Atomic);
    if (!place)
      return;
    T old;
    memcpy(&old, place.data, sizeof(T));
    T result = combine<T>(instruction.variant, old, fromLane<T>(b[lane]),
                          fromLane<T>(c[lane]));
    memcpy(place.data, &result, sizeof(T));
    if (WantsOld)
      warp.operand(instruction, 0)[lane] = toLane<T>(old);
  });
}

template <bool WantsOld> static ExecuteFunction atomicFunction(Type type) {
  if (type == Type::F32)
    return executeAtomic<float, WantsOld>;
  if (type == Type::F64)
    return executeAtomic<double, WantsOld>;
  if (type == Type::F16)
    return executeAtomic<Half, WantsOld>;
  return withInteger(type, [](auto zero) -> ExecuteFunction {
    return executeAtomic<decltype(zero), WantsOld>;
  });
}

template <bool WantsOld> static void decodeAtomic(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  decoder.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  decoder.takeOneOf({"cta", "cluster", "gpu", "sys"});
  instruction.space = takeSpace(decoder);
  int operation = decoder.takeOneOf(
      {"add", "min", "max", "and", "or", "xor", "exch", "cas"});
  if (operation < 0)
    return decoder.fail("expected an operation");
  decoder.take("noftz");
  Type type = decoder.takeType();
  instruction.variant = operation;
  bool compares = operation == AtomicCompare;
  if (isFloat(type) && operation != AtomicAdd)
    return decoder.fail("this type is not supported here");
  decoder.expectOperands(WantsOld ? compares ? "sass" : "sas" : "as");
  decoder.setExecute(atomicFunction<WantsOld>(type));
}

/// variant: whether from the generic address to the space's own.
static void executeAddress(Warp &warp, const Instruction &instruction,
                           uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  uint64_t window = instruction.space == Space::Shared  ? kSharedWindow
                    : instruction.space == Space::Local ? kLocalWindow
                    : instruction.space == Space::Param ? kParamWindow
                                                        : 0;
  forLanes(mask, [&](unsigned lane) {
    result[lane] = instruction.variant ? a[lane] - window : a[lane] + window;
  });
}

static void decodeAddress(Decoder &decoder) {
  decoder.instruction.variant = decoder.take("to");
  decoder.instruction.space = takeSpace(decoder);
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type == Type::U64 ? executeAddress : nullptr);
}

static void executeNothing(Warp &, const Instruction &, uint32_t) {}

static void decodeFence(Decoder &decoder) {
  decoder.takeOneOf({"sc", "acq_rel"});
  if (decoder.takeOneOf({"cta", "gl", "gpu", "sys", "cluster"}) < 0)
    decoder.fail("expected a scope");
  decoder.expectOperands("");
  decoder.setExecute(executeNothing);
}

static void decodePrefetch(Decoder &decoder) {
  takeSpace(decoder);
  if (decoder.takeOneOf({"L1", "L2"}) < 0)
    decoder.fail("expected .L1 or .L2");
  decoder.expectOperands("a");
  decoder.setExecute(executeNothing);
}

void hgf::gpusim::addMemoryOpcodes(OpcodeTable &table) {
  table["ld"] = decodeLoadStore<true>;
  table["ldu"] = decodeLoadStore<true>;
  table["st"] = decodeLoadStore<false>;
  table["atom"] = decodeAtomic<true>;
  table["red"] = decodeAtomic<false>;
  table["cvta"] = decodeAddress;
  table["membar"] = decodeFence;
  table["fence"] = decodeFence;
  table["prefetch"] = decodePrefetch;
}
