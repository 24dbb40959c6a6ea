/*===- ThreadPool.c - Fork and join for one session -----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* A job is a list of phases, a phase a number of parts. Time is counted in *|
|* turns: each phase is one, and so is the time between jobs. Whoever ends the
*|
|* last part of a turn begins the next, so a job costs one fork, one join, and
*|
|* a barrier between its phases, which are all the same: a new turn. *|
|* *|
|* Nobody waits for a thread, only for parts that a thread has begun: the *|
|* system may be running something else on a worker's CPU, and then others *|
|* take its parts. docs/Rationale/Threads.md tells the story. *|
\*===----------------------------------------------------------------------===*/

#include "ThreadPool.h"
#include "ThreadAccount.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  cache_line = 64,
  /* A waiting thread asks the kernel to wake it after this time: long enough
   * for what a model does on one thread between two jobs, and so short that an
   * idle session is seen to use no CPU. */
  spin_nanoseconds = 300000,
  /* Looks at the turn between two looks at the clock and at other threads. */
  spin_round = 32,
  /* More parts than threads, so that a thread that is late or interrupted
   * delays a fraction of its share. */
  parts_per_thread = 4,
  /* Pieces of work (hgf_phase.grain) that the caller rather does alone than
   * wake a worker for: some 20 microseconds. */
  wake_grains = 12,
  /* The same for starting threads. */
  start_grains = 48,
  /* Other workers whose parts a worker looks at; the caller looks at all. */
  neighbours = 3,
  /* Whom the kernel wakes. */
  wake_caller = 1,
  wake_workers = 2,
};

/* A turn is one number, `parts << 48 | sequence`: no parts between jobs. The
 * lower half is what threads sleep on, and differs from turn to turn. */
typedef uint64_t turn_word;
static const int turn_parts_shift = 48;

/* What is left of a thread's parts is one number too:
 * `sequence << 24 | begin << 12 | end`. If its sequence is older than the turn,
 * nobody took a part yet; if newer, whoever asks comes too late. */
typedef uint64_t share_word;
enum { one_woken = 1 << 16 };
enum { share_bits = 12, share_mask = (1 << share_bits) - 1 };
static const uint64_t sequence_mask = ((uint64_t)1 << 40) - 1;

/* The parts of one thread. It begins at the front, and gets the same ones each
 * time, so that it finds its share of the weights in its cache. Others take
 * from the end. */
typedef struct {
  _Alignas(cache_line) _Atomic share_word word;
} share;

typedef struct {
  hgf_pool *pool;
  int32_t index; /* of its share; the caller's is 0 */
  pthread_t thread;
  /* Others need not wait for it to be late. */
  _Alignas(cache_line) atomic_bool sleeps;
} worker;

struct hgf_pool {
  /* Read by all, and hardly ever written. */
  int32_t threads; /* what parts are computed for */
  int32_t started; /* workers that run, without the caller */
  int32_t cpus;
  worker *workers;
  share *shares;
  atomic_bool stop;

  /* What a turn changes, all in one cache line: it travels from one CPU to
   * another once when a turn begins and once when it ends. */
  _Alignas(cache_line) _Atomic turn_word turn;
  atomic_uint pending; /* parts of the turn not done */
  /* Workers that sleep, plus 2^16 times those that were woken since and have
   * not come yet: nobody wakes them twice. */
  atomic_uint asleep;
  atomic_bool caller_sleeps;
  /* The job. Written by who begins a turn, and read by who took a part in it:
   * before that part ends, no other turn begins. */
  int32_t phases_left; /* after this one */
  const hgf_phase *next_phase;
  hgf_phase phase;
  void *argument;

  /* The caller's own. Bodies of any thread may read `active`, so that a nested
   * call runs in place. */
  _Alignas(cache_line) atomic_bool active;
  uint64_t share_age; /* in 2^38 turns: when all shares were last written */
  int64_t waited; /* nanoseconds of this job, for parts that others had begun */
  int64_t parts_done; /* of this job by the caller */
  hgf_thread_account account;

  /* For who wakes workers: pieces of work since they fell asleep. */
  _Alignas(cache_line) atomic_llong unshared_grains;
};
_Static_assert(offsetof(struct hgf_pool, active) ==
                   offsetof(struct hgf_pool, turn) + cache_line,
               "a turn is one cache line");

