//===- MoveTest.cpp - Moves, selections, comparisons, branches -----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include <cmath>

using namespace hgf::gpusim;

TEST(Move, PacksAndUnpacks) {
  expectIntegers<uint32_t, uint64_t>(
      "mov.b64 d, {a, b};",
      [](uint32_t a, uint32_t b, uint32_t) { return uint64_t(b) << 32 | a; });
  expectIntegers<uint64_t, uint32_t>(
      "{ .reg .b32 low; mov.b64 {low, d}, a; }",
      [](uint64_t a, uint64_t, uint64_t) { return a >> 32; });
  expectIntegers<uint32_t, uint16_t>(
      "mov.b32 {d, _}, a;", [](uint32_t a, uint32_t, uint32_t) { return a; });
}

TEST(Move, Immediates) {
  EXPECT_EQ(evaluate("mov.u32 d, -1;", 32, 32, {{0, 0, 0}})[0], 0xffffffffu);
  EXPECT_EQ(evaluate("mov.b64 d, 0xFFFFFFFFFF;", 64, 64, {{0, 0, 0}})[0],
            0xffffffffffu);
  EXPECT_EQ(evaluate("mov.f32 d, 0f40490FDB;", 32, 32, {{0, 0, 0}})[0],
            0x40490fdbu);
}

template <class T, class Function>
static void expectComparison(const std::string &comparison, Function expected) {
  expectIntegers<T, uint32_t>(
      "setp." + comparison + " p, a, b; selp.b32 d, 7, 9, p;",
      [=](T a, T b, T) { return expected(a, b) ? 7 : 9; });
}

TEST(Move, Comparisons) {
  expectComparison<uint32_t>("eq.b32",
                             [](uint32_t a, uint32_t b) { return a == b; });
  expectComparison<int32_t>("lt.s32",
                            [](int32_t a, int32_t b) { return a < b; });
  expectComparison<uint32_t>("lt.u32",
                             [](uint32_t a, uint32_t b) { return a < b; });
  expectComparison<uint64_t>("hs.u64",
                             [](uint64_t a, uint64_t b) { return a >= b; });
  expectComparison<int64_t>("gt.s64",
                            [](int64_t a, int64_t b) { return a > b; });
  expectComparison<int16_t>("le.s16",
                            [](int16_t a, int16_t b) { return a <= b; });
}

TEST(Move, ComparisonsCombine) {
  expectIntegers<int32_t, uint32_t>(
      "setp.gt.s32 p, c, 0; setp.lt.and.s32 p|q, a, b, !p; selp.b32 d, 1, 0, "
      "p; @q add.u32 d, d, 2;",
      [](int32_t a, int32_t b, int32_t c) {
        return (a < b && c <= 0 ? 1 : 0) + (a >= b && c <= 0 ? 2 : 0);
      });
  expectIntegers<int32_t, uint32_t>(
      "setp.gt.s32 p, c, 0; setp.lt.s32 q, a, b; xor.pred p, p, q; not.pred p, "
      "p; selp.b32 d, 1, 0, p;",
      [](int32_t a, int32_t b, int32_t c) { return (c > 0) == (a < b); });
}

TEST(Move, ComparisonsOfNoNumbers) {
  constexpr uint64_t none = 0x7fc00000, one = 0x3f800000;
  auto holds = [](const std::string &comparison, uint64_t a, uint64_t b) {
    return evaluate("setp." + comparison + ".f32 p, a, b; selp.b32 d, 1, 0, p;",
                    32, 32, {{a, b, 0}})[0] == 1;
  };
  EXPECT_FALSE(holds("lt", none, one));
  EXPECT_TRUE(holds("ltu", none, one));
  EXPECT_FALSE(holds("ne", none, one));
  EXPECT_TRUE(holds("neu", none, one));
  EXPECT_TRUE(holds("nan", one, none));
  EXPECT_TRUE(holds("num", one, one));
  EXPECT_TRUE(holds("ge", one, one));
}

TEST(Move, Predication) {
  expectIntegers<int32_t, int32_t>(
      "mov.u32 d, 1; setp.lt.s32 p, a, b; @p mov.u32 d, 2; @!p add.u32 d, d, "
      "4;",
      [](int32_t a, int32_t b, int32_t) { return a < b ? 2 : 5; });
}

TEST(Move, LoopsOfDifferentLengths) {
  // The sum of 1 to a, for each lane its own.
  expectIntegers<uint32_t, uint32_t>(
      "and.b32 a, a, 31; mov.u32 d, 0;\nLOOP: setp.eq.u32 p, a, 0; @p bra "
      "DONE;\n"
      "add.u32 d, d, a; sub.u32 a, a, 1; bra.uni LOOP;\nDONE:",
      [](uint32_t a, uint32_t, uint32_t) {
        return (a & 31) * ((a & 31) + 1) / 2;
      });
}

TEST(Move, SpecialRegisters) {
  std::vector<uint32_t> words(70 * 4);
  Report report = runOn(words,
                        ".reg .b32 %v<4>; mad.wide.u32 %o, %t, 16, %m; mov.u32 "
                        "%v0, %laneid; mov.u32 %v1, %ntid.x;\n"
                        "mov.u32 %v2, %lanemask_lt; mov.u32 %v3, %warpid; "
                        "st.global.v4.u32 [%o], {%v0, %v1, %v2, %v3};",
                        70);
  EXPECT_TRUE(report.isClean()) << describe(report);
  for (uint32_t thread = 0; thread < 70; ++thread) {
    EXPECT_EQ(words[4 * thread], thread % 32);
    EXPECT_EQ(words[4 * thread + 1], 70u);
    EXPECT_EQ(words[4 * thread + 2], (1u << thread % 32) - 1);
    EXPECT_EQ(words[4 * thread + 3], thread / 32);
  }
}
