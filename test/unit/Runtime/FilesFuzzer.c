/*===- FilesFuzzer.c - The readers of tensors in files --------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

/* Whatever the bytes are: an array or a sentence. */
#include "Arrays.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  hgf_problem problem;
  hgf_array_list list = {NULL, 0};
  hgf_npz_read(bytes, size, &list, &problem);
  hgf_array_list_free(&list);
  hgf_array array = {.name = NULL};
  hgf_npy_read(bytes, size, &array, &problem);
  hgf_array_free(&array);
  hgf_tensor_proto_read(bytes, size, &array, &problem);
  hgf_array_free(&array);
  return 0;
}
