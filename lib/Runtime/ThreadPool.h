/*===- ThreadPool.h - Fork and join for one session ---------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_THREADPOOL_H
#define HGF_LIB_RUNTIME_THREADPOOL_H

#include "ModelDescriptor.h"

#include <stdint.h>

typedef struct hgf_pool hgf_pool;

/* `threads` counts the caller, >= 1. No thread is started yet. NULL: out of
 * memory. */
hgf_pool *hgf_pool_create(int32_t threads);
void hgf_pool_free(hgf_pool *pool);

/* As hgf_rt_parallel_phases. At most one thread calls it at a time; calls from
 * inside a body run on the body's thread. */
void hgf_pool_run(hgf_pool *pool, const hgf_phase *phases, int32_t phase_count,
                  void *argument);

/* Around the runs of a session, its serial parts included: the calling thread
 * needs a CPU, which other pools of this process then leave to it. */
void hgf_pool_enter(hgf_pool *pool);
void hgf_pool_leave(hgf_pool *pool);

/* Threads started so far; for tests. */
int32_t hgf_pool_started(const hgf_pool *pool);

/* The CPUs this process may use. */
int32_t hgf_cpu_count(void);

#endif
