/*===- State.c - Tensors that live from one call to the next --------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <stdlib.h>
#include <string.h>

hgf_status hgf_states_create(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  int32_t count = 0;
  for (int32_t i = 0; i < model->input_count; ++i)
    count += model->inputs[i].state_partner >= 0;
  session->states = calloc((size_t)count + 1, sizeof(hgf_state));
  if (!session->states)
    return hgf_fail(session, HGF_ERROR_MEMORY, "out of memory");
  for (int32_t i = 0; i < model->input_count; ++i) {
    const hgf_tensor_descriptor *input = &model->inputs[i];
    if (input->state_partner < 0)
      continue;
    if (input->state_partner >= model->output_count ||
        input->state_axis >= input->rank ||
        input->rank != model->outputs[input->state_partner].rank ||
        session->outputs[input->state_partner].state ||
        (input->state_axis >= 0 && input->dims[input->state_axis] >= 0))
      return hgf_fail(session, HGF_ERROR_VERSION,
                      "the model's description of state '%s' is damaged",
                      input->name);
    hgf_state *state = &session->states[session->state_count++];
    state->input = i;
    state->output = input->state_partner;
    state->axis = input->state_axis;
    state->dims = calloc((size_t)input->rank + 1, sizeof(int64_t));
    if (!state->dims)
      return hgf_fail(session, HGF_ERROR_MEMORY, "out of memory");
    session->inputs[i].state = state;
    session->outputs[state->output].state = state;
  }
  return HGF_OK;
}

void hgf_states_free(hgf_session *session) {
  for (int32_t i = 0; i < session->state_count; ++i) {
    hgf_tensor_memory_free(session, &session->states[i].memory);
    free(session->states[i].dims);
  }
  free(session->states);
}

void hgf_states_reset(hgf_session *session) {
  for (int32_t i = 0; i < session->state_count; ++i)
    session->states[i].filled = false;
}

static const hgf_tensor_descriptor *descriptor_of(const hgf_session *session,
                                                  const hgf_state *state) {
  return session->inputs[state->input].descriptor;
}

/* A buffer that grows along an axis is `outer` rows; a row has room for so many
 * places of `place` bytes. Dense memory is the same without the room. */
typedef struct {
  size_t outer;
  size_t place;
} row_shape;

static row_shape rows_of(const hgf_session *session, const hgf_state *state,
                         const int64_t *dims) {
  const hgf_tensor_descriptor *descriptor = descriptor_of(session, state);
  row_shape rows = {1, hgf_dtype_size(descriptor->dtype)};
  for (int32_t i = 0; i < state->axis; ++i)
    rows.outer *= (size_t)dims[i];
  for (int32_t i = state->axis + 1; i < descriptor->rank; ++i)
    rows.place *= (size_t)dims[i];
  return rows;
}

static void copy_rows(const hgf_session *session, hgf_copy_kind kind,
                      row_shape rows, void *target, size_t target_places,
                      const void *source, size_t source_places, size_t places) {
  hgf_copy copy = {kind,
                   target,
                   target_places * rows.place,
                   source,
                   source_places * rows.place,
                   places * rows.place,
                   rows.outer};
  hgf_tensor_copy_rows(session, &copy);
}

/* Makes room for `places` along the axis, with the other dims of `dims`, and
 * keeps the contents if they have these dims. */
static hgf_status grow(hgf_session *session, hgf_state *state,
                       const int64_t *dims, int64_t places) {
  const hgf_tensor_descriptor *descriptor = descriptor_of(session, state);
  bool same = state->filled;
  for (int32_t i = 0; i < descriptor->rank; ++i)
    same &= i == state->axis || state->dims[i] == dims[i];
  if (same && places <= state->room)
    return HGF_OK;
  int64_t room = places;
  if (session->capacity > 0)
    room = places < session->capacity ? session->capacity : places;
  else if (places < INT64_MAX / 2)
    room = places < 64 ? 64 : places + places / 2;
  /* The size is checked with dims that include the room. */
  int64_t buffer_dims[descriptor->rank + 1];
  memcpy(buffer_dims, dims, (size_t)descriptor->rank * sizeof *dims);
  buffer_dims[state->axis] = room;
  hgf_memory memory = {NULL, 0};
  size_t byte_count;
  if (!hgf_tensor_bytes(descriptor->dtype, descriptor->rank, buffer_dims,
                        &byte_count) ||
      ((state->filled || byte_count > state->memory.byte_count ||
        !state->memory.data) &&
       !hgf_tensor_memory_reserve(session, &memory, byte_count)))
    return hgf_fail(session, HGF_ERROR_MEMORY,
                    "no memory%s for %lld positions of state '%s'",
                    hgf_tensor_place(session), (long long)room,
                    descriptor->name);
  if (memory.data) {
    if (same)
      copy_rows(session, hgf_copy_within, rows_of(session, state, dims),
                memory.data, (size_t)room, state->memory.data,
                (size_t)state->room, (size_t)state->dims[state->axis]);
    hgf_tensor_memory_free(session, &state->memory);
    state->memory = memory;
  }
  state->room = room;
  return HGF_OK;
}

