/*===- ThreadAccount.h - What the threads of a session save ------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_THREADACCOUNT_H
#define HGF_LIB_RUNTIME_THREADACCOUNT_H

#include <stdint.h>

/* Times are in nanoseconds. All zeros is an account without history. */
typedef struct {
  int64_t alone_until; /* a time; no job asks other threads before */
  int64_t balance;     /* saved time that was put aside */
  int64_t alone_factor;
  long interruptions;
} hgf_thread_account;

/* Of a clock that only goes forward. */
int64_t hgf_now_nanoseconds(void);

/* After a job that began at `begin`. The caller did `parts_done` > 0 of `parts`
 * equal parts, and waited for others for the time `waited`.
 *
 * Where the system runs something else on a worker's CPU, the caller may wait
 * for milliseconds for a part that was begun. So it keeps an account: of what
 * each job saved, by the share that it did itself, little is put aside; from
 * that are paid the jobs that took longer than one thread would have. Where
 * it does not suffice, the caller works alone, much longer than what was lost,
 * and longer each time. */
void hgf_settle(hgf_thread_account *account, int64_t begin, int64_t waited,
                int64_t parts, int64_t parts_done);

#endif
