/*===- FakeModels.h - Hand-written models for the tests -----------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_TEST_UNIT_RUNTIME_FAKEMODELS_H
#define HGF_TEST_UNIT_RUNTIME_FAKEMODELS_H

#include "ModelDescriptor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* z[n, 4] = x[n, 4] + y[n, 4], float32, on all threads. Dimension "n". Fails
 * with HGF_ERROR_RUN where x is 13. */
extern const hgf_model_descriptor fake_add;

/* sum[b, s, 2] = running sum of x[b, s, 2] over all calls; the history is
 * state that grows along axis 1: past[b, p, 2] -> present[b, p + s, 2].
 * float32. Metadata: hgf.max_context = 8. */
extern const hgf_model_descriptor fake_history;

/* total[k] = before[k] + x[k], float32; total replaces before. No other
 * input names "k" of `before`, so its first shape is [0]: x of any length is
 * then taken as it is. */
extern const hgf_model_descriptor fake_counter;

/* Weights in "fake.weights": y[1] = weights[0] as float32. */
extern const hgf_model_descriptor fake_weights;

#ifdef __cplusplus
}
#endif

#endif
