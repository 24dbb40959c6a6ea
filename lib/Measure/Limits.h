/*===- Limits.h - What the machine can do at most -----------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_LIMITS_H
#define HGF_LIB_MEASURE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds since some moment. */
double hgf_read_clock(void);

/* Calls body(argument, index) on `threads` threads, one of them the caller's,
 * and returns the seconds from a common start to the end of the last. Negative:
 * the system starts no more threads. */
double hgf_run_team(int threads, void (*body)(void *argument, int index),
                    void *argument);

/* Memory of our own, on huge pages where the system gives them: a limit must
 * not depend on how the kernel's weights are mapped. All zeros is an empty
 * one. */
typedef struct hgf_read_buffer {
  char *data;
  uint64_t byte_count;
} hgf_read_buffer;

/* What reading needs behind the bytes it is asked for: each thread's share is
 * rounded up. */
enum { hgf_read_slack = 1 << 20 };

/* Makes the buffer at least so long and touches every page. False: the system
 * has no room. */
bool hgf_reserve_buffer(hgf_read_buffer *buffer, uint64_t byte_count);
void hgf_free_buffer(hgf_read_buffer *buffer);

/* Bytes per second of plain loads: `threads` threads read their share of
 * `byte_count` bytes front to back, `repeats` times. Negative as
 * hgf_run_team. */
double hgf_measure_read(const char *data, uint64_t byte_count, int threads,
                        int64_t repeats);

/* One assembly loop of multiply-adds on registers. */
typedef struct hgf_dot_loop {
  const char *name; /* the instructions, e.g. "vpdpbusd zmm" */
  int64_t multiply_adds;
  void (*run)(int64_t iterations);
} hgf_dot_loop;

/* The loop that bounds the kernels of an instruction level with int8 or with
 * float activations; for an unknown name, of the level that every processor
 * has. */
const hgf_dot_loop *hgf_find_dot_loop(const char *level, bool is_float);
/* Whether the level has loops of its own. */
bool hgf_has_dot_loop(const char *level);

/* Multiply-adds per second of `threads` threads that each run `loop` for about
 * `seconds`. Negative as hgf_run_team. */
double hgf_measure_dot(const hgf_dot_loop *loop, int threads, double seconds);

#ifdef __cplusplus
}
#endif

#endif
