/*===- GpuGraph.c - The launches of a run, and their repetition -----------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* Launching kernel after kernel costs the host more than a small kernel      *|
|* takes. Steps of a text are the same sequence of launches but for the       *|
|* values, so a sequence that comes a second time in a row is recorded as a   *|
|* CUDA graph, which one call repeats.                                        *|
\*===----------------------------------------------------------------------===*/

#include "GpuInternal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of one launch in hgf_gpu_record.launches: these, then the parameters. */
enum {
  launch_kernel,
  launch_grid,
  launch_threads = launch_grid + 3,
  launch_shared,
  launch_parameter_count,
  launch_value_count,
  launch_words
};

enum { values_alignment = 64, parameter_limit = 500 };

static bool reserve(hgf_gpu_session *session, hgf_words *words, size_t count) {
  if (words->count + count <= words->capacity)
    return true;
  size_t capacity = 2 * words->capacity + count;
  uint64_t *data = realloc(words->data, capacity * sizeof *data);
  if (!data)
    return hgf_gpu_check(session, CUDA_ERROR_OUT_OF_MEMORY,
                         "recording the launches");
  words->data = data;
  words->capacity = capacity;
  return true;
}

static bool same(const hgf_words *left, const hgf_words *right) {
  return left->count == right->count && left->count > 0 &&
         memcmp(left->data, right->data, left->count * sizeof *left->data) == 0;
}

static bool is_set(const char *variable, const char *value) {
  const char *text = getenv(variable);
  return text && strcmp(text, value) == 0;
}

void hgf_gpu_record_create(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  record->wait_each = is_set("HGF_GPU_WAIT", "1");
  record->no_graphs = record->wait_each || is_set("HGF_GPU_GRAPH", "0");
}

static void drop_graphs(hgf_gpu_session *session) {
  for (int i = 0; i < hgf_graph_limit; ++i) {
    hgf_gpu_graph *graph = &session->record.graphs[i];
    if (graph->executable)
      session->model->driver->cuGraphExecDestroy(graph->executable);
    graph->executable = NULL;
    graph->last_use = 0;
  }
}

static void free_values(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  if (record->host_values)
    session->model->driver->cuMemFreeHost(record->host_values);
  if (record->device_values)
    session->model->driver->cuMemFree(record->device_values);
  record->host_values = NULL;
  record->device_values = 0;
  record->values_bytes = 0;
}

void hgf_gpu_record_free(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  drop_graphs(session);
  free_values(session);
  for (int i = 0; i < hgf_graph_limit; ++i)
    free(record->graphs[i].launches.data);
  free(record->launches.data);
  free(record->last_launches.data);
  free(record->values.data);
}

void hgf_gpu_record_begin(hgf_gpu_session *session) {
  session->record.launches.count = 0;
  session->record.values.count = 0;
}

void hgf_gpu_record_launch(hgf_gpu_session *session,
                           const hgf_gpu_launch *launch) {
  hgf_gpu_record *record = &session->record;
  const hgf_gpu_model *model = session->model;
  if (session->defect != CUDA_SUCCESS || launch->grid[0] == 0 ||
      launch->grid[1] == 0 || launch->grid[2] == 0)
    return;
  if (launch->kernel < 0 || launch->kernel >= model->descriptor->kernel_count ||
      launch->parameter_count < 0 ||
      launch->parameter_count > parameter_limit || launch->value_count < 0) {
    hgf_gpu_check(session, CUDA_ERROR_INVALID_VALUE,
                  "launching kernel number %d", (int)launch->kernel);
    return;
  }
  if (launch->shared_bytes > model->kernels[launch->kernel].dynamic_shared &&
      !hgf_gpu_check(session,
                     hgf_gpu_allow_shared(session->model, launch->kernel,
                                          launch->shared_bytes),
                     "giving kernel '%s' %d bytes of shared memory",
                     model->descriptor->kernels[launch->kernel],
                     launch->shared_bytes))
    return;
  size_t parameters = (size_t)launch->parameter_count;
  size_t step = values_alignment / sizeof(int64_t);
  size_t values = ((size_t)launch->value_count + step - 1) / step * step;
  if (!reserve(session, &record->launches, launch_words + parameters) ||
      !reserve(session, &record->values, values))
    return;
  uint64_t *words = record->launches.data + record->launches.count;
  words[launch_kernel] = (uint64_t)launch->kernel;
  for (int i = 0; i < 3; ++i)
    words[launch_grid + i] = (uint64_t)launch->grid[i];
  words[launch_threads] = (uint64_t)launch->threads;
  words[launch_shared] = (uint64_t)launch->shared_bytes;
  words[launch_parameter_count] = parameters;
  words[launch_value_count] = (uint64_t)launch->value_count;
  if (parameters)
    memcpy(words + launch_words, launch->parameters,
           parameters * sizeof *words);
  record->launches.count += launch_words + parameters;
  uint64_t *copy = record->values.data + record->values.count;
  if (values) {
    memset(copy, 0, values * sizeof *copy);
    memcpy(copy, launch->values, (size_t)launch->value_count * sizeof *copy);
  }
  record->values.count += values;
}

/*===----------------------------------------------------------------------===*
 * Submission
 *===----------------------------------------------------------------------===*/

/* Room for the values on both sides. Recorded sequences know the address on the
 * device, so they go with it. */
