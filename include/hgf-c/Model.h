/*===- Model.h - C interface of compiled models --------------------*- C
-*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* Every compiled model (object, static library, shared library) offers these *|
|* functions. They need libc, libm and threads, nothing else; GPU models open *|
|* the NVIDIA driver when a session asks for it.                              *|
|*                                                                            *|
|*   hgf_session *session;                                                    *|
|*   char error[256];                                                         *|
|*   if (hgf_session_create(&hgf_model, NULL, &session, error, sizeof error)) *|
|*     die(error);                                                            *|
|*   hgf_session_bind_input(session, 0, HGF_FLOAT32, 2, dims, x, sizeof x);   *|
|*   hgf_session_bind_output(session, 0, HGF_FLOAT32, y, sizeof y);           *|
|*   if (hgf_session_run(session))                                            *|
|*     die(hgf_session_error(session));                                       *|
|*   hgf_session_free(session);                                               *|
|*                                                                            *|
|* Versions: functions and enumerators are only added while HGF_ABI_VERSION   *|
|* stays the same; structures begin with their size, so they can grow.        *|
|*                                                                            *|
|* Threads: different sessions are independent, of the same model too, and    *|
|* may be used at the same time. One session is used by one thread at a time; *|
|* a second thread that comes while it runs gets HGF_ERROR_BUSY. After fork() *|
|* the child must not use the parent's sessions.                              *|
|*                                                                            *|
|* Tensors are dense, row-major, in the machine's byte order, and aligned to  *|
|* their element size. `bool` is one byte, 0 or 1. The caller keeps bound     *|
|* memory alive until it binds something else, unbinds, or frees the session. *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_C_MODEL_H
#define HGF_C_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define HGF_ABI_VERSION 1

#if defined(__GNUC__)
#define HGF_EXPORT __attribute__((visibility("default")))
#else
#define HGF_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A compiled model: constant data, shared by all sessions. */
typedef struct hgf_model_descriptor hgf_model_descriptor;

/* The model in this object or library. Of a library opened at run time:
 * `dlsym(library, "hgf_model")`. */
extern const hgf_model_descriptor hgf_model;

/* Memory, threads and state for running one model. */
typedef struct hgf_session hgf_session;

/* What a function returns; hgf_session_error() has the sentence. */
typedef enum hgf_status {
  HGF_OK = 0,
  HGF_ERROR_ARGUMENT = 1, /* null pointer, unknown name, index out of range */
  HGF_ERROR_SHAPE = 2,    /* rank or dims that the model cannot take, or
                             named dims that differ between inputs */
  HGF_ERROR_DTYPE = 3,    /* not the tensor's element type */
  HGF_ERROR_BUFFER_SIZE = 4, /* fewer bytes than the tensor takes */
  HGF_ERROR_UNBOUND = 5,     /* an input is not bound */
  HGF_ERROR_CAPACITY = 6,    /* the state is full: reset, or more capacity */
  HGF_ERROR_WEIGHTS = 7,     /* weights file missing, truncated or foreign */
  HGF_ERROR_VERSION = 8,     /* model and runtime do not fit each other */
  HGF_ERROR_MEMORY = 9,      /* out of memory */
  HGF_ERROR_RUN = 10,        /* the model failed, e.g. an index out of range */
  HGF_ERROR_BUSY = 11,       /* another thread is using the session */
  HGF_ERROR_DEVICE = 12      /* no such device, no driver for it, or not one
                                that the model is compiled for */
} hgf_status;

/* Element types; the numbers are those of ONNX TensorProto.DataType. */
typedef enum hgf_dtype {
  HGF_FLOAT32 = 1,
  HGF_UINT8 = 2,
  HGF_INT8 = 3,
  HGF_UINT16 = 4,
  HGF_INT16 = 5,
  HGF_INT32 = 6,
  HGF_INT64 = 7,
  HGF_BOOL = 9,
  HGF_FLOAT16 = 10,
  HGF_FLOAT64 = 11,
  HGF_UINT32 = 12,
  HGF_UINT64 = 13,
  HGF_BFLOAT16 = 16
} hgf_dtype;

typedef enum hgf_tensor_kind { HGF_INPUT = 0, HGF_OUTPUT = 1 } hgf_tensor_kind;

/*===----------------------------------------------------------------------===*
 * Library
 *===----------------------------------------------------------------------===*/

