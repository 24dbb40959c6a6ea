/*===- NpyFile.c - NumPy's array files ------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"
#include "hgf-c/Model.h"

#include <string.h>

/*===----------------------------------------------------------------------===*
 * Element types: kind character and size
 *===----------------------------------------------------------------------===*/

typedef struct {
  int32_t dtype;
  char name[4];
} npy_dtype;

/* NumPy has no bfloat16; ml_dtypes writes it as two raw bytes. */
static const npy_dtype npy_dtypes[] = {
    {HGF_FLOAT32, "f4"},  {HGF_FLOAT64, "f8"}, {HGF_FLOAT16, "f2"},
    {HGF_BFLOAT16, "V2"}, {HGF_BOOL, "b1"},    {HGF_INT8, "i1"},
    {HGF_INT16, "i2"},    {HGF_INT32, "i4"},   {HGF_INT64, "i8"},
    {HGF_UINT8, "u1"},    {HGF_UINT16, "u2"},  {HGF_UINT32, "u4"},
    {HGF_UINT64, "u8"}};
enum { npy_dtype_count = sizeof npy_dtypes / sizeof *npy_dtypes };

/*===----------------------------------------------------------------------===*
 * The header: a Python dictionary of three entries
 *===----------------------------------------------------------------------===*/

typedef struct {
  const char *next;
  const char *end;
} cursor;

static char peek(cursor *text) {
  while (text->next < text->end && (*text->next == ' ' || *text->next == '\n'))
    ++text->next;
  return text->next < text->end ? *text->next : 0;
}

static bool take(cursor *text, char expected) {
  if (peek(text) != expected || expected == 0)
    return false;
  ++text->next;
  return true;
}

static bool take_word(cursor *text, const char *word) {
  peek(text);
  size_t length = strlen(word);
  if ((size_t)(text->end - text->next) < length ||
      memcmp(text->next, word, length) != 0)
    return false;
  text->next += length;
  return true;
}

/* A quoted string without escapes; false where it does not fit `string`. */
static bool take_string(cursor *text, char *string, size_t size) {
  char quote = peek(text);
  if (quote != '\'' && quote != '"')
    return false;
  ++text->next;
  size_t length = 0;
  while (text->next < text->end && *text->next != quote) {
    if (length + 1 >= size)
      return false;
    string[length++] = *text->next++;
  }
  string[length] = 0;
  return take(text, quote);
}

static bool take_number(cursor *text, int64_t *number) {
  char digit = peek(text);
  if (digit < '0' || digit > '9')
    return false;
  *number = 0;
  while (text->next < text->end && *text->next >= '0' && *text->next <= '9')
    if (__builtin_mul_overflow(*number, 10, number) ||
        __builtin_add_overflow(*number, *text->next++ - '0', number))
      return false;
  return true;
}

static bool take_shape(cursor *text, hgf_array *array) {
  if (!take(text, '('))
    return false;
  array->rank = 0;
  while (!take(text, ')')) {
    if (array->rank == hgf_rank_limit ||
        !take_number(text, &array->dims[array->rank]))
      return false;
    ++array->rank;
    if (!take(text, ',') && peek(text) != ')')
      return false;
  }
  return true;
}

static bool set_dtype(const char *descr, hgf_array *array,
                      hgf_problem *problem) {
  if (descr[0] == '>')
    return hgf_problem_set(
        problem, "expected little-endian elements but got '%s'", descr);
  for (size_t i = 0; i < npy_dtype_count; ++i)
    if (descr[0] && strcmp(descr + 1, npy_dtypes[i].name) == 0) {
      array->dtype = npy_dtypes[i].dtype;
      return true;
    }
  return hgf_problem_set(problem, "element type '%s' is not supported", descr);
}

