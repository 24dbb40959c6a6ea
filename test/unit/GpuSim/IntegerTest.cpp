//===- IntegerTest.cpp - Integer instructions against C++ ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

using S16 = int16_t;
using S32 = int32_t;
using S64 = int64_t;
using U16 = uint16_t;
using U32 = uint32_t;
using U64 = uint64_t;

TEST(Integer, Sums) {
  expectIntegers<U16, U16>("add.u16 d, a, b;",
                           [](U16 a, U16 b, U16) { return a + b; });
  expectIntegers<U32, U32>("add.s32 d, a, b;",
                           [](U32 a, U32 b, U32) { return a + b; });
  expectIntegers<U64, U64>("sub.s64 d, a, b;",
                           [](U64 a, U64 b, U64) { return a - b; });
  expectIntegers<U32, U32>("sub.u32 d, a, -5;",
                           [](U32 a, U32, U32) { return a + 5; });
  expectIntegers<S32, S32>("add.sat.s32 d, a, b;", [](S32 a, S32 b, S32) {
    S64 sum = S64(a) + b;
    return sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : S32(sum);
  });
  expectIntegers<U32, U32>("neg.s32 d, a;",
                           [](U32 a, U32, U32) { return 0 - a; });
  expectIntegers<S64, U64>("abs.s64 d, a;", [](S64 a, S64, S64) {
    return a < 0 ? 0 - U64(a) : U64(a);
  });
}

TEST(Integer, Products) {
  expectIntegers<U16, U16>("mul.lo.u16 d, a, b;",
                           [](U16 a, U16 b, U16) { return U32(a) * b; });
  expectIntegers<U32, U32>("mul.lo.s32 d, a, b;",
                           [](U32 a, U32 b, U32) { return a * b; });
  expectIntegers<S32, S32>("mul.hi.s32 d, a, b;",
                           [](S32 a, S32 b, S32) { return S64(a) * b >> 32; });
  expectIntegers<U32, U32>("mul.hi.u32 d, a, b;",
                           [](U32 a, U32 b, U32) { return U64(a) * b >> 32; });
  expectIntegers<U64, U64>("mul.hi.u64 d, a, b;", [](U64 a, U64 b, U64) {
    return U64((unsigned __int128)a * b >> 64);
  });
  expectIntegers<S16, S32>("mul.wide.s16 d, a, b;",
                           [](S16 a, S16 b, S16) { return S32(a) * b; });
  expectIntegers<S32, S64>("mul.wide.s32 d, a, b;",
                           [](S32 a, S32 b, S32) { return S64(a) * b; });
  expectIntegers<U32, U64>("mul.wide.u32 d, a, b;",
                           [](U32 a, U32 b, U32) { return U64(a) * b; });
  expectIntegers<U32, U32>("mad.lo.s32 d, a, b, c;",
                           [](U32 a, U32 b, U32 c) { return a * b + c; });
  expectIntegers<U64, U64>("mad.lo.u64 d, a, b, c;",
                           [](U64 a, U64 b, U64 c) { return a * b + c; });
  expectIntegers<U32, U32>("mad.hi.u32 d, a, b, c;", [](U32 a, U32 b, U32 c) {
    return U32(U64(a) * b >> 32) + c;
  });
}

TEST(Integer, Quotients) {
  expectIntegers<U32, U32>("div.u32 d, a, b;",
                           [](U32 a, U32 b, U32) { return b ? a / b : ~0u; });
  expectIntegers<S32, S32>(
      "max.s32 b, b, 1; div.s32 d, a, b;",
      [](S32 a, S32 b, S32) { return a / (b < 1 ? 1 : b); });
  expectIntegers<S64, S64>(
      "max.s64 b, b, 1; rem.s64 d, a, b;",
      [](S64 a, S64 b, S64) { return a % (b < 1 ? 1 : b); });
  expectIntegers<U64, U64>(
      "max.u64 b, b, 1; rem.u64 d, a, b;",
      [](U64 a, U64 b, U64) { return a % (b < 1 ? 1 : b); });
}

TEST(Integer, Extremes) {
  expectIntegers<S32, S32>("min.s32 d, a, b;",
                           [](S32 a, S32 b, S32) { return a < b ? a : b; });
  expectIntegers<U32, U32>("max.u32 d, a, b;",
                           [](U32 a, U32 b, U32) { return a > b ? a : b; });
  expectIntegers<S64, S64>("max.s64 d, a, b;",
                           [](S64 a, S64 b, S64) { return a > b ? a : b; });
  expectIntegers<S16, S16>("min.s16 d, a, b;",
                           [](S16 a, S16 b, S16) { return a < b ? a : b; });
}

template <class A, class B> static void expectDp4a(const std::string &types) {
  expectIntegers<U32, U32>("dp4a." + types + " d, a, b, c;",
                           [](U32 a, U32 b, U32 c) {
                             A left[4];
                             B right[4];
                             memcpy(left, &a, 4);
                             memcpy(right, &b, 4);
                             for (int i = 0; i < 4; ++i)
                               c += U32(left[i] * right[i]);
                             return c;
                           });
}

TEST(Integer, Dp4a) {
  expectDp4a<int8_t, int8_t>("s32.s32");
  expectDp4a<uint8_t, int8_t>("u32.s32");
  expectDp4a<int8_t, uint8_t>("s32.u32");
  expectDp4a<uint8_t, uint8_t>("u32.u32");
}

