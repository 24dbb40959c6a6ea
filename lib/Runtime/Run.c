/*===- Run.c - One run of a session ---------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <stddef.h>
#include <string.h>

/* An output that stays where generated code wrote it until somebody asks for
 * it: caches, and on a GPU all state. */
static bool output_waits(const hgf_session *session, const hgf_slot *slot) {
  return slot->state && (slot->state->axis >= 0 || session->call.gpu);
}

/* What a tensor without elements points to on the host. */
static const max_align_t nothing[hgf_alignment / sizeof(max_align_t)];

static hgf_status no_memory(hgf_session *session, const hgf_slot *slot) {
  return hgf_fail(session, HGF_ERROR_MEMORY, "no memory%s for tensor '%s'",
                  hgf_tensor_place(session), slot->descriptor->name);
}

static bool in_growing_state(const hgf_slot *slot) {
  return slot->state && slot->state->axis >= 0;
}

/* Where generated code finds an input: what is bound, or on a GPU its copy.
 * State comes after. */
static hgf_status place_input(hgf_session *session, int32_t index) {
  hgf_slot *slot = &session->inputs[index];
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  const int64_t *dims = session->input_dims + slot->first_dim;
  void *data = slot->data;
  if (session->call.gpu && slot->bound && !in_growing_state(slot)) {
    size_t needed = 0;
    hgf_tensor_bytes(tensor->dtype, tensor->rank, dims, &needed);
    if (!hgf_tensor_memory_reserve(session, &slot->device, needed))
      return no_memory(session, slot);
    data = slot->device.data;
    hgf_tensor_copy(session, hgf_copy_in, data, slot->data, needed);
  }
  session->buffers[index] =
      (hgf_buffer){data, dims, session->input_strides + slot->first_dim};
  return HGF_OK;
}

/* The same for an output, and where the caller finds it. */
static hgf_status place_output(hgf_session *session, int32_t index) {
  hgf_slot *slot = &session->outputs[index];
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  const int64_t *dims = session->output_dims + slot->first_dim;
  char text[128];
  size_t needed;
  if (!hgf_tensor_bytes(tensor->dtype, tensor->rank, dims, &needed))
    return hgf_fail(session, HGF_ERROR_SHAPE,
                    "output '%s' of shape %s is larger than memory",
                    tensor->name,
                    hgf_dims_text(text, sizeof text, dims, tensor->rank));
  if (slot->bound && slot->byte_count < needed)
    return hgf_fail(session, HGF_ERROR_BUFFER_SIZE,
                    "expected %zu bytes for output '%s' of shape %s but got "
                    "%zu",
                    needed, tensor->name,
                    hgf_dims_text(text, sizeof text, dims, tensor->rank),
                    slot->byte_count);
  slot->result = NULL;
  if (slot->bound) {
    slot->result = slot->data ? slot->data : nothing;
  } else if (!output_waits(session, slot)) {
    if (!hgf_result_memory_reserve(session, &slot->own, needed))
      return no_memory(session, slot);
    slot->result = slot->own.data;
  }
  void *data = (void *)(uintptr_t)slot->result;
  if (session->call.gpu && !in_growing_state(slot)) {
    if (!hgf_tensor_memory_reserve(session, &slot->device, needed))
      return no_memory(session, slot);
    data = slot->device.data;
  }
  session->buffers[session->model->input_count + index] =
      (hgf_buffer){data, dims, session->output_strides + slot->first_dim};
  return HGF_OK;
}

/* The place and shape of every tensor of the call. */
static hgf_status place_tensors(hgf_session *session) {
  hgf_status status = HGF_OK;
  for (int32_t i = 0; i < session->model->input_count && !status; ++i)
    status = place_input(session, i);
  for (int32_t i = 0; i < session->model->output_count && !status; ++i)
    status = place_output(session, i);
  return status;
}

static void dense_strides(const hgf_slot *slot, const int64_t *dims,
                          int64_t *strides) {
  uint64_t stride = 1; /* Unsigned: may wrap where there are no elements. */
  for (int32_t i = slot->descriptor->rank - 1; i >= 0; --i) {
    strides[slot->first_dim + i] = (int64_t)stride;
    stride *= (uint64_t)dims[slot->first_dim + i];
  }
}

