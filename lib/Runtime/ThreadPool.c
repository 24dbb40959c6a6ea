/*===- ThreadPool.c - Fork and join for one session -----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "ThreadPool.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Iterations before a waiting thread asks the kernel to wake it: about what a
 * fork and a join through the kernel would cost, so waiting in the kernel never
 * loses more than a factor of two, and an idle session uses no CPU. */
enum { spin_limit = 20000, cache_line = 64 };

/* A thread of the pool. Part `index` of every job is its own, so that it finds
 * its share of the weights in its cache; but a caller that has nothing else to
 * do takes parts whose thread has not come yet, because the system may be
 * running something else on its CPU. */
typedef struct {
  _Alignas(cache_line) atomic_uint claimed; /* last job whose part is taken */
  hgf_pool *pool;
  int32_t index;
  pthread_t thread;
} worker;

struct hgf_pool {
  int32_t threads; /* what ranges are computed for */
  int32_t started; /* workers that run, without the caller */
  int32_t spins;
  worker *workers;

  /* The job: written by the caller before `generation` grows, and read by those
   * who claimed a part of it. Every worker's part is claimed, even if it is
   * empty, before the caller leaves the job: so nobody reads it later. */
  hgf_pool_body body;
  void *argument;
  int64_t count;
  int64_t grain;
  int32_t parts;
  atomic_bool stop;
  /* Read by bodies on every thread, so that a nested call runs in place. */
  atomic_bool active;