static bool read_dictionary(cursor text, hgf_array *array, bool *fortran_order,
                            hgf_problem *problem) {
  bool has_descr = false, has_order = false, has_shape = false;
  char key[32], descr[32];
  if (!take(&text, '{'))
    return hgf_problem_set(problem, "the header is damaged");
  while (!take(&text, '}')) {
    if (!take_string(&text, key, sizeof key) || !take(&text, ':'))
      return hgf_problem_set(problem, "the header is damaged");
    if (strcmp(key, "descr") == 0) {
      if (peek(&text) == '[')
        return hgf_problem_set(problem, "structured arrays are not supported");
      has_descr = take_string(&text, descr, sizeof descr);
      if (has_descr && !set_dtype(descr, array, problem))
        return false;
    } else if (strcmp(key, "fortran_order") == 0) {
      *fortran_order = take_word(&text, "True");
      has_order = *fortran_order || take_word(&text, "False");
    } else if (strcmp(key, "shape") == 0) {
      has_shape = take_shape(&text, array);
    } else {
      return hgf_problem_set(problem, "the header is damaged");
    }
    if (!take(&text, ',') && peek(&text) != '}')
      return hgf_problem_set(problem, "the header is damaged");
  }
  if (!has_descr || !has_order || !has_shape)
    return hgf_problem_set(problem, "the header is damaged");
  return true;
}

/*===----------------------------------------------------------------------===*
 * Reading
 *===----------------------------------------------------------------------===*/

/* Element i of the source, counted with the first dim fastest, is copied to its
 * place counted with the last dim fastest. */
static void copy_fortran_order(hgf_array *array, const unsigned char *source) {
  size_t size = hgf_dtype_size(array->dtype);
  int64_t index[hgf_rank_limit] = {0};
  for (size_t i = 0; i < array->byte_count / size; ++i) {
    int64_t place = 0;
    for (int32_t axis = 0; axis < array->rank; ++axis)
      place = place * array->dims[axis] + index[axis];
    memcpy((char *)array->data + (size_t)place * size, source + i * size, size);
    for (int32_t axis = 0; axis < array->rank; ++axis) {
      if (++index[axis] < array->dims[axis])
        break;
      index[axis] = 0;
    }
  }
}

bool hgf_npy_read(const unsigned char *bytes, size_t size, hgf_array *array,
                  hgf_problem *problem) {
  if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return hgf_problem_set(problem, "this is not a .npy file");
  size_t begin = 10, length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
  if (bytes[6] == 2 || bytes[6] == 3) {
    if (size < 12)
      return hgf_problem_set(problem, "the file is truncated");
    begin = 12;
    length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  } else if (bytes[6] != 1) {
    return hgf_problem_set(problem, "version %d of .npy is not supported",
                           bytes[6]);
  }
  if (length > size - begin)
    return hgf_problem_set(problem, "the file is truncated");
  bool fortran_order = false;
  cursor text = {(const char *)bytes + begin,
                 (const char *)bytes + begin + length};
  if (!read_dictionary(text, array, &fortran_order, problem))
    return false;
  const unsigned char *source = bytes + begin + length;
  size_t available = size - begin - length, needed;
  if (!hgf_array_bytes(array, &needed) || needed > available)
    return hgf_problem_set(problem, "the file is truncated");
  if (!hgf_array_allocate(array, problem))
    return false;
  if (fortran_order && array->rank > 1)
    copy_fortran_order(array, source);
  else if (needed)
    memcpy(array->data, source, needed);
  hgf_array_normalize(array);
  return true;
}

size_t hgf_npy_header(int32_t dtype, int32_t rank, const int64_t *dims,
                      unsigned char header[hgf_npy_header_limit]) {
  const char *name = "V1";
  for (size_t i = 0; i < npy_dtype_count; ++i)
    if (npy_dtypes[i].dtype == dtype)
      name = npy_dtypes[i].name;
  char text[hgf_npy_header_limit];
  bool has_order = hgf_dtype_size(dtype) > 1 && name[0] != 'V';
  int length = snprintf(text, sizeof text,
                        "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                        has_order ? '<' : '|', name);
  for (int32_t i = 0; i < rank && i < hgf_rank_limit; ++i)
    length += snprintf(text + length, sizeof text - (size_t)length,
                       i ? ", %lld" : "%lld", (long long)dims[i]);
  length += snprintf(text + length, sizeof text - (size_t)length,
                     rank == 1 ? ",), }" : "), }");
  size_t total = (10 + (size_t)length + 1 + 63) / 64 * 64;
  memset(header, ' ', total);
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = (unsigned char)((total - 10) & 0xff);
  header[9] = (unsigned char)((total - 10) >> 8);
  memcpy(header + 10, text, (size_t)length);
  header[total - 1] = '\n';
  return total;
}
