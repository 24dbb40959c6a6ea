/*===- TensorProto.c - ONNX tensors, as its node tests use them -----------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"
#include "hgf-c/Model.h"

#include <stdlib.h>
#include <string.h>

/* Fields of onnx.TensorProto that are read. */
enum {
  field_dims = 1,
  field_data_type = 2,
  field_segment = 3,
  field_float_data = 4,
  field_int32_data = 5,
  field_string_data = 6,
  field_int64_data = 7,
  field_name = 8,
  field_raw_data = 9,
  field_double_data = 10,
  field_uint64_data = 11,
  field_data_location = 14
};

enum { wire_varint = 0, wire_fixed64 = 1, wire_bytes = 2, wire_fixed32 = 5 };

typedef struct {
  const unsigned char *next;
  const unsigned char *end;
} cursor;

/* One field: `number` for varints and fixed sizes, `bytes` for the rest. */
typedef struct {
  uint32_t field;
  int wire;
  uint64_t number;
  cursor bytes;
} proto_field;

static bool take_varint(cursor *input, uint64_t *value) {
  *value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (input->next == input->end)
      return false;
    unsigned char byte = *input->next++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

static bool take_fixed(cursor *input, size_t size, uint64_t *value) {
  if ((size_t)(input->end - input->next) < size)
    return false;
  *value = 0;
  for (size_t i = 0; i < size; ++i)
    *value |= (uint64_t)input->next[i] << (8 * i);
  input->next += size;
  return true;
}

static bool take_value(cursor *input, int wire, uint64_t *value) {
  return wire == wire_varint    ? take_varint(input, value)
         : wire == wire_fixed64 ? take_fixed(input, 8, value)
         : wire == wire_fixed32 ? take_fixed(input, 4, value)
                                : false;
}

static bool take_field(cursor *input, proto_field *field) {
  uint64_t tag, size;
  if (!take_varint(input, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
    return false;
  field->field = (uint32_t)(tag >> 3);
  field->wire = (int)(tag & 7);
  if (field->wire != wire_bytes)
    return take_value(input, field->wire, &field->number);
  if (!take_varint(input, &size) || size > (size_t)(input->end - input->next))
    return false;
  field->bytes = (cursor){input->next, input->next + size};
  input->next += size;
  return true;
}

/* Which field holds elements that are not raw, and how they are written. */
static uint32_t typed_field(int32_t dtype, int *wire) {
  *wire = wire_varint;
  switch (dtype) {
  case HGF_FLOAT32:
    *wire = wire_fixed32;
    return field_float_data;
  case HGF_FLOAT64:
    *wire = wire_fixed64;
    return field_double_data;
  case HGF_INT64:
    return field_int64_data;
  case HGF_UINT32:
  case HGF_UINT64:
    return field_uint64_data;
  default:
    return field_int32_data;
  }
}

typedef struct {
  hgf_array *array;
  cursor raw;
  bool has_raw;
  int wire;
  uint32_t field;
  size_t filled; /* elements of the typed field so far */
} reader;

static bool add_dim(hgf_array *array, uint64_t dim) {
  if (array->rank == hgf_rank_limit || dim > INT64_MAX)
    return false;
  array->dims[array->rank++] = (int64_t)dim;
  return true;
}

/* First pass: everything but typed elements. */
static bool read_facts(cursor input, reader *state, hgf_problem *problem) {
  hgf_array *array = state->array;
  proto_field field;
  while (input.next < input.end) {
    uint64_t dim;
    if (!take_field(&input, &field))
      return hgf_problem_set(problem, "the tensor is damaged");
    switch (field.field) {
    case field_dims:
      if (field.wire == wire_varint && !add_dim(array, field.number))
        return hgf_problem_set(problem, "the tensor's shape is damaged");
      while (field.wire == wire_bytes && field.bytes.next < field.bytes.end)
        if (!take_varint(&field.bytes, &dim) || !add_dim(array, dim))
          return hgf_problem_set(problem, "the tensor's shape is damaged");
      break;
    case field_data_type:
      if (field.wire == wire_varint)
        array->dtype = field.number <= INT32_MAX ? (int32_t)field.number : 0;
      break;
    case field_name:
      if (field.wire == wire_bytes) {
        free(array->name);
        array->name = strndup((const char *)field.bytes.next,
                              (size_t)(field.bytes.end - field.bytes.next));
      }
      break;
    case field_raw_data:
      state->has_raw = field.wire == wire_bytes;
      state->raw = field.bytes;
      break;
    case field_segment:
      return hgf_problem_set(problem, "tensors in segments are not supported");
    case field_data_location:
      if (field.number != 0)
        return hgf_problem_set(problem,
                               "tensors with external data are not supported");
      break;
    default:
      break;
    }
  }
  return true;
}

static bool add_element(reader *state, uint64_t value) {
  size_t size = hgf_dtype_size(state->array->dtype);
  if (state->filled >= state->array->byte_count / size)
    return false;
  /* Little endian: the low bytes come first. */
  memcpy((char *)state->array->data + state->filled++ * size, &value, size);
  return true;
}

/* Second pass: typed elements, packed or one by one. */
static bool read_elements(cursor input, reader *state) {
  proto_field field;
  while (input.next < input.end) {
    uint64_t value;
    if (!take_field(&input, &field))
      return false;
    if (field.field != state->field)
      continue;
    if (field.wire == state->wire && !add_element(state, field.number))
      return false;
    while (field.wire == wire_bytes && field.bytes.next < field.bytes.end)
      if (!take_value(&field.bytes, state->wire, &value) ||
          !add_element(state, value))
        return false;
  }
  return state->filled * hgf_dtype_size(state->array->dtype) ==
         state->array->byte_count;
}

bool hgf_tensor_proto_read(const unsigned char *bytes, size_t size,
                           hgf_array *array, hgf_problem *problem) {
  reader state = {.array = array};
  cursor input = {bytes, bytes + size};
  array->rank = 0;
  array->dtype = 0;
  if (!read_facts(input, &state, problem))
    return false;
  if (hgf_dtype_size(array->dtype) == 0)
    return hgf_problem_set(problem, "ONNX element type %d is not supported",
                           array->dtype);
  state.field = typed_field(array->dtype, &state.wire);
  size_t needed;
  /* An element takes a byte of the file at least: nothing larger than eight
   * times the file is ever allocated. */
  if (!hgf_array_bytes(array, &needed) ||
      needed / hgf_dtype_size(array->dtype) > size)
    return hgf_problem_set(problem,
                           "the tensor has fewer elements than its shape says");
  size_t raw = (size_t)(state.raw.end - state.raw.next);
  if (state.has_raw && raw != needed)
    return hgf_problem_set(problem,
                           "the tensor has %zu bytes where its shape needs %zu",
                           raw, needed);
  if (!hgf_array_allocate(array, problem))
    return false;
  if (state.has_raw && raw)
    memcpy(array->data, state.raw.next, raw);
  else if (!state.has_raw && !read_elements(input, &state))
    return hgf_problem_set(problem,
                           "the tensor has not the elements its shape says");
  hgf_array_normalize(array);
  return true;
}
