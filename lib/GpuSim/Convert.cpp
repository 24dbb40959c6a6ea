//===- Convert.cpp - cvt --------------------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include <cfloat>
#include <cmath>

using namespace hgf::gpusim;

namespace {

enum Rounding : uint8_t { None, Rn, Rz, Rni, Rzi, Rmi, Rpi };

double readFloat(uint64_t lane, Type type) {
  switch (type) {
  case Type::F16:
    return double(fromLane<Half>(lane));
  case Type::BF16:
    return double(float(fromLane<BFloat>(lane)));
  case Type::F32:
    return double(fromLane<float>(lane));
  default:
    return fromLane<double>(lane);
  }
}

uint64_t writeFloat(double value, Type type) {
  switch (type) {
  case Type::F16:
    return toLane<Half>(Half(value));
  case Type::BF16:
    return toLane<BFloat>(BFloat(value));
  case Type::F32:
    return toLane<float>(float(value));
  default:
    return toLane<double>(value);
  }
}

/// An integer of some width, extended to 64 bits.
uint64_t readInteger(uint64_t lane, Type type) {
  unsigned shift = 64 - getBits(type);
  return isSigned(type) ? uint64_t(int64_t(lane << shift) >> shift)
                        : lane << shift >> shift;
}

double roundToInteger(double value, uint8_t rounding) {
  switch (rounding) {
  case Rni:
    return std::nearbyint(value);
  case Rzi:
    return std::trunc(value);
  case Rmi:
    return std::floor(value);
  case Rpi:
    return std::ceil(value);
  default:
    return value;
  }
}

/// Out of range is the nearest that there is, and no number is 0.
uint64_t floatToInteger(double value, Type type) {
  if (value != value)
    return 0;
  unsigned bits = getBits(type);
  if (isSigned(type)) {
    double limit = std::ldexp(1.0, bits - 1);
    if (value >= limit)
      return (uint64_t(1) << (bits - 1)) - 1;
    return uint64_t(int64_t(std::max(value, -limit)));
  }
  if (value >= std::ldexp(1.0, bits))
    return ~uint64_t(0) >> (64 - bits);
  return value <= 0 ? 0 : uint64_t(value);
}

uint64_t saturateInteger(uint64_t value, Type from, Type to) {
  bool negative = isSigned(from) && int64_t(value) < 0;
  unsigned bits = getBits(to);
  if (isSigned(to)) {
    int64_t most = ~uint64_t(0) >> (65 - bits);
    if (negative)
      return std::max(int64_t(value), -most - 1);
    return std::min(value, uint64_t(most));
  }
  return negative ? 0 : std::min(value, ~uint64_t(0) >> (64 - bits));
}

uint64_t integerToFloat(uint64_t value, Type from, Type to) {
  // Straight from 64 bits to the format: through a double it would round
  // twice.
  if (to == Type::F32)
    return toLane<float>(isSigned(from) ? float(int64_t(value)) : float(value));
  double wide = isSigned(from) ? double(int64_t(value)) : double(value);
  return writeFloat(wide, to);
}

double flush(double value, Type type) {
  return type == Type::F32 && std::fabs(value) < FLT_MIN
             ? std::copysign(0.0, value)
             : value;
}

uint64_t convert(uint64_t lane, const Instruction &instruction) {
  Type from = instruction.sourceType, to = instruction.type;
  if (!isFloat(from)) {
    uint64_t value = readInteger(lane, from);
    if (isFloat(to))
      return integerToFloat(value, from, to);
    return instruction.saturate ? saturateInteger(value, from, to) : value;
  }
  double value = readFloat(lane, from);
  if (instruction.flushDenormals)
    value = flush(value, from);
  value = roundToInteger(value, instruction.variant);
  if (!isFloat(to))
    return floatToInteger(value, to);
  if (instruction.saturate)
    value = value > 0 ? std::min(value, 1.0) : 0;
  if (instruction.flushDenormals)
    value = flush(value, to);
  return writeFloat(value, to);
}

} // namespace

/// The result extends to the register's width by the type's sign.
static uint64_t fit(uint64_t value, Type type, unsigned registerBits) {
  if (!isFloat(type))
    value = readInteger(value, type);
  return registerBits >= 64 ? value
                            : value & ((uint64_t(1) << registerBits) - 1);
}

static void executeConvert(Warp &warp, const Instruction &instruction,
                           uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  unsigned bits = warp.block.launch.function.rowBits[instruction.operands[0]];
  forLanes(mask, [&](unsigned lane) {
    result[lane] = fit(convert(a[lane], instruction), instruction.type, bits);
  });
}

/// cvt.rn.f16x2.f32 d, a, b: a is the upper half.
static void executeConvertPair(Warp &warp, const Instruction &instruction,
                               uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  forLanes(mask, [&](unsigned lane) {
    result[lane] =
        convert(a[lane], instruction) << 16 | convert(b[lane], instruction);
  });
}

static void decodePair(Decoder &decoder, uint8_t rounding) {
  Instruction &instruction = decoder.instruction;
  decoder.expectOperands("sss");
  instruction.type = instruction.type == Type::F16x2 ? Type::F16 : Type::BF16;
  if (rounding != Rn || instruction.sourceType != Type::F32)
    return decoder.fail("expected .rn and .f32");
  decoder.setExecute(executeConvertPair);
}

static void decodeConvert(Decoder &decoder) {
  Instruction &instruction = decoder.instruction;
  auto rounding =
      Rounding(decoder.takeOneOf({"rn", "rz", "rni", "rzi", "rmi", "rpi"}) + 1);
  instruction.flushDenormals = decoder.take("ftz");
  instruction.saturate = decoder.take("sat");
  Type to = instruction.type = decoder.takeType();
  Type from = instruction.sourceType = decoder.takeType();
  instruction.variant = rounding;
  if (to == Type::F16x2 || to == Type::BF16x2)
    return decodePair(decoder, rounding);
  decoder.expectOperands("ss");
  auto isConvertible = [](Type type) {
    return (type >= Type::U8 && type <= Type::F16) || type == Type::BF16 ||
           type >= Type::F32;
  };
  if (!isConvertible(to) || !isConvertible(from))
    return decoder.fail("this type is not supported here");
  if (isFloat(from) && !isFloat(to) && rounding < Rni)
    return decoder.fail("expected .rni, .rzi, .rmi or .rpi");
  if (!isFloat(from) && isFloat(to) && rounding != Rn)
    return decoder.fail("expected .rn");
  if (isFloat(from) && isFloat(to) && getBits(to) < getBits(from) &&
      rounding != Rn)
    return decoder.fail("expected .rn");
  if (rounding == Rz)
    return decoder.fail(".rz is not supported");
  decoder.setExecute(executeConvert);
}

void hgf::gpusim::addConvertOpcodes(OpcodeTable &table) {
  table["cvt"] = decodeConvert;
}
