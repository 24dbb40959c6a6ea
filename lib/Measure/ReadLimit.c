/*===- ReadLimit.c - How fast memory can be read --------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Limits.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

void hgf_free_buffer(hgf_read_buffer *buffer) {
  if (buffer->data)
    munmap(buffer->data, buffer->byte_count);
  *buffer = (hgf_read_buffer){NULL, 0};
}

bool hgf_reserve_buffer(hgf_read_buffer *buffer, uint64_t byte_count) {
  const uint64_t huge_page = (uint64_t)2 << 20;
  byte_count = (byte_count + huge_page - 1) / huge_page * huge_page;
  if (byte_count <= buffer->byte_count)
    return true;
  hgf_free_buffer(buffer);
  void *mapping = mmap(NULL, byte_count, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return false;
  /* A system without huge pages serves small ones. */
  (void)madvise(mapping, byte_count, MADV_HUGEPAGE);
  /* Not zeros: those could all be one page. */
  memset(mapping, 0x55, byte_count);
  *buffer = (hgf_read_buffer){mapping, byte_count};
  return true;
}

/* What one iteration of a read loop loads at most. The rest of a share is not
 * read. */
enum { read_step = 512 };

#if defined(__x86_64__)

/* Eight independent vectors per statement; nothing needs to be done with them,
 * because loads are what binds. */
#define HGF_READ_LOOP(NAME, LOAD, WIDTH, REGISTER, LEAVE)                      \
  static void NAME(const char *begin, const char *end) {                       \
    __asm__ volatile(                                                          \
        "1:\n\t" LOAD " 0*" WIDTH "(%0), %%" REGISTER "0\n\t" LOAD " 1*" WIDTH \
        "(%0), %%" REGISTER "1\n\t" LOAD " 2*" WIDTH "(%0), %%" REGISTER       \
        "2\n\t" LOAD " 3*" WIDTH "(%0), %%" REGISTER "3\n\t" LOAD " 4*" WIDTH  \
        "(%0), %%" REGISTER "4\n\t" LOAD " 5*" WIDTH "(%0), %%" REGISTER       \
        "5\n\t" LOAD " 6*" WIDTH "(%0), %%" REGISTER "6\n\t" LOAD " 7*" WIDTH  \
        "(%0), %%" REGISTER "7\n\t"                                            \
        "add $8*" WIDTH ", %0\n\t"                                             \
        "cmp %1, %0\n\t"                                                       \
        "jb 1b\n\t" LEAVE                                                      \
        : "+r"(begin)                                                          \
        : "r"(end)                                                             \
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",      \
          "xmm6", "xmm7");                                                     \
  }

HGF_READ_LOOP(read_vectors16, "movdqu", "16", "xmm", "")
HGF_READ_LOOP(read_vectors32, "vmovdqu", "32", "ymm", "vzeroupper")
HGF_READ_LOOP(read_vectors64, "vmovdqu64", "64", "zmm", "vzeroupper")

static void read_range(const char *begin, const char *end) {
  if (__builtin_cpu_supports("avx512f"))
    read_vectors64(begin, end);
  else if (__builtin_cpu_supports("avx2"))
    read_vectors32(begin, end);
  else
    read_vectors16(begin, end);
}

#elif defined(__aarch64__)

static void read_range(const char *begin, const char *end) {
  __asm__ volatile("1:\n\t"
                   "ldp q0, q1, [%0]\n\t"
                   "ldp q2, q3, [%0, #32]\n\t"
                   "ldp q4, q5, [%0, #64]\n\t"
                   "ldp q6, q7, [%0, #96]\n\t"
                   "add %0, %0, #128\n\t"
                   "cmp %0, %1\n\t"
                   "b.lo 1b\n\t"
                   : "+r"(begin)
                   : "r"(end)
                   : "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6",
                     "v7");
}

#else
#error "the limits' loops are written for x86-64 and AArch64"
#endif

typedef struct {
  const char *data;
  uint64_t share;
  int64_t repeats;
} read_job;

static void read_share(void *argument, int index) {
  const read_job *job = argument;
  const char *begin = job->data + job->share * (uint64_t)index;
  for (int64_t repeat = 0; repeat < job->repeats; ++repeat)
    read_range(begin, begin + job->share);
}

double hgf_measure_read(const char *data, uint64_t byte_count, int threads,
                        int64_t repeats) {
  uint64_t share = byte_count / (uint64_t)threads;
  share = (share + read_step - 1) / read_step * read_step;
  read_job job = {data, share, repeats};
  double seconds = hgf_run_team(threads, read_share, &job);
  return (double)share * threads * (double)repeats / seconds;
}