/* Threads of all pools in this process that compute or spin, and callers
 * inside a run. With more of them than CPUs, spinning keeps the others from
 * working, and waking one more thread helps nobody. */
static atomic_int busy_threads;

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

int32_t hgf_cpu_count(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
    return CPU_COUNT(&set);
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 && online < INT32_MAX ? (int32_t)online : 1;
}

/*===----------------------------------------------------------------------===*
 * Sleeping and waking
 *===----------------------------------------------------------------------===*/

/* The half of the turn that counts; both targets are little endian. */
static uint32_t *turn_address(hgf_pool *pool) {
  _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
                 "the lower half comes first");
  return (uint32_t *)&pool->turn;
}

/* Returns when the turn is not `seen`, or for no reason. */
static void futex_wait(hgf_pool *pool, turn_word seen, int who) {
  syscall(SYS_futex, turn_address(pool), FUTEX_WAIT_BITSET_PRIVATE,
          (uint32_t)seen, NULL, NULL, who);
}

static void futex_wake(hgf_pool *pool, int count, int who) {
  syscall(SYS_futex, turn_address(pool), FUTEX_WAKE_BITSET_PRIVATE, count, NULL,
          NULL, who);
}

/* Counts one busy thread less, if there are more of them than CPUs. */
static bool yield_place(const hgf_pool *pool) {
  int busy = atomic_load_explicit(&busy_threads, memory_order_relaxed);
  while (busy > pool->cpus)
    if (atomic_compare_exchange_weak(&busy_threads, &busy, busy - 1))
      return true;
  return false;
}

static turn_word spin_shortly(hgf_pool *pool, turn_word seen) {
  for (int i = 0; i < spin_round; ++i) {
    turn_word turn = atomic_load_explicit(&pool->turn, memory_order_acquire);
    if (turn != seen)
      return turn;
    relax();
  }
  return seen;
}

/* Spins for a bounded time. Returns the turn that follows `seen`, or `seen`. A
 * worker that gives up has left busy_threads. */
static turn_word spin(hgf_pool *pool, turn_word seen, bool is_worker) {
  int64_t end = 0;
  for (;;) {
    if (is_worker && yield_place(pool))
      return seen;
    if (!is_worker &&
        atomic_load_explicit(&busy_threads, memory_order_relaxed) > pool->cpus)
      return seen;
    turn_word turn = spin_shortly(pool, seen);
    if (turn != seen)
      return turn;
    int64_t now = hgf_now_nanoseconds();
    if (end == 0)
      end = now + spin_nanoseconds;
    if (now < end)
      continue;
    if (is_worker)
      atomic_fetch_sub(&busy_threads, 1);
    return seen;
  }
}

/* Who begins a turn stores it and then looks who sleeps; who goes to sleep
 * says so, and then the kernel looks at the turn. All four are sequentially
 * consistent, so one side sees the other. */
static turn_word wait_as_worker(worker *self, turn_word seen) {
  hgf_pool *pool = self->pool;
  turn_word turn = spin(pool, seen, /*is_worker=*/true);
  if (turn != seen)
    return turn;
  atomic_store_explicit(&self->sleeps, true, memory_order_relaxed);
  atomic_fetch_add(&pool->asleep, 1);
  while ((turn = atomic_load(&pool->turn)) == seen)
    futex_wait(pool, seen, wake_workers);
  atomic_store_explicit(&self->sleeps, false, memory_order_relaxed);
  /* Who wakes workers counts them as busy; some come by themselves. */
  unsigned asleep = atomic_load(&pool->asleep);
  while (!atomic_compare_exchange_weak(
      &pool->asleep, &asleep, asleep - (asleep < one_woken ? 1 : one_woken)))
    ;
  if (asleep < one_woken)
    atomic_fetch_add(&busy_threads, 1);
  return turn;
}

static turn_word wait_as_caller(hgf_pool *pool, turn_word seen) {
  int64_t begin = hgf_now_nanoseconds();
  turn_word turn = spin(pool, seen, /*is_worker=*/false);
  if (turn == seen) {
    atomic_store(&pool->caller_sleeps, true);
    while ((turn = atomic_load(&pool->turn)) == seen)
      futex_wait(pool, seen, wake_caller);
    atomic_store(&pool->caller_sleeps, false);
  }
  pool->waited += hgf_now_nanoseconds() - begin;
  return turn;
}

