/*===- GpuKernels.c - PTX of the models that are written by hand ----===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuKernels.h"

#define PTX_HEAD(chip) ".version 7.0\n.target sm_" #chip "\n.address_size 64\n"

/* %i is the thread's number, %n the second parameter from the end of these. */
#define THREAD_NUMBER                                                          \
  "  .reg .pred %p;\n"                                                         \
  "  .reg .b32 %t, %b, %s;\n"                                                  \
  "  .reg .b64 %i, %n;\n"                                                      \
  "  mov.u32 %t, %tid.x;\n"                                                    \
  "  mov.u32 %b, %ctaid.x;\n"                                                  \
  "  mov.u32 %s, %ntid.x;\n"                                                   \
  "  mad.lo.u32 %t, %b, %s, %t;\n"                                             \
  "  cvt.u64.u32 %i, %t;\n"

/* y[i] = weights[0] * x[i]; 13 is a failure with message 2. */
#define SCALE                                                                  \
  ".visible .entry scale(.param .u64 x, .param .u64 y, .param .u64 count,\n"   \
  "                      .param .u64 weights, .param .u64 "                    \
  "failure)\n{\n" THREAD_NUMBER "  .reg .b64 %x, %y, %w, %f, %o;\n"            \
  "  .reg .f32 %v, %k;\n"                                                      \
  "  .reg .b32 %two;\n"                                                        \
  "  ld.param.u64 %n, [count];\n"                                              \
  "  setp.ge.u64 %p, %i, %n;\n"                                                \
  "  @%p bra END;\n"                                                           \
  "  ld.param.u64 %x, [x];\n"                                                  \
  "  ld.param.u64 %y, [y];\n"                                                  \
  "  ld.param.u64 %w, [weights];\n"                                            \
  "  ld.param.u64 %f, [failure];\n"                                            \
  "  shl.b64 %o, %i, 2;\n"                                                     \
  "  add.u64 %x, %x, %o;\n"                                                    \
  "  add.u64 %y, %y, %o;\n"                                                    \
  "  ld.global.f32 %v, [%x];\n"                                                \
  "  ld.global.f32 %k, [%w];\n"                                                \
  "  setp.eq.f32 %p, %v, 0f41500000;\n"                                        \
  "  mov.u32 %two, 2;\n"                                                       \
  "  @%p st.global.u32 [%f], %two;\n"                                          \
  "  mul.f32 %v, %v, %k;\n"                                                    \
  "  st.global.f32 [%y], %v;\n"                                                \
  "END:\n  ret;\n}\n"

/* total[i] = before[i] + x[i]; 13 is a failure with message 1. */
#define COUNT                                                                  \
  ".visible .entry count(.param .u64 before, .param .u64 x,\n"                 \
  "                      .param .u64 total, .param .u64 "                      \
  "failure)\n{\n" THREAD_NUMBER "  .reg .b64 %a, %x, %y, %f, %o;\n"            \
  "  .reg .f32 %v, %k;\n"                                                      \
  "  .reg .b32 %one;\n"                                                        \
  "  ld.param.u64 %a, [before];\n"                                             \
  "  ld.param.u64 %x, [x];\n"                                                  \
  "  ld.param.u64 %y, [total];\n"                                              \
  "  ld.param.u64 %f, [failure];\n"                                            \
  "  shl.b64 %o, %i, 2;\n"                                                     \
  "  add.u64 %a, %a, %o;\n"                                                    \
  "  add.u64 %x, %x, %o;\n"                                                    \
  "  add.u64 %y, %y, %o;\n"                                                    \
  "  ld.global.f32 %v, [%x];\n"                                                \
  "  ld.global.f32 %k, [%a];\n"                                                \
  "  setp.eq.f32 %p, %v, 0f41500000;\n"                                        \
  "  mov.u32 %one, 1;\n"                                                       \
  "  @%p st.global.u32 [%f], %one;\n"                                          \
  "  add.f32 %v, %v, %k;\n"                                                    \
  "  st.global.f32 [%y], %v;\n"                                                \
  "  ret;\n}\n"

/* Thread 2 * b + d: the sums of x[b, :, d] and all of cache[b, :, d] before.
 * `stride` counts elements between the batches of the cache. */
