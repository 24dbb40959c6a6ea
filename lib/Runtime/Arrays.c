/*===- Arrays.c - Tensors in memory of their own --------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"
#include "hgf-c/Model.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool hgf_problem_set(hgf_problem *problem, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem->text, sizeof problem->text, format, arguments);
  va_end(arguments);
  return false;
}

void hgf_array_free(hgf_array *array) {
  free(array->name);
  free(array->stem);
  free(array->data);
  *array = (hgf_array){.name = NULL};
}

void hgf_array_list_free(hgf_array_list *list) {
  for (size_t i = 0; i < list->count; ++i)
    hgf_array_free(&list->items[i]);
  free(list->items);
  *list = (hgf_array_list){NULL, 0};
}

hgf_array *hgf_array_list_add(hgf_array_list *list) {
  /* Grows at powers of two. */
  if ((list->count & (list->count - 1)) == 0) {
    size_t room = list->count ? 2 * list->count : 1;
    hgf_array *items = realloc(list->items, room * sizeof(hgf_array));
    if (!items)
      return NULL;
    list->items = items;
  }
  hgf_array *array = &list->items[list->count++];
  *array = (hgf_array){.name = NULL};
  return array;
}

bool hgf_array_bytes(const hgf_array *array, size_t *byte_count) {
  int64_t bytes = (int64_t)hgf_dtype_size(array->dtype);
  bool empty = false;
  for (int32_t i = 0; i < array->rank; ++i)
    empty |= array->dims[i] == 0;
  for (int32_t i = 0; !empty && i < array->rank; ++i)
    if (array->dims[i] < 0 ||
        __builtin_mul_overflow(bytes, array->dims[i], &bytes))
      return false;
  *byte_count = empty ? 0 : (size_t)bytes;
  return bytes < PTRDIFF_MAX - 64;
}

bool hgf_array_allocate(hgf_array *array, hgf_problem *problem) {
  size_t bytes;
  if (!hgf_array_bytes(array, &bytes))
    return hgf_problem_set(problem, "the array is larger than memory");
  array->data = aligned_alloc(64, (bytes / 64 + 1) * 64);
  if (!array->data)
    return hgf_problem_set(problem, "no memory for an array of %zu bytes",
                           bytes);
  memset(array->data, 0, bytes);
  array->byte_count = bytes;
  return true;
}

void hgf_array_normalize(hgf_array *array) {
  unsigned char *bytes = array->data;
  for (size_t i = 0; array->dtype == HGF_BOOL && i < array->byte_count; ++i)
    bytes[i] = bytes[i] != 0;
}
