/*===- FakeModels.c - Hand-written models for the tests -------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "FakeModels.h"
#include "hgf-c/Model.h"

#include <stddef.h>

/*===----------------------------------------------------------------------===*
 * fake_add
 *===----------------------------------------------------------------------===*/

static const int64_t n_by_4[] = {-1, 4};
static const char *const n_by_4_names[] = {"n", NULL};
static const hgf_tensor_descriptor add_inputs[] = {
    {"x", HGF_FLOAT32, 2, n_by_4, n_by_4_names, -1, -1},
    {"y", HGF_FLOAT32, 2, n_by_4, n_by_4_names, -1, -1}};
static const hgf_tensor_descriptor add_outputs[] = {
    {"z", HGF_FLOAT32, 2, n_by_4, n_by_4_names, -1, -1}};

static int64_t some_arena(const int64_t *dims) {
  (void)dims;
  return 256;
}

static int32_t add_output_dims(const int64_t *inputs, int64_t *outputs) {
  outputs[0] = inputs[0];
  outputs[1] = 4;
  return inputs[0] != inputs[2];
}

typedef struct {
  hgf_call *call;
  const float *x, *y;
  float *z;
} add_argument;

static void add_body(void *opaque, int64_t begin, int64_t end) {
  add_argument *argument = opaque;
  for (int64_t i = begin; i < end; ++i) {
    argument->z[i] = argument->x[i] + argument->y[i];
    if (argument->x[i] == 13)
      hgf_rt_fail(argument->call, HGF_ERROR_RUN,
                  "node 'add' (Add-14): 13 is not supported");
  }
}

static int32_t add_run(hgf_call *call, void *arena, const hgf_buffer *buffers) {
  (void)arena;
  add_argument argument = {call, buffers[0].data, buffers[1].data,
                           buffers[2].data};
  /* The second phase adds the same again: a failure in the first one does not
   * keep it from running. */
  hgf_phase phases[] = {{add_body, buffers[0].dims[0] * 4, 4},
                        {add_body, buffers[0].dims[0] * 4, 1}};
  hgf_rt_parallel_phases(call, phases, 2, &argument);
  hgf_rt_parallel(call, add_body, &argument, buffers[0].dims[0] * 4, 4);
  return 0;
}

static void add_initialize(const void *weights, const hgf_level **level) {
  static const hgf_level fake = {"fake", "there is no other"};
  (void)weights;
  *level = &fake;
}

static const hgf_weights_descriptor embedded = {NULL, 0, 0};
static const char *const add_metadata[] = {"producer", "test \"quoted\"\n"};

const hgf_model_descriptor fake_add = {.magic = HGF_MODEL_MAGIC,
                                       .version = HGF_MODEL_DESCRIPTOR_VERSION,
                                       .input_count = 2,
                                       .output_count = 1,
                                       .inputs = add_inputs,
                                       .outputs = add_outputs,
                                       .metadata_count = 1,
                                       .metadata = add_metadata,
                                       .report_json =
                                           "{\"effective_bits\": 1.68}",
                                       .weights = &embedded,
                                       .initialize = add_initialize,
                                       .arena_bytes = some_arena,
                                       .output_dims = add_output_dims,
                                       .run = add_run};

/*===----------------------------------------------------------------------===*
 * fake_history
 *===----------------------------------------------------------------------===*/

static const int64_t any_any_2[] = {-1, -1, 2};
static const char *const x_names[] = {"b", "s", NULL};
static const char *const past_names[] = {"b", "p", NULL};
static const char *const present_names[] = {"b", "p + s", NULL};
static const hgf_tensor_descriptor history_inputs[] = {
    {"x", HGF_FLOAT32, 3, any_any_2, x_names, -1, -1},
    {"past", HGF_FLOAT32, 3, any_any_2, past_names, 1, 1}};
static const hgf_tensor_descriptor history_outputs[] = {
    {"sum", HGF_FLOAT32, 3, any_any_2, x_names, -1, -1},
    {"present", HGF_FLOAT32, 3, any_any_2, present_names, 1, 1}};
static const char *const history_metadata[] = {"hgf.max_context", "8"};

static int32_t history_output_dims(const int64_t *inputs, int64_t *outputs) {
  outputs[0] = inputs[0];
  outputs[1] = inputs[1];
  outputs[2] = 2;
  outputs[3] = inputs[0];
  outputs[4] = inputs[4] + inputs[1];
  outputs[5] = 2;
  return inputs[0] != inputs[3];
}

