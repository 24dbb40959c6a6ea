/*===- Rounds.h - Rounds of limits and kernels --------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_ROUNDS_H
#define HGF_LIB_MEASURE_ROUNDS_H

#include "Limits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Median, extremes and spread of some numbers. */
typedef struct hgf_statistics {
  double median, least, most;
  double spread; /* the distance of the quartiles over the median */
} hgf_statistics;

/* Sorts `values`. All zeros for none. */
hgf_statistics hgf_compute_statistics(double *values, int count);

/* A kernel: one call of it, false after an error. */
typedef struct hgf_kernel {
  bool (*run)(void *argument);
  void *argument;
} hgf_kernel;

/* What is to be measured in rounds: limits, then the kernel. */
typedef struct hgf_task {
  hgf_kernel kernel;
  hgf_kernel beside; /* to compare with in every round; run may be NULL */
  /* Bytes that one call reads, and its multiply-adds. */
  double byte_count;
  double multiply_adds;
  int threads;
  const hgf_dot_loop *loop;
  const char *memory; /* byte_count and hgf_read_slack bytes */
  double seconds;     /* that all rounds should take */
} hgf_task;

/* What the rounds gave. Rates are medians of the rounds. */
typedef struct hgf_measurement {
  hgf_statistics seconds; /* of one call of the kernel */
  /* Bytes per second of plain reading, multiply-adds per second of the loop. */
  double read_rate, dot_rate;
  /* Time that the limit asks for over the time it took, each the median of the
   * rounds' ratios. */
  double read_ratio, dot_ratio;
  /* Time of a call over that of a call of the other kernel. */
  double beside_ratio;
  int rounds;
  /* Why the numbers must not be believed; empty: they may. */
  char doubt[320];
} hgf_measurement;

bool hgf_is_read_bound(const hgf_measurement *measurement);
double hgf_limit_ratio(const hgf_measurement *measurement);

typedef enum {
  hgf_measured,
  hgf_kernel_failed,
  hgf_threads_missing /* the system starts no more */
} hgf_outcome;

/* Runs the rounds. A doubt that `result` has already is kept. */
hgf_outcome hgf_measure(const hgf_task *task, hgf_measurement *result);

/* Seconds that the runtime's pool takes to start and join `threads` threads
 * with nothing to do, in rounds. All zeros: out of memory. */
hgf_statistics hgf_measure_fork_join(int threads);

#ifdef __cplusplus
}
#endif

#endif
