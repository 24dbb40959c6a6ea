/*===- GpuInternal.h - What the files of the GPU half share -------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_GPUINTERNAL_H
#define HGF_LIB_RUNTIME_GPUINTERNAL_H

#include "GpuDriver.h"
#include "GpuRuntime.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct hgf_gpu_kernel {
  CUfunction function;
  atomic_int dynamic_shared; /* bytes that a launch may ask for */
} hgf_gpu_kernel;

struct hgf_gpu_model {
  const hgf_driver *driver;
  const hgf_gpu_descriptor *descriptor;
  CUdevice device;
  CUcontext context; /* the device's primary one; NULL: not retained */
  CUmodule module;
  CUdeviceptr weights;
  hgf_gpu_kernel *kernels;
  pthread_mutex_t shared_lock; /* of dynamic_shared */
  char device_name[128];
  char level_name[16];
  char level_reason[256];
  hgf_level level;
};

/* GpuModel.c. */
hgf_status hgf_gpu_open(const hgf_gpu_descriptor *gpu, hgf_device device,
                        hgf_gpu_model **model, const hgf_level **level,
                        char *error, size_t error_size);
hgf_status hgf_gpu_upload(hgf_gpu_model *model, const void *weights,
                          size_t byte_count, const void **address, char *error,
                          size_t error_size);
void hgf_gpu_close(hgf_gpu_model *model);
/* Lets a kernel have so much dynamic shared memory. */
CUresult hgf_gpu_allow_shared(hgf_gpu_model *model, int32_t kernel, int bytes);

/* Numbers one after another. */
typedef struct hgf_words {
  uint64_t *data;
  size_t count;
  size_t capacity;
} hgf_words;

enum { hgf_graph_limit = 8 };

/* A sequence of launches that the driver has recorded. */
typedef struct hgf_gpu_graph {
  hgf_words launches;
  CUgraphExec executable; /* NULL: free */
  uint64_t last_use;
} hgf_gpu_graph;

/* The launches of a run, GpuGraph.c. Of each launch the words hold everything
 * but its values: the sequence is the same when they are. Each launch's values
 * begin at a multiple of 64 bytes of a block that is copied to the device as a
 * whole. */
typedef struct hgf_gpu_record {
  hgf_words launches;
  hgf_words last_launches; /* of the run before */
  hgf_words values;
  void *host_values; /* pinned */
  CUdeviceptr device_values;
  size_t values_bytes; /* of both */
  hgf_gpu_graph graphs[hgf_graph_limit];
  uint64_t run_count;
  bool no_graphs;
  bool wait_each; /* so that a defect has its kernel's name */
} hgf_gpu_record;

struct hgf_gpu_session {
  hgf_gpu_model *model;
  CUstream stream;
  CUdeviceptr failure; /* int32 */
  bool failure_is_zero;
  int32_t *host_failure; /* pinned */
  hgf_gpu_record record;
  CUresult defect; /* the first since begin */
  char defect_text[384];
};

/* GpuSession.c. Records a defect of the driver; `action` is what was done. True
 * where there is none. */
bool hgf_gpu_check(hgf_gpu_session *session, CUresult result,
                   const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* GpuGraph.c. */
void hgf_gpu_record_create(hgf_gpu_session *session);
void hgf_gpu_record_free(hgf_gpu_session *session);
void hgf_gpu_record_begin(hgf_gpu_session *session);
void hgf_gpu_record_launch(hgf_gpu_session *session,
                           const hgf_gpu_launch *launch);
void hgf_gpu_record_submit(hgf_gpu_session *session);

#endif
