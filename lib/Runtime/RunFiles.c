/*===- RunFiles.c - Inputs from files, outputs to files -------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Arrays.h"
#include "CommandLine.h"
#include "Json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The input an array is for: by its tensor's name, by its file's name, or as
 * ONNX's node tests count them, "input_0". -1: none. */
static int32_t find_input(const hgf_model_descriptor *model,
                          const hgf_array *array) {
  int32_t index = hgf_tensor_find(model, HGF_INPUT, array->name);
  if (index < 0)
    index = hgf_tensor_find(model, HGF_INPUT, array->stem);
  int32_t count = hgf_tensor_count(model, HGF_INPUT);
  for (int32_t i = 0; index < 0 && array->stem && i < count; ++i)
    if (hgf_stem_matches(array->stem, hgf_tensor_name(model, HGF_INPUT, i)))
      index = i;
  if (index < 0 && array->stem && strncmp(array->stem, "input_", 6) == 0) {
    char *end;
    unsigned long number = strtoul(array->stem + 6, &end, 10);
    if (array->stem[6] && !*end && number < (unsigned long)count)
      index = (int32_t)number;
  }
  return index;
}

static int bind_arrays(hgf_session *session, const hgf_command *command,
                       const hgf_array_list *arrays) {
  const hgf_model_descriptor *model = hgf_session_model(session);
  for (size_t i = 0; i < arrays->count; ++i) {
    const hgf_array *array = &arrays->items[i];
    int32_t index = find_input(model, array);
    if (index < 0) {
      const char *first = hgf_tensor_name(model, HGF_INPUT, 0);
      return hgf_complain(command,
                          "'%s' has an array '%s', but the model has no such "
                          "input; its first one is '%s', --describe lists all",
                          command->inputs,
                          array->name ? array->name : array->stem,
                          first ? first : "(none)");
    }
    if (hgf_session_bind_input(session, index, array->dtype, array->rank,
                               array->dims, array->data, array->byte_count))
      return hgf_complain(command, "'%s': %s", command->inputs,
                          hgf_session_error(session));
  }
  return hgf_exit_done;
}

/* All outputs, to be saved; free() the result. NULL after a complaint. */
static hgf_named_data *collect_outputs(hgf_session *session,
                                       const hgf_command *command,
                                       int64_t **dims_storage) {
  const hgf_model_descriptor *model = hgf_session_model(session);
  int32_t count = hgf_tensor_count(model, HGF_OUTPUT);
  size_t rank_sum = 1;
  for (int32_t i = 0; i < count; ++i)
    rank_sum += (size_t)hgf_tensor_rank(model, HGF_OUTPUT, i);
  hgf_named_data *items = calloc((size_t)count + 1, sizeof(hgf_named_data));
  int64_t *dims = *dims_storage = calloc(rank_sum, sizeof(int64_t));
  if (!items || !dims) {
    hgf_complain(command, "out of memory");
    free(items);
    return NULL;
  }
  for (int32_t i = 0; i < count; ++i) {
    hgf_named_data *item = &items[i];
    item->name = hgf_tensor_name(model, HGF_OUTPUT, i);
    item->dtype = hgf_tensor_dtype(model, HGF_OUTPUT, i);
    item->rank = hgf_tensor_rank(model, HGF_OUTPUT, i);
    item->dims = dims;
    if (hgf_session_output_dims(session, i, dims) ||
        hgf_session_output_data(session, i, &item->data, &item->byte_count)) {
      hgf_complain(command, "%s", hgf_session_error(session));
      free(items);
      return NULL;
    }
    dims += item->rank;
  }
  return items;
}

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void print_outputs(const hgf_command *command,
                          const hgf_named_data *items, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    char name[512];
    hgf_text text = {name, sizeof name, 0};
    hgf_text_add_string(&text, items[i].name);
    if (command->json)
      printf("%s{\"name\": %s, \"dtype\": \"%s\", \"shape\": [", i ? ", " : "",
             name, hgf_dtype_name(items[i].dtype));
    else
      printf("%s: %s [", items[i].name, hgf_dtype_name(items[i].dtype));
    for (int32_t axis = 0; axis < items[i].rank; ++axis)
      printf("%s%lld", axis ? ", " : "", (long long)items[i].dims[axis]);
    printf(command->json ? "]}" : "]\n");
  }
}

