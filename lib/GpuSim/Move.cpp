//===- Move.cpp - Moves, selections and comparisons -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include <cmath>

using namespace hgf::gpusim;

static uint64_t lowBits(unsigned bits) { return ~uint64_t(0) >> (64 - bits); }

static void executeMove(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  uint64_t bits = lowBits(getBits(instruction.type));
  forLanes(mask, [&](unsigned lane) { result[lane] = a[lane] & bits; });
}

/// mov.b32 d, {a, b}: a is the lowest part.
static void executePack(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  unsigned count = instruction.operandCount - 1;
  unsigned width = getBits(instruction.type) / count;
  forLanes(mask, [&](unsigned lane) {
    uint64_t value = 0;
    for (unsigned part = 0; part < count; ++part)
      value |= (warp.operand(instruction, part + 1)[lane] & lowBits(width))
               << part * width;
    result[lane] = value;
  });
}

static void executeUnpack(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  unsigned count = instruction.operandCount - 1;
  const uint64_t *a = warp.operand(instruction, count);
  unsigned width = getBits(instruction.type) / count;
  forLanes(mask, [&](unsigned lane) {
    uint64_t value = a[lane];
    for (unsigned part = 0; part < count; ++part)
      warp.operand(instruction, part)[lane] =
          value >> part * width & lowBits(width);
  });
}

static void decodeMove(Decoder &decoder) {
  Type type = decoder.instruction.type = decoder.takeType();
  decoder.expectOperands("vv");
  if (decoder.statement.operands.size() != 2)
    return;
  bool packs = decoder.statement.operands[1].kind == Operand::Vector;
  bool unpacks = decoder.statement.operands[0].kind == Operand::Vector;
  unsigned parts = decoder.instruction.operandCount - 1;
  if ((packs && unpacks) || ((packs || unpacks) && getBits(type) % parts))
    return decoder.fail("parts that make no whole");
  if (type == Type::None || type == Type::B8)
    return decoder.fail("this type is not supported here");
  decoder.setExecute(packs     ? executePack
                     : unpacks ? executeUnpack
                               : executeMove);
}

static void executeSelect(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *condition = warp.operand(instruction, 3);
  uint64_t bits = lowBits(getBits(instruction.type));
  forLanes(mask, [&](unsigned lane) {
    result[lane] = (condition[lane] & 1 ? a[lane] : b[lane]) & bits;
  });
}

static void decodeSelect(Decoder &decoder) {
  decoder.instruction.type = decoder.takeType();
  decoder.expectOperands("ssss");
  decoder.setExecute(getBits(decoder.instruction.type) >= 16 ? executeSelect
                                                             : nullptr);
}

namespace {

enum Comparison : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Num, NaN };

/// The low bits of Instruction::variant; then whether the comparison is true
/// of what is no number, and how it combines with a predicate.
constexpr uint8_t kComparison = 7, kUnordered = 8, kAnd = 16, kOr = 32,
                  kXor = 64;

template <class T> bool compare(uint8_t comparison, T a, T b) {
  switch (comparison) {
  case Eq:
    return a == b;
  case Ne:
    return a != b;
  case Lt:
    return a < b;
  case Le:
    return a <= b;
  case Gt:
    return a > b;
  default:
    return a >= b;
  }
}

template <class T> bool holds(uint8_t variant, T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return compare(variant & kComparison, a, b);
  bool unordered = a != a || b != b;
  if ((variant & kComparison) >= Num)
    return unordered == ((variant & kComparison) == NaN);
  return unordered ? variant & kUnordered
                   : compare(variant & kComparison, a, b);
}

} // namespace

template <class T, class Wide = T>
static void executeCompare(Warp &warp, const Instruction &instruction,
                           uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  uint64_t *second = warp.operand(instruction, 1);
  const uint64_t *a = warp.operand(instruction, 2);
  const uint64_t *b = warp.operand(instruction, 3);
  const uint64_t *c = warp.operand(instruction, 4);
  uint8_t variant = instruction.variant;
  bool negated = instruction.secondOffset;
  bool combines = variant & (kAnd | kOr | kXor), hasSecond = result != second;
  forLanes(mask, [&](unsigned lane) {
    bool value = holds<Wide>(variant, Wide(fromLane<T>(a[lane])),
                             Wide(fromLane<T>(b[lane])));
    bool other = !value;
    if (combines) {
      bool with = (c[lane] & 1) != negated;
      auto combine = [&](bool bit) {
        return variant & kAnd  ? bit && with
               : variant & kOr ? bit || with
                               : bit != with;
      };
      value = combine(value);
      other = combine(other);
    }
    result[lane] = value;
    if (hasSecond)
      second[lane] = other;
  });
}

static ExecuteFunction compareFunction(Type type) {
  switch (type) {
  case Type::F16:
    return executeCompare<Half, float>;
  case Type::BF16:
    return executeCompare<BFloat, float>;
  case Type::F32:
    return executeCompare<float>;
  case Type::F64:
    return executeCompare<double>;
  default:
    return withInteger(type, [](auto zero) -> ExecuteFunction {
      return executeCompare<decltype(zero)>;
    });
  }
}

static int takeComparison(Decoder &decoder, bool isFloatType) {
  // lo, ls, hi, hs are the unsigned names of lt, le, gt, ge.
  int index = decoder.takeOneOf({"eq", "ne", "lt", "le", "gt", "ge"});
  if (index >= 0)
    return index;
  if (!isFloatType) {
    index = decoder.takeOneOf({"lo", "ls", "hi", "hs"});
    return index < 0 ? -1 : index + Lt;
  }
  index = decoder.takeOneOf({"equ", "neu", "ltu", "leu", "gtu", "geu"});
  if (index >= 0)
    return index | kUnordered;
  index = decoder.takeOneOf({"num", "nan"});
  return index < 0 ? -1 : index + Num;
}

static void decodeSetp(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  int comparison = takeComparison(decoder, isFloatStatement(decoder));
  if (comparison < 0)
    return decoder.fail("expected a comparison");
  int combination = decoder.takeOneOf({"and", "or", "xor"});
  decoder.take("ftz");
  Type type = decoder.takeType();
  llvm::ArrayRef<Operand> operands = decoder.statement.operands;
  if (operands.size() != (combination < 0 ? 3 : 4))
    return decoder.fail("wrong number of operands");
  for (const Operand &operand : operands)
    if (operand.kind != Operand::Scalar)
      return decoder.fail("an operand has the wrong form");
  instruction.variant =
      comparison | (combination < 0 ? 0 : kAnd << combination);
  int first = operands[0].rows[0];
  decoder.addRow(first);
  decoder.addRow(operands[0].second < 0 ? first : operands[0].second);
  for (const Operand &operand : operands.drop_front())
    decoder.addRow(operand.rows[0]);
  if (combination >= 0)
    instruction.secondOffset = operands[3].negated;
  decoder.setExecute(compareFunction(type));
}

void hgf::gpusim::addMoveOpcodes(OpcodeTable &table) {
  table["mov"] = decodeMove;
  table["selp"] = decodeSelect;
  table["setp"] = decodeSetp;
}
