/*===- Rounds.c - Rounds of limits and kernels ----------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Rounds.h"

#include "Machine.h"
#include "ThreadPool.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* A sample shorter than this says more about the clock than about the
 * kernel. */
static const double sample_seconds = 0.012;
enum { least_rounds = 5, most_rounds = 40 };
/* Quartiles farther apart than this share of the median: the machine was busy
 * with something else. */
static const double spread_limit = 0.15;
/* More CPUs than this in use by others: the limits are theirs, too. */
static const double foreign_limit = 0.25;

static int compare(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Of sorted values; between two where no value stands there. */
static double find_quantile(const double *values, int count, double share) {
  double position = share * (count - 1);
  int below = (int)position;
  int above = below + 1 < count ? below + 1 : below;
  return values[below] + (position - below) * (values[above] - values[below]);
}

hgf_statistics hgf_compute_statistics(double *values, int count) {
  hgf_statistics result = {0, 0, 0, 0};
  if (count == 0)
    return result;
  qsort(values, (size_t)count, sizeof *values, compare);
  result.median = find_quantile(values, count, 0.5);
  result.least = values[0];
  result.most = values[count - 1];
  result.spread = (find_quantile(values, count, 0.75) -
                   find_quantile(values, count, 0.25)) /
                  result.median;
  return result;
}

bool hgf_is_read_bound(const hgf_measurement *measurement) {
  return measurement->read_ratio >= measurement->dot_ratio;
}

double hgf_limit_ratio(const hgf_measurement *measurement) {
  return hgf_is_read_bound(measurement) ? measurement->read_ratio
                                        : measurement->dot_ratio;
}

/* Calls of one kernel that make a sample together. */
typedef struct {
  hgf_kernel kernel;
  int64_t calls;
} sampler;

static bool run(const sampler *self) {
  return self->kernel.run(self->kernel.argument);
}

/* How often what takes `once` fits a sample, rounded up. */
static int64_t count_repeats(double once) {
  double repeats = ceil(sample_seconds / once);
  return repeats > 1 ? (int64_t)repeats : 1;
}

/* The first call faults pages in and starts threads; the second says how long
 * a call takes. */
static bool prepare(sampler *self) {
  if (!self->kernel.run)
    return true;
  if (!run(self))
    return false;
  double start = hgf_read_clock();
  if (!run(self))
    return false;
  self->calls = count_repeats(hgf_read_clock() - start);
  return true;
}

/* Seconds of a call. */
static bool sample(const sampler *self, double *seconds) {
  /* Brings the kernel's bytes back to where they were. */
  if (self->calls > 1 && !run(self))
    return false;
  double start = hgf_read_clock();
  for (int64_t call = 0; call < self->calls; ++call)
    if (!run(self))
      return false;
  *seconds = (hgf_read_clock() - start) / (double)self->calls;
  return true;
}

static void doubt_spread(hgf_measurement *result, const char *what,
                         const hgf_statistics *statistics) {
  if (statistics->spread > spread_limit && !result->doubt[0])
    snprintf(result->doubt, sizeof result->doubt,
             "%s of %d rounds disagree: their quartiles are %.2f%% apart, more "
             "than %.2f%%; measure again on a quiet machine",
             what, result->rounds, 100 * statistics->spread,
             100 * spread_limit);
}

hgf_outcome hgf_measure(const hgf_task *task, hgf_measurement *result) {
  sampler kernel = {task->kernel, 1}, beside = {task->beside, 1};
  if (!prepare(&kernel) || !prepare(&beside))
    return hgf_kernel_failed;
  uint64_t byte_count = (uint64_t)task->byte_count;
  double read_once =
      task->byte_count /
      hgf_measure_read(task->memory, byte_count, task->threads, 1);
  if (read_once < 0)
    return hgf_threads_missing;
  int64_t reads = count_repeats(read_once);

  double seconds[most_rounds], read_rates[most_rounds], dot_rates[most_rounds],
      read_ratios[most_rounds], dot_ratios[most_rounds],
      beside_ratios[most_rounds];
  double foreign = hgf_read_foreign_seconds();
  double start = hgf_read_clock();
  int rounds = 0;
  while (rounds < least_rounds ||
         (rounds < most_rounds && hgf_read_clock() - start < task->seconds)) {
    double read_rate =
        hgf_measure_read(task->memory, byte_count, task->threads, reads);
    double dot_rate =
        hgf_measure_dot(task->loop, task->threads, sample_seconds / 2);
    if (read_rate < 0 || dot_rate < 0)
      return hgf_threads_missing;
    double taken, taken_beside = 1;
    if (!sample(&kernel, &taken) ||
        (beside.kernel.run && !sample(&beside, &taken_beside)))
      return hgf_kernel_failed;
    seconds[rounds] = taken;
    read_rates[rounds] = read_rate;
    dot_rates[rounds] = dot_rate;
    read_ratios[rounds] = task->byte_count / read_rate / taken;
    dot_ratios[rounds] = task->multiply_adds / dot_rate / taken;
    beside_ratios[rounds] = taken / taken_beside;
    ++rounds;
  }
  /* Ticks are long: a round or two say nothing. */
  double passed = hgf_read_clock() - start;
  double share = foreign < 0 ? 0
                             : (hgf_read_foreign_seconds() - foreign) /
                                   (passed > 0.1 ? passed : 0.1);
  result->rounds = rounds;
  if (beside.kernel.run)
    result->beside_ratio = hgf_compute_statistics(beside_ratios, rounds).median;
  result->seconds = hgf_compute_statistics(seconds, rounds);
  hgf_statistics read = hgf_compute_statistics(read_rates, rounds);
  hgf_statistics dot = hgf_compute_statistics(dot_rates, rounds);
  result->read_rate = read.median;
  result->dot_rate = dot.median;
  result->read_ratio = hgf_compute_statistics(read_ratios, rounds).median;
  result->dot_ratio = hgf_compute_statistics(dot_ratios, rounds).median;

  doubt_spread(result, "the kernel's times", &result->seconds);
  doubt_spread(result, "the limit's rates",
               hgf_is_read_bound(result) ? &read : &dot);
  if (share > foreign_limit && !result->doubt[0])
    snprintf(result->doubt, sizeof result->doubt,
             "other programs used %.1f CPUs meanwhile; measure again on a "
             "quiet machine",
             share);
  return hgf_measured;
}

/*===----------------------------------------------------------------------===*
 * Fork and join
 *===----------------------------------------------------------------------===*/

/* Where the pieces of one job meet: a pool may otherwise let the caller do all
 * before the others have woken up. */
typedef struct {
  _Atomic int64_t arrived;
  int64_t expected;
} meeting;

/* One piece of a job that does nothing but wait for the other pieces, and not
 * for long: one thread may have got two. */
static void meet(void *argument, int64_t begin, int64_t end) {
  (void)begin;
  (void)end;
  meeting *own = argument;
  atomic_fetch_add(&own->arrived, 1);
  const int patience = 20000;
  for (int turn = 0; turn < patience; ++turn)
    if (atomic_load_explicit(&own->arrived, memory_order_relaxed) >=
        own->expected)
      return;
}

hgf_statistics hgf_measure_fork_join(int threads) {
  const int calls = 1000;
  double seconds[most_rounds];
  hgf_pool *pool = hgf_pool_create(threads);
  if (!pool)
    return hgf_compute_statistics(NULL, 0);
  meeting own = {0, 0};
  hgf_phase phase = {meet, threads, 1};
  hgf_pool_enter(pool);
  /* The first call starts the threads. */
  hgf_pool_run(pool, &phase, 1, &own);
  atomic_store(&own.arrived, 0);
  for (int round = 0; round < most_rounds; ++round) {
    double start = hgf_read_clock();
    for (int call = 0; call < calls; ++call) {
      own.expected = atomic_load(&own.arrived) + threads;
      hgf_pool_run(pool, &phase, 1, &own);
    }
    seconds[round] = (hgf_read_clock() - start) / calls;
  }
  hgf_pool_leave(pool);
  hgf_pool_free(pool);
  return hgf_compute_statistics(seconds, most_rounds);
}
