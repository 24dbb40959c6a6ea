/*===- GpuModel.c - A model's kernels and weights on a device -------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuInternal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a block may have without being allowed more. */
enum { plain_shared_bytes = 48 * 1024 };

/* Writes the sentence of a function that failed. */
static hgf_status explain(const hgf_gpu_model *model, CUresult result,
                          const char *action, char *error, size_t error_size) {
  char text[256];
  snprintf(error, error_size, "%s failed: %s", action,
           hgf_driver_text(model->driver, result, text, sizeof text));
  return result == CUDA_ERROR_OUT_OF_MEMORY ? HGF_ERROR_MEMORY
                                            : HGF_ERROR_DEVICE;
}

static hgf_status find_device(hgf_gpu_model *model, hgf_device device,
                              char *error, size_t error_size) {
  const hgf_driver *driver = model->driver;
  int count = 0;
  CUresult result = driver->cuInit(0);
  if (result == CUDA_SUCCESS)
    result = driver->cuDeviceGetCount(&count);
  if (result == CUDA_ERROR_NO_DEVICE || (result == CUDA_SUCCESS && !count)) {
    snprintf(error, error_size,
             "the model needs an NVIDIA GPU, but the driver finds none");
    return HGF_ERROR_DEVICE;
  }
  if (result != CUDA_SUCCESS)
    return explain(model, result, "starting the NVIDIA driver", error,
                   error_size);
  if (device.number >= count) {
    snprintf(error, error_size,
             "expected a GPU from gpu:0 to gpu:%d but got gpu:%d", count - 1,
             (int)device.number);
    return HGF_ERROR_DEVICE;
  }
  result = driver->cuDeviceGet(&model->device, device.number);
  if (result == CUDA_SUCCESS)
    result = driver->cuDeviceGetName(model->device_name,
                                     sizeof model->device_name, model->device);
  if (result == CUDA_SUCCESS)
    result = driver->cuDevicePrimaryCtxRetain(&model->context, model->device);
  if (result != CUDA_SUCCESS) {
    model->context = NULL;
    return explain(model, result, "opening the GPU", error, error_size);
  }
  return HGF_OK;
}

/*===----------------------------------------------------------------------===*
 * Images
 *===----------------------------------------------------------------------===*/

static const char *format_name(const hgf_gpu_image *image) {
  return image->format == hgf_gpu_cubin ? "cubin" : "PTX";
}

/* A cubin runs on devices of its major version, from its minor version on; the
 * driver translates PTX for any device that is not older. */
static bool suits(const hgf_gpu_image *image, int chip) {
  return image->chip <= chip &&
         (image->format != hgf_gpu_cubin || image->chip / 10 == chip / 10);
}

/* Whether the image is to be tried before the other. */
static bool comes_first(const hgf_gpu_image *image,
                        const hgf_gpu_image *other) {
  if (image->format != other->format)
    return image->format == hgf_gpu_cubin;
  return image->chip > other->chip;
}

/* The best image that suits and comes after `last` (NULL: the best). */
static const hgf_gpu_image *next_image(const hgf_gpu_descriptor *gpu, int chip,
                                       const hgf_gpu_image *last) {
  const hgf_gpu_image *best = NULL;
  for (int32_t i = 0; i < gpu->image_count; ++i) {
    const hgf_gpu_image *image = &gpu->images[i];
    if (suits(image, chip) && (!last || comes_first(last, image)) &&
        (!best || comes_first(image, best)))
      best = image;
  }
  return best;
}

/* "a cubin for sm_80 and PTX for sm_80". */
static void list_images(const hgf_gpu_descriptor *gpu, char *text,
                        size_t size) {
  size_t length = 0;
  snprintf(text, size, "none");
  for (int32_t i = 0; i < gpu->image_count && length < size; ++i) {
    const hgf_gpu_image *image = &gpu->images[i];
    const char *separator = !i                          ? ""
                            : i + 1 == gpu->image_count ? " and "
                                                        : ", ";
    int written = snprintf(text + length, size - length, "%s%s for sm_%d",
                           separator, format_name(image), (int)image->chip);
    length += written > 0 ? (size_t)written : 0;
  }
}

