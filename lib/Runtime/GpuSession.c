/*===- GpuSession.c - A session's memory on a device ----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "GpuInternal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The driver's limit for the distance of rows is a little below 2 GiB. */
static const size_t pitch_limit = (size_t)1 << 30;

bool hgf_gpu_check(hgf_gpu_session *session, CUresult result,
                   const char *format, ...) {
  if (result == CUDA_SUCCESS)
    return true;
  if (session->defect != CUDA_SUCCESS)
    return false;
  session->defect = result;
  char action[160], text[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(action, sizeof action, format, arguments);
  va_end(arguments);
  snprintf(session->defect_text, sizeof session->defect_text,
           "%s failed on the GPU: %s", action,
           hgf_driver_text(session->model->driver, result, text, sizeof text));
  return false;
}

static CUdeviceptr device_address(const void *address) {
  return (CUdeviceptr)(uintptr_t)address;
}

static void enter(hgf_gpu_session *session) {
  hgf_gpu_model *model = session->model;
  hgf_gpu_check(session, model->driver->cuCtxPushCurrent(model->context),
                "taking the GPU");
}

static void leave(hgf_gpu_session *session) {
  CUcontext popped;
  session->model->driver->cuCtxPopCurrent(&popped);
}

static void wait_for_all(hgf_gpu_session *session) {
  hgf_gpu_check(session,
                session->model->driver->cuStreamSynchronize(session->stream),
                "running the model (HGF_GPU_WAIT=1 names the kernel)");
}

static hgf_status report_defect(const hgf_gpu_session *session, char *error,
                                size_t error_size) {
  if (session->defect == CUDA_SUCCESS)
    return HGF_OK;
  snprintf(error, error_size, "%s", session->defect_text);
  return session->defect == CUDA_ERROR_OUT_OF_MEMORY ? HGF_ERROR_MEMORY
                                                     : HGF_ERROR_RUN;
}

static hgf_status wait(hgf_gpu_session *session, char *error,
                       size_t error_size) {
  wait_for_all(session);
  return report_defect(session, error, error_size);
}

/*===----------------------------------------------------------------------===*
 * Memory
 *===----------------------------------------------------------------------===*/

static void *allocate(hgf_gpu_session *session, size_t byte_count) {
  CUdeviceptr address = 0;
  if (session->defect != CUDA_SUCCESS)
    return NULL;
  CUresult result =
      session->model->driver->cuMemAlloc(&address, byte_count ? byte_count : 1);
  if (!hgf_gpu_check(session, result, "making room for %zu bytes", byte_count))
    return NULL;
  return (void *)(uintptr_t)address;
}

static void release(hgf_gpu_session *session, void *address) {
  if (!address)
    return;
  /* What was asked for before may still use it. */
  wait_for_all(session);
  session->model->driver->cuMemFree(device_address(address));
}

static void *allocate_host(hgf_gpu_session *session, size_t byte_count) {
  void *address = NULL;
  if (session->defect != CUDA_SUCCESS)
    return NULL;
  CUresult result = session->model->driver->cuMemHostAlloc(
      &address, byte_count ? byte_count : 1, 0);
  if (!hgf_gpu_check(session, result, "making room for %zu bytes of the host",
                     byte_count))
    return NULL;
  return address;
}

static void release_host(hgf_gpu_session *session, void *address) {
  if (!address)
    return;
  wait_for_all(session);
  session->model->driver->cuMemFreeHost(address);
}

static void zero(hgf_gpu_session *session, void *address, size_t byte_count) {
  if (byte_count == 0 || session->defect != CUDA_SUCCESS)
    return;
  hgf_gpu_check(session,
                session->model->driver->cuMemsetD8Async(
                    device_address(address), 0, byte_count, session->stream),
                "writing zeros");
}

static const char *const copy_actions[] = {
    [hgf_copy_in] = "copying an input",
    [hgf_copy_within] = "copying a state",
    [hgf_copy_out] = "copying an output"};

static CUresult copy_piece(const hgf_gpu_session *session, hgf_copy_kind kind,
                           char *target, const char *source, size_t width) {
  const hgf_driver *driver = session->model->driver;
  if (kind == hgf_copy_in)
    return driver->cuMemcpyHtoDAsync(device_address(target), source, width,
                                     session->stream);
  if (kind == hgf_copy_out)
    return driver->cuMemcpyDtoHAsync(target, device_address(source), width,
                                     session->stream);
  return driver->cuMemcpyDtoDAsync(
      device_address(target), device_address(source), width, session->stream);
}

static CUresult copy_rows(const hgf_gpu_session *session,
                          const hgf_copy *copy) {
  CUDA_MEMCPY2D rows = {.WidthInBytes = copy->width,
                        .Height = copy->rows,
                        .srcMemoryType = CU_MEMORYTYPE_DEVICE,
                        .srcDevice = device_address(copy->source),
                        .srcPitch = copy->source_pitch,
                        .dstMemoryType = CU_MEMORYTYPE_DEVICE,
                        .dstDevice = device_address(copy->target),
                        .dstPitch = copy->target_pitch};
  if (copy->kind == hgf_copy_in) {
    rows.srcMemoryType = CU_MEMORYTYPE_HOST;
    rows.srcHost = copy->source;
    rows.srcDevice = 0;
  } else if (copy->kind == hgf_copy_out) {
    rows.dstMemoryType = CU_MEMORYTYPE_HOST;
    rows.dstHost = copy->target;
    rows.dstDevice = 0;
  }
  return session->model->driver->cuMemcpy2DAsync(&rows, session->stream);
}

static void copy(hgf_gpu_session *session, const hgf_copy *copy) {
  if (copy->width == 0 || copy->rows == 0 || session->defect != CUDA_SUCCESS)
    return;
  CUresult result = CUDA_SUCCESS;
  if (copy->rows == 1 ||
      (copy->target_pitch == copy->width && copy->source_pitch == copy->width))
    result = copy_piece(session, copy->kind, copy->target, copy->source,
                        copy->width * copy->rows);
  else if (copy->target_pitch <= pitch_limit &&
           copy->source_pitch <= pitch_limit)
    result = copy_rows(session, copy);
  else
    for (size_t i = 0; i < copy->rows && result == CUDA_SUCCESS; ++i)
      result = copy_piece(
          session, copy->kind, (char *)copy->target + i * copy->target_pitch,
          (const char *)copy->source + i * copy->source_pitch, copy->width);
  hgf_gpu_check(session, result, "%s", copy_actions[copy->kind]);
}

/*===----------------------------------------------------------------------===*
 * One run
 *===----------------------------------------------------------------------===*/

static void begin(hgf_gpu_session *session) {
  session->defect = CUDA_SUCCESS;
  hgf_gpu_record_begin(session);
  /* After a run that went well it is still 0. */
  if (!session->failure_is_zero)
    zero(session, (void *)(uintptr_t)session->failure, sizeof(int32_t));
  session->failure_is_zero = session->model->descriptor->message_count == 0;
}

static uint64_t failure(hgf_gpu_session *session) { return session->failure; }

static hgf_status finish(hgf_gpu_session *session, char *error,
                         size_t error_size) {
  const hgf_gpu_descriptor *descriptor = session->model->descriptor;
  int32_t count = descriptor->message_count;
  *session->host_failure = 0;
  if (count > 0 && session->defect == CUDA_SUCCESS)
    hgf_gpu_check(session,
                  session->model->driver->cuMemcpyDtoHAsync(
                      session->host_failure, session->failure, sizeof(int32_t),
                      session->stream),
                  "asking whether the model failed");
  hgf_status status = wait(session, error, error_size);
  int32_t number = *session->host_failure;
  if (status || number == 0) {
    session->failure_is_zero = !status;
    return status;
  }
  snprintf(error, error_size, "%s",
           number > 0 && number <= count
               ? descriptor->messages[number - 1]
               : "a kernel of the model failed without a reason");
  return HGF_ERROR_RUN;
}

/*===----------------------------------------------------------------------===*
 * Create and free
 *===----------------------------------------------------------------------===*/

static void free_session(hgf_gpu_session *session) {
  const hgf_driver *driver = session->model->driver;
  enter(session);
  if (session->stream)
    wait_for_all(session);
  hgf_gpu_record_free(session);
  if (session->failure)
    driver->cuMemFree(session->failure);
  if (session->host_failure)
    driver->cuMemFreeHost(session->host_failure);
  if (session->stream)
    driver->cuStreamDestroy(session->stream);
  leave(session);
  free(session);
}

static hgf_status create(hgf_gpu_model *model, hgf_gpu_session **result,
                         char *error, size_t error_size) {
  hgf_gpu_session *session = calloc(1, sizeof(hgf_gpu_session));
  if (!session) {
    snprintf(error, error_size, "out of memory");
    return HGF_ERROR_MEMORY;
  }
  session->model = model;
  hgf_gpu_record_create(session);
  enter(session);
  hgf_gpu_check(
      session,
      model->driver->cuStreamCreate(&session->stream, CU_STREAM_NON_BLOCKING),
      "creating a stream");
  session->failure = device_address(allocate(session, sizeof(int32_t)));
  session->host_failure = allocate_host(session, sizeof(int32_t));
  zero(session, (void *)(uintptr_t)session->failure, sizeof(int32_t));
  hgf_status status = report_defect(session, error, error_size);
  leave(session);
  if (status) {
    free_session(session);
    return status;
  }
  *result = session;
  return HGF_OK;
}

const hgf_gpu_runtime_table hgf_gpu_runtime = {.version =
                                                   HGF_GPU_RUNTIME_VERSION,
                                               .open = hgf_gpu_open,
                                               .upload = hgf_gpu_upload,
                                               .close = hgf_gpu_close,
                                               .create = create,
                                               .free = free_session,
                                               .enter = enter,
                                               .leave = leave,
                                               .allocate = allocate,
                                               .release = release,
                                               .allocate_host = allocate_host,
                                               .release_host = release_host,
                                               .zero = zero,
                                               .copy = copy,
                                               .begin = begin,
                                               .launch = hgf_gpu_record_launch,
                                               .failure = failure,
                                               .submit = hgf_gpu_record_submit,
                                               .finish = finish,
                                               .wait = wait};