/* Wakes up to `most` workers. */
static void wake_up(hgf_pool *pool, unsigned most, unsigned asleep) {
  unsigned count;
  do {
    unsigned sleeping = asleep % one_woken;
    count = sleeping < most ? sleeping : most;
  } while (!atomic_compare_exchange_weak(&pool->asleep, &asleep,
                                         asleep - count + count * one_woken));
  atomic_fetch_add(&busy_threads, (int)count);
  atomic_store_explicit(&pool->unshared_grains, 0, memory_order_relaxed);
  if (count > 0)
    futex_wake(pool, (int)count, wake_workers);
}

static void begin_turn(hgf_pool *pool, uint64_t sequence, uint32_t parts,
                       int64_t grains) {
  sequence &= ((uint64_t)1 << turn_parts_shift) - 1;
  atomic_store(&pool->turn, (uint64_t)parts << turn_parts_shift | sequence);
  if (atomic_load(&pool->caller_sleeps))
    futex_wake(pool, 1, wake_caller);
  unsigned asleep = atomic_load(&pool->asleep);
  if (asleep % one_woken == 0 || parts <= 1)
    return;
  int64_t unshared =
      grains + atomic_fetch_add_explicit(&pool->unshared_grains, grains,
                                         memory_order_relaxed);
  int room = pool->cpus - atomic_load(&busy_threads);
  if (room > 0 && unshared >= wake_grains)
    wake_up(pool, (unsigned)room, asleep);
}

/*===----------------------------------------------------------------------===*
 * Turns
 *===----------------------------------------------------------------------===*/

static int64_t count_grains(const hgf_phase *phase) {
  int64_t grain = phase->grain < 1 ? 1 : phase->grain;
  return phase->count <= 0 ? 0
                           : phase->count / grain + (phase->count % grain != 0);
}

static uint32_t count_parts(const hgf_pool *pool, const hgf_phase *phase) {
  int64_t grains = count_grains(phase);
  int64_t most = (int64_t)pool->threads * parts_per_thread;
  if (most > share_mask)
    most = share_mask;
  return (uint32_t)(grains < most ? grains : most);
}

/* Where piece `index` of `pieces` of [0, count) begins. They differ by one. */
static int64_t split(int64_t count, int64_t pieces, int64_t index) {
  int64_t rest = count % pieces;
  return count / pieces * index + (index < rest ? index : rest);
}

/* Runs a part of the current phase. */
static void run_part(const hgf_pool *pool, uint32_t parts, int32_t index) {
  const hgf_phase *phase = &pool->phase;
  int64_t grain = phase->grain < 1 ? 1 : phase->grain;
  int64_t grains = count_grains(phase);
  int64_t begin = split(grains, parts, index) * grain;
  int64_t last = split(grains, parts, index + 1);
  phase->body(pool->argument, begin,
              last == grains ? phase->count : last * grain);
}

/* Takes a part of thread `owner` in this turn: its number, or -1. */
static int32_t claim(hgf_pool *pool, int32_t owner, turn_word turn,
                     bool first) {
  _Atomic share_word *word = &pool->shares[owner].word;
  share_word seen = atomic_load_explicit(word, memory_order_acquire);
  int64_t parts = (int64_t)(turn >> turn_parts_shift);
  for (;;) {
    int64_t begin, end;
    uint64_t age = (turn - (seen >> 2 * share_bits)) & sequence_mask;
    if (age == 0) {
      begin = seen >> share_bits & share_mask;
      end = seen & share_mask;
    } else if (age <= sequence_mask / 2) {
      begin = split(parts, pool->threads, owner);
      end = split(parts, pool->threads, owner + 1);
    } else {
      return -1;
    }
    if (begin >= end)
      return -1;
    int64_t taken = first ? begin++ : --end;
    share_word rest = (turn & sequence_mask) << 2 * share_bits |
                      (uint64_t)begin << share_bits | (uint64_t)end;
    if (atomic_compare_exchange_weak(word, &seen, rest))
      return (int32_t)taken;
  }
}

/* After the last part of a turn: begins the next one. */
static void end_turn(hgf_pool *pool, turn_word turn) {
  uint32_t parts = 0;
  for (; parts == 0 && pool->phases_left > 0; --pool->phases_left) {
    pool->phase = *pool->next_phase++;
    parts = count_parts(pool, &pool->phase);
  }
  atomic_store_explicit(&pool->pending, parts, memory_order_relaxed);
  begin_turn(pool, turn + 1, parts, count_grains(&pool->phase));
}

