//===- Elementwise.h - Instructions that compute lane by lane ----*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_GPUSIM_ELEMENTWISE_H
#define HGF_LIB_GPUSIM_ELEMENTWISE_H

#include "Machine.h"
#include "Statement.h"

namespace hgf::gpusim {

using Half = _Float16;

/// bfloat16: the upper half of a float, rounded to nearest even.
struct BFloat {
  uint16_t bits = 0;
  BFloat() = default;
  BFloat(double value) : BFloat(roundToOdd(value)) {}
  BFloat(float value) {
    uint32_t word;
    memcpy(&word, &value, 4);
    if (value != value)
      bits = 0x7fff;
    else
      bits = (word + 0x7fff + (word >> 16 & 1)) >> 16;
  }
  operator float() const {
    uint32_t word = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
  }

private:
  /// A float that rounds to the same bfloat16 as the double does: what is cut
  /// off is kept in the last bit.
  static float roundToOdd(double value) {
    auto nearest = float(value);
    if (double(nearest) == value || value != value)
      return nearest;
    uint32_t word;
    memcpy(&word, &nearest, 4);
    if (word & 1)
      return nearest;
    bool away = (double(nearest) > value) == (value > 0);
    word = away ? word - 1 : word | 1;
    memcpy(&nearest, &word, 4);
    return nearest;
  }
};

template <class T> inline T fromLane(uint64_t lane) {
  T value;
  memcpy(&value, &lane, sizeof(T));
  return value;
}

template <class T> inline uint64_t toLane(T value) {
  uint64_t lane = 0;
  memcpy(&lane, &value, sizeof(T));
  return lane;
}

/// Calls `body(T())` with the C++ type of an integer type; null for others.
template <class Body> ExecuteFunction withInteger(Type type, Body body) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return body(uint16_t());
  case Type::S16:
    return body(int16_t());
  case Type::B32:
  case Type::U32:
    return body(uint32_t());
  case Type::S32:
    return body(int32_t());
  case Type::B64:
  case Type::U64:
    return body(uint64_t());
  case Type::S64:
    return body(int64_t());
  default:
    return nullptr;
  }
}

template <class Op, class T>
void executeUnary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  forLanes(mask, [&](unsigned lane) {
    result[lane] = toLane<T>(Op()(fromLane<T>(a[lane])));
  });
}

template <class Op, class T>
void executeBinary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  forLanes(mask, [&](unsigned lane) {
    result[lane] = toLane<T>(Op()(fromLane<T>(a[lane]), fromLane<T>(b[lane])));
  });
}

template <class Op, class T>
void executeTernary(Warp &warp, const Instruction &instruction, uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  forLanes(mask, [&](unsigned lane) {
    result[lane] = toLane<T>(
        Op()(fromLane<T>(a[lane]), fromLane<T>(b[lane]), fromLane<T>(c[lane])));
  });
}

template <class Op> ExecuteFunction unaryInteger(Type type) {
  return withInteger(type, [](auto zero) -> ExecuteFunction {
    return executeUnary<Op, decltype(zero)>;
  });
}

template <class Op> ExecuteFunction binaryInteger(Type type) {
  return withInteger(type, [](auto zero) -> ExecuteFunction {
    return executeBinary<Op, decltype(zero)>;
  });
}

/// Opcodes that come for floats and for integers.
void decodeFloatBinary(Decoder &decoder);
void decodeFloatUnary(Decoder &decoder);
void decodeFloatFma(Decoder &decoder);
/// Whether the statement's last type is one of floats.
bool isFloatStatement(const Decoder &decoder);

} // namespace hgf::gpusim

#endif // HGF_LIB_GPUSIM_ELEMENTWISE_H