static hgf_status prepare(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  hgf_status status = hgf_resolve_dims(session);
  if (status)
    return status;
  int64_t arena_bytes = model->arena_bytes(session->input_dims);
  if (arena_bytes < 0)
    return hgf_fail(session, HGF_ERROR_SHAPE,
                    "the shapes of the inputs do not fit each other");
  if (!hgf_tensor_memory_reserve(session, &session->arena, (size_t)arena_bytes))
    return hgf_fail(session, HGF_ERROR_MEMORY,
                    "no memory%s for the %lld bytes one call works in",
                    hgf_tensor_place(session), (long long)arena_bytes);
  for (int32_t i = 0; i < session->state_count; ++i)
    if ((status = hgf_state_prepare(session, &session->states[i])))
      return status;
  if ((status = place_tensors(session)))
    return status;
  for (int32_t i = 0; i < model->input_count; ++i)
    dense_strides(&session->inputs[i], session->input_dims,
                  session->input_strides);
  for (int32_t i = 0; i < model->output_count; ++i)
    dense_strides(&session->outputs[i], session->output_dims,
                  session->output_strides);
  for (int32_t i = 0; i < session->state_count; ++i)
    hgf_state_buffers(session, &session->states[i]);
  /* A tensor without elements may be bound to NULL; generated code gets some
   * address all the same. */
  for (int32_t i = 0; i < model->input_count + model->output_count; ++i)
    if (!session->buffers[i].data)
      session->buffers[i].data = session->arena.data;
  return HGF_OK;
}

/* An output as the caller sees it. */
static void fetch_output(hgf_session *session, int32_t index, void *target) {
  const hgf_slot *slot = &session->outputs[index];
  const int64_t *dims = session->output_dims + slot->first_dim;
  if (in_growing_state(slot)) {
    hgf_state_copy_out(session, slot->state, dims, target);
    return;
  }
  size_t byte_count = 0;
  hgf_tensor_bytes(slot->descriptor->dtype, slot->descriptor->rank, dims,
                   &byte_count);
  hgf_tensor_copy(session, hgf_copy_out, target, slot->device.data, byte_count);
}

/* What has to be copied to where the caller expects it. */
static void fetch_outputs(hgf_session *session) {
  for (int32_t i = 0; i < session->model->output_count; ++i) {
    hgf_slot *slot = &session->outputs[i];
    if (slot->result && (session->call.gpu || in_growing_state(slot)))
      fetch_output(session, i, (void *)(uintptr_t)slot->result);
  }
}

/* Calls generated code, which on a GPU only says what to do. */
static hgf_status call_model(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  atomic_store(&session->call.code, 0);
  atomic_store(&session->call.message, NULL);
  hgf_pool_enter(session->pool);
  hgf_model_enter(session->loaded);
  int32_t returned =
      model->run(&session->call, session->arena.data, session->buffers);
  hgf_model_leave(session->loaded);
  hgf_pool_leave(session->pool);
  int code = atomic_load(&session->call.code);
  if (returned == 0 && code == 0)
    return HGF_OK;
  const char *message = atomic_load(&session->call.message);
  if (code == 0)
    code = returned;
  bool known = code > HGF_OK && code <= HGF_ERROR_DEVICE;
  return hgf_fail(session, known ? (hgf_status)code : HGF_ERROR_RUN, "%s",
                  message ? message : "the model failed without a reason");
}

static hgf_status run_on_gpu(hgf_session *session) {
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  hgf_gpu_session *gpu_session = session->call.gpu_session;
  hgf_status status = call_model(session);
  if (status)
    return status;
  gpu->submit(gpu_session);
  fetch_outputs(session);
  return gpu->finish(gpu_session, session->error, sizeof session->error);
}