/* Takes parts of thread `owner` until all are begun; returns how many. */
static uint32_t do_parts(hgf_pool *pool, int32_t owner, turn_word turn,
                         bool first) {
  uint32_t parts = (uint32_t)(turn >> turn_parts_shift), done = 0;
  for (int32_t part; (part = claim(pool, owner, turn, first)) >= 0; ++done)
    run_part(pool, parts, part);
  return done;
}

/* Takes parts of other threads; returns how many. */
static uint32_t help(hgf_pool *pool, int32_t self, turn_word turn,
                     bool sleeping_only) {
  int32_t visited = pool->threads - 1;
  if (self != 0 && visited > neighbours)
    visited = neighbours;
  uint32_t done = 0;
  for (int32_t owner = self; visited > 0; --visited) {
    owner = owner + 1 == pool->threads ? 0 : owner + 1;
    if (!sleeping_only ||
        (owner > 0 && atomic_load_explicit(&pool->workers[owner - 1].sleeps,
                                           memory_order_relaxed)))
      /* Nobody is expected to take a sleeper's from the front, so they are
       * taken in the order in which memory is read best. */
      done += do_parts(pool, owner, turn, /*first=*/sleeping_only);
  }
  return done;
}

static void finish_parts(hgf_pool *pool, int32_t self, turn_word turn,
                         uint32_t done) {
  if (self == 0)
    pool->parts_done += done;
  if (done > 0 && atomic_fetch_sub(&pool->pending, done) == done)
    end_turn(pool, turn);
}

/* Does parts of this turn, and returns the next one, or this one if there is
 * nothing left to do but wait. */
static turn_word work(hgf_pool *pool, int32_t self, turn_word turn) {
  if (turn >> turn_parts_shift == 0)
    return turn;
  uint32_t done = do_parts(pool, self, turn, /*first=*/true);
  if (atomic_load_explicit(&pool->asleep, memory_order_relaxed) > 0)
    done += help(pool, self, turn, /*sleeping_only=*/true);
  finish_parts(pool, self, turn, done);
  /* A thread that is on time needs no help, and looking at its share would
   * take the cache line from it. */
  for (;;) {
    turn_word next = spin_shortly(pool, turn);
    if (next != turn)
      return next;
    done = help(pool, self, turn, /*sleeping_only=*/false);
    if (done == 0)
      return turn;
    finish_parts(pool, self, turn, done);
  }
}

static void *worker_main(void *opaque) {
  worker *self = opaque;
  hgf_pool *pool = self->pool;
  turn_word turn = wait_as_worker(self, 0);
  while (!atomic_load_explicit(&pool->stop, memory_order_relaxed)) {
    turn_word next = work(pool, self->index, turn);
    turn = next != turn ? next : wait_as_worker(self, turn);
  }
  atomic_fetch_sub(&busy_threads, 1);
  return NULL;
}

/*===----------------------------------------------------------------------===*
 * The pool
 *===----------------------------------------------------------------------===*/

/* Starts the workers. Where the system gives fewer threads than asked for, the
 * session goes on with those it got. */