static void print_report(const hgf_session *session, const hgf_command *command,
                         const hgf_named_data *items, double *seconds) {
  int64_t runs = command->repeat;
  double sum = 0;
  for (int64_t i = 0; i < runs; ++i)
    sum += seconds[i];
  qsort(seconds, (size_t)runs, sizeof *seconds, compare_doubles);
  double median = runs % 2 ? seconds[runs / 2]
                           : (seconds[runs / 2 - 1] + seconds[runs / 2]) / 2;
  int32_t count = hgf_tensor_count(hgf_session_model(session), HGF_OUTPUT);
  if (command->json)
    printf("{\"threads\": %d, \"level\": \"%s\", \"runs\": %lld, "
           "\"seconds\": {\"min\": %.9g, \"median\": %.9g, \"mean\": %.9g, "
           "\"max\": %.9g}, \"outputs\": [",
           hgf_session_threads(session), hgf_session_level(session),
           (long long)runs, seconds[0], median, sum / (double)runs,
           seconds[runs - 1]);
  print_outputs(command, items, count);
  fflush(stdout); /* Before what goes to stderr. */
  if (command->json)
    printf("]}\n");
  else
    fprintf(stderr,
            "%lld run%s on %d thread%s (%s): median %.6g ms, min %.6g "
            "ms\n",
            (long long)runs, runs == 1 ? "" : "s", hgf_session_threads(session),
            hgf_session_threads(session) == 1 ? "" : "s",
            hgf_session_level(session), 1e3 * median, 1e3 * seconds[0]);
}

static int run_and_save(hgf_session *session, const hgf_command *command,
                        double *seconds) {
  for (int64_t i = 0; i < command->repeat; ++i) {
    /* Every run starts from the same state. */
    hgf_session_reset(session);
    double begin = hgf_seconds();
    if (hgf_session_run(session))
      return hgf_complain(command, "%s", hgf_session_error(session));
    seconds[i] = hgf_seconds() - begin;
  }
  int64_t *dims;
  hgf_named_data *items = collect_outputs(session, command, &dims);
  int status = items ? hgf_exit_done : hgf_exit_bad_input;
  hgf_problem problem;
  size_t count =
      (size_t)hgf_tensor_count(hgf_session_model(session), HGF_OUTPUT);
  if (items && command->outputs &&
      !hgf_arrays_save(command->outputs, items, count, &problem))
    status = hgf_complain(command, "%s", problem.text);
  if (status == hgf_exit_done)
    print_report(session, command, items, seconds);
  free(items);
  free(dims);
  return status;
}

int hgf_run_files(const hgf_model_descriptor *model,
                  const hgf_command *command) {
  hgf_array_list arrays = {NULL, 0};
  hgf_problem problem;
  hgf_session *session = NULL;
  double *seconds = NULL;
  int status = hgf_exit_bad_input;
  if (!hgf_arrays_load(command->inputs, &arrays, &problem))
    hgf_complain(command, "%s", problem.text);
  else if (!(seconds = calloc((size_t)command->repeat, sizeof *seconds)))
    hgf_complain(command, "no memory for the times of %lld runs",
                 (long long)command->repeat);
  else if ((session = hgf_command_session(model, command)) &&
           (status = bind_arrays(session, command, &arrays)) == hgf_exit_done)
    status = run_and_save(session, command, seconds);
  hgf_session_free(session);
  hgf_array_list_free(&arrays);
  free(seconds);
  return status;
}
