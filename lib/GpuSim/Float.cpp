//===- Float.cpp - Floating point arithmetic ------------------------------===//
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

struct Add {
  template <class W> W operator()(W a, W b) { return a + b; }
};
struct Sub {
  template <class W> W operator()(W a, W b) { return a - b; }
};
struct Mul {
  template <class W> W operator()(W a, W b) { return a * b; }
};
struct Div {
  template <class W> W operator()(W a, W b) { return a / b; }
};
struct Fma {
  template <class W> W operator()(W a, W b, W c) { return std::fma(a, b, c); }
};
/// The other operand when one is no number; -0 is less than +0.
template <bool Maximum, bool KeepNaN> struct Extreme {
  template <class W> W operator()(W a, W b) {
    if (a != a || b != b)
      return KeepNaN ? W(NAN) : a != a ? b : a;
    if (a == b)
      return std::signbit(a) == Maximum ? b : a;
    return (a < b) == Maximum ? b : a;
  }
};
template <bool Maximum, bool KeepNaN> struct ExtremeOfThree {
  template <class W> W operator()(W a, W b, W c) {
    Extreme<Maximum, KeepNaN> extreme;
    return extreme(extreme(a, b), c);
  }
};
struct CopySign {
  template <class W> W operator()(W a, W b) { return std::copysign(b, a); }
};
struct Neg {
  template <class W> W operator()(W a) { return -a; }
};
struct Abs {
  template <class W> W operator()(W a) { return std::fabs(a); }
};
struct Reciprocal {
  template <class W> W operator()(W a) { return W(1) / a; }
};
struct SquareRoot {
  template <class W> W operator()(W a) { return std::sqrt(a); }
};
struct ReciprocalSquareRoot {
  template <class W> W operator()(W a) { return W(1.0 / std::sqrt(double(a))); }
};
struct Exp2 {
  template <class W> W operator()(W a) { return W(std::exp2(double(a))); }
};
struct Log2 {
  template <class W> W operator()(W a) { return W(std::log2(double(a))); }
};
struct Sine {
  template <class W> W operator()(W a) { return W(std::sin(double(a))); }
};
struct Cosine {
  template <class W> W operator()(W a) { return W(std::cos(double(a))); }
};
struct HyperbolicTangent {
  template <class W> W operator()(W a) { return W(std::tanh(double(a))); }
};

/// What a format computes in, so that one rounding is left to do.
template <class T> struct ComputeOf {
  using Type = T;
  static constexpr double kSmallest = DBL_MIN;
};
template <> struct ComputeOf<float> {
  using Type = float;
  static constexpr double kSmallest = FLT_MIN;
};
template <> struct ComputeOf<Half> {
  using Type = double;
  static constexpr double kSmallest = 0x1p-14;
};
template <> struct ComputeOf<BFloat> {
  using Type = double;
  static constexpr double kSmallest = FLT_MIN;
};

template <class T> struct Format {
  using Wide = typename ComputeOf<T>::Type;

  static Wide flush(Wide value) {
    return std::fabs(value) < ComputeOf<T>::kSmallest
               ? std::copysign(Wide(0), value)
               : value;
  }
  static Wide load(uint64_t lane, bool flushDenormals) {
    Wide value;
    if constexpr (std::is_same_v<T, BFloat>)
      value = float(fromLane<T>(lane));
    else
      value = Wide(fromLane<T>(lane));
    return flushDenormals ? flush(value) : value;
  }
  static uint64_t store(Wide value, const Instruction &instruction) {
    if (instruction.saturate)
      value = value > 0 ? std::min(value, Wide(1)) : Wide(0);
    if (instruction.flushDenormals)
      value = flush(value);
    return toLane<T>(T(value));
  }
};

template <unsigned Arity, class Op, class T>
uint64_t compute(const Instruction &instruction, uint64_t a, uint64_t b,
                 uint64_t c) {
  bool flush = instruction.flushDenormals;
  auto first = Format<T>::load(a, flush);
  if constexpr (Arity == 1)
    return Format<T>::store(Op()(first), instruction);
  else if constexpr (Arity == 2)
    return Format<T>::store(Op()(first, Format<T>::load(b, flush)),
                            instruction);
  else
    return Format<T>::store(
        Op()(first, Format<T>::load(b, flush), Format<T>::load(c, flush)),
        instruction);
}

} // namespace

/// Of one operation on floats: one for a lane, or two in its halves.
template <unsigned Arity, class Op, class T, bool Packed>
static void executeFloat(Warp &warp, const Instruction &instruction,
                         uint32_t mask) {
  uint64_t *result = warp.operand(instruction, 0);
  const uint64_t *a = warp.operand(instruction, 1);
  const uint64_t *b = Arity > 1 ? warp.operand(instruction, 2) : a;
  const uint64_t *c = Arity > 2 ? warp.operand(instruction, 3) : a;
  forLanes(mask, [&](unsigned lane) {
    uint64_t value =
        compute<Arity, Op, T>(instruction, a[lane], b[lane], c[lane]);
    if constexpr (Packed) {
      constexpr unsigned bits = 8 * sizeof(T);
      value |= compute<Arity, Op, T>(instruction, a[lane] >> bits,
                                     b[lane] >> bits, c[lane] >> bits)
               << bits;
    }
    result[lane] = value;
  });
}