#define APPEND                                                                 \
  ".visible .entry append(.param .u64 x, .param .u64 cache, .param .u64 "      \
  "sum,\n"                                                                     \
  "                       .param .u64 steps, .param .u64 stride,\n"            \
  "                       .param .u64 values)\n{\n" THREAD_NUMBER              \
  "  .reg .b64 %x, %c, %y, %past, %k, %m, %batch, %d;\n"                       \
  "  .reg .f32 %total, %v;\n"                                                  \
  "  ld.param.u64 %k, [values];\n"                                             \
  "  ld.global.u64 %past, [%k];\n"                                             \
  "  ld.param.u64 %n, [steps];\n"                                              \
  "  shr.u64 %batch, %i, 1;\n"                                                 \
  "  and.b64 %d, %i, 1;\n"                                                     \
  "  ld.param.u64 %m, [stride];\n"                                             \
  "  mad.lo.u64 %m, %batch, %m, %d;\n"                                         \
  "  shl.b64 %m, %m, 2;\n"                                                     \
  "  ld.param.u64 %c, [cache];\n"                                              \
  "  add.u64 %c, %c, %m;\n"                                                    \
  "  shl.b64 %m, %n, 1;\n"                                                     \
  "  mad.lo.u64 %m, %batch, %m, %d;\n"                                         \
  "  shl.b64 %m, %m, 2;\n"                                                     \
  "  ld.param.u64 %x, [x];\n"                                                  \
  "  add.u64 %x, %x, %m;\n"                                                    \
  "  ld.param.u64 %y, [sum];\n"                                                \
  "  add.u64 %y, %y, %m;\n"                                                    \
  "  mov.f32 %total, 0f00000000;\n"                                            \
  "  mov.u64 %k, 0;\n"                                                         \
  "PAST:\n"                                                                    \
  "  setp.ge.u64 %p, %k, %past;\n"                                             \
  "  @%p bra READ;\n"                                                          \
  "  ld.global.f32 %v, [%c];\n"                                                \
  "  add.f32 %total, %total, %v;\n"                                            \
  "  add.u64 %c, %c, 8;\n"                                                     \
  "  add.u64 %k, %k, 1;\n"                                                     \
  "  bra PAST;\n"                                                              \
  "READ:\n"                                                                    \
  "  mov.u64 %k, 0;\n"                                                         \
  "STEP:\n"                                                                    \
  "  setp.ge.u64 %p, %k, %n;\n"                                                \
  "  @%p bra END;\n"                                                           \
  "  ld.global.f32 %v, [%x];\n"                                                \
  "  st.global.f32 [%c], %v;\n"                                                \
  "  add.f32 %total, %total, %v;\n"                                            \
  "  st.global.f32 [%y], %total;\n"                                            \
  "  add.u64 %x, %x, 8;\n"                                                     \
  "  add.u64 %y, %y, 8;\n"                                                     \
  "  add.u64 %c, %c, 8;\n"                                                     \
  "  add.u64 %k, %k, 1;\n"                                                     \
  "  bra STEP;\n"                                                              \
  "END:\n  ret;\n}\n"

/* to[offset] = from[0]. */
#define MOVE                                                                   \
  ".visible .entry move(.param .u64 from, .param .u64 to,\n"                   \
  "                     .param .u64 offset)\n{\n"                              \
  "  .reg .b64 %x, %y, %o;\n"                                                  \
  "  .reg .f32 %v;\n"                                                          \
  "  ld.param.u64 %x, [from];\n"                                               \
  "  ld.param.u64 %y, [to];\n"                                                 \
  "  ld.param.u64 %o, [offset];\n"                                             \
  "  add.u64 %y, %y, %o;\n"                                                    \
  "  ld.global.f32 %v, [%x];\n"                                                \
  "  st.global.f32 [%y], %v;\n"                                                \
  "  ret;\n}\n"

/* to[0] = from[0] through dynamic shared memory at `offset`. */
#define DETOUR                                                                 \
  ".extern .shared .align 16 .b8 room[];\n"                                    \
  ".visible .entry detour(.param .u64 from, .param .u64 to,\n"                 \
  "                       .param .u64 offset)\n{\n"                            \
  "  .reg .b64 %x, %y, %o, %r;\n"                                              \
  "  .reg .f32 %v;\n"                                                          \
  "  ld.param.u64 %x, [from];\n"                                               \
  "  ld.param.u64 %y, [to];\n"                                                 \
  "  ld.param.u64 %o, [offset];\n"                                             \
  "  mov.u64 %r, room;\n"                                                      \
  "  add.u64 %r, %r, %o;\n"                                                    \
  "  ld.global.f32 %v, [%x];\n"                                                \
  "  st.shared.f32 [%r], %v;\n"                                                \
  "  ld.shared.f32 %v, [%r];\n"                                                \
  "  st.global.f32 [%y], %v;\n"                                                \
  "  ret;\n}\n"

#define ALL_KERNELS SCALE COUNT APPEND MOVE DETOUR

const char *const gpu_kernels[] = {"scale", "count", "append", "move",
                                   "detour"};

static const char cubin_90[] = "\x7f"
                               "ELF, but nothing more";
static const char ptx_70[] = PTX_HEAD(70) ALL_KERNELS;
static const char ptx_80[] = PTX_HEAD(80) ALL_KERNELS;
static const char ptx_100[] = PTX_HEAD(100) ALL_KERNELS;
static const char ptx_damaged[] = PTX_HEAD(80) "nonsense;\n";
const hgf_gpu_image gpu_images[3] = {
    {70, hgf_gpu_ptx, ptx_70, sizeof ptx_70},
    {80, hgf_gpu_ptx, ptx_80, sizeof ptx_80},
    {90, hgf_gpu_cubin, cubin_90, sizeof cubin_90}};
const hgf_gpu_image gpu_new_images[1] = {
    {100, hgf_gpu_ptx, ptx_100, sizeof ptx_100}};
const hgf_gpu_image gpu_damaged_images[1] = {
    {80, hgf_gpu_ptx, ptx_damaged, sizeof ptx_damaged}};