/* HGF_ABI_VERSION of the library; at least the one compiled against. */
HGF_EXPORT uint32_t hgf_abi_version(void);
/* "float32" and the like; "?" for a number that is no element type. */
HGF_EXPORT const char *hgf_dtype_name(int32_t dtype);
/* Bytes per element; 0 for a number that is no element type. */
HGF_EXPORT size_t hgf_dtype_size(int32_t dtype);
/* "HGF_ERROR_SHAPE" and the like. */
HGF_EXPORT const char *hgf_status_name(hgf_status status);

/*===----------------------------------------------------------------------===*
 * Model: what can be asked without a session. All returned pointers live as
 * long as the model is loaded. An index, axis or name that does not exist, or
 * a null model, gives -1 (numbers) or NULL (pointers).
 *===----------------------------------------------------------------------===*/

HGF_EXPORT int32_t hgf_tensor_count(const hgf_model_descriptor *model,
                                    hgf_tensor_kind kind);
/* The index of the tensor called `name`. */
HGF_EXPORT int32_t hgf_tensor_find(const hgf_model_descriptor *model,
                                   hgf_tensor_kind kind, const char *name);
HGF_EXPORT const char *hgf_tensor_name(const hgf_model_descriptor *model,
                                       hgf_tensor_kind kind, int32_t index);
/* An hgf_dtype. */
HGF_EXPORT int32_t hgf_tensor_dtype(const hgf_model_descriptor *model,
                                    hgf_tensor_kind kind, int32_t index);
HGF_EXPORT int32_t hgf_tensor_rank(const hgf_model_descriptor *model,
                                   hgf_tensor_kind kind, int32_t index);
/* hgf_tensor_rank() numbers, -1 where the dimension is dynamic. Not NULL for
 * rank 0. */
HGF_EXPORT const int64_t *hgf_tensor_dims(const hgf_model_descriptor *model,
                                          hgf_tensor_kind kind, int32_t index);
/* The dimension's symbolic name, e.g. "batch". Dynamic dimensions of inputs
 * that share a name must be equal. NULL where unnamed. */
HGF_EXPORT const char *hgf_tensor_dim_name(const hgf_model_descriptor *model,
                                           hgf_tensor_kind kind, int32_t index,
                                           int32_t axis);
/* State: of an input the index of the output that feeds it in the next call, of
 * an output the index of that input. -1: not state. */
HGF_EXPORT int32_t hgf_tensor_state(const hgf_model_descriptor *model,
                                    hgf_tensor_kind kind, int32_t index);
/* A value of the model's metadata. */
HGF_EXPORT const char *hgf_model_metadata(const hgf_model_descriptor *model,
                                          const char *key);
/* Writes the description of the model (inputs, outputs, metadata and the
 * compiler's report) as one JSON object. Like snprintf: at most `size` bytes
 * with the final NUL; returns the length the whole text has, without NUL. */
HGF_EXPORT size_t hgf_model_describe(const hgf_model_descriptor *model,
                                     char *buffer, size_t size);

/*===----------------------------------------------------------------------===*
 * Sessions
 *===----------------------------------------------------------------------===*/

typedef struct hgf_session_options {
  size_t size;         /* sizeof(hgf_session_options) */
  int32_t threads;     /* including the caller's; 0: as many as CPUs allowed,
                          on a GPU one */
  int64_t max_context; /* capacity of state that grows; 0: the model's */
  const char *weights; /* path of the weights file; NULL: beside the model */
  /* Where the model runs. NULL or "auto": where it was compiled for, a GPU
   * model on the first GPU. "gpu", "gpu:N": the first GPU, GPU number N. "sim":
   * a simulated GPU. "cpu": a GPU model's CPU version, which is never taken
   * without being asked for. Newer than the members above: read only where
   * `size` says that it is there. */
  const char *device;
} hgf_session_options;

/* Sets `size` bytes of options to the defaults: all 0 but for `size`. */
HGF_EXPORT void hgf_session_options_init_sized(hgf_session_options *options,
                                               size_t size);
/* Sets `options` to the defaults. As a function it knows the members up to
 * `weights`, which is what the first programs have room for. */
HGF_EXPORT void hgf_session_options_init(hgf_session_options *options);
#define hgf_session_options_init(options)                                      \
  hgf_session_options_init_sized(options, sizeof(hgf_session_options))

