//===- PhasesTest.cpp - One after another, with one fork ------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "ThreadPool.h"
}
#include <atomic>
#include <cerrno>
#include <deque>
#include <gtest/gtest.h>
#include <memory>
#include <pthread.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

/// Threads that the system still gives; -1: as many as it can. The linker puts
/// __wrap_pthread_create in the place of the real one in the runtime.
static std::atomic<int> allowedThreads{-1};

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument) {
  if (allowedThreads == 0)
    return EAGAIN;
  if (allowedThreads > 0)
    --allowedThreads;
  return __real_pthread_create(thread, attributes, start, argument);
}
// NOLINTEND(bugprone-reserved-identifier)
}

namespace {

struct PoolDeleter {
  void operator()(hgf_pool *pool) const { hgf_pool_free(pool); }
};
using Pool = std::unique_ptr<hgf_pool, PoolDeleter>;

/// Each phase reads, without atomics, what all parts of the one before wrote.
struct Chain {
  explicit Chain(size_t size) : values(size) {}
  std::vector<int64_t> values;
  std::atomic<int> errors{0};

  template <int phase>
  static void step(void *opaque, int64_t begin, int64_t end) {
    auto *chain = static_cast<Chain *>(opaque);
    auto size = static_cast<int64_t>(chain->values.size()) / 2;
    // Even phases write the first half from the second, odd ones the other way.
    int64_t *from = chain->values.data() + (phase % 2 ? 0 : size);
    int64_t *to = chain->values.data() + (phase % 2 ? size : 0);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t other : {int64_t(0), size - 1 - i, size - 1})
        if (from[other] != chain->base + phase)
          ++chain->errors;
      to[i] = chain->base + phase + 1;
    }
  }
  int64_t base = 0;
};

class Phases : public testing::TestWithParam<int32_t> {};

TEST_P(Phases, EachSeesAllOfTheOneBefore) {
  Pool pool(hgf_pool_create(GetParam()));
  for (int64_t size : {1, 2, 7, 64, 257}) {
    Chain chain(static_cast<size_t>(2 * size));
    hgf_phase phases[] = {{Chain::step<0>, size, 1},
                          {Chain::step<1>, size, 3},
                          {Chain::step<2>, size, size},
                          {Chain::step<3>, size, 2}};
    for (int round = 0; round < 300; ++round, chain.base += 4) {
      if (round % 100 == 0)
        usleep(2000); // Workers fall asleep.
      hgf_pool_run(pool.get(), phases, 4, &chain);
      ASSERT_EQ(chain.errors, 0) << "size " << size << " round " << round;
    }
  }
}

struct Counts {
  std::vector<std::vector<std::atomic<int>>> phases;
  template <int phase>
  static void count(void *opaque, int64_t begin, int64_t end) {
    auto *counts = static_cast<Counts *>(opaque);
    for (int64_t i = begin; i < end; ++i)
      ++counts->phases[phase][static_cast<size_t>(i)];
  }
};

TEST_P(Phases, EveryIndexOnceAndEmptyPhasesNever) {
  Pool pool(hgf_pool_create(GetParam()));
  for (int64_t first : {0, 1, 5, 100})
    for (int64_t second : {0, 1, 33})
      for (int64_t third : {0, 1, 2, 1000}) {
        Counts counts;
        for (int64_t size : {first, second, third})
          counts.phases.emplace_back(static_cast<size_t>(size));
        hgf_phase phases[] = {{Counts::count<0>, first, 1},
                              {Counts::count<1>, second, 2},
                              {Counts::count<2>, third, 0}};
        hgf_pool_run(pool.get(), phases, 3, &counts);
        for (auto &phase : counts.phases)
          for (auto &times : phase)
            ASSERT_EQ(times, 1);
      }
  hgf_pool_run(pool.get(), nullptr, 0, nullptr);
}

// More threads than there are CPUs in any case.
INSTANTIATE_TEST_SUITE_P(Threads, Phases, testing::Values(1, 2, 3, 4, 16, 65));

