/*===- PrintModel.c - --describe ------------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "CommandLine.h"
#include "ModelDescriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_type(const hgf_model_descriptor *model, hgf_tensor_kind kind,
                       int32_t index) {
  printf("%s [", hgf_dtype_name(hgf_tensor_dtype(model, kind, index)));
  const int64_t *dims = hgf_tensor_dims(model, kind, index);
  for (int32_t axis = 0; axis < hgf_tensor_rank(model, kind, index); ++axis) {
    const char *name = hgf_tensor_dim_name(model, kind, index, axis);
    printf("%s", axis ? ", " : "");
    if (dims[axis] >= 0)
      printf("%lld", (long long)dims[axis]);
    else
      printf("%s", name ? name : "?");
  }
  printf("]");
}

static void print_tensors(const hgf_model_descriptor *model,
                          hgf_tensor_kind kind) {
  printf("%s:\n", kind == HGF_INPUT ? "inputs" : "outputs");
  for (int32_t i = 0; i < hgf_tensor_count(model, kind); ++i) {
    printf("  %s: ", hgf_tensor_name(model, kind, i));
    print_type(model, kind, i);
    int32_t partner = hgf_tensor_state(model, kind, i);
    if (partner >= 0 && kind == HGF_INPUT)
      printf("  (state, from output '%s')",
             hgf_tensor_name(model, HGF_OUTPUT, partner));
    printf("\n");
  }
}

/*===----------------------------------------------------------------------===*
 * The report: JSON that the compiler wrote. Numbers, strings and objects are
 * printed, of lists only the length.
 *===----------------------------------------------------------------------===*/

static const char *skip_space(const char *text) {
  return text + strspn(text, " \t\r\n");
}

/* The end of the JSON string that begins here. */
static const char *string_end(const char *text) {
  for (++text; *text && *text != '"'; ++text)
    if (*text == '\\' && text[1])
      ++text;
  return *text ? text + 1 : text;
}

/* The end of any JSON value; counts the elements of a list. */
static const char *value_end(const char *text, size_t *elements) {
  int depth = 0;
  bool any = false;
  size_t commas = 0;
  for (; *text; ++text) {
    if (*text == '"') {
      text = string_end(text) - 1;
      any = true;
    } else if (*text == '[' || *text == '{') {
      any |= depth > 0;
      ++depth;
    } else if (*text == ']' || *text == '}') {
      if (depth == 0)
        break;
      if (--depth == 0) {
        ++text;
        break;
      }
    } else if (*text == ',' && depth <= 1) {
      if (depth == 0)
        break;
      ++commas;
    } else if (*text > ' ') {
      any = true;
    }
  }
  *elements = any ? commas + 1 : 0;
  return text;
}

static const char *print_object(const char *text, int indent) {
  text = skip_space(text + 1);
  while (*text == '"') {
    const char *key = text + 1, *key_end = string_end(text) - 1;
    text = skip_space(key_end + (*key_end != 0));
    if (*text != ':')
      return text;
    text = skip_space(text + 1);
    printf("%*s", indent, "");
    for (; key < key_end; ++key)
      putchar(*key == '_' ? ' ' : *key);
    if (*text == '{') {
      printf(":\n");
      text = print_object(text, indent + 2);
    } else {
      size_t elements;
      const char *end = value_end(text, &elements);
      if (*text == '[')
        printf(": %zu entries\n", elements);
      else if (*text == '"' && end - text >= 2)
        printf(": %.*s\n", (int)(end - text - 2), text + 1);
      else
        printf(": %.*s\n", (int)(end - text), text);
      text = end;
    }
    text = skip_space(text);
    if (*text == ',')
      text = skip_space(text + 1);
  }
  return *text == '}' ? text + 1 : text;
}

static void print_gpu(const hgf_model_descriptor *model) {
  const hgf_gpu_descriptor *gpu = model->gpu;
  printf("gpu: %d kernels%s\n", (int)gpu->kernel_count,
         model->fallback ? ", and a CPU version" : "");
  for (int32_t i = 0; i < gpu->image_count; ++i)
    printf("  %s for sm_%d: %lld bytes\n",
           gpu->images[i].format == hgf_gpu_cubin ? "cubin" : "PTX",
           (int)gpu->images[i].chip, (long long)gpu->images[i].byte_count);
}

static void print_text(const hgf_model_descriptor *model,
                       const hgf_command *command) {
  print_tensors(model, HGF_INPUT);
  print_tensors(model, HGF_OUTPUT);
  printf("metadata:%s\n", model->metadata_count ? "" : " none");
  for (int32_t i = 0; i < model->metadata_count; ++i)
    printf("  %s = %s\n", model->metadata[2 * i], model->metadata[2 * i + 1]);
  if (model->gpu)
    print_gpu(model);
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.weights = command->weights;
  options.device = command->device;
  hgf_session *session;
  char error[512];
  if (hgf_session_create(model, &options, &session, error, sizeof error) == 0)
    printf("kernels: %s (%s)\nthreads: %d\n", hgf_session_level(session),
           hgf_session_level_reason(session), hgf_session_threads(session));
  else
    printf("kernels: unknown (%s)\n", error);
  hgf_session_free(session);
  if (model->weights && model->weights->file_name)
    printf("weights: %lld bytes in '%s'\n",
           (long long)model->weights->byte_count, model->weights->file_name);
  if (model->report_json && *skip_space(model->report_json) == '{') {
    printf("report:\n");
    print_object(skip_space(model->report_json), 2);
  }
}

int hgf_print_model(const hgf_model_descriptor *model,
                    const hgf_command *command) {
  if (!command->json) {
    print_text(model, command);
    return hgf_exit_done;
  }
  size_t size = hgf_model_describe(model, NULL, 0) + 1;
  char *text = malloc(size);
  if (!text)
    return hgf_complain(command, "out of memory");
  hgf_model_describe(model, text, size);
  fputs(text, stdout);
  free(text);
  return hgf_exit_done;
}
