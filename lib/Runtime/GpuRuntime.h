/*===- GpuRuntime.h - The runtime's GPU half ----------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* Sessions reach it through a table whose address a GPU model's descriptor   *|
|* holds, so that binaries without a GPU model do not contain it. The table   *|
|* that a library brings may be older than the program that runs the library  *|
|* (hgf-run): it knows nothing of hgf_session, and has a version.             *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_GPURUNTIME_H
#define HGF_LIB_RUNTIME_GPURUNTIME_H

#include "Device.h"
#include "ModelDescriptor.h"
#include "hgf-c/Model.h"

#include <stdbool.h>
#include <stddef.h>

#define HGF_GPU_RUNTIME_VERSION 1u

/* A model on a device: its kernels and weights. */
typedef struct hgf_gpu_model hgf_gpu_model;
/* What one session has on the device. */
typedef struct hgf_gpu_session hgf_gpu_session;

typedef enum hgf_copy_kind {
  hgf_copy_in = 0,     /* from the host to where the session's tensors lie */
  hgf_copy_within = 1, /* from there to there */
  hgf_copy_out = 2     /* from there to the host */
} hgf_copy_kind;

/* `rows` pieces of `width` bytes, `pitch` bytes apart. */
typedef struct hgf_copy {
  hgf_copy_kind kind;
  void *target;
  size_t target_pitch;
  const void *source;
  size_t source_pitch;
  size_t width;
  size_t rows;
} hgf_copy;

/* Device addresses are `void *` here, as in hgf_buffer. What a session asks for
 * happens in order, but later: finish and wait return when it is done, and say
 * what went wrong; after a defect nothing more is done until begin. */
struct hgf_gpu_runtime_table {
  uint32_t version;

  /* Opens the driver and the device, and loads the kernels. */
  hgf_status (*open)(const hgf_gpu_descriptor *gpu, hgf_device device,
                     hgf_gpu_model **model, const hgf_level **level,
                     char *error, size_t error_size);
  /* Copies the weights to the device, and returns when that is done. */
  hgf_status (*upload)(hgf_gpu_model *model, const void *weights,
                       size_t byte_count, const void **address, char *error,
                       size_t error_size);
  void (*close)(hgf_gpu_model *model);

  hgf_status (*create)(hgf_gpu_model *model, hgf_gpu_session **session,
                       char *error, size_t error_size);
  void (*free)(hgf_gpu_session *session);
  /* Every use of a session is between these two, on one thread. */
  void (*enter)(hgf_gpu_session *session);
  void (*leave)(hgf_gpu_session *session);

  /* Uninitialised memory; NULL where there is none, or after a defect. */
  void *(*allocate)(hgf_gpu_session *session, size_t byte_count);
  void (*release)(hgf_gpu_session *session, void *address);
  /* Memory of the host that the device copies to without a detour. */
  void *(*allocate_host)(hgf_gpu_session *session, size_t byte_count);
  void (*release_host)(hgf_gpu_session *session, void *address);
  void (*zero)(hgf_gpu_session *session, void *address, size_t byte_count);
  void (*copy)(hgf_gpu_session *session, const hgf_copy *copy);

  /* One run: begin; launch and failure, called by generated code; submit, after
   * which the launches happen; finish. */
  void (*begin)(hgf_gpu_session *session);
  void (*launch)(hgf_gpu_session *session, const hgf_gpu_launch *launch);
  uint64_t (*failure)(hgf_gpu_session *session);
  void (*submit)(hgf_gpu_session *session);
  /* Also fails with the message of the kernel that failed. */
  hgf_status (*finish)(hgf_gpu_session *session, char *error,
                       size_t error_size);
  hgf_status (*wait)(hgf_gpu_session *session, char *error, size_t error_size);
};

#endif
