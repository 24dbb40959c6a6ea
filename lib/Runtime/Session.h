/*===- Session.h - What a session holds ---------------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_SESSION_H
#define HGF_LIB_RUNTIME_SESSION_H

#include "GpuRuntime.h"
#include "Model.h"
#include "ThreadPool.h"
#include "hgf-c/Model.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { hgf_alignment = 64, hgf_error_size = 512 };

/* Generated code gets this and passes it back. The functions come first and
 * keep their place: a library may hold an older runtime than the program that
 * runs it (hgf-run), and its hgf_rt_* functions only go through them. */
struct hgf_call {
  void (*parallel)(hgf_call *call, const hgf_phase *phases, int32_t phase_count,
                   void *argument);
  void (*fail)(hgf_call *call, int32_t code, const char *message);
  void (*gpu_launch)(hgf_call *call, const hgf_gpu_launch *launch);
  uint64_t (*gpu_failure)(hgf_call *call);
  const hgf_gpu_runtime_table *gpu; /* NULL: the session is on the CPU */
  hgf_gpu_session *gpu_session;
  hgf_pool *pool;
  atomic_int code;
  const char *_Atomic message;
};

/* Memory that grows, aligned to hgf_alignment. */
typedef struct hgf_memory {
  void *data;
  size_t byte_count;
} hgf_memory;

/* An input or output. The dims of all inputs stand one after another in
 * hgf_session.input_dims, the outputs' in output_dims; `first_dim` is where a
 * tensor's begin. */
typedef struct hgf_slot {
  const hgf_tensor_descriptor *descriptor;
  int32_t first_dim;
  bool bound;
  void *data; /* bound: the caller's; inputs are not written */
  size_t byte_count;
  hgf_memory own;          /* of outputs that are not bound; on the host */
  hgf_memory device;       /* GPU: the tensor there, where it is no state */
  const void *result;      /* outputs: dense data of the last run, or NULL */
  struct hgf_state *state; /* of the input, or of the output that feeds it */
} hgf_slot;

/* A state tensor: what an output leaves for the next call's input. */
typedef struct hgf_state {
  int32_t input;
  int32_t output;
  int32_t axis;  /* -1: replaced as a whole */
  int64_t *dims; /* of the contents */
  bool filled;   /* dims and memory are valid */
  int64_t room;  /* places along `axis` in memory */
  hgf_memory memory;
} hgf_state;

/* A model that sessions use, on the CPU or on one device. */
typedef struct hgf_loaded_model {
  const hgf_model_descriptor *model;
  hgf_device device;
  int64_t session_count;
  const hgf_level *level;
  void *mapping; /* of the weights' file */
  size_t mapping_bytes;
  hgf_gpu_model *gpu;
  const void *weights; /* GPU: their address there */
  bool initialized;    /* generated code has these weights */
  struct hgf_loaded_model *next;
} hgf_loaded_model;

struct hgf_session {
  const hgf_model_descriptor *model;
  hgf_loaded_model *loaded;
  int32_t threads;
  int64_t capacity; /* of growing state; 0: no limit */
  hgf_pool *pool;
  atomic_flag busy;
  hgf_call call;
  hgf_memory arena;

  hgf_slot *inputs;
  hgf_slot *outputs;
  int64_t *bound_dims; /* of bound inputs */
  int64_t *input_dims; /* of the call */
  int64_t *output_dims;
  int64_t *input_strides;
  int64_t *output_strides;
  hgf_buffer *buffers;
  bool has_run; /* output_dims are those of the last run */

  /* Names of dynamic dimensions: per input dim an index, or -1. */
  int32_t *dim_symbols;
  int32_t symbol_count;
  int64_t *symbol_values;
  int32_t *symbol_inputs; /* the input that gave the value */
  const char **symbol_names;

  hgf_state *states;
  int32_t state_count;

  char error[hgf_error_size];
};

