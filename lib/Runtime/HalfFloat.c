/*===- HalfFloat.c - Conversions that the processor may lack --------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* LLVM calls these functions by name where the target has no instruction for *|
|* 16-bit floats (x86-64 without F16C). Elsewhere they are in the compiler's  *|
|* own library, which a model does not link. They use integers only: a        *|
|* conversion written in C would call itself.                                 *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)

/* Rounds to nearest even in a format with fewer bits. */
static uint16_t narrow(double value, int exponent_bits, int mantissa_bits) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 63 << 15);
  int exponent = (int)(bits >> 52 & 0x7ff);
  uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
  int last_exponent = (1 << exponent_bits) - 1;
  uint16_t infinity = (uint16_t)(last_exponent << mantissa_bits);
  int shift = 52 - mantissa_bits;
  if (exponent == 0x7ff && mantissa)
    return (uint16_t)(sign | infinity | 1 << (mantissa_bits - 1) |
                      mantissa >> shift);
  int scaled = exponent - 1023 + last_exponent / 2;
  if (scaled >= last_exponent)
    return sign | infinity;
  if (scaled < 1) { /* Subnormal: more bits go. */
    shift += 1 - scaled;
    scaled = 1;
  }
  if (shift > 54)
    return sign;
  uint64_t whole = mantissa | UINT64_C(1) << 52;
  uint64_t kept = whole >> shift;
  uint64_t rest = whole & ((UINT64_C(1) << shift) - 1);
  uint64_t half = UINT64_C(1) << (shift - 1);
  /* A normal number's leading one counts as one exponent. */
  uint64_t result = ((uint64_t)(scaled - 1) << mantissa_bits) + kept;
  if (rest > half || (rest == half && (kept & 1)))
    ++result;
  return (uint16_t)(sign | result);
}

static _Float16 make_half(double value) {
  uint16_t bits = narrow(value, 5, 10);
  _Float16 result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

_Float16 __truncsfhf2(float value);
_Float16 __truncdfhf2(double value);
float __extendhfsf2(_Float16 value);

_Float16 __truncsfhf2(float value) { return make_half(value); }

_Float16 __truncdfhf2(double value) { return make_half(value); }

float __extendhfsf2(_Float16 value) {
  uint16_t half;
  memcpy(&half, &value, sizeof half);
  uint32_t exponent = half >> 10 & 31, mantissa = half & 1023, bits;
  if (exponent == 0) {
    float small = (float)mantissa * 0x1p-24f;
    memcpy(&bits, &small, sizeof bits);
  } else if (exponent == 31) {
    bits = 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0);
  } else {
    bits = (exponent + 112) << 23 | mantissa << 13;
  }
  bits |= (uint32_t)(half & 0x8000) << 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* bfloat16 travels as _Float16 does, in a vector register, so its bits may. */
static _Float16 make_bfloat(double value) {
  uint16_t bits = narrow(value, 8, 7);
  _Float16 result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

_Float16 __truncsfbf2(float value);
_Float16 __truncdfbf2(double value);

_Float16 __truncsfbf2(float value) { return make_bfloat(value); }

_Float16 __truncdfbf2(double value) { return make_bfloat(value); }

#else

/* ISO C wants a declaration. */
typedef int hgf_half_float_unused;

#endif
