/*===- Shape.c - Concrete shapes of one call ------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *hgf_dims_text(char *text, size_t size, const int64_t *dims,
                          int32_t rank) {
  size_t used = (size_t)snprintf(text, size, "[");
  for (int32_t i = 0; i < rank && used < size; ++i)
    used += (size_t)snprintf(text + used, size - used,
                             dims[i] < 0 ? "%s?" : "%s%lld", i ? ", " : "",
                             (long long)dims[i]);
  if (used < size)
    snprintf(text + used, size - used, "]");
  return text;
}

bool hgf_tensor_bytes(int32_t dtype, int32_t rank, const int64_t *dims,
                      size_t *byte_count) {
  /* Without elements, other dims may be anything. */
  for (int32_t i = 0; i < rank; ++i)
    if (dims[i] == 0) {
      *byte_count = 0;
      return true;
    }
  int64_t bytes = (int64_t)hgf_dtype_size(dtype);
  for (int32_t i = 0; i < rank; ++i)
    if (dims[i] < 0 || __builtin_mul_overflow(bytes, dims[i], &bytes))
      return false;
  *byte_count = (size_t)bytes;
  return (uint64_t)bytes <= PTRDIFF_MAX - hgf_alignment;
}

hgf_status hgf_number_symbols(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  for (int32_t input = 0; input < model->input_count; ++input) {
    const hgf_slot *slot = &session->inputs[input];
    for (int32_t axis = 0; axis < slot->descriptor->rank; ++axis) {
      int32_t *symbol = &session->dim_symbols[slot->first_dim + axis];
      const char *name = hgf_tensor_dim_name(model, HGF_INPUT, input, axis);
      *symbol = -1;
      if (!name || slot->descriptor->dims[axis] >= 0)
        continue;
      for (int32_t i = 0; i < session->symbol_count; ++i)
        if (strcmp(session->symbol_names[i], name) == 0)
          *symbol = i;
      if (*symbol >= 0)
        continue;
      *symbol = session->symbol_count++;
      session->symbol_names[*symbol] = name;
    }
  }
  return HGF_OK;
}

static hgf_status set_symbol(hgf_session *session, int32_t input, int32_t axis,
                             int64_t value) {
  int32_t symbol =
      session->dim_symbols[session->inputs[input].first_dim + axis];
  if (symbol < 0)
    return HGF_OK;
  int64_t *known = &session->symbol_values[symbol];
  if (*known < 0) {
    *known = value;
    session->symbol_inputs[symbol] = input;
  } else if (*known != value) {
    int32_t other = session->symbol_inputs[symbol];
    const hgf_slot *slots = session->inputs;
    bool kept = (slots[input].state && !slots[input].bound) ||
                (slots[other].state && !slots[other].bound);
    return hgf_fail(session, HGF_ERROR_SHAPE,
                    "dimension '%s' is %lld in input '%s' but %lld in input "
                    "'%s'%s",
                    session->symbol_names[symbol], (long long)*known,
                    slots[other].descriptor->name, (long long)value,
                    slots[input].descriptor->name,
                    kept ? "; the session keeps one of them as state: reset "
                           "it, or bind the input"
                         : "");
  }
  return HGF_OK;
}

/* What is known of an input at once: all dims of bound inputs and of filled
 * state, the static dims and the empty axis of other state. */
static hgf_status known_dims(hgf_session *session, int32_t input) {
  const hgf_slot *slot = &session->inputs[input];
  const hgf_state *state = slot->state;
  int64_t *dims = session->input_dims + slot->first_dim;
  if (!slot->bound && !state)
    return hgf_fail(session, HGF_ERROR_UNBOUND,
                    "input '%s' is not bound: bind it before the run",
                    slot->descriptor->name);
  for (int32_t axis = 0; axis < slot->descriptor->rank; ++axis) {
    if (slot->bound)
      dims[axis] = session->bound_dims[slot->first_dim + axis];
    else if (state->filled)
      dims[axis] = state->dims[axis];
    else
      dims[axis] = axis == state->axis ? 0 : slot->descriptor->dims[axis];
    if (dims[axis] < 0)
      continue;
    hgf_status status = set_symbol(session, input, axis, dims[axis]);
    if (status)
      return status;
  }
  return HGF_OK;
}

/* Dims of empty state: from other inputs, by name. */
static hgf_status remaining_dims(hgf_session *session, int32_t input) {
  const hgf_slot *slot = &session->inputs[input];
  int64_t *dims = session->input_dims + slot->first_dim;
  for (int32_t axis = 0; axis < slot->descriptor->rank; ++axis) {
    if (dims[axis] >= 0)
      continue;
    int32_t symbol = session->dim_symbols[slot->first_dim + axis];
    if (symbol >= 0 && session->symbol_values[symbol] >= 0)
      dims[axis] = session->symbol_values[symbol];
    else if (slot->state->axis < 0)
      dims[axis] = 0; /* A cache that is replaced as a whole begins empty. */
    else
      return hgf_fail(session, HGF_ERROR_SHAPE,
                      "no bound input gives dimension %d of state '%s': bind "
                      "the state for the first run",
                      axis, slot->descriptor->name);
  }
  return HGF_OK;
}

static hgf_status shapes_do_not_fit(hgf_session *session) {
  char all[hgf_error_size - 80] = "", text[128];
  size_t used = 0;
  for (int32_t i = 0; i < session->model->input_count && used < sizeof all;
       ++i) {
    const hgf_slot *slot = &session->inputs[i];
    hgf_dims_text(text, sizeof text, session->input_dims + slot->first_dim,
                  slot->descriptor->rank);
    used += (size_t)snprintf(all + used, sizeof all - used, "%s'%s' %s",
                             i ? ", " : "", slot->descriptor->name, text);
  }
  return hgf_fail(session, HGF_ERROR_SHAPE,
                  "the shapes of the inputs do not fit each other: %s", all);
}

hgf_status hgf_resolve_dims(hgf_session *session) {
  const hgf_model_descriptor *model = session->model;
  hgf_status status;
  for (int32_t i = 0; i < session->symbol_count; ++i)
    session->symbol_values[i] = -1;
  for (int32_t i = 0; i < model->input_count; ++i)
    if ((status = known_dims(session, i)))
      return status;
  for (int32_t i = 0; i < model->input_count; ++i)
    if ((status = remaining_dims(session, i)))
      return status;
  if (model->output_dims(session->input_dims, session->output_dims) != 0)
    return shapes_do_not_fit(session);
  for (int32_t i = 0; i < model->output_count; ++i) {
    const hgf_slot *slot = &session->outputs[i];
    for (int32_t axis = 0; axis < slot->descriptor->rank; ++axis)
      if (session->output_dims[slot->first_dim + axis] < 0)
        return shapes_do_not_fit(session);
  }
  return HGF_OK;
}
