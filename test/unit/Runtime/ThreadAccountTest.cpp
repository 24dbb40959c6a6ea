//===- ThreadAccountTest.cpp - When a caller works alone ------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "ThreadAccount.h"
}
#include <gtest/gtest.h>

namespace {

constexpr int64_t millisecond = 1000000;

/// A job of 8 parts of which the caller did half, in 100 microseconds.
void settle(hgf_thread_account &account, int64_t waited) {
  int64_t begin = hgf_now_nanoseconds() - 100000 - waited;
  hgf_settle(&account, begin, waited, 8, 4);
}

int64_t getTimeAlone(const hgf_thread_account &account) {
  return account.alone_until - hgf_now_nanoseconds();
}

TEST(ThreadAccount, ForgivesALossThatOtherJobsSaved) {
  hgf_thread_account account = {};
  for (int job = 0; job < 200; ++job)
    settle(account, 0);
  settle(account, millisecond);
  EXPECT_LT(getTimeAlone(account), 0);
}

TEST(ThreadAccount, WorksAloneMuchLongerThanWhatWasLost) {
  hgf_thread_account account = {};
  settle(account, 4 * millisecond);
  int64_t alone = getTimeAlone(account);
  EXPECT_GT(alone, 30 * millisecond);
  EXPECT_LT(alone, 80 * millisecond);
}

TEST(ThreadAccount, WorksAloneLongerEachTimeButBounded) {
  hgf_thread_account account = {};
  settle(account, 4 * millisecond);
  int64_t first = getTimeAlone(account);
  settle(account, 4 * millisecond);
  EXPECT_GT(getTimeAlone(account), first * 3 / 2);
  settle(account, 10000 * millisecond);
  EXPECT_LE(getTimeAlone(account), 1000 * millisecond);
}

TEST(ThreadAccount, ShortWaitsAreNoLoss) {
  hgf_thread_account account = {};
  for (int job = 0; job < 1000; ++job)
    settle(account, 2000);
  EXPECT_EQ(account.alone_until, 0);
}

} // namespace
