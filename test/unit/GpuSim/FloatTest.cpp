//===- FloatTest.cpp - Floating point and conversions against C++ --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include <cmath>

using namespace hgf::gpusim;

template <class T> static uint64_t bitsOf(T value) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <class T> static T valueOf(uint64_t bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}

/// Of ordinary size, small and large, with both signs and zeros.
static std::vector<double> makeValues() {
  std::vector<double> values = {0.0, -0.0, 1.0, -1.0, 0.5, 1.5,
                                2.5, -2.5, 3e4, 6e4,  1e-5};
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 245; ++i)
    values.push_back(normal(random) * std::ldexp(1.0, int(random() % 16) - 8));
  return values;
}

/// Results within `tolerance` of a relative error of `expected`; both of T.
template <class T, class Function>
static void expectFloats(const std::string &statement, Function expected,
                         double tolerance = 0) {
  std::vector<double> values = makeValues();
  std::vector<Inputs> inputs;
  for (size_t i = 0; i < values.size(); ++i)
    inputs.push_back({bitsOf<T>(values[i]),
                      bitsOf<T>(values[(i * 7 + 3) % values.size()]),
                      bitsOf<T>(values[(i * 5 + 1) % values.size()])});
  std::vector<uint64_t> results =
      evaluate(statement, 8 * sizeof(T), 8 * sizeof(T), inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    auto [a, b, c] = inputs[i];
    double wanted = T(expected(valueOf<T>(a), valueOf<T>(b), valueOf<T>(c)));
    double got = valueOf<T>(results[i]);
    if (wanted != wanted) {
      ASSERT_NE(got, got) << statement;
      continue;
    }
    if (got != wanted)
      ASSERT_LE(std::fabs(got - wanted), tolerance * std::fabs(wanted))
          << statement << " of " << double(valueOf<T>(a)) << ", "
          << double(valueOf<T>(b));
  }
}

TEST(Float, Arithmetic) {
  expectFloats<float>("add.f32 d, a, b;",
                      [](float a, float b, float) { return a + b; });
  expectFloats<float>("sub.rn.f32 d, a, b;",
                      [](float a, float b, float) { return a - b; });
  expectFloats<float>("mul.f32 d, a, 0f3FC00000;",
                      [](float a, float, float) { return a * 1.5f; });
  expectFloats<float>("fma.rn.f32 d, a, b, c;", [](float a, float b, float c) {
    return std::fma(a, b, c);
  });
  expectFloats<float>("div.rn.f32 d, a, b;",
                      [](float a, float b, float) { return a / b; });
  expectFloats<float>("neg.f32 d, a;",
                      [](float a, float, float) { return -a; });
  expectFloats<float>("abs.f32 d, a;",
                      [](float a, float, float) { return std::fabs(a); });
  expectFloats<float>("copysign.f32 d, a, b;", [](float a, float b, float) {
    return std::copysign(b, a);
  });
  expectFloats<double>(
      "fma.rn.f64 d, a, b, c;",
      [](double a, double b, double c) { return std::fma(a, b, c); });
  expectFloats<double>("mul.f64 d, a, 0d4000000000000000;",
                       [](double a, double, double) { return a * 2; });
}

TEST(Float, SaturatesAndFlushes) {
  expectFloats<float>("add.sat.f32 d, a, b;", [](float a, float b, float) {
    return std::min(std::max(a + b, 0.0f), 1.0f);
  });
  std::vector<uint64_t> tiny = evaluate(
      "add.ftz.f32 d, a, b;", 32, 32, {{1, 0, 0}, {0x80000001, 0x80000000, 0}});
  EXPECT_EQ(tiny[0], 0u);
  EXPECT_EQ(tiny[1], 0x80000000u);
  EXPECT_EQ(evaluate("add.f32 d, a, b;", 32, 32, {{1, 1, 0}})[0], 2u);
}

TEST(Float, Extremes) {
  constexpr uint64_t none = 0x7fc00000, one = 0x3f800000,
                     minusZero = 0x80000000;
  expectFloats<float>("min.f32 d, a, b;",
                      [](float a, float b, float) { return std::fmin(a, b); });
  expectFloats<_Float16>("max.f16 d, a, b;", [](float a, float b, float) {
    return std::fmax(a, b);
  });
  EXPECT_EQ(evaluate("max.f32 d, a, b;", 32, 32, {{none, one, 0}})[0], one);
  EXPECT_EQ(evaluate("min.f32 d, a, b;", 32, 32, {{0, minusZero, 0}})[0],
            minusZero);
  EXPECT_EQ(evaluate("max.f32 d, a, b;", 32, 32, {{minusZero, 0, 0}})[0], 0u);
  EXPECT_TRUE(std::isnan(valueOf<float>(
      evaluate("max.NaN.f32 d, a, b;", 32, 32, {{none, one, 0}})[0])));
}

