/*===- Session.c - Creating and freeing sessions --------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { thread_limit = 1024 };

hgf_status hgf_fail(hgf_session *session, hgf_status status, const char *format,
                    ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(session->error, sizeof session->error, format, arguments);
  va_end(arguments);
  return status;
}

/*===----------------------------------------------------------------------===*
 * What generated code calls
 *===----------------------------------------------------------------------===*/

static void call_parallel(hgf_call *call, const hgf_phase *phases,
                          int32_t phase_count, void *argument) {
  hgf_pool_run(call->pool, phases, phase_count, argument);
}

static void call_fail(hgf_call *call, int32_t code, const char *message) {
  int none = 0;
  if (code != 0 && atomic_compare_exchange_strong(&call->code, &none, code))
    atomic_store(&call->message, message);
}

void hgf_rt_parallel(hgf_call *call,
                     void (*body)(void *argument, int64_t begin, int64_t end),
                     void *argument, int64_t count, int64_t grain) {
  hgf_phase phase = {body, count, grain};
  call->parallel(call, &phase, 1, argument);
}

void hgf_rt_parallel_phases(hgf_call *call, const hgf_phase *phases,
                            int32_t phase_count, void *argument) {
  call->parallel(call, phases, phase_count, argument);
}

void hgf_rt_fail(hgf_call *call, int32_t code, const char *message) {
  call->fail(call, code, message);
}

static void call_gpu_launch(hgf_call *call, const hgf_gpu_launch *launch) {
  if (call->gpu)
    call->gpu->launch(call->gpu_session, launch);
}

static uint64_t call_gpu_failure(hgf_call *call) {
  return call->gpu ? call->gpu->failure(call->gpu_session) : 0;
}

void hgf_rt_gpu_launch(hgf_call *call, const hgf_gpu_launch *launch) {
  call->gpu_launch(call, launch);
}

uint64_t hgf_rt_gpu_failure(hgf_call *call) { return call->gpu_failure(call); }

/*===----------------------------------------------------------------------===*
 * Create and free
 *===----------------------------------------------------------------------===*/

/* What the first programs know; `device` came later. */
static const size_t first_options_size = offsetof(hgf_session_options, device);

void hgf_session_options_init_sized(hgf_session_options *options, size_t size) {
  if (!options || size < sizeof options->size)
    return;
  memset(options, 0, size);
  options->size = size;
}

/* Not the macro: for programs that were compiled before it. */
void(hgf_session_options_init)(hgf_session_options *options) {
  hgf_session_options_init_sized(options, first_options_size);
}

static hgf_slot *create_slots(const hgf_tensor_descriptor *descriptors,
                              int32_t count, size_t *dim_count) {
  hgf_slot *slots = calloc((size_t)count + 1, sizeof(hgf_slot));
  *dim_count = 0;
  for (int32_t i = 0; slots && i < count; ++i) {
    slots[i].descriptor = &descriptors[i];
    slots[i].first_dim = (int32_t)*dim_count;
    *dim_count += (size_t)descriptors[i].rank;
  }
  return slots;
}

static hgf_status allocate(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  size_t inputs, outputs;
  session->inputs = create_slots(model->inputs, model->input_count, &inputs);
  session->outputs =
      create_slots(model->outputs, model->output_count, &outputs);
  if (!session->inputs || !session->outputs)
    return hgf_fail(session, HGF_ERROR_MEMORY, "out of memory");
  size_t tensors = (size_t)model->input_count + (size_t)model->output_count;
  /* One more than needed: calloc(0) may be NULL. */
  session->bound_dims = calloc(inputs + 1, sizeof(int64_t));
  session->input_dims = calloc(inputs + 1, sizeof(int64_t));
  session->output_dims = calloc(outputs + 1, sizeof(int64_t));
  session->input_strides = calloc(inputs + 1, sizeof(int64_t));
  session->output_strides = calloc(outputs + 1, sizeof(int64_t));
  session->buffers = calloc(tensors + 1, sizeof(hgf_buffer));
  session->dim_symbols = calloc(inputs + 1, sizeof(int32_t));
  session->symbol_values = calloc(inputs + 1, sizeof(int64_t));
  session->symbol_inputs = calloc(inputs + 1, sizeof(int32_t));
  session->symbol_names = calloc(inputs + 1, sizeof(char *));
  if (!session->bound_dims || !session->input_dims || !session->output_dims ||
      !session->input_strides || !session->output_strides ||
      !session->buffers || !session->dim_symbols || !session->symbol_values ||
      !session->symbol_inputs || !session->symbol_names)
    return hgf_fail(session, HGF_ERROR_MEMORY, "out of memory");
  hgf_number_symbols(session);
  return HGF_OK;
}

