/*===- GpuModels.c - Hand-written GPU models for the tests ----------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuModels.h"
#include "hgf-c/Model.h"

#include <stddef.h>

/*===----------------------------------------------------------------------===*
 * Kernels. All parameters are 64 bits wide.
 *===----------------------------------------------------------------------===*/

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

enum { kernel_scale, kernel_count, kernel_append, kernel_move, kernel_detour };
static const char *const kernels[] = {"scale", "count", "append", "move",
                                      "detour"};
enum { kernel_total = sizeof kernels / sizeof *kernels };

static const char cubin_90[] = "\x7f"
                               "ELF, but nothing more";
static const char ptx_70[] = PTX_HEAD(70) ALL_KERNELS;
static const char ptx_80[] = PTX_HEAD(80) ALL_KERNELS;
static const char ptx_100[] = PTX_HEAD(100) ALL_KERNELS;
static const char ptx_damaged[] = PTX_HEAD(80) "nonsense;\n";
static const hgf_gpu_image images[] = {
    {70, hgf_gpu_ptx, ptx_70, sizeof ptx_70},
    {80, hgf_gpu_ptx, ptx_80, sizeof ptx_80},
    {90, hgf_gpu_cubin, cubin_90, sizeof cubin_90}};
static const hgf_gpu_image new_images[] = {
    {100, hgf_gpu_ptx, ptx_100, sizeof ptx_100}};
static const hgf_gpu_image damaged_images[] = {
    {80, hgf_gpu_ptx, ptx_damaged, sizeof ptx_damaged}};

static const char *const messages[] = {"node 'count' (Add-3): 13 is refused",
                                       "node 'scale' (Mul-7): 13 is refused"};
static const float three[] = {3.f};

static const hgf_gpu_descriptor plain_gpu = {.image_count = 3,
                                             .kernel_count = kernel_total,
                                             .images = images,
                                             .kernels = kernels,
                                             .runtime = &hgf_gpu_runtime};

static int64_t small_arena(const int64_t *dims) {
  (void)dims;
  return 256;
}

static uint64_t address(const void *data) { return (uint64_t)(uintptr_t)data; }

static const hgf_weights_descriptor embedded = {NULL, 0, 0};

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

static int32_t same_dims(const int64_t *inputs, int64_t *outputs) {
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
                                             .images = images,
                                             .kernels = kernels,
                                             .messages = messages,
                                             .weights = three,
                                             .weights_byte_count = sizeof three,
                                             .runtime = &hgf_gpu_runtime};
static const hgf_gpu_descriptor scale_gpu_new = {.image_count = 1,
                                                 .kernel_count = kernel_total,
                                                 .images = new_images,
                                                 .kernels = kernels,
                                                 .runtime = &hgf_gpu_runtime};
static const hgf_gpu_descriptor scale_gpu_damaged = {
    .image_count = 1,
    .kernel_count = kernel_total,
    .images = damaged_images,
    .kernels = kernels,
    .runtime = &hgf_gpu_runtime};

#define SCALE_MODEL                                                            \
  .magic = HGF_MODEL_MAGIC, .version = HGF_MODEL_DESCRIPTOR_VERSION,           \
  .input_count = 1, .output_count = 1, .inputs = scale_inputs,                 \
  .outputs = scale_outputs, .weights = &embedded, .arena_bytes = small_arena,  \
  .output_dims = same_dims

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

const hgf_model_descriptor gpu_history = {.magic = HGF_MODEL_MAGIC,
                                          .version =
                                              HGF_MODEL_DESCRIPTOR_VERSION,
                                          .input_count = 2,
                                          .output_count = 2,
                                          .inputs = history_inputs,
                                          .outputs = history_outputs,
                                          .metadata_count = 1,
                                          .metadata = history_metadata,
                                          .weights = &embedded,
                                          .arena_bytes = small_arena,
                                          .output_dims = history_output_dims,
                                          .run = history_run,
                                          .gpu = &plain_gpu};

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

const hgf_model_descriptor gpu_counter = {.magic = HGF_MODEL_MAGIC,
                                          .version =
                                              HGF_MODEL_DESCRIPTOR_VERSION,
                                          .input_count = 2,
                                          .output_count = 1,
                                          .inputs = counter_inputs,
                                          .outputs = counter_outputs,
                                          .weights = &embedded,
                                          .arena_bytes = small_arena,
                                          .output_dims = counter_output_dims,
                                          .run = counter_run,
                                          .gpu = &scale_gpu};

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

const hgf_model_descriptor gpu_side = {.magic = HGF_MODEL_MAGIC,
                                       .version = HGF_MODEL_DESCRIPTOR_VERSION,
                                       .output_count = 1,
                                       .outputs = one_output,
                                       .weights = &side_file,
                                       .initialize = side_initialize,
                                       .arena_bytes = small_arena,
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