static hgf_status prepare_growing(hgf_session *session, hgf_state *state) {
  const hgf_slot *input = &session->inputs[state->input];
  const int64_t *dims = session->input_dims + input->first_dim;
  const int64_t *output_dims =
      session->output_dims + session->outputs[state->output].first_dim;
  int64_t before = dims[state->axis], after = output_dims[state->axis];
  if (!input->bound && session->capacity > 0 && after > session->capacity)
    return hgf_fail(
        session, HGF_ERROR_CAPACITY,
        "state '%s' holds %lld positions and %lld more do not fit its capacity "
        "of %lld: reset the session, or ask for more with max_context",
        input->descriptor->name, (long long)before, (long long)(after - before),
        (long long)session->capacity);
  for (int32_t i = 0; i < input->descriptor->rank; ++i)
    if (i == state->axis ? after < before : output_dims[i] != dims[i])
      return hgf_fail(session, HGF_ERROR_SHAPE,
                      "state '%s' would change its shape in dimension %d",
                      input->descriptor->name, i);
  if (input->bound)
    state->filled = false;
  hgf_status status = grow(session, state, dims, after);
  if (status)
    return status;
  if (input->bound)
    copy_rows(session, hgf_copy_in, rows_of(session, state, dims),
              state->memory.data, (size_t)state->room, input->data,
              (size_t)before, (size_t)before);
  /* From here on the memory has these dims, even if the run fails. */
  memcpy(state->dims, dims, (size_t)input->descriptor->rank * sizeof *dims);
  state->filled = true;
  return HGF_OK;
}

/* Empty state that is replaced as a whole begins as zeros. */
static hgf_status prepare_replaced(hgf_session *session, hgf_state *state) {
  const hgf_slot *input = &session->inputs[state->input];
  if (input->bound || state->filled)
    return HGF_OK;
  const int64_t *dims = session->input_dims + input->first_dim;
  size_t byte_count;
  if (!hgf_tensor_bytes(input->descriptor->dtype, input->descriptor->rank, dims,
                        &byte_count) ||
      !hgf_tensor_memory_reserve(session, &state->memory, byte_count))
    return hgf_fail(session, HGF_ERROR_MEMORY, "no memory%s for state '%s'",
                    hgf_tensor_place(session), input->descriptor->name);
  hgf_tensor_zero(session, state->memory.data, byte_count);
  memcpy(state->dims, dims, (size_t)input->descriptor->rank * sizeof *dims);
  state->filled = true;
  return HGF_OK;
}

hgf_status hgf_state_prepare(hgf_session *session, hgf_state *state) {
  return state->axis >= 0 ? prepare_growing(session, state)
                          : prepare_replaced(session, state);
}

/* Dense strides, but with `room` places along `axis`. */
static void set_strides(const hgf_state *state, int32_t rank,
                        const int64_t *dims, int64_t *strides) {
  uint64_t stride = 1; /* Unsigned: may wrap where there are no elements. */
  for (int32_t i = rank - 1; i >= 0; --i) {
    strides[i] = (int64_t)stride;
    stride *= (uint64_t)(i == state->axis ? state->room : dims[i]);
  }
}

void hgf_state_buffers(hgf_session *session, hgf_state *state) {
  const hgf_slot *input = &session->inputs[state->input];
  const hgf_slot *output = &session->outputs[state->output];
  hgf_buffer *buffers = session->buffers;
  if (state->axis < 0) {
    if (!input->bound)
      buffers[state->input].data = state->memory.data;
    return;
  }
  int32_t rank = input->descriptor->rank;
  buffers[state->input].data = state->memory.data;
  buffers[session->model->input_count + state->output].data =
      state->memory.data;
  set_strides(state, rank, session->input_dims + input->first_dim,
              session->input_strides + input->first_dim);
  set_strides(state, rank, session->output_dims + output->first_dim,
              session->output_strides + output->first_dim);
}

hgf_status hgf_state_finish(hgf_session *session, hgf_state *state) {
  hgf_slot *output = &session->outputs[state->output];
  const int64_t *dims = session->output_dims + output->first_dim;
  size_t rank = (size_t)output->descriptor->rank;
  if (state->axis >= 0) {
    memcpy(state->dims, dims, rank * sizeof *dims);
    return HGF_OK;
  }
  size_t byte_count = 0;
  hgf_tensor_bytes(output->descriptor->dtype, (int32_t)rank, dims, &byte_count);
  if (!hgf_tensor_memory_reserve(session, &state->memory, byte_count)) {
    state->filled = false;
    return hgf_fail(session, HGF_ERROR_MEMORY, "no memory%s for state '%s'",
                    hgf_tensor_place(session),
                    descriptor_of(session, state)->name);
  }
  const hgf_buffer *buffer =
      &session->buffers[session->model->input_count + state->output];
  hgf_tensor_copy(session, hgf_copy_within, state->memory.data, buffer->data,
                  byte_count);
  memcpy(state->dims, dims, rank * sizeof *dims);
  state->filled = true;
  return HGF_OK;
}

void hgf_state_copy_out(const hgf_session *session, const hgf_state *state,
                        const int64_t *dims, void *data) {
  size_t places = (size_t)dims[state->axis];
  copy_rows(session, hgf_copy_out, rows_of(session, state, dims), data, places,
            state->memory.data, (size_t)state->room, places);
}