static void start_workers(hgf_pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  /* Signals are the application's business: keep them on its threads. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int32_t started = 0;
  for (; started < pool->threads - 1; ++started) {
    worker *next = &pool->workers[started];
    *next = (worker){.pool = pool, .index = started + 1};
    atomic_fetch_add(&busy_threads, 1);
    if (pthread_create(&next->thread, NULL, worker_main, next) != 0) {
      atomic_fetch_sub(&busy_threads, 1);
      break;
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pool->started = started;
  pool->threads = started + 1;
}

hgf_pool *hgf_pool_create(int32_t threads) {
  hgf_pool *pool = aligned_alloc(cache_line, sizeof(hgf_pool));
  if (!pool)
    return NULL;
  *pool =
      (hgf_pool){.threads = threads < 1 ? 1 : threads, .cpus = hgf_cpu_count()};
  if (pool->threads == 1)
    return pool;
  size_t count = (size_t)pool->threads;
  pool->workers = aligned_alloc(cache_line, (count - 1) * sizeof(worker));
  pool->shares = aligned_alloc(cache_line, count * sizeof(share));
  if (!pool->workers || !pool->shares) {
    hgf_pool_free(pool);
    return NULL;
  }
  for (size_t i = 0; i < count; ++i)
    atomic_init(&pool->shares[i].word, 0);
  return pool;
}

void hgf_pool_free(hgf_pool *pool) {
  if (!pool)
    return;
  if (pool->started > 0) {
    atomic_store(&pool->stop, true);
    begin_turn(pool, atomic_load(&pool->turn) + 1, 0, 0);
    futex_wake(pool, INT_MAX, wake_workers);
    for (int32_t i = 0; i < pool->started; ++i)
      pthread_join(pool->workers[i].thread, NULL);
  }
  free(pool->workers);
  free(pool->shares);
  free(pool);
}

/* So that no share is ever half of all sequence numbers old. */
static void refresh_shares(hgf_pool *pool, uint64_t sequence) {
  if (pool->share_age == sequence >> 38)
    return;
  pool->share_age = sequence >> 38;
  for (int32_t i = 0; i < pool->threads; ++i)
    atomic_store(&pool->shares[i].word, (sequence & sequence_mask)
                                            << 2 * share_bits);
}

static void run_in_place(const hgf_phase *phases, int32_t phase_count,
                         void *argument) {
  for (int32_t i = 0; i < phase_count; ++i)
    if (phases[i].count > 0)
      phases[i].body(argument, 0, phases[i].count);
}

/* Runs phases of which the first and the last have several parts. */
static void fork_and_join(hgf_pool *pool, const hgf_phase *phases,
                          int32_t phase_count, void *argument) {
  int64_t begin = hgf_now_nanoseconds();
  if (begin < pool->account.alone_until)
    return run_in_place(phases, phase_count, argument);
  pool->waited = pool->parts_done = 0;
  int64_t parts = 0;
  for (int32_t i = 0; i < phase_count; ++i)
    parts += count_parts(pool, &phases[i]);
  turn_word turn = atomic_load_explicit(&pool->turn, memory_order_relaxed);
  refresh_shares(pool, turn);
  pool->argument = argument;
  pool->next_phase = phases;
  pool->phases_left = phase_count;
  atomic_store_explicit(&pool->active, true, memory_order_relaxed);
  end_turn(pool, turn);
  turn = atomic_load_explicit(&pool->turn, memory_order_acquire);
  while (turn >> turn_parts_shift != 0) {
    turn_word next = work(pool, 0, turn);
    turn = next != turn ? next : wait_as_caller(pool, turn);
  }
  atomic_store_explicit(&pool->active, false, memory_order_relaxed);
  if (pool->parts_done > 0)
    hgf_settle(&pool->account, begin, pool->waited, parts, pool->parts_done);
}

/* Counts pieces of work until there were enough of them. */
static bool is_worth_starting(hgf_pool *pool, const hgf_phase *phases,
                              int32_t phase_count) {
  int64_t grains = pool->unshared_grains;
  for (int32_t i = 0; i < phase_count; ++i)
    grains += count_grains(&phases[i]);
  pool->unshared_grains = grains;
  return grains >= start_grains;
}

void hgf_pool_run(hgf_pool *pool, const hgf_phase *phases, int32_t phase_count,
                  void *argument) {
  int32_t first = 0, last = phase_count;
  if (pool->threads > 1 &&
      !atomic_load_explicit(&pool->active, memory_order_relaxed)) {
    /* What one thread does alone needs no other. */
    while (last > first && count_parts(pool, &phases[last - 1]) <= 1)
      --last;
    while (first < last && count_parts(pool, &phases[first]) <= 1)
      ++first;
  } else {
    first = last;
  }
  if (first < last && pool->started == 0 &&
      is_worth_starting(pool, phases + first, last - first))
    start_workers(pool);
  run_in_place(phases, first, argument);
  if (first < last && pool->started > 0)
    fork_and_join(pool, phases + first, last - first, argument);
  else
    run_in_place(phases + first, last - first, argument);
  run_in_place(phases + last, phase_count - last, argument);
}

void hgf_pool_enter(hgf_pool *pool) {
  (void)pool;
  atomic_fetch_add(&busy_threads, 1);
}

void hgf_pool_leave(hgf_pool *pool) {
  (void)pool;
  atomic_fetch_sub(&busy_threads, 1);
}

int32_t hgf_pool_started(const hgf_pool *pool) { return pool->started; }
