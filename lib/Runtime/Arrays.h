/*===- Arrays.h - Tensors in files --------------------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_ARRAYS_H
#define HGF_LIB_RUNTIME_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { hgf_rank_limit = 16 };

/* Why a function of these files returned false: one sentence. */
typedef struct hgf_problem {
  char text[512];
} hgf_problem;

/* Writes the sentence and returns false. */
bool hgf_problem_set(hgf_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A dense tensor in memory of its own. */
typedef struct hgf_array {
  char *name;    /* of the tensor, or NULL where the file has none */
  char *stem;    /* of the file or npz entry, without its suffix, or NULL */
  int32_t dtype; /* hgf_dtype */
  int32_t rank;
  int64_t dims[hgf_rank_limit];
  void *data;
  size_t byte_count;
} hgf_array;

typedef struct hgf_array_list {
  hgf_array *items;
  size_t count;
} hgf_array_list;

void hgf_array_free(hgf_array *array);
void hgf_array_list_free(hgf_array_list *list);
/* Appends an empty array; NULL: out of memory. */
hgf_array *hgf_array_list_add(hgf_array_list *list);

/* Bytes of `data` for dtype, rank and dims; false where that is more than
 * memory can hold. */
bool hgf_array_bytes(const hgf_array *array, size_t *byte_count);
/* Bools become 0 or 1, whatever the file says. */
void hgf_array_normalize(hgf_array *array);
/* A zero-filled `data` for dtype, rank and dims; false where that does not fit
 * into memory. */
bool hgf_array_allocate(hgf_array *array, hgf_problem *problem);

/* NpyFile.c. `bytes` is a whole .npy file; sets all but the names. Arrays in
 * Fortran order are brought to C order. */
bool hgf_npy_read(const unsigned char *bytes, size_t size, hgf_array *array,
                  hgf_problem *problem);
enum { hgf_npy_header_limit = 512 };
/* The bytes before the data; returns their number, a multiple of 64. */
size_t hgf_npy_header(int32_t dtype, int32_t rank, const int64_t *dims,
                      unsigned char header[hgf_npy_header_limit]);

/* TensorProto.c. `bytes` is an onnx.TensorProto. Sets the name if it has one.
 */
bool hgf_tensor_proto_read(const unsigned char *bytes, size_t size,
                           hgf_array *array, hgf_problem *problem);

/* ZipFile.c. An archive of stored entries, without zip64, as numpy.savez makes
 * it. `bytes` is the whole file. */
typedef struct hgf_zip {
  const unsigned char *bytes;
  size_t size;
  size_t position; /* of the next entry in the directory */
  size_t remaining;
  size_t unclaimed; /* bytes that entries may still refer to */
} hgf_zip;
typedef struct hgf_zip_entry {
  const char *name; /* not terminated */
  size_t name_size;
  const unsigned char *data;
  size_t size;
} hgf_zip_entry;
bool hgf_zip_open(const unsigned char *bytes, size_t size, hgf_zip *zip,
                  hgf_problem *problem);
/* The next entry, while `remaining` is not 0. */
bool hgf_zip_next(hgf_zip *zip, hgf_zip_entry *entry, hgf_problem *problem);
/* One entry that will be written: two pieces, one after another. */
typedef struct hgf_zip_piece {
  const char *name;
  const void *head;
  size_t head_size;
  const void *data;
  size_t data_size;
} hgf_zip_piece;
typedef struct hgf_zip_writer {
  FILE *file;
  uint64_t position;
  unsigned char *directory;
  size_t directory_size;
  size_t count;
} hgf_zip_writer;
bool hgf_zip_add(hgf_zip_writer *writer, const hgf_zip_piece *piece,
                 hgf_problem *problem);
/* Writes the directory; the file stays open. */
bool hgf_zip_finish(hgf_zip_writer *writer, hgf_problem *problem);
void hgf_zip_writer_free(hgf_zip_writer *writer);

/* ArrayFiles.c. All arrays of an .npz file, or of a folder of .npy and .pb
 * files. */
bool hgf_arrays_load(const char *path, hgf_array_list *list,
                     hgf_problem *problem);
/* The arrays of an .npz file in memory. */
bool hgf_npz_read(const unsigned char *bytes, size_t size, hgf_array_list *list,
                  hgf_problem *problem);
/* What hgf_arrays_save writes: borrowed names and data. */
typedef struct hgf_named_data {
  const char *name;
  int32_t dtype;
  int32_t rank;
  const int64_t *dims;
  const void *data;
  size_t byte_count;
} hgf_named_data;
/* To an .npz file if `path` ends so, else to a folder, which is made, of .npy
 * files. */
bool hgf_arrays_save(const char *path, const hgf_named_data *items,
                     size_t count, hgf_problem *problem);
/* Whether a file called `stem` stands for the tensor called `name`: characters
 * that file names cannot have are '_'. */
bool hgf_stem_matches(const char *stem, const char *name);

#endif
