/*===- GpuModels.h - Hand-written GPU models for the tests --------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_TEST_UNIT_GPURUNTIME_GPUMODELS_H
#define HGF_TEST_UNIT_GPURUNTIME_GPUMODELS_H

#include "ModelDescriptor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* y[n] = 3 * x[n], float32; 3 is an embedded weight. Fails where x is 13. Its
 * images: a cubin for sm_90 that is none, PTX for sm_70 and sm_80. */
extern const hgf_model_descriptor gpu_scale;
/* The same, and on the CPU the same too. */
extern const hgf_model_descriptor gpu_scale_with_fallback;
/* The same, with nothing but PTX for sm_100. */
extern const hgf_model_descriptor gpu_scale_too_new;
/* The same, with PTX that is none. */
extern const hgf_model_descriptor gpu_scale_damaged;

/* sum[b, s, 2] = running sum of x[b, s, 2] over all calls; the history is state
 * that grows along axis 1, and its length a value of the launch. Metadata:
 * hgf.max_context = 8. */
extern const hgf_model_descriptor gpu_history;

/* total[3] = before[3] + x[3]; total replaces before. Fails where x is 13. */
extern const hgf_model_descriptor gpu_counter;

/* Weights in "gpu.weights": y[1] = weights[0]. */
extern const hgf_model_descriptor gpu_side;

/* y[1] = x[0], computed through the last word of 64 KiB of shared memory. */
extern const hgf_model_descriptor gpu_shared;

/* What the simulator finds: a write behind y[n], a read of what nobody wrote.
 */
extern const hgf_model_descriptor gpu_out_of_bounds;
extern const hgf_model_descriptor gpu_uninitialised;

/* The host code fails with "the host code failed". */
extern const hgf_model_descriptor gpu_host_failure;

#ifdef __cplusplus
}
#endif

#endif