static hgf_status run_prepared(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  hgf_status status =
      session->call.gpu ? run_on_gpu(session) : call_model(session);
  if (status) {
    for (int32_t i = 0; i < model->output_count; ++i)
      session->outputs[i].result = NULL;
    return status;
  }
  for (int32_t i = 0; i < session->state_count; ++i)
    if ((status = hgf_state_finish(session, &session->states[i])))
      return status;
  if (!session->call.gpu)
    fetch_outputs(session);
  session->has_run = true;
  return HGF_OK;
}

static hgf_status run(hgf_session *session) {
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  session->has_run = false;
  for (int32_t i = 0; i < session->model->output_count; ++i)
    session->outputs[i].result = NULL;
  if (gpu) {
    gpu->enter(session->call.gpu_session);
    gpu->begin(session->call.gpu_session);
  }
  hgf_status status = prepare(session);
  if (status == HGF_OK)
    status = run_prepared(session);
  if (gpu) {
    /* What the caller bound must not be read any more; and where the GPU
     * failed, there was no lack of memory. */
    char error[hgf_error_size];
    if (status && gpu->wait(session->call.gpu_session, error, sizeof error) ==
                      HGF_ERROR_RUN)
      status = hgf_fail(session, HGF_ERROR_RUN, "%s", error);
    gpu->leave(session->call.gpu_session);
  }
  return status;
}

hgf_status hgf_session_run(hgf_session *session) {
  hgf_status status = hgf_session_enter(session);
  return status ? status : hgf_session_leave(session, run(session));
}

static hgf_status output_dims(hgf_session *session, int32_t index,
                              int64_t *dims) {
  hgf_status status = hgf_session_check_index(session, HGF_OUTPUT, index);
  if (status)
    return status;
  const hgf_slot *slot = &session->outputs[index];
  if (!dims && slot->descriptor->rank > 0)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected a place for the shape of output '%s' but got a "
                    "null pointer",
                    slot->descriptor->name);
  if (!session->has_run && (status = hgf_resolve_dims(session)))
    return status;
  if (slot->descriptor->rank > 0)
    memcpy(dims, session->output_dims + slot->first_dim,
           (size_t)slot->descriptor->rank * sizeof *dims);
  return HGF_OK;
}

hgf_status hgf_session_output_dims(hgf_session *session, int32_t index,
                                   int64_t *dims) {
  hgf_status status = hgf_session_enter(session);
  return status ? status
                : hgf_session_leave(session, output_dims(session, index, dims));
}

/* Copies an output that was left where it was. */
static hgf_status fetch_late(hgf_session *session, int32_t index,
                             size_t byte_count) {
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  hgf_slot *slot = &session->outputs[index];
  hgf_status status = HGF_OK;
  if (gpu)
    gpu->enter(session->call.gpu_session);
  if (hgf_result_memory_reserve(session, &slot->own, byte_count))
    fetch_output(session, index, slot->own.data);
  else
    status = no_memory(session, slot);
  if (gpu) {
    hgf_status waited = gpu->wait(session->call.gpu_session, session->error,
                                  sizeof session->error);
    status = waited ? waited : status;
    gpu->leave(session->call.gpu_session);
  }
  if (status == HGF_OK)
    slot->result = slot->own.data;
  return status;
}

static hgf_status output_data(hgf_session *session, int32_t index,
                              const void **data, size_t *byte_count) {
  hgf_status status = hgf_session_check_index(session, HGF_OUTPUT, index);
  if (status)
    return status;
  hgf_slot *slot = &session->outputs[index];
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  if (!session->has_run ||
      (!slot->result && (slot->bound || !output_waits(session, slot))))
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "output '%s' has no data yet: run the session",
                    tensor->name);
  size_t needed = 0;
  hgf_tensor_bytes(tensor->dtype, tensor->rank,
                   session->output_dims + slot->first_dim, &needed);
  if (!slot->result && (status = fetch_late(session, index, needed)))
    return status;
  if (data)
    *data = slot->result;
  if (byte_count)
    *byte_count = needed;
  return HGF_OK;
}

hgf_status hgf_session_output_data(hgf_session *session, int32_t index,
                                   const void **data, size_t *byte_count) {
  hgf_status status = hgf_session_enter(session);
  return status ? status
                : hgf_session_leave(
                      session, output_data(session, index, data, byte_count));
}
