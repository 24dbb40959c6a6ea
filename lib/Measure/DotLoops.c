/*===- DotLoops.c - How fast registers can be multiplied and added --------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Limits.h"

#include <stddef.h>
#include <string.h>

#define HGF_EACH12(ONE)                                                        \
  ONE("0")                                                                     \
  ONE("1")                                                                     \
  ONE("2")                                                                     \
  ONE("3")                                                                     \
  ONE("4")                                                                     \
  ONE("5")                                                                     \
  ONE("6")                                                                     \
  ONE("7")                                                                     \
  ONE("8")                                                                     \
  ONE("9")                                                                     \
  ONE("10")                                                                    \
  ONE("11")

/* A level's loops, for int8 and for float activations. */
typedef struct {
  const char *level;
  const hgf_dot_loop *integers;
  const hgf_dot_loop *floats;
} level_loops;

#if defined(__x86_64__)

#define HGF_DOT_CLOBBERS                                                       \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",        \
      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* `PREPARE` clears operands; `BODY` is one iteration. */
#define HGF_DOT_LOOP(NAME, PREPARE, BODY, LEAVE)                               \
  static void NAME(int64_t iterations) {                                       \
    __asm__ volatile(PREPARE "1:\n\t" BODY "dec %0\n\t"                        \
                             "jnz 1b\n\t" LEAVE                                \
                     : "+r"(iterations)                                        \
                     :                                                         \
                     : HGF_DOT_CLOBBERS);                                      \
  }

/* Zeros: denormals and NaNs from before could cost time. */
#define HGF_CLEAR "vzeroall\n\t"

/* Accumulators 0 to 7, products in 8 to 13, operands 14 and 15. */
#define HGF_PAIR(REGISTER, ACCUMULATOR, PRODUCT)                               \
  "vpmaddubsw %%" REGISTER "15, %%" REGISTER "14, %%" REGISTER PRODUCT         \
  "\n\tvpaddw %%" REGISTER PRODUCT ", %%" REGISTER ACCUMULATOR                 \
  ", %%" REGISTER ACCUMULATOR "\n\t"
#define HGF_PAIRS(REGISTER)                                                    \
  HGF_PAIR(REGISTER, "0", "8")                                                 \
  HGF_PAIR(REGISTER, "1", "9")                                                 \
  HGF_PAIR(REGISTER, "2", "10")                                                \
  HGF_PAIR(REGISTER, "3", "11")                                                \
  HGF_PAIR(REGISTER, "4", "12")                                                \
  HGF_PAIR(REGISTER, "5", "13")                                                \
  HGF_PAIR(REGISTER, "6", "8")                                                 \
  HGF_PAIR(REGISTER, "7", "9")

#define HGF_DOT_YMM(N) "%{vex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" N "\n\t"
#define HGF_DOT_ZMM(N) "vpdpbusd %%zmm15, %%zmm14, %%zmm" N "\n\t"
#define HGF_FMA_YMM(N) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" N "\n\t"
#define HGF_FMA_ZMM(N) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" N "\n\t"

/* Without VEX there are two operands: a product overwrites its copy. */
#define HGF_SSE_STEP(MULTIPLY, ADD, ACCUMULATOR, PRODUCT)                      \
  "movdqa %%xmm14, %%xmm" PRODUCT "\n\t" MULTIPLY " %%xmm15, %%xmm" PRODUCT    \
  "\n\t" ADD " %%xmm" PRODUCT ", %%xmm" ACCUMULATOR "\n\t"
#define HGF_SSE_STEPS(MULTIPLY, ADD)                                           \
  HGF_SSE_STEP(MULTIPLY, ADD, "0", "8")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "1", "9")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "2", "10")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "3", "11")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "4", "12")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "5", "13")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "6", "8")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "7", "9")
#define HGF_CLEAR_XMM(N) "pxor %%xmm" N ", %%xmm" N "\n\t"
#define HGF_SSE_CLEAR                                                          \
  HGF_EACH12(HGF_CLEAR_XMM) HGF_CLEAR_XMM("14") HGF_CLEAR_XMM("15")

HGF_DOT_LOOP(multiply_words, HGF_SSE_CLEAR, HGF_SSE_STEPS("pmullw", "paddw"),
             "")
HGF_DOT_LOOP(pairs16, HGF_SSE_CLEAR, HGF_SSE_STEPS("pmaddubsw", "paddw"), "")
HGF_DOT_LOOP(pairs32, HGF_CLEAR, HGF_PAIRS("ymm"), "vzeroupper")
HGF_DOT_LOOP(quads32, HGF_CLEAR, HGF_EACH12(HGF_DOT_YMM), "vzeroupper")
HGF_DOT_LOOP(quads64, HGF_CLEAR, HGF_EACH12(HGF_DOT_ZMM), "vzeroupper")
HGF_DOT_LOOP(floats4, HGF_SSE_CLEAR, HGF_SSE_STEPS("mulps", "addps"), "")
HGF_DOT_LOOP(floats8, HGF_CLEAR, HGF_EACH12(HGF_FMA_YMM), "vzeroupper")
HGF_DOT_LOOP(floats16, HGF_CLEAR, HGF_EACH12(HGF_FMA_ZMM), "vzeroupper")

static const hgf_dot_loop words_xmm = {"pmullw+paddw xmm", 8 * 8,
                                       multiply_words};
static const hgf_dot_loop pairs_xmm = {"pmaddubsw+paddw xmm", 8 * 16, pairs16};
static const hgf_dot_loop pairs_ymm = {"vpmaddubsw+vpaddw ymm", 8 * 32,
                                       pairs32};