/* The option, else the model's metadata, else no limit. */
static int64_t find_capacity(const hgf_session *session,
                             const hgf_session_options *options) {
  if (options && options->max_context > 0)
    return options->max_context;
  const char *text = hgf_model_metadata(session->model, "hgf.max_context");
  long long value = text ? strtoll(text, NULL, 10) : 0;
  return value > 0 ? value : 0;
}

/* Reads the device that was asked for, and sees whether the model suits it; a
 * GPU model on the CPU is its fallback. */
static hgf_status choose_device(hgf_session *session, const char *name,
                                hgf_device *device) {
  const hgf_model_descriptor *model = session->model;
  if (!hgf_device_parse(name, device))
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected a device auto, gpu, gpu:N, sim or cpu but got "
                    "'%s'",
                    name);
  if (!model->gpu) {
    if (device->kind == hgf_device_auto || device->kind == hgf_device_cpu)
      return HGF_OK;
    return hgf_fail(session, HGF_ERROR_DEVICE,
                    "expected device auto or cpu but got '%s': the model is "
                    "compiled for the CPU",
                    name);
  }
  if (device->kind == hgf_device_cpu) {
    if (!model->fallback)
      return hgf_fail(session, HGF_ERROR_DEVICE,
                      "expected device auto, gpu, gpu:N or sim but got 'cpu': "
                      "the model is compiled for GPUs only; compile it with "
                      "--gpu-fallback to have a CPU version too");
    session->model = model->fallback;
    return hgf_model_check(session->model, session->error,
                           sizeof session->error);
  }
  if (!model->gpu->runtime ||
      model->gpu->runtime->version != HGF_GPU_RUNTIME_VERSION)
    return hgf_fail(session, HGF_ERROR_VERSION,
                    "expected a model with version %u of the GPU runtime but "
                    "got one with version %u: compile it again",
                    HGF_GPU_RUNTIME_VERSION,
                    model->gpu->runtime ? model->gpu->runtime->version : 0);
  return HGF_OK;
}

/* What a session on a GPU has there. */
static hgf_status create_gpu_session(hgf_session *session) {
  hgf_loaded_model *loaded = session->loaded;
  if (!loaded->gpu)
    return HGF_OK;
  const hgf_gpu_runtime_table *gpu = session->model->gpu->runtime;
  hgf_status status = gpu->create(loaded->gpu, &session->call.gpu_session,
                                  session->error, sizeof session->error);
  if (status == HGF_OK)
    session->call.gpu = gpu;
  return status;
}

static hgf_status initialize(hgf_session *session,
                             const hgf_session_options *options) {
  hgf_status status =
      hgf_model_check(session->model, session->error, sizeof session->error);
  if (status)
    return status;
  if (options && options->size < first_options_size)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected options of %zu bytes but got %zu: call "
                    "hgf_session_options_init",
                    sizeof(hgf_session_options), options->size);
  hgf_device device;
  bool names_device = options && options->size >= sizeof(hgf_session_options);
  status =
      choose_device(session, names_device ? options->device : NULL, &device);
  if (status)
    return status;
  session->threads = options ? options->threads : 0;
  if (session->threads < 0 || session->threads > thread_limit)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected 0 to %d threads but got %d", thread_limit,
                    session->threads);
  if (options && options->max_context < 0)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected max_context of 0 or more but got %lld",
                    (long long)options->max_context);
  if (session->threads == 0) {
    /* What drives a GPU has nothing to share out. */
    int32_t cpus = session->model->gpu ? 1 : hgf_cpu_count();
    session->threads = cpus < thread_limit ? cpus : thread_limit;
  }
  session->capacity = find_capacity(session, options);
  status = allocate(session);
  if (status == HGF_OK)
    status = hgf_states_create(session);
  if (status)
    return status;
  session->pool = hgf_pool_create(session->threads);
  if (!session->pool)
    return hgf_fail(session, HGF_ERROR_MEMORY, "out of memory");
  session->call.parallel = call_parallel;
  session->call.fail = call_fail;
  session->call.gpu_launch = call_gpu_launch;
  session->call.gpu_failure = call_gpu_failure;
  session->call.pool = session->pool;
  status = hgf_model_acquire(
      session->model, device, options ? options->weights : NULL,
      &session->loaded, session->error, sizeof session->error);
  return status ? status : create_gpu_session(session);
}

