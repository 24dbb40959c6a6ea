//===- Bits.cpp - Logic, shifts and fields --------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

namespace {

struct And {
  template <class T> T operator()(T a, T b) { return a & b; }
};
struct Or {
  template <class T> T operator()(T a, T b) { return a | b; }
};
struct Xor {
  template <class T> T operator()(T a, T b) { return a ^ b; }
};
struct BitReverse {
  template <class T> T operator()(T a) {
    return sizeof(T) == 8 ? __builtin_bitreverse64(a)
                          : __builtin_bitreverse32(a);
  }
};
struct Prmt {
  uint32_t operator()(uint32_t a, uint32_t b, uint32_t selector) {
    uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t result = 0;
    for (unsigned index = 0; index < 4; ++index) {
      unsigned nibble = selector >> 4 * index & 15;
      uint8_t byte = bytes >> 8 * (nibble & 7);
      // The highest bit of a nibble asks for the byte's sign, eight times.
      if (nibble & 8)
        byte = byte & 0x80 ? 0xff : 0;
      result |= uint32_t(byte) << 8 * index;
    }
    return result;
  }
};

} // namespace

template <class Op> static void decodeLogic(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  if (type != Type::Pred && (type < Type::B16 || type > Type::B64))
    return decoder.fail("expected .pred or .b");
  // Predicates are rows of 0 and 1.
  decoder.setExecute(binaryInteger<Op>(type == Type::Pred ? Type::B16 : type));
}

template <unsigned Bits>
static void executeNot(Warp &warp, const Instruction &instruction,
                       uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  forLanes(mask, [&](unsigned lane) {
    result[lane] = ~a[lane] & (~0ull >> (64 - Bits));
  });
}

static void decodeNot(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type == Type::Pred  ? executeNot<1>
                     : type == Type::B16 ? executeNot<16>
                     : type == Type::B32 ? executeNot<32>
                     : type == Type::B64 ? executeNot<64>
                                         : nullptr);
}

/// Amounts are 32 bits wide and clamp at the width.
template <class T, bool Left>
static void executeShift(Warp &warp, const Instruction &instruction,
                         uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  constexpr unsigned bits = 8 * sizeof(T);
  forLanes(mask, [&](unsigned lane) {
    T value = fromLane<T>(a[lane]);
    auto amount = uint32_t(b[lane]);
    if (Left)
      value = amount >= bits ? T(0) : T(uint64_t(value) << amount);
    else if (amount >= bits)
      value = value < 0 ? T(-1) : T(0);
    else
      value >>= amount;
    result[lane] = toLane<T>(value);
  });
}

template <bool Left> static void decodeShift(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  decoder.setExecute(withInteger(type, [](auto zero) -> ExecuteFunction {
    return executeShift<decltype(zero), Left>;
  }));
}

template <class T, bool Leading>
static void executeCount(Warp &warp, const Instruction &instruction,
                         uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  forLanes(mask, [&](unsigned lane) {
    T value = fromLane<T>(a[lane]);
    if (Leading)
      result[lane] =
          value ? __builtin_clzll(value) - (64 - 8 * sizeof(T)) : 8 * sizeof(T);
    else
      result[lane] = __builtin_popcountll(value);
  });
}

template <bool Leading> static void decodeCount(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type == Type::B32   ? executeCount<uint32_t, Leading>
                     : type == Type::B64 ? executeCount<uint64_t, Leading>
                                         : nullptr);
}

static void decodeReverse(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type == Type::B32   ? executeUnary<BitReverse, uint32_t>
                     : type == Type::B64 ? executeUnary<BitReverse, uint64_t>
                                         : nullptr);
}

/// The field of `length` bits at `position`; a signed one extends the field's
/// last bit, which is the operand's where the field goes beyond it.
template <class T>
static void executeExtract(Warp &warp, const Instruction &instruction,
                           uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  constexpr unsigned bits = 8 * sizeof(T);
  forLanes(mask, [&](unsigned lane) {
    unsigned position = b[lane] & 255, length = c[lane] & 255;
    uint64_t value = a[lane];
    bool sign = false;
    if (std::is_signed_v<T> && length)
      sign = value >> std::min(position + length - 1, bits - 1) & 1;
    std::make_unsigned_t<T> field = 0;
    for (unsigned bit = 0; bit < bits; ++bit) {
      bool inside = bit < length && position + bit < bits;
      bool set = inside ? value >> (position + bit) & 1 : sign;
      field |= std::make_unsigned_t<T>(set) << bit;
    }
    result[lane] = field;
  });
}