TEST(Integer, Logic) {
  expectIntegers<U32, U32>("and.b32 d, a, b;",
                           [](U32 a, U32 b, U32) { return a & b; });
  expectIntegers<U64, U64>("or.b64 d, a, b;",
                           [](U64 a, U64 b, U64) { return a | b; });
  expectIntegers<U16, U16>("xor.b16 d, a, b;",
                           [](U16 a, U16 b, U16) { return a ^ b; });
  expectIntegers<U16, U16>("not.b16 d, a;", [](U16 a, U16, U16) { return ~a; });
  expectIntegers<U32, U32>("not.b32 d, a;", [](U32 a, U32, U32) { return ~a; });
  for (U32 table : {0x80u, 0xfeu, 0x96u, 0xcau, 0x1bu, 0xf8u})
    expectIntegers<U32, U32>(
        "lop3.b32 d, a, b, c, " + std::to_string(table) + ";",
        [=](U32 a, U32 b, U32 c) {
          U32 result = 0;
          for (int i = 0; i < 32; ++i)
            result |= (table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 |
                                 (c >> i & 1)) &
                       1)
                      << i;
          return result;
        });
}

TEST(Integer, Shifts) {
  auto left = [](U64 a, U64 n, U64 bits) { return n >= bits ? 0 : a << n; };
  expectIntegers<U32, U32>("shl.b32 d, a, n;",
                           [&](U32 a, U32 b, U32) { return left(a, b, 32); });
  expectIntegers<U64, U64>("shl.b64 d, a, n;", [&](U64 a, U64 b, U64) {
    return left(a, U32(b), 64);
  });
  expectIntegers<S32, S32>("shr.s32 d, a, n;", [](S32 a, U32 b, S32) {
    return a >> (b > 31 ? 31 : b);
  });
  expectIntegers<U32, U32>("shr.u32 d, a, n;", [](U32 a, U32 b, U32) {
    return b > 31 ? 0 : a >> b;
  });
  expectIntegers<S64, S64>("shr.s64 d, a, n;", [](S64 a, S64 b, S64) {
    return a >> (U32(b) > 63 ? 63 : U32(b));
  });
  auto funnel = [](U32 low, U32 high) { return U64(high) << 32 | low; };
  expectIntegers<U32, U32>(
      "shf.l.wrap.b32 d, a, b, c;",
      [&](U32 a, U32 b, U32 c) { return funnel(a, b) << (c & 31) >> 32; });
  expectIntegers<U32, U32>("shf.l.clamp.b32 d, a, b, c;",
                           [&](U32 a, U32 b, U32 c) {
                             return c >= 32 ? a : U32(funnel(a, b) << c >> 32);
                           });
  expectIntegers<U32, U32>(
      "shf.r.wrap.b32 d, a, b, c;",
      [&](U32 a, U32 b, U32 c) { return funnel(a, b) >> (c & 31); });
  expectIntegers<U32, U32>("shf.r.clamp.b32 d, a, b, c;",
                           [&](U32 a, U32 b, U32 c) {
                             return c >= 32 ? b : U32(funnel(a, b) >> c);
                           });
}

TEST(Integer, Counts) {
  expectIntegers<U32, U32>("popc.b32 d, a;", [](U32 a, U32, U32) {
    int count = 0;
    for (; a; a &= a - 1)
      ++count;
    return count;
  });
  expectIntegers<U64, U32>("clz.b64 d, a;", [](U64 a, U64, U64) {
    int count = 0;
    while (count < 64 && !(a >> (63 - count) & 1))
      ++count;
    return count;
  });
  expectIntegers<U32, U32>("clz.b32 d, a;", [](U32 a, U32, U32) {
    int count = 0;
    while (count < 32 && !(a >> (31 - count) & 1))
      ++count;
    return count;
  });
  expectIntegers<U32, U32>("brev.b32 d, a;", [](U32 a, U32, U32) {
    U32 result = 0;
    for (int i = 0; i < 32; ++i)
      result |= (a >> i & 1) << (31 - i);
    return result;
  });
}

TEST(Integer, Fields) {
  expectIntegers<U32, U32>(
      "and.b32 b, b, 31; bfe.u32 d, a, b, 5;",
      [](U32 a, U32 b, U32) { return U64(a) >> (b & 31) & 31; });
  expectIntegers<S32, S32>("and.b32 b, b, 31; bfe.s32 d, a, b, 5;",
                           [](S32 a, S32 b, S32) {
                             // Bits beyond the operand's last are its sign.
                             return S32(U32(S64(a) >> (b & 31)) << 27) >> 27;
                           });
  expectIntegers<U32, U32>("bfe.s32 d, a, 3, 0;",
                           [](U32, U32, U32) { return 0; });
  expectIntegers<U32, U32>("bfi.b32 d, a, b, 12, 7;", [](U32 a, U32 b, U32) {
    return (b & ~(127u << 12)) | (a & 127) << 12;
  });
  expectIntegers<U32, U32>("prmt.b32 d, a, b, c;", [](U32 a, U32 b, U32 c) {
    U64 bytes = U64(b) << 32 | a;
    U32 result = 0;
    for (int i = 0; i < 4; ++i) {
      U32 byte = bytes >> 8 * (c >> 4 * i & 7) & 255;
      if (c >> 4 * i & 8)
        byte = byte >> 7 ? 255 : 0;
      result |= byte << 8 * i;
    }
    return result;
  });
}
