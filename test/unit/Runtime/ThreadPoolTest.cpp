//===- ThreadPoolTest.cpp - Every index once, on every thread -------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "ThreadPool.h"
}
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <set>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct PoolDeleter {
  void operator()(hgf_pool *pool) const { hgf_pool_free(pool); }
};
using Pool = std::unique_ptr<hgf_pool, PoolDeleter>;

/// A job of one phase.
void run(const Pool &pool, void (*body)(void *, int64_t, int64_t),
         void *argument, int64_t count, int64_t grain) {
  hgf_phase phase = {body, count, grain};
  hgf_pool_run(pool.get(), &phase, 1, argument);
}

struct Coverage {
  std::vector<int> counts;
  std::mutex mutex;
  std::set<std::pair<int64_t, int64_t>> ranges;
};

void cover(void *opaque, int64_t begin, int64_t end) {
  auto *coverage = static_cast<Coverage *>(opaque);
  for (int64_t i = begin; i < end; ++i)
    ++coverage->counts[static_cast<size_t>(i)];
  std::lock_guard<std::mutex> lock(coverage->mutex);
  coverage->ranges.insert({begin, end});
}

TEST(ThreadPool, CoversEveryIndexOnceInRangesOfWholeGrains) {
  for (int32_t threads : {1, 2, 3, 8}) {
    Pool pool(hgf_pool_create(threads));
    for (int64_t count : {0, 1, 2, 7, 64, 1000, 1001})
      for (int64_t grain : {1, 3, 16, 2000}) {
        Coverage coverage;
        coverage.counts.resize(static_cast<size_t>(count));
        run(pool, cover, &coverage, count, grain);
        for (int times : coverage.counts)
          ASSERT_EQ(times, 1);
        if (threads == 1)
          ASSERT_LE(coverage.ranges.size(), 1U);
        for (auto [begin, end] : coverage.ranges) {
          ASSERT_EQ(begin % grain, 0);
          ASSERT_TRUE(end % grain == 0 || end == count);
        }
      }
  }
}

TEST(ThreadPool, RangesAreTheSameEveryTime) {
  Coverage first, second;
  for (Coverage *coverage : {&first, &second}) {
    Pool pool(hgf_pool_create(3));
    coverage->counts.resize(100);
    run(pool, cover, coverage, 100, 7);
  }
  EXPECT_EQ(first.ranges, second.ranges);
}

TEST(ThreadPool, OneThreadStartsNone) {
  Pool pool(hgf_pool_create(1));
  Coverage coverage;
  coverage.counts.resize(1000);
  run(pool, cover, &coverage, 1000, 1);
  EXPECT_EQ(hgf_pool_started(pool.get()), 0);
}

TEST(ThreadPool, ThreadsStartWithTheFirstLargeJob) {
  Pool pool(hgf_pool_create(4));
  Coverage coverage;
  coverage.counts.resize(100);
  run(pool, cover, &coverage, 100, 100);
  EXPECT_EQ(hgf_pool_started(pool.get()), 0);
  run(pool, cover, &coverage, 100, 1);
  EXPECT_EQ(hgf_pool_started(pool.get()), 3);
}

struct Nested {
  Pool pool;
  std::vector<int> counts;
};

TEST(ThreadPool, NestedCallsRunInPlace) {
  Nested nested{Pool(hgf_pool_create(3)), std::vector<int>(64)};
  run(
      nested.pool,
      [](void *opaque, int64_t begin, int64_t end) {
        struct Inner {
          Nested *nested;
          int64_t begin;
        } inner{static_cast<Nested *>(opaque), begin};
        run(
            inner.nested->pool,
            [](void *opaque, int64_t from, int64_t to) {
              auto *inner = static_cast<Inner *>(opaque);
              for (int64_t i = from; i < to; ++i)
                ++inner->nested->counts[static_cast<size_t>(inner->begin + i)];
            },
            &inner, end - begin, 1);
      },
      &nested, 64, 1);
  EXPECT_EQ(nested.counts, std::vector<int>(64, 1));
}

// Jobs that follow at once, and jobs after the workers fell asleep.
TEST(ThreadPool, ManyJobsWithAndWithoutSleep) {
  Pool pool(hgf_pool_create(4));
  std::vector<int64_t> sums(64);
  for (int round = 0; round < 3000; ++round) {
    if (round % 500 == 0)
      usleep(20000);
    run(
        pool,
        [](void *opaque, int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            (*static_cast<std::vector<int64_t> *>(
                opaque))[static_cast<size_t>(i)] += i;
        },
        &sums, 64, 1);
  }
  for (size_t i = 0; i < sums.size(); ++i)
    ASSERT_EQ(sums[i], static_cast<int64_t>(3000 * i));
}

// Jobs of changing width: stale workers must not touch a later job.
TEST(ThreadPool, JobsOfDifferentWidths) {
  Pool pool(hgf_pool_create(5));
  int64_t total = 0;
  for (int64_t round = 0; round < 5000; ++round) {
    int64_t count = round % 7 + 1;
    std::vector<int64_t> values(static_cast<size_t>(count));
    run(
        pool,
        [](void *opaque, int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i)
            (*static_cast<std::vector<int64_t> *>(
                opaque))[static_cast<size_t>(i)] += 1;
        },
        &values, count, round % 3 + 1);
    for (int64_t value : values)
      total += value == 1;
    total -= count;
  }
  EXPECT_EQ(total, 0);
}

TEST(ThreadPool, IdleUsesNoProcessorTime) {
  Pool pool(hgf_pool_create(2));
  Coverage coverage;
  coverage.counts.resize(100);
  run(pool, cover, &coverage, 100, 1);
  usleep(50000); // The bounded spin ends.
  auto processorTime = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  };
  double before = processorTime();
  usleep(200000);
  EXPECT_LT(processorTime() - before, 20000);
}

TEST(ThreadPool, PoolsOnSeveralThreadsAreIndependent) {
  std::vector<std::thread> users;
  for (int user = 0; user < 3; ++user)
    users.emplace_back([] {
      Pool pool(hgf_pool_create(2));
      for (int round = 0; round < 200; ++round) {
        Coverage coverage;
        coverage.counts.resize(50);
        run(pool, cover, &coverage, 50, 1);
        for (int times : coverage.counts)
          ASSERT_EQ(times, 1);
      }
    });
  for (std::thread &user : users)
    user.join();
}

} // namespace