TEST(Float, Halves) {
  using H = _Float16;
  expectFloats<H>("add.f16 d, a, b;",
                  [](float a, float b, float) { return H(a + b); });
  expectFloats<H>("mul.f16 d, a, b;",
                  [](float a, float b, float) { return H(a * b); });
  expectFloats<H>("fma.rn.f16 d, a, b, c;",
                  [](double a, double b, double c) { return H(a * b + c); });
  expectFloats<H>("neg.f16 d, a;", [](float a, float, float) { return H(-a); });
}

TEST(Float, PackedHalves) {
  // 1.5 and -2 times 2 and 0.5, plus 1 and 1.
  auto two = [](double low, double high) {
    return bitsOf<_Float16>(low) | bitsOf<_Float16>(high) << 16;
  };
  EXPECT_EQ(evaluate("fma.rn.f16x2 d, a, b, c;", 32, 32,
                     {{two(1.5, -2), two(2, 0.5), two(1, 1)}})[0],
            two(4, 0));
  EXPECT_EQ(evaluate("sub.f16x2 d, a, b;", 32, 32,
                     {{two(1.5, -2), two(2, 0.5), 0}})[0],
            two(-0.5, -2.5));
  auto brain = [](float low, float high) {
    return bitsOf(low) >> 16 | (bitsOf(high) >> 16 << 16);
  };
  EXPECT_EQ(evaluate("fma.rn.bf16x2 d, a, b, c;", 32, 32,
                     {{brain(1.5, -2), brain(2, 0.5), brain(1, 1)}})[0],
            brain(4, 0));
}

TEST(Float, ExtremesOfThree) {
  std::vector<Inputs> inputs = {{bitsOf(1.f), bitsOf(-2.f), bitsOf(3.f)},
                                {bitsOf(1.f), bitsOf(NAN), bitsOf(-1.f)}};
  auto largest = evaluate("max.f32 d, a, b, c;", 32, 32, inputs);
  EXPECT_EQ(largest[0], bitsOf(3.f));
  EXPECT_EQ(largest[1], bitsOf(1.f));
  auto least = evaluate("min.NaN.f32 d, a, b, c;", 32, 32, inputs);
  EXPECT_EQ(least[0], bitsOf(-2.f));
  EXPECT_TRUE(std::isnan(llvm::bit_cast<float>(uint32_t(least[1]))));
}

TEST(Float, PackedFloats) {
  auto two = [](float low, float high) {
    return bitsOf(low) | bitsOf(high) << 32;
  };
  std::vector<Inputs> inputs = {{two(1.5, -2), two(2, 0.5), two(1, 1)}};
  EXPECT_EQ(evaluate("fma.rn.f32x2 d, a, b, c;", 64, 64, inputs)[0], two(4, 0));
  EXPECT_EQ(evaluate("add.rn.f32x2 d, a, b;", 64, 64, inputs)[0],
            two(3.5, -1.5));
  EXPECT_EQ(evaluate("mul.rn.f32x2 d, a, b;", 64, 64, inputs)[0], two(3, -1));
}

TEST(Float, Approximations) {
  constexpr double error = 1e-6;
  auto positive = [](const char *text) {
    return std::string("abs.f32 a, a; ") + text;
  };
  expectFloats<float>(
      "rcp.approx.ftz.f32 d, a;", [](float a, float, float) { return 1 / a; },
      error);
  expectFloats<float>(
      positive("sqrt.approx.f32 d, a;"),
      [](float a, float, float) { return std::sqrt(std::fabs(a)); }, error);
  expectFloats<float>(
      positive("rsqrt.approx.f32 d, a;"),
      [](float a, float, float) { return 1 / std::sqrt(std::fabs(a)); }, error);
  expectFloats<float>(
      "min.f32 a, a, 0f42C80000; ex2.approx.f32 d, a;",
      [](float a, float, float) { return std::exp2(std::min(a, 100.0f)); },
      error);
  expectFloats<float>(
      positive("lg2.approx.f32 d, a;"),
      [](float a, float, float) { return std::log2(std::fabs(a)); }, error);
  expectFloats<float>(
      "sin.approx.f32 d, a;", [](float a, float, float) { return std::sin(a); },
      error);
  expectFloats<float>(
      "cos.approx.f32 d, a;", [](float a, float, float) { return std::cos(a); },
      error);
  expectFloats<float>(
      "tanh.approx.f32 d, a;",
      [](float a, float, float) { return std::tanh(a); }, error);
}

