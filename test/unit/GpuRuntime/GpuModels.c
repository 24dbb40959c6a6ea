/*===- GpuModels.c - Hand-written GPU models for the tests ----------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuModels.h"
#include "GpuKernels.h"
#include "hgf-c/Model.h"

#include <stddef.h>

static const char *const messages[] = {"node 'count' (Add-3): 13 is refused",
                                       "node 'scale' (Mul-7): 13 is refused"};
static const float three[] = {3.f};

static const hgf_gpu_descriptor plain_gpu = {.image_count = 3,
                                             .kernel_count = kernel_total,
                                             .images = gpu_images,
                                             .kernels = gpu_kernels,
                                             .runtime = &hgf_gpu_runtime};

static int64_t small_arena(const int64_t *dims) {
  (void)dims;
  return 256;
}

static uint64_t address(const void *data) { return (uint64_t)(uintptr_t)data; }

#define GPU_MODEL                                                              \
  .magic = HGF_MODEL_MAGIC, .version = HGF_MODEL_DESCRIPTOR_VERSION,           \
  .arena_bytes = small_arena
#define TENSORS(name)                                                          \
  .inputs = name##_inputs, .outputs = name##_outputs,                          \
  .output_dims = name##_output_dims

/*===----------------------------------------------------------------------===*
 * gpu_scale
 *===----------------------------------------------------------------------===*/

static const int64_t any[] = {-1};
static const char *const n_name[] = {"n"};
static const hgf_tensor_descriptor scale_inputs[] = {
    {"x", HGF_FLOAT32, 1, any, n_name, -1, -1}};
static const hgf_tensor_descriptor scale_outputs[] = {
    {"y", HGF_FLOAT32, 1, any, n_name, -1, -1}};

static const void *scale_weights;
static void scale_initialize(const void *weights, const hgf_level **level) {
  (void)level;
  scale_weights = weights;
}

static int32_t scale_output_dims(const int64_t *inputs, int64_t *outputs) {
  outputs[0] = inputs[0];
  return 0;
}

static int32_t scale_run(hgf_call *call, void *arena,
                         const hgf_buffer *buffers) {
  (void)arena;
  int64_t count = buffers[0].dims[0];
  uint64_t parameters[] = {address(buffers[0].data), address(buffers[1].data),
                           (uint64_t)count, address(scale_weights),
                           hgf_rt_gpu_failure(call)};
  hgf_gpu_launch launch = {.kernel = kernel_scale,
                           .grid = {(int32_t)((count + 31) / 32), 1, 1},
                           .threads = 32,
                           .parameter_count = 5,
                           .parameters = parameters};
  hgf_rt_gpu_launch(call, &launch);
  return 0;
}

static int32_t scale_on_cpu(hgf_call *call, void *arena,
                            const hgf_buffer *buffers) {
  (void)call;
  (void)arena;
  for (int64_t i = 0; i < buffers[0].dims[0]; ++i)
    ((float *)buffers[1].data)[i] = 3 * ((const float *)buffers[0].data)[i];
  return 0;
}

static const hgf_gpu_descriptor scale_gpu = {.image_count = 3,
                                             .kernel_count = kernel_total,
                                             .message_count = 2,
                                             .images = gpu_images,
                                             .kernels = gpu_kernels,
                                             .messages = messages,
                                             .weights = three,
                                             .weights_byte_count = sizeof three,
                                             .runtime = &hgf_gpu_runtime};
static const hgf_gpu_descriptor scale_gpu_new = {.image_count = 1,
                                                 .kernel_count = kernel_total,
                                                 .images = gpu_new_images,
                                                 .kernels = gpu_kernels,
                                                 .runtime = &hgf_gpu_runtime};
static const hgf_gpu_descriptor scale_gpu_damaged = {
    .image_count = 1,
    .kernel_count = kernel_total,
    .images = gpu_damaged_images,
    .kernels = gpu_kernels,
    .runtime = &hgf_gpu_runtime};

#define SCALE_MODEL                                                            \
  GPU_MODEL, .input_count = 1, .output_count = 1, TENSORS(scale)

static const hgf_model_descriptor cpu_scale = {SCALE_MODEL,
                                               .run = scale_on_cpu};
const hgf_model_descriptor gpu_scale = {SCALE_MODEL,
                                        .initialize = scale_initialize,
                                        .run = scale_run, .gpu = &scale_gpu};
const hgf_model_descriptor gpu_scale_with_fallback = {
    SCALE_MODEL, .initialize = scale_initialize, .run = scale_run,
    .gpu = &scale_gpu, .fallback = &cpu_scale};
const hgf_model_descriptor gpu_scale_too_new = {SCALE_MODEL, .run = scale_run,
                                                .gpu = &scale_gpu_new};
const hgf_model_descriptor gpu_scale_damaged = {SCALE_MODEL, .run = scale_run,
                                                .gpu = &scale_gpu_damaged};

/*===----------------------------------------------------------------------===*
 * gpu_history
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
  const hgf_buffer *x = &buffers[0], *past = &buffers[1];
  (void)arena;
  if (past->data != buffers[3].data)
    hgf_rt_fail(call, HGF_ERROR_RUN, "past and present are not one buffer");
  uint64_t parameters[] = {address(x->data), address(past->data),
                           address(buffers[2].data), (uint64_t)x->dims[1],
                           (uint64_t)past->strides[0]};
  int64_t values[] = {past->dims[1]};
  hgf_gpu_launch launch = {.kernel = kernel_append,
                           .grid = {(int32_t)x->dims[0], 1, 1},
                           .threads = 2,
                           .parameter_count = 5,
                           .value_count = 1,
                           .parameters = parameters,
                           .values = values};
  hgf_rt_gpu_launch(call, &launch);
  return 0;
}

const hgf_model_descriptor gpu_history = {
    GPU_MODEL,          .input_count = 2,    .output_count = 2,
    TENSORS(history),   .metadata_count = 1, .metadata = history_metadata,
    .run = history_run, .gpu = &plain_gpu};

/*===----------------------------------------------------------------------===*
 * gpu_counter
 *===----------------------------------------------------------------------===*/