static const hgf_dot_loop quads_ymm = {"vpdpbusd ymm", 12 * 32, quads32};
static const hgf_dot_loop quads_zmm = {"vpdpbusd zmm", 12 * 64, quads64};
static const hgf_dot_loop floats_xmm = {"mulps+addps xmm", 8 * 4, floats4};
static const hgf_dot_loop floats_ymm = {"vfmadd231ps ymm", 12 * 8, floats8};
static const hgf_dot_loop floats_zmm = {"vfmadd231ps zmm", 12 * 16, floats16};

static const level_loops loops[] = {
    {"baseline", &words_xmm, &floats_xmm},
    {"ssse3", &pairs_xmm, &floats_xmm},
    {"avx2", &pairs_ymm, &floats_ymm},
    {"avxvnni", &quads_ymm, &floats_ymm},
    {"avx512vnni", &quads_zmm, &floats_zmm},
    {"avx512vbmi", &quads_zmm, &floats_zmm},
};

#elif defined(__aarch64__)

#define HGF_EACH24(ONE)                                                        \
  HGF_EACH12(ONE)                                                              \
  ONE("12")                                                                    \
  ONE("13")                                                                    \
  ONE("14")                                                                    \
  ONE("15")                                                                    \
  ONE("16")                                                                    \
  ONE("17")                                                                    \
  ONE("18")                                                                    \
  ONE("19")                                                                    \
  ONE("20")                                                                    \
  ONE("21")                                                                    \
  ONE("22")                                                                    \
  ONE("23")

#define HGF_CLEAR(N) "movi v" N ".2d, #0\n\t"

/* Accumulators 0 to 23, enough for four units that take six cycles each;
 * operands 30 and 31. `EXTENSION` tells the assembler that the instruction
 * exists; only the levels of processors that have it run it. */
#define HGF_DOT_LOOP(NAME, EXTENSION, BODY)                                    \
  static void NAME(int64_t iterations) {                                       \
    __asm__ volatile(EXTENSION HGF_EACH24(HGF_CLEAR) HGF_CLEAR("30")           \
                         HGF_CLEAR("31") "1:\n\t" BODY "subs %0, %0, #1\n\t"   \
                                         "b.ne 1b\n\t"                         \
                     : "+r"(iterations)                                        \
                     :                                                         \
                     : "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",   \
                       "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",   \
                       "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", \
                       "v30", "v31");                                          \
  }

#define HGF_SMLAL(N) "smlal v" N ".8h, v30.8b, v31.8b\n\t"
#define HGF_SMLAL2(N) "smlal2 v" N ".8h, v30.16b, v31.16b\n\t"
#define HGF_SDOT(N) "sdot v" N ".4s, v30.16b, v31.16b\n\t"
#define HGF_SMMLA(N) "smmla v" N ".4s, v30.16b, v31.16b\n\t"
#define HGF_FMLA(N) "fmla v" N ".4s, v30.4s, v31.4s\n\t"

HGF_DOT_LOOP(pairs, "", HGF_EACH24(HGF_SMLAL) HGF_EACH24(HGF_SMLAL2))
HGF_DOT_LOOP(quads, ".arch_extension dotprod\n\t", HGF_EACH24(HGF_SDOT))
HGF_DOT_LOOP(matrices, ".arch_extension i8mm\n\t", HGF_EACH24(HGF_SMMLA))
HGF_DOT_LOOP(floats, "", HGF_EACH24(HGF_FMLA))

static const hgf_dot_loop smlal = {"smlal+smlal2", 24 * 16, pairs};
static const hgf_dot_loop sdot = {"sdot", 24 * 16, quads};
static const hgf_dot_loop smmla = {"smmla", 24 * 32, matrices};
static const hgf_dot_loop fmla = {"fmla 4s", 24 * 4, floats};

static const level_loops loops[] = {
    {"neon", &smlal, &fmla},
    {"dotprod", &sdot, &fmla},
    {"i8mm", &smmla, &fmla},
};

#else
#error "the limits' loops are written for x86-64 and AArch64"
#endif

static const level_loops *find_level(const char *level) {
  for (size_t i = 0; i < sizeof loops / sizeof *loops; ++i)
    if (strcmp(loops[i].level, level) == 0)
      return &loops[i];
  return NULL;
}

bool hgf_has_dot_loop(const char *level) { return find_level(level); }

const hgf_dot_loop *hgf_find_dot_loop(const char *level, bool is_float) {
  const level_loops *found = find_level(level);
  if (!found)
    found = loops;
  return is_float ? found->floats : found->integers;
}

typedef struct {
  const hgf_dot_loop *loop;
  int64_t iterations;
} dot_job;

static void run_loop(void *argument, int index) {
  (void)index;
  const dot_job *job = argument;
  job->loop->run(job->iterations);
}

double hgf_measure_dot(const hgf_dot_loop *loop, int threads, double seconds) {
  /* Wakes the unit up and says how many iterations fill the time. */
  const int64_t trial = 20000;
  double start = hgf_read_clock();
  loop->run(trial);
  double once = (hgf_read_clock() - start) / (double)trial;
  dot_job job = {loop, trial};
  if (seconds / once > (double)trial)
    job.iterations = (int64_t)(seconds / once);
  double taken = hgf_run_team(threads, run_loop, &job);
  return (double)loop->multiply_adds * (double)job.iterations * threads / taken;
}