static void decodeExtract(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("ssss");
  decoder.setExecute(type == Type::U32   ? executeExtract<uint32_t>
                     : type == Type::S32 ? executeExtract<int32_t>
                     : type == Type::U64 ? executeExtract<uint64_t>
                     : type == Type::S64 ? executeExtract<int64_t>
                                         : nullptr);
}

template <class T>
static void executeInsert(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  const uint64_t *d = warp.operand(instruction, 4);
  constexpr unsigned bits = 8 * sizeof(T);
  forLanes(mask, [&](unsigned lane) {
    unsigned position = c[lane] & 255, length = d[lane] & 255;
    T value = b[lane];
    for (unsigned bit = 0; bit < length && position + bit < bits; ++bit) {
      T there = T(1) << (position + bit);
      value = a[lane] >> bit & 1 ? value | there : value & ~there;
    }
    result[lane] = value;
  });
}

static void decodeInsert(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("sssss");
  decoder.setExecute(type == Type::B32   ? executeInsert<uint32_t>
                     : type == Type::B64 ? executeInsert<uint64_t>
                                         : nullptr);
}

static void executeLop3(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  const uint64_t *table = warp.operand(instruction, 4);
  forLanes(mask, [&](unsigned lane) {
    uint64_t value = 0;
    // Bit abc of the table is the function's value at (a, b, c).
    for (unsigned row = 0; row < 8; ++row)
      if (table[lane] >> row & 1)
        value |= (row & 4 ? a[lane] : ~a[lane]) &
                 (row & 2 ? b[lane] : ~b[lane]) &
                 (row & 1 ? c[lane] : ~c[lane]);
    result[lane] = uint32_t(value);
  });
}

static void decodeLop3(Decoder &decoder) {
  decoder.expect("b32");
  decoder.expectOperands("sssss");
  decoder.setExecute(executeLop3);
}

static void decodePrmt(Decoder &decoder) {
  decoder.expect("b32");
  decoder.expectOperands("ssss");
  decoder.setExecute(executeTernary<Prmt, uint32_t>);
}

template <bool Left, bool Wrap>
static void executeFunnel(Warp &warp, const Instruction &instruction,
                          uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  forLanes(mask, [&](unsigned lane) {
    uint64_t both = b[lane] << 32 | uint32_t(a[lane]);
    auto amount = uint32_t(c[lane]);
    amount = Wrap ? amount & 31 : std::min(amount, 32u);
    result[lane] = uint32_t(Left ? both << amount >> 32 : both >> amount);
  });
}

static void decodeFunnel(Decoder &decoder) {
  int direction = decoder.takeOneOf({"l", "r"});
  int mode = decoder.takeOneOf({"clamp", "wrap"});
  decoder.expect("b32");
  decoder.expectOperands("ssss");
  if (direction < 0 || mode < 0)
    return decoder.fail("expected .l or .r, then .clamp or .wrap");
  decoder.setExecute(direction == 0 ? mode ? executeFunnel<true, true>
                                           : executeFunnel<true, false>
                     : mode         ? executeFunnel<false, true>
                                    : executeFunnel<false, false>);
}

void hgf::gpusim::addBitOpcodes(OpcodeTable &table) {
  table["and"] = decodeLogic<And>;
  table["or"] = decodeLogic<Or>;
  table["xor"] = decodeLogic<Xor>;
  table["not"] = decodeNot;
  table["shl"] = decodeShift<true>;
  table["shr"] = decodeShift<false>;
  table["popc"] = decodeCount<false>;
  table["clz"] = decodeCount<true>;
  table["brev"] = decodeReverse;
  table["bfe"] = decodeExtract;
  table["bfi"] = decodeInsert;
  table["lop3"] = decodeLop3;
  table["prmt"] = decodePrmt;
  table["shf"] = decodeFunnel;
}