  _Alignas(cache_line) atomic_uint generation; /* number of jobs so far */
  atomic_int sleeping_workers;
  _Alignas(cache_line) atomic_uint pending; /* workers' parts not done */
  atomic_bool caller_sleeps;
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

static void futex_wait(atomic_uint *word, unsigned expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

int32_t hgf_cpu_count(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < INT32_MAX ? (int32_t)online : 1;
}

/* Runs part `index` of the current job. Parts differ by one grain at most. */
static void run_part(const hgf_pool *pool, int32_t index) {
  if (index >= pool->parts)
    return;
  int64_t grains = pool->count / pool->grain + (pool->count % pool->grain != 0);
  int64_t each = grains / pool->parts, rest = grains % pool->parts;
  int64_t first = each * index + (index < rest ? index : rest);
  int64_t last = first + each + (index < rest);
  int64_t begin = first * pool->grain;
  int64_t end = last == grains ? pool->count : last * pool->grain;
  pool->body(pool->argument, begin, end);
}

/* Returns when generation differs from `seen`. */
static unsigned wait_for_job(hgf_pool *pool, unsigned seen) {
  for (int32_t i = 0; i < pool->spins; ++i) {
    unsigned now =
        atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (now != seen)
      return now;
    relax();
  }
  /* The caller adds to generation, then looks at sleeping_workers; we add to
   * sleeping_workers, then the kernel looks at generation. All four are
   * sequentially consistent, so one side sees the other. */
  atomic_fetch_add(&pool->sleeping_workers, 1);
  unsigned now;
  while ((now = atomic_load(&pool->generation)) == seen)
    futex_wait(&pool->generation, seen);
  atomic_fetch_sub(&pool->sleeping_workers, 1);
  return now;
}

/* Takes the worker's part of job `generation`, unless somebody did. */
static bool claim(worker *owner, unsigned generation) {
  unsigned before = generation - 1;
  return atomic_compare_exchange_strong(&owner->claimed, &before, generation);
}

static void *worker_main(void *opaque) {
  worker *self = opaque;
  hgf_pool *pool = self->pool;
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_job(pool, seen);
    if (atomic_load(&pool->stop))
      return NULL;
    if (!claim(self, seen))
      continue;
    run_part(pool, self->index);
    if (atomic_fetch_sub(&pool->pending, 1) == 1 &&
        atomic_load(&pool->caller_sleeps))
      futex_wake(&pool->pending, 1);
  }
}

/* On the caller: the parts that no worker has begun. */
static void run_unclaimed_parts(hgf_pool *pool) {
  unsigned generation =
      atomic_load_explicit(&pool->generation, memory_order_relaxed);
  for (int32_t i = 0; i < pool->started; ++i)
    if (claim(&pool->workers[i], generation)) {
      run_part(pool, pool->workers[i].index);
      atomic_fetch_sub(&pool->pending, 1);
    }
}

static void wait_for_workers(hgf_pool *pool) {
  for (int32_t i = 0; i < pool->spins; ++i) {
    if (atomic_load_explicit(&pool->pending, memory_order_acquire) == 0)
      return;
    relax();
  }
  /* As in wait_for_job, with the roles exchanged. */
  atomic_store(&pool->caller_sleeps, true);
  unsigned pending;
  while ((pending = atomic_load(&pool->pending)) != 0)
    futex_wait(&pool->pending, pending);
  atomic_store(&pool->caller_sleeps, false);
}

static void post_job(hgf_pool *pool) {
  atomic_store_explicit(&pool->pending, (unsigned)pool->started,
                        memory_order_relaxed);
  atomic_fetch_add(&pool->generation, 1);
  if (atomic_load(&pool->sleeping_workers) > 0)
    futex_wake(&pool->generation, INT_MAX);
}

/* Starts the workers. Where the system gives fewer threads than asked for, the
 * session goes on with those it got. */
static void start_workers(hgf_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  /* Signals are the application's business: keep them on its threads. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool->started < pool->threads - 1) {
    worker *next = &pool->workers[pool->started];
    *next = (worker){.pool = pool, .index = pool->started + 1};
    if (pthread_create(&next->thread, NULL, worker_main, next) != 0)
      break;
    ++pool->started;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pool->threads = pool->started + 1;
}

hgf_pool *hgf_pool_create(int32_t threads) {
  hgf_pool *pool = aligned_alloc(cache_line, sizeof(hgf_pool));
  if (!pool)
    return NULL;
  *pool = (hgf_pool){.threads = threads < 1 ? 1 : threads};
  /* With fewer CPUs than threads, spinning keeps the others from working. */
  pool->spins = pool->threads <= hgf_cpu_count() ? spin_limit : 0;
  if (pool->threads == 1)
    return pool;
  pool->workers =
      aligned_alloc(cache_line, ((size_t)pool->threads - 1) * sizeof(worker));
  if (!pool->workers) {
    free(pool);
    return NULL;
  }
  return pool;
}

void hgf_pool_free(hgf_pool *pool) {
  if (!pool)
    return;
  if (pool->started > 0) {
    atomic_store(&pool->stop, true);
    post_job(pool);
    for (int32_t i = 0; i < pool->started; ++i)
      pthread_join(pool->workers[i].thread, NULL);
  }
  free(pool->workers);
  free(pool);
}

void hgf_pool_run(hgf_pool *pool, hgf_pool_body body, void *argument,
                  int64_t count, int64_t grain) {
  if (count <= 0)
    return;
  if (grain < 1)
    grain = 1;
  if (pool->threads == 1 || count <= grain ||
      atomic_load_explicit(&pool->active, memory_order_relaxed)) {
    body(argument, 0, count);
    return;
  }
  if (pool->started == 0)
    start_workers(pool);
  int64_t grains = count / grain + (count % grain != 0);
  pool->body = body;
  pool->argument = argument;
  pool->count = count;
  pool->grain = grain;
  pool->parts = grains < pool->threads ? (int32_t)grains : pool->threads;
  atomic_store_explicit(&pool->active, true, memory_order_relaxed);
  if (pool->started > 0)
    post_job(pool);
  run_part(pool, 0);
  if (pool->started > 0) {
    run_unclaimed_parts(pool);
    wait_for_workers(pool);
  }
  atomic_store_explicit(&pool->active, false, memory_order_relaxed);
}

int32_t hgf_pool_started(const hgf_pool *pool) { return pool->started; }
