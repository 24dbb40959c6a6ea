/*===- LoadedModels.c - Models in use -------------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Generated code keeps the choice of kernels and the address of the weights
 * beside its constants, so they must be set once and before any run, whatever
 * threads create the first sessions: this list is the runtime's only global
 * state. */
static pthread_mutex_t loaded_lock = PTHREAD_MUTEX_INITIALIZER;
static hgf_loaded_model *loaded_models;

/* Held by those who run host code of GPU models, and alone by those who change
 * the address of the weights; taken after loaded_lock. */
static pthread_rwlock_t weights_lock = PTHREAD_RWLOCK_INITIALIZER;

/* Of models without kernels. */
static const hgf_level no_level = {"generic", "it has no kernels to choose"};

static void unmap(hgf_loaded_model *loaded) {
  if (loaded->mapping)
    munmap(loaded->mapping, loaded->mapping_bytes);
  loaded->mapping = NULL;
}

static void unload(hgf_loaded_model *loaded) {
  if (loaded->gpu)
    loaded->model->gpu->runtime->close(loaded->gpu);
  unmap(loaded);
  free(loaded);
}

/* Says what can be done where the first GPU cannot run the model. */
static void add_advice(const hgf_model_descriptor *model, char *error,
                       size_t error_size) {
  size_t length = strlen(error);
  snprintf(error + length, error_size - length,
           model->fallback
               ? "; the device cpu runs the model's CPU version"
               : "; compiled with --gpu-fallback the model would also run on "
                 "the device cpu");
}

static hgf_status load_on_gpu(hgf_loaded_model *loaded,
                              const char *weights_path, char *error,
                              size_t error_size) {
  const hgf_model_descriptor *model = loaded->model;
  const hgf_gpu_runtime_table *gpu = model->gpu->runtime;
  hgf_status status = gpu->open(model->gpu, loaded->device, &loaded->gpu,
                                &loaded->level, error, error_size);
  if (status == HGF_ERROR_DEVICE && loaded->device.kind != hgf_device_sim &&
      loaded->device.number == 0)
    add_advice(model, error, error_size);
  if (status)
    return status;
  const void *weights = model->gpu->weights;
  size_t byte_count = (size_t)model->gpu->weights_byte_count;
  if (model->weights && model->weights->file_name) {
    status = hgf_map_weights(model, weights_path, &loaded->mapping,
                             &loaded->mapping_bytes, error, error_size);
    if (status)
      return status;
    weights = (const char *)loaded->mapping + HGF_WEIGHTS_HEADER_BYTES;
    byte_count = loaded->mapping_bytes - HGF_WEIGHTS_HEADER_BYTES;
  } else {
    hgf_advise_constants(model);
  }
  status = gpu->upload(loaded->gpu, weights, byte_count, &loaded->weights,
                       error, error_size);
  unmap(loaded);
  return status;
}

static hgf_status load_on_cpu(hgf_loaded_model *loaded,
                              const char *weights_path, char *error,
                              size_t error_size) {
  const hgf_model_descriptor *model = loaded->model;
  const char *weights = NULL;
  if (model->weights && model->weights->file_name) {
    hgf_status status =
        hgf_map_weights(model, weights_path, &loaded->mapping,
                        &loaded->mapping_bytes, error, error_size);
    if (status)
      return status;
    weights = (const char *)loaded->mapping + HGF_WEIGHTS_HEADER_BYTES;
  } else {
    hgf_advise_constants(model);
  }
  if (model->initialize)
    model->initialize(weights, &loaded->level);
  return HGF_OK;
}

static hgf_status load(const hgf_model_descriptor *model, hgf_device device,
                       const char *weights_path, hgf_loaded_model **result,
                       char *error, size_t error_size) {
  hgf_loaded_model *loaded = calloc(1, sizeof(hgf_loaded_model));
  if (!loaded) {
    snprintf(error, error_size, "out of memory");
    return HGF_ERROR_MEMORY;
  }
  loaded->model = model;
  loaded->device = device;
  loaded->level = &no_level;
  hgf_status status =
      model->gpu ? load_on_gpu(loaded, weights_path, error, error_size)
                 : load_on_cpu(loaded, weights_path, error, error_size);
  if (status) {
    unload(loaded);
    return status;
  }
  *result = loaded;
  return HGF_OK;
}

static bool same_device(hgf_device left, hgf_device right) {
  return left.kind == right.kind && left.number == right.number;
}

hgf_status hgf_model_acquire(const hgf_model_descriptor *model,
                             hgf_device device, const char *weights_path,
                             hgf_loaded_model **result, char *error,
                             size_t error_size) {
  /* One name for each: the CPU of a CPU model, and the first GPU. */
  if (!model->gpu)
    device = (hgf_device){hgf_device_cpu, 0};
  else if (device.kind == hgf_device_auto)
    device.kind = hgf_device_gpu;
  pthread_mutex_lock(&loaded_lock);
  hgf_loaded_model *loaded = loaded_models;
  while (loaded &&
         (loaded->model != model || !same_device(loaded->device, device)))
    loaded = loaded->next;
  hgf_status status = HGF_OK;
  if (!loaded) {
    status = load(model, device, weights_path, &loaded, error, error_size);
    if (status == HGF_OK) {
      loaded->next = loaded_models;
      loaded_models = loaded;
    }
  }
  if (status == HGF_OK) {
    ++loaded->session_count;
    *result = loaded;
  }
  pthread_mutex_unlock(&loaded_lock);
  return status;
}

void hgf_model_release(hgf_loaded_model *loaded) {
  pthread_mutex_lock(&loaded_lock);
  if (--loaded->session_count == 0) {
    hgf_loaded_model **link = &loaded_models;
    while (*link != loaded)
      link = &(*link)->next;
    *link = loaded->next;
    unload(loaded);
  }
  pthread_mutex_unlock(&loaded_lock);
}

static void initialize_again(hgf_loaded_model *loaded) {
  const hgf_level *level = NULL; /* The image says which, not the host code. */
  pthread_mutex_lock(&loaded_lock);
  pthread_rwlock_wrlock(&weights_lock);
  for (hgf_loaded_model *other = loaded_models; other; other = other->next)
    if (other->model == loaded->model)
      other->initialized = false;
  if (loaded->model->initialize)
    loaded->model->initialize(loaded->weights, &level);
  loaded->initialized = true;
  pthread_rwlock_unlock(&weights_lock);
  pthread_mutex_unlock(&loaded_lock);
}

void hgf_model_enter(hgf_loaded_model *loaded) {
  if (!loaded->gpu)
    return;
  pthread_rwlock_rdlock(&weights_lock);
  while (!loaded->initialized) {
    pthread_rwlock_unlock(&weights_lock);
    initialize_again(loaded);
    pthread_rwlock_rdlock(&weights_lock);
  }
}

void hgf_model_leave(hgf_loaded_model *loaded) {
  if (loaded->gpu)
    pthread_rwlock_unlock(&weights_lock);
}