template <unsigned Arity, class Op>
static ExecuteFunction floatFunction(Type type) {
  switch (type) {
  case Type::F16:
    return executeFloat<Arity, Op, Half, false>;
  case Type::F16x2:
    return executeFloat<Arity, Op, Half, true>;
  case Type::BF16:
    return executeFloat<Arity, Op, BFloat, false>;
  case Type::BF16x2:
    return executeFloat<Arity, Op, BFloat, true>;
  case Type::F32:
    return executeFloat<Arity, Op, float, false>;
  case Type::F32x2:
    return Arity > 1 ? executeFloat<Arity, Op, float, true> : nullptr;
  case Type::F64:
    return executeFloat<Arity, Op, double, false>;
  default:
    return nullptr;
  }
}

/// `.rn.ftz.sat.f32`: other roundings are unknown modifiers.
static Type takeFloatModifiers(Decoder &decoder) {
  decoder.take("rn");
  decoder.instruction.flushDenormals = decoder.take("ftz");
  decoder.instruction.saturate = decoder.take("sat");
  return decoder.takeType();
}

/// sm_100 and later.
static void decodeExtremeOfThree(Decoder &decoder, bool keepNaN) {
  decoder.expectOperands("ssss");
  bool isMaximum = decoder.statement.words[0] == "max";
  decoder.setExecute(
      isMaximum ? keepNaN
                      ? floatFunction<3, ExtremeOfThree<true, true>>(Type::F32)
                      : floatFunction<3, ExtremeOfThree<true, false>>(Type::F32)
      : keepNaN ? floatFunction<3, ExtremeOfThree<false, true>>(Type::F32)
                : floatFunction<3, ExtremeOfThree<false, false>>(Type::F32));
}

void hgf::gpusim::decodeFloatBinary(Decoder &decoder) {
  llvm::StringRef opcode = decoder.statement.words[0];
  if (opcode == "div")
    decoder.takeOneOf({"approx", "full"});
  decoder.take("rn");
  decoder.instruction.flushDenormals = decoder.take("ftz");
  bool keepNaN = decoder.take("NaN");
  if (keepNaN && opcode != "min" && opcode != "max")
    decoder.fail("unknown modifier .NaN");
  decoder.instruction.saturate = decoder.take("sat");
  Type type = decoder.takeType();
  if (decoder.statement.operands.size() == 4 && type == Type::F32 &&
      (opcode == "min" || opcode == "max")) {
    decodeExtremeOfThree(decoder, keepNaN);
    return;
  }
  decoder.expectOperands("sss");
  ExecuteFunction execute = nullptr;
  if (opcode == "add")
    execute = floatFunction<2, Add>(type);
  else if (opcode == "sub")
    execute = floatFunction<2, Sub>(type);
  else if (opcode == "mul")
    execute = floatFunction<2, Mul>(type);
  else if (opcode == "div" && getBits(type) >= 32 && type >= Type::F32)
    execute = floatFunction<2, Div>(type);
  else if (type == Type::F32x2)
    execute = nullptr;
  else if (opcode == "min")
    execute = keepNaN ? floatFunction<2, Extreme<false, true>>(type)
                      : floatFunction<2, Extreme<false, false>>(type);
  else if (opcode == "max")
    execute = keepNaN ? floatFunction<2, Extreme<true, true>>(type)
                      : floatFunction<2, Extreme<true, false>>(type);
  decoder.setExecute(execute);
}

void hgf::gpusim::decodeFloatUnary(Decoder &decoder) {
  bool negates = decoder.statement.words[0] == "neg";
  decoder.instruction.flushDenormals = decoder.take("ftz");
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(negates ? floatFunction<1, Neg>(type)
                             : floatFunction<1, Abs>(type));
}

void hgf::gpusim::decodeFloatFma(Decoder &decoder) {
  Type type = takeFloatModifiers(decoder);
  decoder.expectOperands("ssss");
  decoder.setExecute(floatFunction<3, Fma>(type));
}

static void decodeCopySign(Decoder &decoder) {
  Type type = decoder.takeType();
  decoder.expectOperands("sss");
  decoder.setExecute(type >= Type::F32 ? floatFunction<2, CopySign>(type)
                                       : nullptr);
}

/// rcp, sqrt and rsqrt: exact with .rn, here also with .approx.
template <class Op> static void decodeRoot(Decoder &decoder) {
  if (!decoder.take("approx"))
    decoder.expect("rn");
  decoder.instruction.flushDenormals = decoder.take("ftz");
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type >= Type::F32 ? floatFunction<1, Op>(type) : nullptr);
}

template <class Op> static void decodeApproximate(Decoder &decoder) {
  decoder.expect("approx");
  decoder.instruction.flushDenormals = decoder.take("ftz");
  Type type = decoder.takeType();
  decoder.expectOperands("ss");
  decoder.setExecute(type != Type::F64 ? floatFunction<1, Op>(type) : nullptr);
}

void hgf::gpusim::addFloatOpcodes(OpcodeTable &table) {
  table["fma"] = decodeFloatFma;
  table["copysign"] = decodeCopySign;
  table["rcp"] = decodeRoot<Reciprocal>;
  table["sqrt"] = decodeRoot<SquareRoot>;
  table["rsqrt"] = decodeRoot<ReciprocalSquareRoot>;
  table["ex2"] = decodeApproximate<Exp2>;
  table["lg2"] = decodeApproximate<Log2>;
  table["sin"] = decodeApproximate<Sine>;
  table["cos"] = decodeApproximate<Cosine>;
  table["tanh"] = decodeApproximate<HyperbolicTangent>;
}
