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

bool hgf_memory_reserve(hgf_memory *memory, size_t byte_count) {
  if (memory->data && byte_count <= memory->byte_count)
    return true;
  if (byte_count > PTRDIFF_MAX - hgf_alignment)
    return false;
  size_t rounded = (byte_count / hgf_alignment + 1) * hgf_alignment;
  void *data = aligned_alloc(hgf_alignment, rounded);
  if (!data)
    return false;
  free(memory->data);
  *memory = (hgf_memory){data, rounded};
  return true;
}

void hgf_memory_free(hgf_memory *memory) {
  free(memory->data);
  *memory = (hgf_memory){NULL, 0};
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

/*===----------------------------------------------------------------------===*
 * Create and free
 *===----------------------------------------------------------------------===*/

void hgf_session_options_init(hgf_session_options *options) {
  if (options)
    *options = (hgf_session_options){.size = sizeof(hgf_session_options)};
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

static hgf_status initialize(hgf_session *session,
                             const hgf_session_options *options) {
  const hgf_model_descriptor *model = session->model;
  hgf_status status =
      hgf_model_check(model, session->error, sizeof session->error);
  if (status)
    return status;
  if (options && options->size < sizeof(hgf_session_options))
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected options of %zu bytes but got %zu: call "
                    "hgf_session_options_init",
                    sizeof(hgf_session_options), options->size);
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
    int32_t cpus = hgf_cpu_count();
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
  session->call.pool = session->pool;
  status =
      hgf_model_acquire(model, options ? options->weights : NULL,
                        &session->level, session->error, sizeof session->error);
  session->loaded = status == HGF_OK;
  return status;
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

void hgf_session_free(hgf_session *session) {
  if (!session)
    return;
  hgf_pool_free(session->pool);
  if (session->loaded)
    hgf_model_release(session->model);
  for (int32_t i = 0; session->outputs && i < session->model->output_count; ++i)
    hgf_memory_free(&session->outputs[i].own);
  hgf_states_free(session);
  hgf_memory_free(&session->arena);
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
  return session ? session->level->name : NULL;
}

const char *hgf_session_level_reason(const hgf_session *session) {
  return session ? session->level->reason : NULL;
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
