/*===- Bind.c - The tensors a session works on ----------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <string.h>

hgf_status hgf_session_enter(hgf_session *session) {
  if (!session)
    return HGF_ERROR_ARGUMENT;
  return atomic_flag_test_and_set_explicit(&session->busy, memory_order_acquire)
             ? HGF_ERROR_BUSY
             : HGF_OK;
}

hgf_status hgf_session_leave(hgf_session *session, hgf_status status) {
  atomic_flag_clear_explicit(&session->busy, memory_order_release);
  return status;
}

hgf_status hgf_session_check_index(hgf_session *session, hgf_tensor_kind kind,
                                   int32_t index) {
  int32_t count = hgf_tensor_count(session->model, kind);
  if ((kind == HGF_INPUT || kind == HGF_OUTPUT) && index >= 0 && index < count)
    return HGF_OK;
  return hgf_fail(session, HGF_ERROR_ARGUMENT,
                  "expected the index of one of the %d %s but got %d", count,
                  kind == HGF_INPUT ? "inputs" : "outputs", index);
}

static hgf_status find_name(hgf_session *session, hgf_tensor_kind kind,
                            const char *name, int32_t *index) {
  if (!name)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected a tensor's name but got a null pointer");
  *index = hgf_tensor_find(session->model, kind, name);
  if (*index >= 0)
    return HGF_OK;
  const char *first = hgf_tensor_name(session->model, kind, 0);
  return hgf_fail(session, HGF_ERROR_ARGUMENT,
                  "the model has no %s called '%s'; its first one is '%s'",
                  kind == HGF_INPUT ? "input" : "output", name,
                  first ? first : "(none)");
}

static hgf_status check_memory(hgf_session *session, const hgf_slot *slot,
                               int32_t dtype, const void *data,
                               size_t byte_count) {
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  if (dtype != tensor->dtype)
    return hgf_fail(
        session, HGF_ERROR_DTYPE, "expected %s for tensor '%s' but got %s",
        hgf_dtype_name(tensor->dtype), tensor->name, hgf_dtype_name(dtype));
  if (!data && byte_count)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected data for tensor '%s' but got a null pointer",
                    tensor->name);
  if ((uintptr_t)data % hgf_dtype_size(dtype))
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected data of tensor '%s' to be aligned to %zu bytes",
                    tensor->name, hgf_dtype_size(dtype));
  return HGF_OK;
}

static hgf_status check_shape(hgf_session *session, const hgf_slot *slot,
                              int32_t rank, const int64_t *dims) {
  const hgf_tensor_descriptor *tensor = slot->descriptor;
  if (!dims && rank > 0)
    return hgf_fail(session, HGF_ERROR_ARGUMENT,
                    "expected the shape of input '%s' but got a null pointer",
                    tensor->name);
  bool fits = rank == tensor->rank;
  for (int32_t i = 0; fits && i < rank; ++i)
    fits = dims[i] >= 0 && (tensor->dims[i] < 0 || dims[i] == tensor->dims[i]);
  if (fits)
    return HGF_OK;
  char expected[128], got[128];
  return hgf_fail(
      session, HGF_ERROR_SHAPE, "expected shape %s for input '%s' but got %s",
      hgf_dims_text(expected, sizeof expected, tensor->dims, tensor->rank),
      tensor->name, hgf_dims_text(got, sizeof got, dims, rank));
}

static hgf_status bind_input(hgf_session *session, int32_t index, int32_t dtype,
                             int32_t rank, const int64_t *dims,
                             const void *data, size_t byte_count) {
  hgf_status status = hgf_session_check_index(session, HGF_INPUT, index);
  if (status)
    return status;
  hgf_slot *slot = &session->inputs[index];
  if ((status = check_memory(session, slot, dtype, data, byte_count)) ||
      (status = check_shape(session, slot, rank, dims)))
    return status;
  char text[128];
  size_t needed;
  if (!hgf_tensor_bytes(dtype, rank, dims, &needed) || byte_count < needed)
    return hgf_fail(session, HGF_ERROR_BUFFER_SIZE,
                    "the %zu bytes of input '%s' are fewer than its shape %s "
                    "of %s takes",
                    byte_count, slot->descriptor->name,
                    hgf_dims_text(text, sizeof text, dims, rank),
                    hgf_dtype_name(dtype));
  slot->bound = true;
  /* Bound inputs are only read. */
  slot->data = (void *)(uintptr_t)data;
  slot->byte_count = byte_count;
  if (rank)
    memcpy(session->bound_dims + slot->first_dim, dims,
           (size_t)rank * sizeof *dims);
  session->has_run = false;
  return HGF_OK;
}

hgf_status hgf_session_bind_input(hgf_session *session, int32_t index,
                                  int32_t dtype, int32_t rank,
                                  const int64_t *dims, const void *data,
                                  size_t byte_count) {
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  return hgf_session_leave(
      session, bind_input(session, index, dtype, rank, dims, data, byte_count));
}

hgf_status hgf_session_bind_input_by_name(hgf_session *session,
                                          const char *name, int32_t dtype,
                                          int32_t rank, const int64_t *dims,
                                          const void *data, size_t byte_count) {
  int32_t index;
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  status = find_name(session, HGF_INPUT, name, &index);
  if (status == HGF_OK)
    status = bind_input(session, index, dtype, rank, dims, data, byte_count);
  return hgf_session_leave(session, status);
}

static hgf_status bind_output(hgf_session *session, int32_t index,
                              int32_t dtype, void *data, size_t byte_count) {
  hgf_status status = hgf_session_check_index(session, HGF_OUTPUT, index);
  if (status)
    return status;
  hgf_slot *slot = &session->outputs[index];
  if ((status = check_memory(session, slot, dtype, data, byte_count)))
    return status;
  slot->bound = true;
  slot->data = data;
  slot->byte_count = byte_count;
  slot->result = NULL;
  return HGF_OK;
}

hgf_status hgf_session_bind_output(hgf_session *session, int32_t index,
                                   int32_t dtype, void *data,
                                   size_t byte_count) {
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  return hgf_session_leave(
      session, bind_output(session, index, dtype, data, byte_count));
}

hgf_status hgf_session_bind_output_by_name(hgf_session *session,
                                           const char *name, int32_t dtype,
                                           void *data, size_t byte_count) {
  int32_t index;
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  status = find_name(session, HGF_OUTPUT, name, &index);
  if (status == HGF_OK)
    status = bind_output(session, index, dtype, data, byte_count);
  return hgf_session_leave(session, status);
}

hgf_status hgf_session_unbind(hgf_session *session, hgf_tensor_kind kind,
                              int32_t index) {
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  if ((status = hgf_session_check_index(session, kind, index)))
    return hgf_session_leave(session, status);
  hgf_slot *slot =
      kind == HGF_INPUT ? &session->inputs[index] : &session->outputs[index];
  slot->bound = false;
  slot->data = NULL;
  slot->result = NULL;
  if (kind == HGF_INPUT)
    session->has_run = false;
  return hgf_session_leave(session, HGF_OK);
}

hgf_status hgf_session_reset(hgf_session *session) {
  hgf_status status = hgf_session_enter(session);
  if (status)
    return status;
  hgf_states_reset(session);
  for (int32_t i = 0; i < session->model->output_count; ++i)
    session->outputs[i].result = NULL;
  session->has_run = false;
  return hgf_session_leave(session, HGF_OK);
}
