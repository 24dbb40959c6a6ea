/*===- LoadedLayers.c - Layers that are loaded and measured ---------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "LoadedLayers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each layer takes time to compile, and these hide what a call costs. */
enum { most_layers = 16 };
enum { weights_alignment = 64 };

void hgf_divide_layers(hgf_loaded_layers *layers, int64_t layer_bytes) {
  layers->byte_count = (layer_bytes + weights_alignment - 1) /
                       weights_alignment * weights_alignment;
  int64_t fit = hgf_cache_bytes / layers->byte_count;
  layers->layers = fit < 1 ? 1 : fit > most_layers ? most_layers : fit;
  int64_t chunk = hgf_chunk_bytes(layers);
  layers->chunks = (hgf_memory_bytes + chunk - 1) / chunk;
}

int64_t hgf_chunk_bytes(const hgf_loaded_layers *layers) {
  return layers->byte_count * layers->layers;
}

/*===----------------------------------------------------------------------===*
 * Sessions
 *===----------------------------------------------------------------------===*/

/* A session and the memory of its tensors. */
typedef struct {
  const hgf_loaded_layers *layers;
  hgf_session *session;
  int64_t chunks; /* that one run goes over */
  bool fresh;     /* forgets state before each run */
  void **tensors;
  int32_t tensor_count;
  char error[512];
} bound_session;

/* Vectors may read and write whole cache lines. */
enum { slack = 64 };

/* Zeros that live as long as the session; NULL: out of memory. */
static void *add_tensor(bound_session *self, int64_t byte_count) {
  void *data = calloc((size_t)byte_count + slack, 1);
  self->tensors[self->tensor_count++] = data;
  if (!data)
    snprintf(self->error, sizeof self->error, "out of memory");
  return data;
}

static bool bind_input(bound_session *self, int32_t index, int64_t tokens,
                       bool is_layer) {
  const hgf_model_functions *api = self->layers->functions;
  const hgf_model_descriptor *model = self->layers->model;
  int32_t rank = api->tensor_rank(model, HGF_INPUT, index);
  const int64_t *known = api->tensor_dims(model, HGF_INPUT, index);
  int64_t *dims = calloc((size_t)rank + 1, sizeof(int64_t));
  if (!dims)
    return false;
  int64_t elements = 1;
  for (int32_t axis = 0; axis < rank; ++axis) {
    const char *name = api->tensor_dim_name(model, HGF_INPUT, index, axis);
    bool is_batch = name && strcasestr(name, "batch");
    dims[axis] = known[axis] >= 0 ? known[axis] : is_batch ? 1 : tokens;
    elements *= dims[axis];
  }
  int32_t type = api->tensor_dtype(model, HGF_INPUT, index);
  int64_t byte_count = elements * (int64_t)api->dtype_size(type);
  float *data = add_tensor(self, byte_count);
  for (int64_t i = 0; data && is_layer && type == HGF_FLOAT32 && i < elements;
       ++i)
    data[i] = sinf(0.7f * (float)i);
  bool good = data && api->bind_input(self->session, index, type, rank, dims,
                                      data, (size_t)byte_count) == HGF_OK;
  free(dims);
  return good;
}

/* Binds every input that is not state, with `tokens` for each dimension that is
 * neither known nor called a batch. Layers get activations of all sizes and
 * memory for their output; whole models get zeros, which every kind of input
 * allows. */
static bool bind_tensors(bound_session *self, int64_t tokens, bool is_layer) {
  const hgf_model_functions *api = self->layers->functions;
  const hgf_model_descriptor *model = self->layers->model;
  int32_t inputs = api->tensor_count(model, HGF_INPUT);
  self->tensors = calloc((size_t)inputs + 1, sizeof(void *));
  if (!self->tensors)
    return false;
  for (int32_t index = 0; index < inputs; ++index)
    if (api->tensor_state(model, HGF_INPUT, index) < 0 &&
        !bind_input(self, index, tokens, is_layer))
      return false;
  if (!is_layer)
    return true;
  const int64_t *dims = api->tensor_dims(model, HGF_OUTPUT, 0);
  int64_t byte_count = tokens * dims[1] * (int64_t)sizeof(float);
  void *data = add_tensor(self, byte_count);
  return data && api->bind_output(self->session, 0, HGF_FLOAT32, data,
                                  (size_t)byte_count) == HGF_OK;
}