static const int64_t three_numbers[] = {3};
static const hgf_tensor_descriptor counter_inputs[] = {
    {"before", HGF_FLOAT32, 1, three_numbers, NULL, 0, -1},
    {"x", HGF_FLOAT32, 1, three_numbers, NULL, -1, -1}};
static const hgf_tensor_descriptor counter_outputs[] = {
    {"total", HGF_FLOAT32, 1, three_numbers, NULL, 0, -1}};

static int32_t counter_output_dims(const int64_t *inputs, int64_t *outputs) {
  (void)inputs;
  outputs[0] = 3;
  return 0;
}

static int32_t counter_run(hgf_call *call, void *arena,
                           const hgf_buffer *buffers) {
  (void)arena;
  uint64_t parameters[] = {address(buffers[0].data), address(buffers[1].data),
                           address(buffers[2].data), hgf_rt_gpu_failure(call)};
  hgf_gpu_launch launch = {.kernel = kernel_count,
                           .grid = {1, 1, 1},
                           .threads = 3,
                           .parameter_count = 4,
                           .parameters = parameters};
  hgf_rt_gpu_launch(call, &launch);
  return 0;
}

const hgf_model_descriptor gpu_counter = {
    GPU_MODEL,        .input_count = 2,   .output_count = 1,
    TENSORS(counter), .run = counter_run, .gpu = &scale_gpu};

/*===----------------------------------------------------------------------===*
 * gpu_side
 *===----------------------------------------------------------------------===*/

static const int64_t one[] = {1};
static const hgf_tensor_descriptor one_output[] = {
    {"y", HGF_FLOAT32, 1, one, NULL, -1, -1}};
static const hgf_weights_descriptor side_file = {"gpu.weights", 128, 0x1234};

static const void *side_weights;
static void side_initialize(const void *weights, const hgf_level **level) {
  (void)level;
  side_weights = weights;
}

static int32_t one_dim(const int64_t *inputs, int64_t *outputs) {
  (void)inputs;
  outputs[0] = 1;
  return 0;
}

static void launch_on_one_thread(hgf_call *call, int32_t kernel,
                                 const void *from, const void *to,
                                 uint64_t offset, int32_t shared_bytes) {
  uint64_t parameters[] = {address(from), address(to), offset};
  hgf_gpu_launch launch = {.kernel = kernel,
                           .grid = {1, 1, 1},
                           .threads = 1,
                           .shared_bytes = shared_bytes,
                           .parameter_count = 3,
                           .parameters = parameters};
  hgf_rt_gpu_launch(call, &launch);
}

static int32_t side_run(hgf_call *call, void *arena,
                        const hgf_buffer *buffers) {
  (void)arena;
  launch_on_one_thread(call, kernel_move, side_weights, buffers[0].data, 0, 0);
  return 0;
}

const hgf_model_descriptor gpu_side = {GPU_MODEL,
                                       .output_count = 1,
                                       .outputs = one_output,
                                       .weights = &side_file,
                                       .initialize = side_initialize,
                                       .output_dims = one_dim,
                                       .run = side_run,
                                       .gpu = &plain_gpu};

/*===----------------------------------------------------------------------===*
 * gpu_shared and what goes wrong
 *===----------------------------------------------------------------------===*/

static int32_t shared_run(hgf_call *call, void *arena,
                          const hgf_buffer *buffers) {
  (void)arena;
  launch_on_one_thread(call, kernel_detour, buffers[0].data, buffers[1].data,
                       (64 << 10) - 4, 64 << 10);
  return 0;
}

static int32_t out_of_bounds_run(hgf_call *call, void *arena,
                                 const hgf_buffer *buffers) {
  (void)arena;
  launch_on_one_thread(call, kernel_move, buffers[0].data, buffers[1].data,
                       4 * (uint64_t)buffers[1].dims[0], 0);
  return 0;
}

static int32_t uninitialised_run(hgf_call *call, void *arena,
                                 const hgf_buffer *buffers) {
  launch_on_one_thread(call, kernel_move, arena, buffers[1].data, 0, 0);
  return 0;
}

static int32_t host_failure_run(hgf_call *call, void *arena,
                                const hgf_buffer *buffers) {
  hgf_rt_fail(call, HGF_ERROR_RUN, "the host code failed");
  return uninitialised_run(call, arena, buffers);
}

const hgf_model_descriptor gpu_shared = {SCALE_MODEL, .run = shared_run,
                                         .gpu = &plain_gpu};
const hgf_model_descriptor gpu_out_of_bounds = {
    SCALE_MODEL, .run = out_of_bounds_run, .gpu = &plain_gpu};
const hgf_model_descriptor gpu_uninitialised = {
    SCALE_MODEL, .run = uninitialised_run, .gpu = &plain_gpu};
const hgf_model_descriptor gpu_host_failure = {
    SCALE_MODEL, .run = host_failure_run, .gpu = &plain_gpu};