static uint64_t one(const std::string &statement, unsigned resultBits,
                    unsigned bits, uint64_t a, uint64_t b = 0) {
  return evaluate(statement, resultBits, bits, {{a, b, 0}})[0];
}

TEST(Convert, Integers) {
  EXPECT_EQ(one("cvt.s64.s32 d, a;", 64, 32, 0xfffffffe), ~1ull);
  EXPECT_EQ(one("cvt.u64.u32 d, a;", 64, 32, 0xfffffffe), 0xfffffffeu);
  EXPECT_EQ(one("cvt.u32.u64 d, a;", 32, 64, 0x123456789), 0x23456789u);
  // A narrow type extends to its register by its own sign.
  EXPECT_EQ(one("cvt.s8.s32 d, a;", 32, 32, 0x1ff), 0xffffffffu);
  EXPECT_EQ(one("cvt.u8.u32 d, a;", 32, 32, 0x1ff), 0xffu);
  EXPECT_EQ(one("cvt.sat.s8.s32 d, a;", 32, 32, 1000), 127u);
  EXPECT_EQ(one("cvt.sat.u8.s32 d, a;", 32, 32, 0xffffff00), 0u);
}

TEST(Convert, FloatsToIntegers) {
  auto convert = [](const char *rounding, float value) {
    return int32_t(one(std::string("cvt.") + rounding + ".s32.f32 d, a;", 32,
                       32, bitsOf(value)));
  };
  EXPECT_EQ(convert("rni", 2.5f), 2);
  EXPECT_EQ(convert("rni", 3.5f), 4);
  EXPECT_EQ(convert("rzi", -2.7f), -2);
  EXPECT_EQ(convert("rmi", -2.1f), -3);
  EXPECT_EQ(convert("rpi", 2.1f), 3);
  EXPECT_EQ(convert("rni", 1e20f), INT32_MAX);
  EXPECT_EQ(convert("rni", -1e20f), INT32_MIN);
  EXPECT_EQ(convert("rni", NAN), 0);
  EXPECT_EQ(one("cvt.rzi.u32.f32 d, a;", 32, 32, bitsOf(-5.0f)), 0u);
  EXPECT_EQ(one("cvt.rni.sat.s8.f32 d, a;", 32, 32, bitsOf(-300.0f)),
            0xffffff80u);
}

TEST(Convert, IntegersToFloats) {
  EXPECT_EQ(one("cvt.rn.f32.s32 d, a;", 32, 32, 0xfffffffb), bitsOf(-5.0f));
  EXPECT_EQ(one("cvt.rn.f32.u32 d, a;", 32, 32, 0xfffffffb),
            bitsOf(float(0xfffffffbu)));
  EXPECT_EQ(one("cvt.rn.f32.s64 d, a;", 32, 64, 0x7fffffbfffffffff),
            bitsOf(float(0x7fffffbfffffffff)));
  EXPECT_EQ(one("cvt.rn.f64.s32 d, a;", 64, 32, 0xfffffffb), bitsOf(-5.0));
}

TEST(Convert, BetweenFloats) {
  EXPECT_EQ(one("cvt.rn.f16.f32 d, a;", 16, 32, bitsOf(1.0f / 3)), 0x3555u);
  EXPECT_EQ(one("cvt.f32.f16 d, a;", 32, 16, 0x3555),
            bitsOf(float(_Float16(1.0f / 3))));
  EXPECT_EQ(one("cvt.rn.f16.f32 d, a;", 16, 32, bitsOf(1e6f)), 0x7c00u);
  EXPECT_EQ(one("cvt.rn.bf16.f32 d, a;", 16, 32, 0x3f808000), 0x3f80u);
  EXPECT_EQ(one("cvt.rn.bf16.f32 d, a;", 16, 32, 0x3f818000), 0x3f82u);
  EXPECT_EQ(
      one("cvt.rn.f16x2.f32 d, a, b;", 32, 32, bitsOf(2.0f), bitsOf(1.0f)),
      0x40003c00u);
  EXPECT_EQ(one("cvt.rn.f32.f64 d, a;", 32, 64, bitsOf(0.1)), bitsOf(0.1f));
  EXPECT_EQ(one("cvt.rni.f32.f32 d, a;", 32, 32, bitsOf(2.5f)), bitsOf(2.0f));
}
