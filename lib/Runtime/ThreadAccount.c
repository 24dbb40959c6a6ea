/*===- ThreadAccount.c - What the threads of a session save -------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "ThreadAccount.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <time.h>

int64_t hgf_now_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Whether the system took the CPU from this thread since it last asked. */
static bool was_interrupted(hgf_thread_account *account) {
  struct rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) != 0)
    return false;
  bool interrupted = usage.ru_nivcsw != account->interruptions;
  account->interruptions = usage.ru_nivcsw;
  return interrupted;
}

void hgf_settle(hgf_thread_account *account, int64_t begin, int64_t waited,
                int64_t parts, int64_t parts_done) {
  enum {
    most = 2000000,
    slack = 20000,
    suspicious = 500000,
    saved_share = 4,
    first_factor = 16,
    last_factor = 128,
    longest = 1000000000
  };
  int64_t end = hgf_now_nanoseconds();
  int64_t worked = end - begin - waited;
  /* One thread would have taken this much longer. */
  int64_t saved = worked * (parts - parts_done) / parts_done;
  if (worked > suspicious && was_interrupted(account))
    saved = 0;
  saved -= waited;
  account->balance += saved > 0 ? saved / saved_share : saved;
  if (account->balance > most) {
    account->balance = most;
    account->alone_factor = first_factor;
  }
  if (account->balance >= -slack)
    return;
  if (account->alone_factor < first_factor)
    account->alone_factor = first_factor;
  int64_t alone = -account->balance * account->alone_factor;
  account->alone_until = end + (alone < longest ? alone : longest);
  if (account->alone_factor < last_factor)
    account->alone_factor *= 2;
  account->balance = 0;
}
