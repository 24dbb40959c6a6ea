//===- HalfFloatTest.cpp - 16-bit floats made of integers -----------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include <cmath>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

#if defined(__x86_64__)

extern "C" {
float __extendhfsf2(_Float16 value);
_Float16 __truncsfhf2(float value);
_Float16 __truncdfhf2(double value);
_Float16 __truncsfbf2(float value);
}

namespace {

uint16_t bitsOf(_Float16 value) {
  uint16_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

float fromHalf(uint16_t bits) {
  _Float16 half;
  memcpy(&half, &bits, sizeof half);
  return __extendhfsf2(half);
}

float fromBfloat(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

// What a positive finite number in the format's range must become: the nearest,
// of two the even one.
void expectNearest(float value, uint16_t bits, float (*widen)(uint16_t)) {
  double error = std::fabs(double(widen(bits)) - value);
  for (int step : {-1, 1}) {
    uint16_t neighbour = static_cast<uint16_t>(bits + step);
    if (std::isinf(widen(neighbour)) || (bits == 0 && step < 0))
      continue;
    double other = std::fabs(double(widen(neighbour)) - value);
    ASSERT_TRUE(error < other || (error == other && bits % 2 == 0))
        << value << " became " << widen(bits);
  }
}

TEST(HalfFloat, EveryHalfSurvives) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float value = fromHalf(static_cast<uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_EQ(bits & 0x7c00, 0x7c00u);
      EXPECT_TRUE(bits & 0x3ff);
      EXPECT_EQ(bitsOf(__truncsfhf2(value)) & 0x7e00, 0x7e00);
      continue;
    }
    ASSERT_EQ(bitsOf(__truncsfhf2(value)), bits);
    ASSERT_EQ(bitsOf(__truncdfhf2(value)), bits);
  }
  EXPECT_EQ(fromHalf(0x3c00), 1.f);
  EXPECT_EQ(fromHalf(0x0001), 0x1p-24f);
  EXPECT_EQ(fromHalf(0xfbff), -65504.f);
  EXPECT_EQ(fromHalf(0x7c00), INFINITY);
}

TEST(HalfFloat, RoundsToNearestEven) {
  std::mt19937 random(3);
  for (int round = 0; round < 200000; ++round) {
    // Exponents from below the smallest subnormal to the largest half.
    uint32_t bits = (random() % 43 + 100) << 23 | (random() & 0x7fffff);
    if (round % 3 == 0)
      bits &= ~0xfffu; // Halfway cases are common.
    float value;
    memcpy(&value, &bits, sizeof value);
    if (value < 65504)
      expectNearest(value, bitsOf(__truncsfhf2(value)), fromHalf);
    expectNearest(value, bitsOf(__truncsfbf2(value)), fromBfloat);
    ASSERT_EQ(bitsOf(__truncsfhf2(-value)),
              bitsOf(__truncsfhf2(value)) | 0x8000);
  }
  EXPECT_EQ(bitsOf(__truncsfhf2(65519.f)), 0x7bff);
  EXPECT_EQ(bitsOf(__truncsfhf2(65520.f)), 0x7c00);
  EXPECT_EQ(bitsOf(__truncsfhf2(1e30f)), 0x7c00);
  EXPECT_EQ(bitsOf(__truncsfhf2(0.f)), 0);
  EXPECT_EQ(bitsOf(__truncsfbf2(1.f)), 0x3f80);
  EXPECT_EQ(bitsOf(__truncsfbf2(INFINITY)), 0x7f80);
}

} // namespace

#endif