hgf_status hgf_session_create(const hgf_model_descriptor *model,
                              const hgf_session_options *options,
                              hgf_session **session, char *error,
                              size_t error_size) {
  if (session)
    *session = NULL;
  if (error && error_size)
    *error = 0;
  hgf_session *created = NULL;
  const char *sentence = NULL;
  hgf_status status = HGF_OK;
  if (!model || !session) {
    status = HGF_ERROR_ARGUMENT;
    sentence = model ? "expected a place for the session but got a null pointer"
                     : "expected a model but got a null pointer";
  } else if (!(created = calloc(1, sizeof(hgf_session)))) {
    status = HGF_ERROR_MEMORY;
    sentence = "out of memory";
  } else {
    created->model = model;
    atomic_flag_clear(&created->busy);
    status = initialize(created, options);
    sentence = created->error;
  }
  if (status == HGF_OK) {
    *session = created;
    return HGF_OK;
  }
  if (error && error_size)
    snprintf(error, error_size, "%s", sentence);
  hgf_session_free(created);
  return status;
}

static void free_tensors(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  for (int32_t i = 0; session->inputs && i < model->input_count; ++i)
    hgf_tensor_memory_free(session, &session->inputs[i].device);
  for (int32_t i = 0; session->outputs && i < model->output_count; ++i) {
    hgf_result_memory_free(session, &session->outputs[i].own);
    hgf_tensor_memory_free(session, &session->outputs[i].device);
  }
  hgf_states_free(session);
  hgf_tensor_memory_free(session, &session->arena);
}

void hgf_session_free(hgf_session *session) {
  if (!session)
    return;
  hgf_pool_free(session->pool);
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  if (gpu)
    gpu->enter(session->call.gpu_session);
  free_tensors(session);
  if (gpu) {
    gpu->leave(session->call.gpu_session);
    gpu->free(session->call.gpu_session);
  }
  if (session->loaded)
    hgf_model_release(session->loaded);
  free(session->inputs);
  free(session->outputs);
  free(session->bound_dims);
  free(session->input_dims);
  free(session->output_dims);
  free(session->input_strides);
  free(session->output_strides);
  free(session->buffers);
  free(session->dim_symbols);
  free(session->symbol_values);
  free(session->symbol_inputs);
  free(session->symbol_names);
  free(session);
}

/*===----------------------------------------------------------------------===*
 * Small questions
 *===----------------------------------------------------------------------===*/

const char *hgf_session_error(const hgf_session *session) {
  return session ? session->error : "expected a session but got a null pointer";
}

const hgf_model_descriptor *hgf_session_model(const hgf_session *session) {
  return session ? session->model : NULL;
}

int32_t hgf_session_threads(const hgf_session *session) {
  return session ? session->threads : -1;
}

const char *hgf_session_level(const hgf_session *session) {
  return session ? session->loaded->level->name : NULL;
}

const char *hgf_session_level_reason(const hgf_session *session) {
  return session ? session->loaded->level->reason : NULL;
}

static const hgf_state *growing_state(const hgf_session *session) {
  for (int32_t i = 0; session && i < session->state_count; ++i)
    if (session->states[i].axis >= 0)
      return &session->states[i];
  return NULL;
}

int64_t hgf_session_capacity(const hgf_session *session) {
  return growing_state(session) ? session->capacity : 0;
}

int64_t hgf_session_position(const hgf_session *session) {
  const hgf_state *state = growing_state(session);
  return state && state->filled ? state->dims[state->axis] : 0;
}