static hgf_status no_image(const hgf_gpu_model *model, int chip,
                           const char *refusal, char *error,
                           size_t error_size) {
  char images[256];
  list_images(model->descriptor, images, sizeof images);
  /* What was compiled for the chip and refused is newer than the driver. */
  bool named = false;
  for (int32_t i = 0; i < model->descriptor->image_count; ++i)
    named |= model->descriptor->images[i].chip == chip;
  snprintf(error, error_size,
           "no image of the model runs on %s (sm_%d): it has %s%s; %s sm_%d",
           model->device_name, chip, images, refusal,
           named ? "take a newer driver, which knows the code for"
                 : "compile it for",
           chip);
  return HGF_ERROR_DEVICE;
}

/* Loads one image; `log` gets the first line that the driver's translator
 * says. */
static CUresult load_image(hgf_gpu_model *model, const hgf_gpu_image *image,
                           char *log, size_t log_size) {
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)log_size};
  memset(log, 0, log_size);
  CUresult result = model->driver->cuModuleLoadDataEx(
      &model->module, image->data, 2, options, values);
  log[log_size - 1] = 0;
  log[strcspn(log, "\n")] = 0;
  if (result != CUDA_SUCCESS)
    model->module = NULL;
  return result;
}

static hgf_status load_module(hgf_gpu_model *model, char *error,
                              size_t error_size) {
  const hgf_driver *driver = model->driver;
  int major = 0, minor = 0;
  CUresult result = driver->cuDeviceGetAttribute(
      &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, model->device);
  if (result == CUDA_SUCCESS)
    result = driver->cuDeviceGetAttribute(
        &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, model->device);
  if (result != CUDA_SUCCESS)
    return explain(model, result, "asking for the GPU's version", error,
                   error_size);
  int chip = major * 10 + minor;
  char refusal[768] = "";
  const hgf_gpu_image *image = NULL;
  while ((image = next_image(model->descriptor, chip, image))) {
    char log[512];
    result = load_image(model, image, log, sizeof log);
    if (result == CUDA_SUCCESS)
      break;
    char text[160];
    snprintf(refusal, sizeof refusal,
             " (the driver says of the %s for sm_%d: %s%s%.160s)",
             format_name(image), (int)image->chip,
             hgf_driver_text(driver, result, text, sizeof text),
             log[0] ? ": " : "", log);
  }
  if (!image)
    return no_image(model, chip, refusal, error, error_size);
  snprintf(model->level_name, sizeof model->level_name, "sm_%d",
           (int)image->chip);
  snprintf(model->level_reason, sizeof model->level_reason,
           image->format == hgf_gpu_cubin
               ? "the cubin for sm_%d suits %s (sm_%d)"
               : "the driver translated the PTX for sm_%d for %s (sm_%d)",
           (int)image->chip, model->device_name, chip);
  model->level = (hgf_level){model->level_name, model->level_reason};
  return HGF_OK;
}

static hgf_status find_kernels(hgf_gpu_model *model, char *error,
                               size_t error_size) {
  const hgf_driver *driver = model->driver;
  size_t count = (size_t)model->descriptor->kernel_count;
  model->kernels = calloc(count + 1, sizeof(hgf_gpu_kernel));
  if (!model->kernels) {
    snprintf(error, error_size, "out of memory");
    return HGF_ERROR_MEMORY;
  }
  for (size_t i = 0; i < count; ++i) {
    const char *name = model->descriptor->kernels[i];
    hgf_gpu_kernel *kernel = &model->kernels[i];
    char action[320];
    snprintf(action, sizeof action, "looking for kernel '%.256s'", name);
    int own_bytes = 0;
    CUresult result =
        driver->cuModuleGetFunction(&kernel->function, model->module, name);
    if (result == CUDA_SUCCESS)
      result = driver->cuFuncGetAttribute(
          &own_bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel->function);
    if (result != CUDA_SUCCESS)
      return explain(model, result, action, error, error_size);
    kernel->dynamic_shared = plain_shared_bytes - own_bytes;
  }
  return HGF_OK;
}