TEST(PhasesTest, OnePartRunsOnTheCallerAtBothEnds) {
  Pool pool(hgf_pool_create(4));
  struct Places {
    std::thread::id first, last;
    std::atomic<int64_t> sum{0};
  } places;
  hgf_phase phases[] = {{[](void *opaque, int64_t, int64_t) {
                           static_cast<Places *>(opaque)->first =
                               std::this_thread::get_id();
                         },
                         1, 1},
                        {[](void *opaque, int64_t begin, int64_t end) {
                           static_cast<Places *>(opaque)->sum += end - begin;
                         },
                         100, 1},
                        {[](void *opaque, int64_t, int64_t) {
                           static_cast<Places *>(opaque)->last =
                               std::this_thread::get_id();
                         },
                         7, 8}};
  for (int round = 0; round < 100; ++round) {
    hgf_pool_run(pool.get(), phases, 3, &places);
    ASSERT_EQ(places.first, std::this_thread::get_id());
    ASSERT_EQ(places.last, std::this_thread::get_id());
  }
  EXPECT_EQ(places.sum, 100 * 100);
}

TEST(PhasesTest, NestedPhasesRunInPlace) {
  struct Outer {
    Pool pool{hgf_pool_create(3)};
    std::deque<Chain> chains;
  } outer;
  for (int i = 0; i < 12; ++i)
    outer.chains.emplace_back(size_t(32));
  hgf_phase phase = {[](void *opaque, int64_t begin, int64_t end) {
                       auto *outer = static_cast<Outer *>(opaque);
                       hgf_phase inner[] = {{Chain::step<0>, 16, 1},
                                            {Chain::step<1>, 16, 1}};
                       for (int64_t i = begin; i < end; ++i)
                         hgf_pool_run(outer->pool.get(), inner, 2,
                                      &outer->chains[static_cast<size_t>(i)]);
                     },
                     12, 1};
  hgf_pool_run(outer.pool.get(), &phase, 1, &outer);
  for (Chain &chain : outer.chains) {
    EXPECT_EQ(chain.errors, 0);
    EXPECT_EQ(chain.values[31], 2);
  }
}

TEST(PhasesTest, GoesOnWithTheThreadsThereAre) {
  for (int allowed : {0, 1, 2}) {
    allowedThreads = allowed;
    Pool pool(hgf_pool_create(4));
    Chain chain(200);
    hgf_phase phases[] = {{Chain::step<0>, 100, 1}, {Chain::step<1>, 100, 1}};
    for (; chain.base < 20; chain.base += 2)
      hgf_pool_run(pool.get(), phases, 2, &chain);
    EXPECT_EQ(hgf_pool_started(pool.get()), allowed);
    EXPECT_EQ(chain.errors, 0);
  }
  allowedThreads = -1;
}

// Sessions of one process, each with as many threads as there are CPUs or more.
TEST(PhasesTest, ManyPoolsAtOnce) {
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user)
    users.emplace_back([user] {
      Pool pool(hgf_pool_create(2 + user));
      Chain chain(200);
      hgf_phase phases[] = {{Chain::step<0>, 100, 1},
                            {Chain::step<1>, 100, 1},
                            {Chain::step<2>, 100, 7},
                            {Chain::step<3>, 100, 1}};
      for (int round = 0; round < 500; ++round, chain.base += 4) {
        hgf_pool_enter(pool.get());
        hgf_pool_run(pool.get(), phases, 4, &chain);
        hgf_pool_leave(pool.get());
        if (round % 100 == 50)
          usleep(1000);
      }
      EXPECT_EQ(chain.errors, 0);
    });
  for (std::thread &user : users)
    user.join();
}

// Pools that are made, used once, and freed while their workers come and go.
TEST(PhasesTest, ShortLives) {
  for (int round = 0; round < 200; ++round) {
    Pool pool(hgf_pool_create(1 + round % 5));
    Chain chain(64);
    hgf_phase phases[] = {{Chain::step<0>, 32, 1}, {Chain::step<1>, 32, 1}};
    hgf_pool_run(pool.get(), phases, 2, &chain);
    ASSERT_EQ(chain.errors, 0);
  }
}

double processorMicroseconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

TEST(PhasesTest, IdlePoolsSleepAfterAMillisecond) {
  std::vector<Pool> pools;
  for (int i = 0; i < 3; ++i)
    pools.emplace_back(hgf_pool_create(3));
  Chain chain(200);
  hgf_phase phases[] = {{Chain::step<0>, 100, 1}, {Chain::step<1>, 100, 1}};
  for (int round = 0; round < 20; ++round)
    for (Pool &pool : pools) {
      hgf_pool_run(pool.get(), phases, 2, &chain);
      chain.base += 2;
    }
  usleep(20000); // Machines that are busy schedule the last spin late.
  double before = processorMicroseconds();
  usleep(200000);
  EXPECT_LT(processorMicroseconds() - before, 5000);
}

} // namespace