/* Records a sentence and returns `status`. */
hgf_status hgf_fail(hgf_session *session, hgf_status status, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* Bind.c. Every function that changes a session is between enter and leave. */
hgf_status hgf_session_enter(hgf_session *session);
hgf_status hgf_session_leave(hgf_session *session, hgf_status status);
hgf_status hgf_session_check_index(hgf_session *session, hgf_tensor_kind kind,
                                   int32_t index);

/* Writes "[1, 3]", cut where it does not fit, and returns `text`. */
const char *hgf_dims_text(char *text, size_t size, const int64_t *dims,
                          int32_t rank);

/* Bytes of a dense tensor; false where that is more than memory can hold. */
bool hgf_tensor_bytes(int32_t dtype, int32_t rank, const int64_t *dims,
                      size_t *byte_count);

/* Memory.c. Makes `memory` at least so large. The contents are lost if it
 * moves. */
bool hgf_memory_reserve(hgf_memory *memory, size_t byte_count);
void hgf_memory_free(hgf_memory *memory);
/* The same where generated code finds tensors: on the device of a GPU model,
 * else on the host. */
bool hgf_tensor_memory_reserve(hgf_session *session, hgf_memory *memory,
                               size_t byte_count);
void hgf_tensor_memory_free(hgf_session *session, hgf_memory *memory);
/* The same on the host, for what the caller reads. */
bool hgf_result_memory_reserve(hgf_session *session, hgf_memory *memory,
                               size_t byte_count);
void hgf_result_memory_free(hgf_session *session, hgf_memory *memory);
/* " on the GPU", or nothing: for sentences about that memory. */
const char *hgf_tensor_place(const hgf_session *session);
/* What happens on a device happens later, in order. */
void hgf_tensor_zero(const hgf_session *session, void *data, size_t byte_count);
void hgf_tensor_copy(const hgf_session *session, hgf_copy_kind kind,
                     void *target, const void *source, size_t byte_count);
void hgf_tensor_copy_rows(const hgf_session *session, const hgf_copy *copy);

/* Shape.c: the dims of all inputs from bindings and state, then of all outputs
 * from the model. */
hgf_status hgf_number_symbols(hgf_session *session);
hgf_status hgf_resolve_dims(hgf_session *session);

/* State.c. */
hgf_status hgf_states_create(hgf_session *session);
void hgf_states_free(hgf_session *session);
void hgf_states_reset(hgf_session *session);
/* Before a run, dims resolved: memory for input and output; what the caller
 * bound to the input is copied in. */
hgf_status hgf_state_prepare(hgf_session *session, hgf_state *state);
/* Sets data and strides of the state's tensors that are not the caller's. */
void hgf_state_buffers(hgf_session *session, hgf_state *state);
/* After a run that went well: the output becomes the state. */
hgf_status hgf_state_finish(hgf_session *session, hgf_state *state);
/* Copies growing state's contents, which have these dims, to dense memory of
 * the host. */
void hgf_state_copy_out(const hgf_session *session, const hgf_state *state,
                        const int64_t *dims, void *data);

/* LoadedModels.c: the process-wide list of models in use. The first session of
 * a model on a device brings kernels and weights there and has `initialize`
 * called; the last one's release lets them go. */
hgf_status hgf_model_acquire(const hgf_model_descriptor *model,
                             hgf_device device, const char *weights_path,
                             hgf_loaded_model **loaded, char *error,
                             size_t error_size);
void hgf_model_release(hgf_loaded_model *loaded);
/* Generated code keeps one address of weights. A GPU model's `run` is between
 * these two, which see to it that it is that of the session's device. */
void hgf_model_enter(hgf_loaded_model *loaded);
void hgf_model_leave(hgf_loaded_model *loaded);

/* SideFile.c: maps the weights' file, header and all. */
hgf_status hgf_map_weights(const hgf_model_descriptor *model,
                           const char *weights_path, void **mapping,
                           size_t *byte_count, char *error, size_t error_size);
/* Advises the system on embedded weights. */
void hgf_advise_constants(const hgf_model_descriptor *model);

#endif
