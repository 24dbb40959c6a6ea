/*===- Processor.c - What this processor can do ---------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "ModelDescriptor.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* The registers that the system saves: bits 1 and 2 are SSE's and AVX's. */
static unsigned saved_registers(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int32_t hgf_rt_processor_level(void) {
  const unsigned fma = 1u << 12, movbe = 1u << 22, osxsave = 1u << 27,
                 avx = 1u << 28, f16c = 1u << 29;
  const unsigned bmi1 = 1u << 3, avx2 = 1u << 5, bmi2 = 1u << 8;
  const unsigned lzcnt = 1u << 5;
  const unsigned leaf1 = fma | movbe | osxsave | avx | f16c;
  const unsigned leaf7 = bmi1 | avx2 | bmi2;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & leaf1) != leaf1 ||
      (saved_registers() & 6) != 6)
    return 1;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & leaf7) != leaf7)
    return 1;
  if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !(c & lzcnt))
    return 1;
  return 3;
}
#else
int32_t hgf_rt_processor_level(void) { return 1; }
#endif