/*===----------------------------------------------------------------------===*
 * Open and close
 *===----------------------------------------------------------------------===*/

hgf_status hgf_gpu_open(const hgf_gpu_descriptor *gpu, hgf_device device,
                        hgf_gpu_model **result, const hgf_level **level,
                        char *error, size_t error_size) {
  const hgf_driver *driver =
      hgf_driver_open(device.kind == hgf_device_sim, error, error_size);
  if (!driver)
    return HGF_ERROR_DEVICE;
  hgf_gpu_model *model = calloc(1, sizeof(hgf_gpu_model));
  if (!model) {
    snprintf(error, error_size, "out of memory");
    return HGF_ERROR_MEMORY;
  }
  model->driver = driver;
  model->descriptor = gpu;
  pthread_mutex_init(&model->shared_lock, NULL);
  hgf_status status = find_device(model, device, error, error_size);
  if (status == HGF_OK) {
    CUcontext popped;
    driver->cuCtxPushCurrent(model->context);
    status = load_module(model, error, error_size);
    if (status == HGF_OK)
      status = find_kernels(model, error, error_size);
    driver->cuCtxPopCurrent(&popped);
  }
  if (status) {
    hgf_gpu_close(model);
    return status;
  }
  *result = model;
  *level = &model->level;
  return HGF_OK;
}

hgf_status hgf_gpu_upload(hgf_gpu_model *model, const void *weights,
                          size_t byte_count, const void **address, char *error,
                          size_t error_size) {
  const hgf_driver *driver = model->driver;
  CUcontext popped;
  *address = NULL;
  if (byte_count == 0)
    return HGF_OK;
  driver->cuCtxPushCurrent(model->context);
  CUresult result = driver->cuMemAlloc(&model->weights, byte_count);
  if (result == CUDA_SUCCESS)
    result = driver->cuMemcpyHtoD(model->weights, weights, byte_count);
  else
    model->weights = 0;
  driver->cuCtxPopCurrent(&popped);
  char action[192];
  snprintf(action, sizeof action,
           "copying the %zu bytes of the model's weights to %.100s", byte_count,
           model->device_name);
  if (result != CUDA_SUCCESS)
    return explain(model, result, action, error, error_size);
  *address = (const void *)(uintptr_t)model->weights;
  return HGF_OK;
}

void hgf_gpu_close(hgf_gpu_model *model) {
  const hgf_driver *driver = model->driver;
  if (model->context) {
    CUcontext popped;
    driver->cuCtxPushCurrent(model->context);
    if (model->weights)
      driver->cuMemFree(model->weights);
    if (model->module)
      driver->cuModuleUnload(model->module);
    driver->cuCtxPopCurrent(&popped);
    driver->cuDevicePrimaryCtxRelease(model->device);
  }
  pthread_mutex_destroy(&model->shared_lock);
  free(model->kernels);
  free(model);
}

CUresult hgf_gpu_allow_shared(hgf_gpu_model *model, int32_t kernel, int bytes) {
  hgf_gpu_kernel *entry = &model->kernels[kernel];
  CUresult result = CUDA_SUCCESS;
  /* Sessions share the kernels: what one was allowed is not taken back. */
  pthread_mutex_lock(&model->shared_lock);
  if (bytes > entry->dynamic_shared) {
    result = model->driver->cuFuncSetAttribute(
        entry->function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
        bytes);
    if (result == CUDA_SUCCESS)
      entry->dynamic_shared = bytes;
  }
  pthread_mutex_unlock(&model->shared_lock);
  return result;
}
