/*===- Json.c - Writing JSON into a buffer --------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add(hgf_text *text, const char *bytes, size_t count) {
  if (text->length + 1 < text->size) {
    size_t room = text->size - text->length - 1;
    memcpy(text->buffer + text->length, bytes, count < room ? count : room);
  }
  text->length += count;
  if (text->size > 0)
    text->buffer[text->length < text->size ? text->length : text->size - 1] = 0;
}

void hgf_text_add(hgf_text *text, const char *format, ...) {
  char piece[256];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (length > 0)
    add(text, piece, strlen(piece));
}

void hgf_text_add_raw(hgf_text *text, const char *raw) {
  add(text, raw, strlen(raw));
}

/* Bytes of the UTF-8 sequence that begins here; 0: none does. */
static size_t utf8_length(const unsigned char *bytes, size_t count) {
  unsigned char first = bytes[0];
  if (first < 0x80)
    return 1;
  size_t length = first >= 0xc2 && first < 0xe0   ? 2
                  : first >= 0xe0 && first < 0xf0 ? 3
                  : first >= 0xf0 && first < 0xf5 ? 4
                                                  : 0;
  if (length == 0 || length > count)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
  /* Overlong forms, surrogates and numbers above U+10FFFF. */
  if ((first == 0xe0 && bytes[1] < 0xa0) ||
      (first == 0xed && bytes[1] >= 0xa0) ||
      (first == 0xf0 && bytes[1] < 0x90) || (first == 0xf4 && bytes[1] >= 0x90))
    return 0;
  return length;
}

void hgf_text_add_bytes(hgf_text *text, const char *bytes, size_t count) {
  add(text, "\"", 1);
  for (size_t i = 0; i < count;) {
    unsigned char byte = (unsigned char)bytes[i];
    size_t length = utf8_length((const unsigned char *)bytes + i, count - i);
    if (byte == '"' || byte == '\\')
      hgf_text_add(text, "\\%c", byte);
    else if (byte == '\n')
      add(text, "\\n", 2);
    else if (byte < 0x20 || byte == 0x7f)
      hgf_text_add(text, "\\u%04x", byte);
    else if (length == 0)
      add(text, "\\ufffd", 6);
    else
      add(text, bytes + i, length);
    i += length ? length : 1;
  }
  add(text, "\"", 1);
}

void hgf_text_add_string(hgf_text *text, const char *string) {
  hgf_text_add_bytes(text, string, strlen(string));
}
