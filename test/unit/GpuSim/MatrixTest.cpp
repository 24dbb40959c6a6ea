//===- MatrixTest.cpp - mma and ldmatrix against products of matrices ----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where an element lies is written here as the PTX ISA's tables have it, for
// element i of a lane's fragment, and not as the simulator computes it.
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

namespace {

struct Position {
  int row, column;
};

/// "Matrix fragments for mma.m16n8k32": 8-bit A, B; 32-bit C, D.
Position bytesOfA(int lane, int i) {
  int group = lane >> 2, inGroup = lane % 4;
  return {(i < 4) || (i >= 8 && i < 12) ? group : group + 8,
          i < 8 ? inGroup * 4 + (i & 3) : inGroup * 4 + (i & 3) + 16};
}
Position bytesOfB(int lane, int i) {
  int group = lane >> 2, inGroup = lane % 4;
  return {i < 4 ? inGroup * 4 + (i & 3) : inGroup * 4 + (i & 3) + 16, group};
}
/// "Matrix fragments for mma.m16n8k16 with floating point type".
Position halvesOfA(int lane, int i) {
  int group = lane >> 2, inGroup = lane % 4;
  return {(i < 2) || (i >= 4 && i < 6) ? group : group + 8,
          i < 4 ? inGroup * 2 + (i & 1) : inGroup * 2 + (i & 1) + 8};
}
Position halvesOfB(int lane, int i) {
  int group = lane >> 2, inGroup = lane % 4;
  return {i < 2 ? inGroup * 2 + (i & 1) : inGroup * 2 + (i & 1) + 8, group};
}
Position wordsOfC(int lane, int i) {
  int group = lane >> 2, inGroup = lane % 4;
  return {i < 2 ? group : group + 8, inGroup * 2 + (i & 1)};
}

/// What each lane loads: 4 registers of A, 2 of B, 4 of C; and stores: 4 of D.
constexpr int kLaneWords = 14;
constexpr char kMma[] =
    ".reg .b32 a<4>, b<2>, c<4>, d<4>; mad.wide.u32 %o, %t, 56, %m;\n"
    "ld.global.v2.b32 {a0, a1}, [%o]; ld.global.v2.b32 {a2, a3}, [%o+8]; "
    "ld.global.v2.b32 {b0, b1}, [%o+16];\n"
    "ld.global.v2.b32 {c0, c1}, [%o+24]; ld.global.v2.b32 {c2, c3}, [%o+32];\n"
    "mma.sync.aligned.%s {d0, d1, d2, d3}, {a0, a1, a2, a3}, {b0, b1}, {c0, "
    "c1, c2, c3};\n"
    "st.global.v2.b32 [%o+40], {d0, d1}; st.global.v2.b32 [%o+48], {d2, d3};";

/// With half of the registers of A and B where the shape has only those.
std::string mma(const std::string &form, bool half = false) {
  std::string text = kMma;
  text.replace(text.find("%s"), 2, form);
  if (half) {
    text.replace(text.find("{a0, a1, a2, a3}"), 16, "{a0, a1}");
    text.replace(text.find("{b0, b1}, {c0"), 8, "{b0}");
  }
  return text;
}

/// D by the simulator and by three loops, from random elements of A and B.
template <class A, class B, class Sum, int K, class Draw, class Finish>
void expectProduct(const std::string &form, Position (*ofA)(int, int),
                   Position (*ofB)(int, int), Draw draw, Finish finish) {
  A a[16][K];
  B b[K][8];
  Sum c[16][8], d[16][8];
  for (auto &row : a)
    for (A &x : row)
      x = A(draw());
  for (auto &row : b)
    for (B &x : row)
      x = B(draw());
  for (auto &row : c)
    for (Sum &x : row)
      x = Sum(draw()) * 1000;
  std::vector<uint32_t> words(32 * kLaneWords);
  for (int lane = 0; lane < 32; ++lane) {
    auto *mine = reinterpret_cast<char *>(&words[lane * kLaneWords]);
    for (int i = 0; i < K / 2; ++i)
      memcpy(mine + i * sizeof(A), &a[ofA(lane, i).row][ofA(lane, i).column],
             sizeof(A));
    for (int i = 0; i < K / 4; ++i)
      memcpy(mine + 16 + i * sizeof(B),
             &b[ofB(lane, i).row][ofB(lane, i).column], sizeof(B));
    for (int i = 0; i < 4; ++i)
      memcpy(mine + 24 + 4 * i,
             &c[wordsOfC(lane, i).row][wordsOfC(lane, i).column], 4);
  }
  Report report = runOn(words, mma(form, K * sizeof(A) < 32));
  EXPECT_TRUE(report.isClean()) << describe(report);
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < 4; ++i)
      memcpy(&d[wordsOfC(lane, i).row][wordsOfC(lane, i).column],
             &words[lane * kLaneWords + 10 + i], 4);
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 8; ++column) {
      double sum = c[row][column];
      for (int k = 0; k < K; ++k)
        sum += double(a[row][k]) * double(b[k][column]);
      EXPECT_EQ(d[row][column], finish(sum))
          << form << " at " << row << ", " << column;
    }
}

