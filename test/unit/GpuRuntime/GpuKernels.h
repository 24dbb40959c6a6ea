/*===- GpuKernels.h - PTX of the models that are written by hand --*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_TEST_UNIT_GPURUNTIME_GPUKERNELS_H
#define HGF_TEST_UNIT_GPURUNTIME_GPUKERNELS_H

#include "ModelDescriptor.h"

/* In every image. All parameters are 64 bits wide. */
enum {
  kernel_scale,  /* x, y, count, weights, failure */
  kernel_count,  /* before, x, total, failure */
  kernel_append, /* x, cache, sum, steps, stride; value: the length before */
  kernel_move,   /* from, to, offset in bytes */
  kernel_detour, /* from, to, offset in shared memory */
  kernel_total
};
extern const char *const gpu_kernels[];

/* PTX for sm_70 and sm_80, a cubin for sm_90 that is none. */
extern const hgf_gpu_image gpu_images[3];
/* PTX for sm_100. */
extern const hgf_gpu_image gpu_new_images[1];
/* PTX that is none, for sm_80. */
extern const hgf_gpu_image gpu_damaged_images[1];

#endif
