/*===- Run.c - One run of a session ---------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <string.h>

/* The place and shape of every tensor of the call; state comes after. */
static hgf_status place_tensors(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  for (int32_t i = 0; i < model->input_count; ++i) {
    const hgf_slot *slot = &session->inputs[i];
    session->buffers[i] =
        (hgf_buffer){slot->data, session->input_dims + slot->first_dim,
                     session->input_strides + slot->first_dim};
  }
  for (int32_t i = 0; i < model->output_count; ++i) {
    hgf_slot *slot = &session->outputs[i];
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
    bool in_state = slot->state && slot->state->axis >= 0;
    slot->result = slot->bound ? slot->data : NULL;
    if (slot->bound && !slot->data)
      slot->result = session->arena.data;
    if (!slot->bound && !in_state) {
      if (!hgf_memory_reserve(&slot->own, needed))
        return hgf_fail(session, HGF_ERROR_MEMORY, "no memory for output '%s'",
                        tensor->name);
      slot->result = slot->own.data;
    }
    session->buffers[model->input_count + i] =
        (hgf_buffer){(void *)(uintptr_t)slot->result, dims,
                     session->output_strides + slot->first_dim};
  }
  return HGF_OK;
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
  if (!hgf_memory_reserve(&session->arena, (size_t)arena_bytes))
    return hgf_fail(session, HGF_ERROR_MEMORY,
                    "no memory for the %lld bytes one call works in",
                    (long long)arena_bytes);
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

static hgf_status run(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  session->has_run = false;
  for (int32_t i = 0; i < model->output_count; ++i)
    session->outputs[i].result = NULL;
  hgf_status status = prepare(session);
  if (status)
    return status;
  atomic_store(&session->call.code, 0);
  atomic_store(&session->call.message, NULL);
  hgf_pool_enter(session->pool);
  int32_t returned =
      model->run(&session->call, session->arena.data, session->buffers);
  hgf_pool_leave(session->pool);
  int code = atomic_load(&session->call.code);
  if (returned != 0 || code != 0) {
    const char *message = atomic_load(&session->call.message);
    if (code == 0)
      code = returned;
    for (int32_t i = 0; i < model->output_count; ++i)
      session->outputs[i].result = NULL;
    bool known = code > HGF_OK && code <= HGF_ERROR_BUSY;
    return hgf_fail(session, known ? (hgf_status)code : HGF_ERROR_RUN, "%s",
                    message ? message : "the model failed without a reason");
  }
  for (int32_t i = 0; i < session->state_count; ++i)
    if ((status = hgf_state_finish(session, &session->states[i])))
      return status;
  session->has_run = true;
  return HGF_OK;
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

static hgf_status output_data(hgf_session *session, int32_t index,
                              const void **data, size_t *byte_count) {
  hgf_status status = hgf_session_check_index(session, HGF_OUTPUT, index);
  if (status)
    return status;
  hgf_slot *slot = &session->outputs[index];
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  bool in_state = slot->state && slot->state->axis >= 0;
  if (!session->has_run || (!slot->result && (slot->bound || !in_state)))
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "output '%s' has no data yet: run the session",
                    tensor->name);
  size_t needed = 0;
  hgf_tensor_bytes(tensor->dtype, tensor->rank,
                   session->output_dims + slot->first_dim, &needed);
  if (!slot->result) {
    if (!hgf_memory_reserve(&slot->own, needed))
      return hgf_fail(session, HGF_ERROR_MEMORY, "no memory for output '%s'",
                      tensor->name);
    hgf_state_copy_out(session, slot->state, slot->own.data);
    slot->result = slot->own.data;
  }
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