/* Creates a session. `options` may be NULL. If it fails, `*session` is NULL and
 * `error` (of `error_size` bytes; may be NULL) has the sentence. No thread is
 * started and no state allocated before the first run. */
HGF_EXPORT hgf_status hgf_session_create(const hgf_model_descriptor *model,
                                         const hgf_session_options *options,
                                         hgf_session **session, char *error,
                                         size_t error_size);
/* Ends the session's threads and frees its memory. NULL is fine. */
HGF_EXPORT void hgf_session_free(hgf_session *session);

/* What the last function that failed on this session said: one sentence, valid
 * until the next call on the session. "" if nothing failed. */
HGF_EXPORT const char *hgf_session_error(const hgf_session *session);
HGF_EXPORT const hgf_model_descriptor *
hgf_session_model(const hgf_session *session);
HGF_EXPORT int32_t hgf_session_threads(const hgf_session *session);
/* The kernels chosen for this machine, e.g. "avx2"; of a GPU model "sm_80". */
HGF_EXPORT const char *hgf_session_level(const hgf_session *session);
/* Why these: one clause, e.g. "the last of baseline, avx2 that this processor
 * and operating system support". */
HGF_EXPORT const char *hgf_session_level_reason(const hgf_session *session);

/* Binds an input: element type, shape, memory and its size in bytes. `dims` may
 * be NULL for rank 0, `data` for a tensor without elements. The data is read
 * by hgf_session_run, and may change between runs. */
HGF_EXPORT hgf_status hgf_session_bind_input(hgf_session *session,
                                             int32_t index, int32_t dtype,
                                             int32_t rank, const int64_t *dims,
                                             const void *data,
                                             size_t byte_count);
/* The same, by name. */
HGF_EXPORT hgf_status hgf_session_bind_input_by_name(
    hgf_session *session, const char *name, int32_t dtype, int32_t rank,
    const int64_t *dims, const void *data, size_t byte_count);

/* Binds memory for an output. It may be larger than the output. An output that
 * is not bound is written to memory of the session. */
HGF_EXPORT hgf_status hgf_session_bind_output(hgf_session *session,
                                              int32_t index, int32_t dtype,
                                              void *data, size_t byte_count);
/* The same, by name. */
HGF_EXPORT hgf_status hgf_session_bind_output_by_name(hgf_session *session,
                                                      const char *name,
                                                      int32_t dtype, void *data,
                                                      size_t byte_count);

/* Forgets a binding; a state tensor then belongs to the session again. */
HGF_EXPORT hgf_status hgf_session_unbind(hgf_session *session,
                                         hgf_tensor_kind kind, int32_t index);

/* The shape an output will have with the inputs that are bound now (before a
 * run) or had in the last run (after it, until an input is bound): writes
 * hgf_tensor_rank() numbers. */
HGF_EXPORT hgf_status hgf_session_output_dims(hgf_session *session,
                                              int32_t index, int64_t *dims);

/* Runs the model once. */
HGF_EXPORT hgf_status hgf_session_run(hgf_session *session);

/* The output of the last run, bound or not: dense memory, valid until the next
 * run, reset or free. Both results may be NULL. */
HGF_EXPORT hgf_status hgf_session_output_data(hgf_session *session,
                                              int32_t index, const void **data,
                                              size_t *byte_count);

/*===----------------------------------------------------------------------===*
 * State. Inputs with hgf_tensor_state() >= 0 need not be bound: the session
 * keeps what the paired output gave in the run before. A cache that grows along
 * an axis is kept in place, in memory of fixed capacity; other state is
 * replaced after each run. It starts empty, or as zeros. A caller may bind a
 * state's input (the session's own is then overwritten) and its output (which
 * gets a copy of all of it).
 *===----------------------------------------------------------------------===*/

/* Forgets all state: as after hgf_session_create. Bindings stay. */
HGF_EXPORT hgf_status hgf_session_reset(hgf_session *session);
/* Positions that growing state can hold; 0 where it has no limit or the model
 * has no growing state. */
HGF_EXPORT int64_t hgf_session_capacity(const hgf_session *session);
/* Positions that growing state holds now. */
HGF_EXPORT int64_t hgf_session_position(const hgf_session *session);

#ifdef __cplusplus
}
#endif

#endif