static bool open_session(bound_session *self, const hgf_loaded_layers *layers,
                         int64_t threads, int64_t tokens, bool is_layer) {
  hgf_session_options options = {.size = sizeof options,
                                 .threads = (int32_t)threads};
  self->layers = layers;
  self->fresh = !is_layer;
  return layers->functions->create(layers->model, &options, &self->session,
                                   self->error, sizeof self->error) == HGF_OK &&
         bind_tensors(self, tokens, is_layer);
}

static void close_session(bound_session *self) {
  if (self->session)
    self->layers->functions->free(self->session);
  for (int32_t i = 0; i < self->tensor_count; ++i)
    free(self->tensors[i]);
  free(self->tensors);
}

static const char *get_error(const bound_session *self) {
  if (self->error[0] || !self->session)
    return self->error[0] ? self->error : "out of memory";
  return self->layers->functions->error(self->session);
}

/* Makes the code read its weights that far behind the first ones. */
static void move_weights(const hgf_loaded_layers *layers, int64_t distance) {
  if (layers->weights_slot)
    *layers->weights_slot = layers->weights + distance;
}

static bool run_session(void *argument) {
  bound_session *self = argument;
  const hgf_model_functions *api = self->layers->functions;
  if (self->fresh && api->reset(self->session))
    return false;
  bool good = true;
  for (int64_t chunk = 0; chunk < self->chunks && good; ++chunk) {
    move_weights(self->layers, chunk * hgf_chunk_bytes(self->layers));
    good = api->run(self->session) == HGF_OK;
  }
  move_weights(self->layers, 0);
  return good;
}

/*===----------------------------------------------------------------------===*
 * Lines
 *===----------------------------------------------------------------------===*/

static bool measure(const hgf_layer_task *task, hgf_line *line,
                    bound_session *session, bound_session *beside, char *error,
                    size_t error_size) {
  const hgf_loaded_layers *layers = task->layers;
  bool streams = strcmp(line->residency, "dram") == 0;
  line->layers = layers->layers;
  line->chunks = session->chunks = streams ? layers->chunks : 1;
  line->byte_count = (double)layers->byte_count;
  if (!open_session(session, layers, line->threads, line->tokens,
                    task->is_layer)) {
    snprintf(error, error_size, "the model failed: %s", get_error(session));
    return false;
  }
  double count = (double)(line->layers * line->chunks);
  const hgf_dot_loop *loop = hgf_find_dot_loop(line->level, task->is_float);
  line->loop = loop->name;
  hgf_task rounds = {.kernel = {run_session, session},
                     .byte_count = line->byte_count * count,
                     .multiply_adds = line->multiply_adds * count,
                     .threads = (int)line->threads,
                     .loop = loop,
                     .memory = task->memory,
                     .seconds = task->seconds};
  if (task->beside) {
    beside->chunks = streams ? task->beside->chunks : 1;
    if (!open_session(beside, task->beside, line->threads, line->tokens,
                      task->is_layer)) {
      snprintf(error, error_size, "the model failed: %s", get_error(beside));
      return false;
    }
    rounds.beside = (hgf_kernel){run_session, beside};
  }
  switch (hgf_measure(&rounds, &line->measurement)) {
  case hgf_kernel_failed:
    snprintf(error, error_size, "the model failed: %s", get_error(session));
    return false;
  case hgf_threads_missing:
    snprintf(error, error_size,
             "expected %lld threads but the system starts no more",
             (long long)line->threads);
    return false;
  case hgf_measured:
    break;
  }
  if (task->beside) {
    /* From the ratio of calls to that of layers. */
    line->time_ratio = line->measurement.beside_ratio *
                       (double)(task->beside->layers * beside->chunks) / count;
    line->byte_ratio =
        (double)layers->byte_count / (double)task->beside->byte_count;
  }
  return true;
}

bool hgf_measure_layers(const hgf_layer_task *task, hgf_line *line, char *error,
                        size_t error_size) {
  bound_session session = {0}, beside = {0};
  line->time_ratio = line->byte_ratio = 0;
  bool good = measure(task, line, &session, &beside, error, error_size);
  close_session(&session);
  close_session(&beside);
  return good;
}
