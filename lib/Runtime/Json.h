/*===- Json.h - Writing JSON into a buffer ------------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_JSON_H
#define HGF_LIB_RUNTIME_JSON_H

#include <stddef.h>

/* Text in a buffer of `size` bytes that may be too small: `length` goes on
 * counting, what does not fit is dropped, and a NUL ends what fits. */
typedef struct hgf_text {
  char *buffer;
  size_t size;
  size_t length;
} hgf_text;

/* As printf; one piece is at most 255 bytes long. */
void hgf_text_add(hgf_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `raw` as it is, of any length. */
void hgf_text_add_raw(hgf_text *text, const char *raw);
/* A quoted JSON string. Bytes that are not UTF-8 become U+FFFD. */
void hgf_text_add_string(hgf_text *text, const char *string);
void hgf_text_add_bytes(hgf_text *text, const char *bytes, size_t count);

#endif
