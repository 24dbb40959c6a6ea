/*===- next_byte.c - A compiled model in a C program ----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

/* Build it with a compiled model, here the language model beside it:
 *
 *   hgf-compile examples/shakespeare/model.onnx -o libshakespeare.so
 *   cc -I include examples/c/next_byte.c libshakespeare.so \
 *       -Wl,-rpath,'$ORIGIN' -o next
 *   ./next 'To be, or not' 40
 *
 * With --emit=static the result is one file: link libshakespeare.a -lm. */

#include "hgf-c/Model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { vocabulary_size = 256 };

static int fail(const char *sentence) {
  fprintf(stderr, "error: %s\n", sentence);
  return 1;
}

/* Says what the model takes and gives. */
static void print_tensors(hgf_tensor_kind kind, const char *title) {
  for (int32_t i = 0; i < hgf_tensor_count(&hgf_model, kind); ++i) {
    const int64_t *dims = hgf_tensor_dims(&hgf_model, kind, i);
    fprintf(stderr, "%s %s: %s [", title, hgf_tensor_name(&hgf_model, kind, i),
            hgf_dtype_name(hgf_tensor_dtype(&hgf_model, kind, i)));
    for (int32_t axis = 0; axis < hgf_tensor_rank(&hgf_model, kind, i); ++axis)
      fprintf(stderr, axis ? ", %lld" : "%lld", (long long)dims[axis]);
    fprintf(stderr, "]%s\n",
            hgf_tensor_state(&hgf_model, kind, i) >= 0 ? " (state)" : "");
  }
}

/* Feeds `count` tokens [1, count]; the session remembers them. Sets `next` to
 * the byte that the model finds most likely to follow. */
static hgf_status feed(hgf_session *session, const int64_t *tokens,
                       int64_t count, int *next) {
  const int64_t dims[] = {1, count};
  hgf_status status =
      hgf_session_bind_input_by_name(session, "input_ids", HGF_INT64, 2, dims,
                                     tokens, (size_t)count * sizeof *tokens);
  if (status)
    return status;

  /* The output's memory is ours: as large as its shape says, which is known
   * when the inputs are bound. */
  int32_t output = hgf_tensor_find(&hgf_model, HGF_OUTPUT, "logits");
  int64_t shape[3];
  if ((status = hgf_session_output_dims(session, output, shape)))
    return status;
  size_t byte_count = (size_t)(shape[0] * shape[1] * shape[2]) * sizeof(float);
  float *logits = malloc(byte_count);
  if (!logits)
    return HGF_ERROR_MEMORY;
  status =
      hgf_session_bind_output(session, output, HGF_FLOAT32, logits, byte_count);
  if (status == HGF_OK)
    status = hgf_session_run(session);
  if (status == HGF_OK) {
    const float *last = logits + (count - 1) * vocabulary_size;
    *next = 0;
    for (int i = 1; i < vocabulary_size; ++i)
      if (last[i] > last[*next])
        *next = i;
  }
  hgf_session_unbind(session, HGF_OUTPUT, output);
  free(logits);
  return status;
}

static int write_text(hgf_session *session, const char *prompt, int count) {
  int64_t length = (int64_t)strlen(prompt);
  int64_t *tokens = malloc(((size_t)length + 1) * sizeof *tokens);
  if (!tokens)
    return fail("out of memory");
  for (int64_t i = 0; i < length; ++i)
    tokens[i] = (unsigned char)prompt[i];

  int next;
  hgf_status status = feed(session, tokens, length, &next);
  for (int i = 0; status == HGF_OK && i < count; ++i) {
    putchar(next);
    tokens[0] = next;
    if (i + 1 < count)
      status = feed(session, tokens, 1, &next);
  }
  putchar('\n');
  free(tokens);
  return status ? fail(hgf_session_error(session)) : 0;
}

int main(int argc, char **argv) {
  if (argc != 3 || !*argv[1]) {
    fprintf(stderr, "usage: %s PROMPT COUNT\n", argv[0]);
    return 2;
  }
  print_tensors(HGF_INPUT, "input");
  print_tensors(HGF_OUTPUT, "output");

  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = 2;
  hgf_session *session;
  char error[256];
  if (hgf_session_create(&hgf_model, &options, &session, error, sizeof error))
    return fail(error);

  int status = write_text(session, argv[1], atoi(argv[2]));
  fprintf(stderr, "%lld of %lld positions used\n",
          (long long)hgf_session_position(session),
          (long long)hgf_session_capacity(session));

  /* Forget the text: the next one begins anew. */
  if (status == 0 && hgf_session_reset(session))
    status = fail(hgf_session_error(session));
  hgf_session_free(session);
  return status;
}