static int32_t history_run(hgf_call *call, void *arena,
                           const hgf_buffer *buffers) {
  const hgf_buffer *x = &buffers[0], *past = &buffers[1], *sum = &buffers[2],
                   *present = &buffers[3];
  (void)arena;
  if (past->data != present->data)
    hgf_rt_fail(call, HGF_ERROR_RUN, "past and present are not one buffer");
  float *cache = present->data;
  for (int64_t b = 0; b < x->dims[0]; ++b)
    for (int64_t d = 0; d < 2; ++d) {
      float total = 0;
      for (int64_t p = 0; p < past->dims[1]; ++p)
        total += cache[b * past->strides[0] + p * past->strides[1] +
                       d * past->strides[2]];
      for (int64_t s = 0; s < x->dims[1]; ++s) {
        float value =
            ((const float *)x->data)[b * x->strides[0] + s * x->strides[1] + d];
        cache[b * present->strides[0] +
              (past->dims[1] + s) * present->strides[1] +
              d * present->strides[2]] = value;
        total += value;
        ((float *)sum->data)[b * sum->strides[0] + s * sum->strides[1] + d] =
            total;
      }
    }
  return 0;
}

const hgf_model_descriptor fake_history = {.magic = HGF_MODEL_MAGIC,
                                           .version =
                                               HGF_MODEL_DESCRIPTOR_VERSION,
                                           .input_count = 2,
                                           .output_count = 2,
                                           .inputs = history_inputs,
                                           .outputs = history_outputs,
                                           .metadata_count = 1,
                                           .metadata = history_metadata,
                                           .weights = &embedded,
                                           .arena_bytes = some_arena,
                                           .output_dims = history_output_dims,
                                           .run = history_run};

/*===----------------------------------------------------------------------===*
 * fake_counter
 *===----------------------------------------------------------------------===*/

static const int64_t any[] = {-1};
static const char *const x_name[] = {"n"};
static const char *const before_name[] = {"k"};
static const hgf_tensor_descriptor counter_inputs[] = {
    {"before", HGF_FLOAT32, 1, any, before_name, 0, -1},
    {"x", HGF_FLOAT32, 1, any, x_name, -1, -1}};
static const hgf_tensor_descriptor counter_outputs[] = {
    {"total", HGF_FLOAT32, 1, any, x_name, 0, -1}};

static int32_t counter_output_dims(const int64_t *inputs, int64_t *outputs) {
  outputs[0] = inputs[1];
  return inputs[0] != 0 && inputs[0] != inputs[1];
}

static int32_t counter_run(hgf_call *call, void *arena,
                           const hgf_buffer *buffers) {
  (void)call;
  (void)arena;
  const float *before = buffers[0].data, *x = buffers[1].data;
  for (int64_t i = 0; i < buffers[1].dims[0]; ++i)
    ((float *)buffers[2].data)[i] = x[i] + (buffers[0].dims[0] ? before[i] : 0);
  return 0;
}

const hgf_model_descriptor fake_counter = {.magic = HGF_MODEL_MAGIC,
                                           .version =
                                               HGF_MODEL_DESCRIPTOR_VERSION,
                                           .input_count = 2,
                                           .output_count = 1,
                                           .inputs = counter_inputs,
                                           .outputs = counter_outputs,
                                           .weights = &embedded,
                                           .arena_bytes = some_arena,
                                           .output_dims = counter_output_dims,
                                           .run = counter_run};

/*===----------------------------------------------------------------------===*
 * fake_weights
 *===----------------------------------------------------------------------===*/

static const int64_t one[] = {1};
static const hgf_tensor_descriptor weights_outputs[] = {
    {"y", HGF_FLOAT32, 1, one, NULL, -1, -1}};
static const hgf_weights_descriptor side_file = {"fake.weights", 128, 0x1234};
static const float *mapped_weights;

static void weights_initialize(const void *weights, const hgf_level **level) {
  (void)level;
  mapped_weights = weights;
}

static int32_t weights_output_dims(const int64_t *inputs, int64_t *outputs) {
  (void)inputs;
  outputs[0] = 1;
  return 0;
}

static int32_t weights_run(hgf_call *call, void *arena,
                           const hgf_buffer *buffers) {
  (void)call;
  (void)arena;
  *(float *)buffers[0].data = mapped_weights[0];
  return 0;
}

const hgf_model_descriptor fake_weights = {.magic = HGF_MODEL_MAGIC,
                                           .version =
                                               HGF_MODEL_DESCRIPTOR_VERSION,
                                           .output_count = 1,
                                           .outputs = weights_outputs,
                                           .weights = &side_file,
                                           .initialize = weights_initialize,
                                           .arena_bytes = some_arena,
                                           .output_dims = weights_output_dims,
                                           .run = weights_run};
