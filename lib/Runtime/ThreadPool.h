/*===- ThreadPool.h - Fork and join for one session ---------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_THREADPOOL_H
#define HGF_LIB_RUNTIME_THREADPOOL_H

#include <stdint.h>

typedef struct hgf_pool hgf_pool;

/* Part of [0, count) to work on. */
typedef void (*hgf_pool_body)(void *argument, int64_t begin, int64_t end);

/* `threads` counts the caller, >= 1. No thread is started yet. NULL: out of
 * memory. */
hgf_pool *hgf_pool_create(int32_t threads);
void hgf_pool_free(hgf_pool *pool);

/* As hgf_rt_parallel. At most one thread calls it at a time; calls from inside
 * a body run on the body's thread. */
void hgf_pool_run(hgf_pool *pool, hgf_pool_body body, void *argument,
                  int64_t count, int64_t grain);

/* Threads started so far; for tests. */
int32_t hgf_pool_started(const hgf_pool *pool);

/* The CPUs this process may use. */
int32_t hgf_cpu_count(void);

#endif