template <class A, class B> void expectBytes(const std::string &form) {
  std::mt19937 random(5);
  expectProduct<A, B, int32_t, 32>(
      form, bytesOfA, bytesOfB, [&] { return int(random() % 256) - 128; },
      [](double sum) { return int32_t(sum); });
}

} // namespace

TEST(Matrix, ProductsOfBytes) {
  expectBytes<int8_t, int8_t>("m16n8k32.row.col.s32.s8.s8.s32");
  expectBytes<int8_t, int8_t>("m16n8k32.row.col.satfinite.s32.s8.s8.s32");
  expectBytes<uint8_t, int8_t>("m16n8k32.row.col.s32.u8.s8.s32");
  expectBytes<int8_t, uint8_t>("m16n8k32.row.col.s32.s8.u8.s32");
}

TEST(Matrix, SaturatesOnRequestOnly) {
  auto sum = [](const std::string &form) {
    std::vector<uint32_t> words(32 * kLaneWords, 0x7f7f7f7f);
    EXPECT_TRUE(runOn(words, mma(form)).isClean());
    return words[10];
  };
  uint32_t product = 32 * 127 * 127;
  EXPECT_EQ(sum("m16n8k32.row.col.s32.s8.s8.s32"), 0x7f7f7f7fu + product);
  EXPECT_EQ(sum("m16n8k32.row.col.satfinite.s32.s8.s8.s32"),
            0x7f7f7f7fu + product);
  std::vector<uint32_t> words(32 * kLaneWords, 0x7f7f7f7f);
  for (int lane = 0; lane < 32; ++lane)
    words[lane * kLaneWords + 6] = 0x7fffffff;
  std::vector<uint32_t> saturated = words;
  EXPECT_TRUE(runOn(words, mma("m16n8k32.row.col.s32.s8.s8.s32")).isClean());
  EXPECT_TRUE(runOn(saturated, mma("m16n8k32.row.col.satfinite.s32.s8.s8.s32"))
                  .isClean());
  EXPECT_EQ(words[10], 0x7fffffffu + product);
  EXPECT_EQ(saturated[10], 0x7fffffffu);
}

TEST(Matrix, ProductsOfHalves) {
  std::mt19937 random(6);
  // Small multiples of 1/8: every sum is exact in float32, in any order.
  auto draw = [&] { return (int(random() % 65) - 32) / 8.0; };
  expectProduct<_Float16, _Float16, float, 16>(
      "m16n8k16.row.col.f32.f16.f16.f32", halvesOfA, halvesOfB, draw,
      [](double sum) { return float(sum); });
}

/// bfloat16 by its bits; what it holds here needs no rounding.
struct Brain {
  uint16_t bits;
  Brain() = default;
  explicit Brain(double value) {
    auto narrow = float(value);
    uint32_t word;
    memcpy(&word, &narrow, 4);
    bits = word >> 16;
  }
  explicit operator double() const {
    uint32_t word = uint32_t(bits) << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
  }
};

