//===- Integer.cpp - Integer arithmetic -----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include <limits>

using namespace hgf::gpusim;

// Wraps as the hardware does: unsigned arithmetic has no undefined overflow.
namespace {

struct Add {
  template <class T> T operator()(T a, T b) {
    return T(uint64_t(a) + uint64_t(b));
  }
};
struct Sub {
  template <class T> T operator()(T a, T b) {
    return T(uint64_t(a) - uint64_t(b));
  }
};
struct MulLow {
  template <class T> T operator()(T a, T b) {
    return T(uint64_t(a) * uint64_t(b));
  }
};
struct MulHigh {
  template <class T> T operator()(T a, T b) {
    return T((__int128(a) * __int128(b)) >> (8 * sizeof(T)));
  }
  uint64_t operator()(uint64_t a, uint64_t b) {
    return ((unsigned __int128)a * b) >> 64;
  }
};
struct MadLow {
  template <class T> T operator()(T a, T b, T c) {
    return Add()(MulLow()(a, b), c);
  }
};
struct MadHigh {
  template <class T> T operator()(T a, T b, T c) {
    return Add()(MulHigh()(a, b), c);
  }
};
/// By zero, the hardware gives all ones.
struct Div {
  template <class T> T operator()(T a, T b) {
    if (b == 0)
      return T(-1);
    if (std::is_signed_v<T> && b == T(-1))
      return Sub()(T(0), a);
    return a / b;
  }
};
struct Rem {
  template <class T> T operator()(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == T(-1))
      return 0;
    return a % b;
  }
};
struct Min {
  template <class T> T operator()(T a, T b) { return b < a ? b : a; }
};
struct Max {
  template <class T> T operator()(T a, T b) { return a < b ? b : a; }
};
struct Neg {
  template <class T> T operator()(T a) { return Sub()(T(0), a); }
};
struct Abs {
  template <class T> T operator()(T a) { return a < 0 ? Neg()(a) : a; }
};
template <class Base> struct Saturating {
  int32_t operator()(int32_t a, int32_t b) {
    int64_t value = std::is_same_v<Base, Add> ? int64_t(a) + b : int64_t(a) - b;
    return std::min<int64_t>(std::max<int64_t>(value, INT32_MIN), INT32_MAX);
  }
};

} // namespace

bool hgf::gpusim::isFloatStatement(const Decoder &decoder) {
  std::optional<Type> type = parseType(decoder.statement.words.back());
  return type && isFloat(*type);
}

template <class Op> static void decodeAddSub(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatBinary(decoder);
  bool saturate = decoder.take("sat");
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  if (saturate)
    return decoder.setExecute(
        type == Type::S32 ? executeBinary<Saturating<Op>, int32_t> : nullptr);
  decoder.setExecute(binaryInteger<Op>(type));
}

template <class Op> static void decodeMinMax(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatBinary(decoder);
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  decoder.setExecute(binaryInteger<Op>(type));
}

template <class Op> static void decodeRem(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  decoder.setExecute(binaryInteger<Op>(type));
}

static void decodeDiv(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatBinary(decoder);
  decodeRem<Div>(decoder);
}

template <class Op> static void decodeNegAbs(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatUnary(decoder);
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(unaryInteger<Op>(type));
}

/// The product in twice the width, and an addend of that width or none.
template <class T, class Wide, bool HasAddend>
static void executeWide(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = HasAddend ? warp.operand(instruction, 3) : nullptr;
  forLanes(mask, [&](unsigned lane) {
    uint64_t product =
        uint64_t(fromLane<T>(a[lane])) * uint64_t(fromLane<T>(b[lane]));
    result[lane] = toLane<Wide>(Wide(product + (HasAddend ? c[lane] : 0)));
  });
}

template <bool HasAddend> static ExecuteFunction wideOf(Type type) {
  switch (type) {
  case Type::U16:
    return executeWide<uint16_t, uint32_t, HasAddend>;
  case Type::S16:
    return executeWide<int16_t, uint32_t, HasAddend>;
  case Type::U32:
    return executeWide<uint32_t, uint64_t, HasAddend>;
  case Type::S32:
    return executeWide<int32_t, uint64_t, HasAddend>;
  default:
    return nullptr;
  }
}

static void decodeMul(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatBinary(decoder);
  int form = decoder.takeOneOf({"lo", "hi", "wide"});
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  if (form < 0)
    return decoder.fail("expected .lo, .hi or .wide");
  decoder.setExecute(form == 0   ? binaryInteger<MulLow>(type)
                     : form == 1 ? binaryInteger<MulHigh>(type)
                                 : wideOf<false>(type));
}

template <class Op> static ExecuteFunction ternaryInteger(Type type) {
  return withInteger(type, [](auto zero) -> ExecuteFunction {
    return executeTernary<Op, decltype(zero)>;
  });
}

static void decodeMad(Decoder &decoder) {
  if (isFloatStatement(decoder))
    return decodeFloatFma(decoder);
  int form = decoder.takeOneOf({"lo", "hi", "wide"});
  Type type = decoder.takeType();
  decoder.expectOperands("ssss");
  if (form < 0)
    return decoder.fail("expected .lo, .hi or .wide");
  decoder.setExecute(form == 0   ? ternaryInteger<MadLow>(type)
                     : form == 1 ? ternaryInteger<MadHigh>(type)
                                 : wideOf<true>(type));
}

template <class A, class B>
static void executeDp4a(Warp &warp, const Instruction &instruction,
                        uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = warp.operand(instruction, 2);
  const uint64_t *c = warp.operand(instruction, 3);
  forLanes(mask, [&](unsigned lane) {
    auto sum = uint32_t(c[lane]);
    for (unsigned shift = 0; shift < 32; shift += 8)
      sum += int(A(a[lane] >> shift)) * int(B(b[lane] >> shift));
    result[lane] = sum;
  });
}

static void decodeDp4a(Decoder &decoder) {
  Type a = decoder.takeType(), b = decoder.takeType();
  decoder.expectOperands("ssss");
  if ((a != Type::U32 && a != Type::S32) || (b != Type::U32 && b != Type::S32))
    return decoder.fail("expected .u32 or .s32");
  bool first = a == Type::S32, second = b == Type::S32;
  decoder.setExecute(first    ? second ? executeDp4a<int8_t, int8_t>
                                       : executeDp4a<int8_t, uint8_t>
                     : second ? executeDp4a<uint8_t, int8_t>
                              : executeDp4a<uint8_t, uint8_t>);
}

void hgf::gpusim::addIntegerOpcodes(OpcodeTable &table) {
  table["add"] = decodeAddSub<Add>;
  table["sub"] = decodeAddSub<Sub>;
  table["mul"] = decodeMul;
  table["mad"] = decodeMad;
  table["div"] = decodeDiv;
  table["rem"] = decodeRem<Rem>;
  table["min"] = decodeMinMax<Min>;
  table["max"] = decodeMinMax<Max>;
  table["neg"] = decodeNegAbs<Neg>;
  table["abs"] = decodeNegAbs<Abs>;
  table["dp4a"] = decodeDp4a;
}