static bool reserve_values(hgf_gpu_session *session, size_t byte_count) {
  hgf_gpu_record *record = &session->record;
  const hgf_driver *driver = session->model->driver;
  if (byte_count <= record->values_bytes)
    return true;
  size_t rounded = 4096;
  while (rounded < byte_count)
    rounded *= 2;
  hgf_gpu_check(session, driver->cuStreamSynchronize(session->stream),
                "running the model");
  drop_graphs(session);
  free_values(session);
  CUresult result = driver->cuMemHostAlloc(&record->host_values, rounded, 0);
  if (result == CUDA_SUCCESS)
    result = driver->cuMemAlloc(&record->device_values, rounded);
  if (!hgf_gpu_check(session, result, "making room for %zu bytes of values",
                     rounded))
    return false;
  record->values_bytes = rounded;
  return true;
}

/* Launches the kernel whose words these are, with the values at `values`;
 * returns the next launch's words. */
static const uint64_t *launch_one(hgf_gpu_session *session,
                                  const uint64_t *words, CUdeviceptr *values) {
  const hgf_gpu_model *model = session->model;
  const hgf_driver *driver = model->driver;
  size_t count = words[launch_parameter_count];
  void *parameters[parameter_limit + 1];
  /* The driver reads them, and no more. */
  for (size_t i = 0; i < count; ++i)
    parameters[i] = (void *)(uintptr_t)&words[launch_words + i];
  CUdeviceptr address = *values;
  parameters[count] = &address;
  size_t value_bytes = words[launch_value_count] * sizeof(int64_t);
  *values += (value_bytes + values_alignment - 1) / values_alignment *
             values_alignment;
  CUresult result = driver->cuLaunchKernel(
      model->kernels[words[launch_kernel]].function,
      (unsigned)words[launch_grid], (unsigned)words[launch_grid + 1],
      (unsigned)words[launch_grid + 2], (unsigned)words[launch_threads], 1, 1,
      (unsigned)words[launch_shared], session->stream, parameters, NULL);
  if (result == CUDA_SUCCESS && session->record.wait_each)
    result = driver->cuStreamSynchronize(session->stream);
  hgf_gpu_check(session, result, "kernel '%s'",
                model->descriptor->kernels[words[launch_kernel]]);
  return words + launch_words + count;
}

static void launch_all(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  size_t bytes = record->values.count * sizeof(int64_t);
  if (bytes)
    hgf_gpu_check(
        session,
        session->model->driver->cuMemcpyHtoDAsync(
            record->device_values, record->host_values, bytes, session->stream),
        "copying the values of the launches");
  CUdeviceptr values = record->device_values;
  const uint64_t *words = record->launches.data;
  const uint64_t *end = words + record->launches.count;
  while (words < end && session->defect == CUDA_SUCCESS)
    words = launch_one(session, words, &values);
}

static hgf_gpu_graph *find_graph(hgf_gpu_record *record) {
  for (int i = 0; i < hgf_graph_limit; ++i)
    if (record->graphs[i].executable &&
        same(&record->graphs[i].launches, &record->launches))
      return &record->graphs[i];
  return NULL;
}

/* The place of the graph that was not used for the longest time. */
static hgf_gpu_graph *oldest_graph(hgf_gpu_record *record) {
  hgf_gpu_graph *oldest = &record->graphs[0];
  for (int i = 1; i < hgf_graph_limit; ++i)
    if (record->graphs[i].last_use < oldest->last_use)
      oldest = &record->graphs[i];
  return oldest;
}

/* Records the launches at hand; NULL after a defect. */
static hgf_gpu_graph *make_graph(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  const hgf_driver *driver = session->model->driver;
  hgf_gpu_graph *graph = oldest_graph(record);
  if (graph->executable)
    driver->cuGraphExecDestroy(graph->executable);
  graph->executable = NULL;
  graph->last_use = 0;
  graph->launches.count = 0;
  if (!reserve(session, &graph->launches, record->launches.count) ||
      !hgf_gpu_check(session,
                     driver->cuStreamBeginCapture(
                         session->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                     "recording the launches"))
    return NULL;
  launch_all(session);
  CUgraph recorded = NULL;
  hgf_gpu_check(session, driver->cuStreamEndCapture(session->stream, &recorded),
                "recording the launches");
  if (session->defect == CUDA_SUCCESS &&
      !hgf_gpu_check(
          session,
          driver->cuGraphInstantiateWithFlags(&graph->executable, recorded, 0),
          "making a graph of the launches (HGF_GPU_GRAPH=0 does "
          "without)"))
    graph->executable = NULL;
  if (recorded)
    driver->cuGraphDestroy(recorded);
  if (session->defect != CUDA_SUCCESS)
    return NULL;
  memcpy(graph->launches.data, record->launches.data,
         record->launches.count * sizeof *record->launches.data);
  graph->launches.count = record->launches.count;
  return graph;
}

void hgf_gpu_record_submit(hgf_gpu_session *session) {
  hgf_gpu_record *record = &session->record;
  size_t bytes = record->values.count * sizeof(int64_t);
  if (session->defect != CUDA_SUCCESS || !reserve_values(session, bytes))
    return;
  /* The values of the run before have been read: it is finished. */
  if (bytes)
    memcpy(record->host_values, record->values.data, bytes);
  ++record->run_count;
  hgf_gpu_graph *graph = record->no_graphs ? NULL : find_graph(record);
  if (!graph && !record->no_graphs &&
      same(&record->launches, &record->last_launches))
    graph = make_graph(session);
  if (graph) {
    graph->last_use = record->run_count;
    hgf_gpu_check(session,
                  session->model->driver->cuGraphLaunch(graph->executable,
                                                        session->stream),
                  "repeating the launches (HGF_GPU_WAIT=1 names the kernel)");
  } else {
    launch_all(session);
  }
  hgf_words swapped = record->last_launches;
  record->last_launches = record->launches;
  record->launches = swapped;
}