TEST(Matrix, ProductsOfOtherShapes) {
  std::mt19937 random(8);
  auto byte = [&] { return int(random() % 256) - 128; };
  auto draw = [&] { return (int(random() % 65) - 32) / 8.0; };
  auto toInteger = [](double sum) { return int32_t(sum); };
  auto toFloat = [](double sum) { return float(sum); };
  // "Matrix fragments for mma.m16n8k16 with integer type" and "for
  // mma.m16n8k8".
  Position (*bytesA)(int, int) = [](int lane, int i) {
    return Position{i < 4 ? lane >> 2 : (lane >> 2) + 8,
                    lane % 4 * 4 + (i & 3)};
  };
  Position (*bytesB)(int, int) = [](int lane, int i) {
    return Position{lane % 4 * 4 + i, lane >> 2};
  };
  Position (*halvesA)(int, int) = [](int lane, int i) {
    return Position{i < 2 ? lane >> 2 : (lane >> 2) + 8,
                    lane % 4 * 2 + (i & 1)};
  };
  Position (*halvesB)(int, int) = [](int lane, int i) {
    return Position{lane % 4 * 2 + i, lane >> 2};
  };
  expectProduct<int8_t, int8_t, int32_t, 16>("m16n8k16.row.col.s32.s8.s8.s32",
                                             bytesA, bytesB, byte, toInteger);
  expectProduct<uint8_t, uint8_t, int32_t, 16>("m16n8k16.row.col.s32.u8.u8.s32",
                                               bytesA, bytesB, byte, toInteger);
  expectProduct<_Float16, _Float16, float, 8>("m16n8k8.row.col.f32.f16.f16.f32",
                                              halvesA, halvesB, draw, toFloat);
  expectProduct<Brain, Brain, float, 16>("m16n8k16.row.col.f32.bf16.bf16.f32",
                                         halvesOfA, halvesOfB, draw, toFloat);
}

/// Four matrices of 8x8 halves, row by row; then what each lane gets.
static void expectLoads(bool transposed) {
  std::vector<uint32_t> words(128 + 128);
  for (int i = 0; i < 128; ++i)
    words[i] = uint32_t(2 * i + 1) << 16 | uint32_t(2 * i);
  Report report =
      runOn(words,
            std::string(".shared .align 16 .b8 tile[512]; .reg .b32 %s, r<4>;\n"
                        "mad.wide.u32 %o, %t, 16, %m; ld.global.v4.b32 {r0, "
                        "r1, r2, r3}, [%o];\n"
                        "mov.u32 %s, tile; mad.lo.u32 %s, %t, 16, %s; "
                        "st.shared.v4.b32 [%s], {r0, r1, r2, r3};\n"
                        "bar.warp.sync -1; ldmatrix.sync.aligned.m8n8.x4") +
                (transposed ? ".trans" : "") +
                ".shared.b16 {r0, r1, r2, r3}, [%s]; st.global.v4.b32 "
                "[%o+512], {r0, r1, r2, r3};");
  EXPECT_TRUE(report.isClean()) << describe(report);
  for (int lane = 0; lane < 32; ++lane)
    for (int matrix = 0; matrix < 4; ++matrix)
      for (int half = 0; half < 2; ++half) {
        int row = lane / 4, column = lane % 4 * 2 + half;
        if (transposed)
          std::swap(row, column);
        EXPECT_EQ(words[128 + 4 * lane + matrix] >> 16 * half & 0xffff,
                  uint32_t(64 * matrix + 8 * row + column));
      }
}

TEST(Matrix, Loads) { expectLoads(false); }

TEST(Matrix, LoadsTransposed) { expectLoads(true); }

TEST(Matrix, StoresAreTheInverse) {
  for (const char *form : {"x2", "x2.trans"}) {
    std::vector<uint32_t> words(64);
    std::string text =
        ".shared .align 16 .b8 tile[256]; .reg .b32 %s, r<2>; mov.u32 %s, "
        "tile; and.b32 r0, %t, 15;\n"
        "mad.lo.u32 %s, r0, 16, %s; mad.lo.u32 r0, %t, 9, 5; mad.lo.u32 r1, "
        "%t, 13, 7;\n"
        "stmatrix.sync.aligned.m8n8.FORM.shared.b16 [%s], {r0, r1}; "
        "bar.warp.sync -1;\n"
        "ldmatrix.sync.aligned.m8n8.FORM.shared.b16 {r0, r1}, [%s];\n"
        "mad.wide.u32 %o, %t, 8, %m; st.global.v2.b32 [%o], {r0, r1};";
    for (size_t at; (at = text.find("FORM")) != std::string::npos;)
      text.replace(at, 4, form);
    Report report = runOn(words, text);
    EXPECT_TRUE(report.isClean()) << describe(report);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      EXPECT_EQ(words[2 * lane], 9 * lane + 5);
      EXPECT_EQ(words[2 * lane + 1], 13 * lane + 7);
    }
  }
}

TEST(Matrix, NeedTheWholeWarp) {
  std::vector<uint32_t> words(32 * kLaneWords);
  std::string text = mma("m16n8k32.row.col.s32.s8.s8.s32");
  EXPECT_TRUE(
      runOn(words, ".reg .pred p; setp.eq.u32 p, %t, 3; @p exit;\n" + text)
          .has(Defect::Membermask));
  EXPECT_TRUE(runOn(words, text, 16).has(Defect::Membermask));
}
