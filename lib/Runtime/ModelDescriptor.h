/*===- ModelDescriptor.h - What the compiler writes for the runtime -*- C
-*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* The contract between generated code and the runtime. lib/Codegen writes    *|
|* one descriptor per model as constant data; lib/Runtime reads it. It is not *|
|* a public interface: applications use include/hgf-c/Model.h.               *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_MODELDESCRIPTOR_H
#define HGF_LIB_RUNTIME_MODELDESCRIPTOR_H

#include <stdint.h>

#define HGF_MODEL_MAGIC 0x31464748u /* "HGF1" */
#define HGF_MODEL_DESCRIPTOR_VERSION 4u

/* One run in progress. Opaque to generated code, which passes it on to the
 * hgf_rt_* functions below. */
typedef struct hgf_call hgf_call;

/* An input or an output. */
typedef struct hgf_tensor_descriptor {
  const char *name;
  int32_t dtype; /* ONNX TensorProto.DataType */
  int32_t rank;
  const int64_t *dims;          /* rank entries, -1 where dynamic */
  const char *const *dim_names; /* rank entries, NULL where unnamed */
  /* State: for an input the index of the output that feeds it in the next
   * call, for an output the index of the input; -1 for ordinary tensors. */
  int32_t state_partner;
  /* Axis along which the state grows in place; -1 where the output replaces
   * the input as a whole. With an axis, the input's buffer has room for the
   * output: both descriptors are views of one buffer whose strides are those
   * of its capacity, and generated code writes only the appended part. */
  int32_t state_axis;
} hgf_tensor_descriptor;

/* A tensor of one call. `strides` count elements. */
typedef struct hgf_buffer {
  void *data;
  const int64_t *dims;
  const int64_t *strides;
} hgf_buffer;

/* Weights in a side file (--weights=side); section bytes otherwise. The file
 * begins with 64 bytes: HGF_WEIGHTS_MAGIC, the checksum (8 bytes, little
 * endian), zeros. The weights follow. */
#define HGF_WEIGHTS_MAGIC "HGFWGT01"
#define HGF_WEIGHTS_HEADER_BYTES 64
typedef struct hgf_weights_descriptor {
  const char *file_name; /* beside the model; NULL where embedded */
  int64_t byte_count;    /* of the weights, without the file's 64 bytes */
  uint64_t checksum;     /* as in the file; any function of the contents */
} hgf_weights_descriptor;

/* The kernels that were chosen for this machine. */
typedef struct hgf_level {
  const char *name;   /* e.g. "avx2" */
  const char *reason; /* one clause: why this one */
} hgf_level;

/* The kernels of a GPU model, translated for one chip. */
typedef enum hgf_gpu_format {
  hgf_gpu_ptx = 0,
  hgf_gpu_cubin = 1
} hgf_gpu_format;
typedef struct hgf_gpu_image {
  int32_t chip;   /* compute capability, e.g. 80 */
  int32_t format; /* hgf_gpu_format; PTX ends with a NUL */
  const void *data;
  int64_t byte_count;
} hgf_gpu_image;

/* The runtime's GPU half, lib/Runtime/GpuRuntime.h. Opaque to the compiler. */
typedef struct hgf_gpu_runtime_table hgf_gpu_runtime_table;

/* What a GPU model has beside its host code. */
typedef struct hgf_gpu_descriptor {
  int32_t image_count;
  int32_t kernel_count;
  int32_t message_count;
  const hgf_gpu_image *images; /* lowest chip first, a chip's cubin first */
  const char *const *kernels;  /* names in the images */
  const char *const *messages; /* what a kernel's failure N + 1 says */
  const void *weights;         /* embedded weights, or NULL */
  int64_t weights_byte_count;  /* of the embedded weights */
  /* The address of hgf_gpu_runtime. This reference alone brings the runtime's
   * GPU half into a binary. */
  const hgf_gpu_runtime_table *runtime;
} hgf_gpu_descriptor;

typedef struct hgf_model_descriptor {
  uint32_t magic;
  uint32_t version;
  int32_t input_count;
  int32_t output_count;
  const hgf_tensor_descriptor *inputs;
  const hgf_tensor_descriptor *outputs;
  int32_t metadata_count; /* pairs: key, value */
  const char *const *metadata;
  const char *report_json; /* linears, encodings, effective bits, build facts */
  const hgf_weights_descriptor *weights;
  /* Called once after load, before any other function: chooses the kernel
   * variants for this CPU, and says which in `level`, which is static. May be
   * NULL. `weights` is the first weight byte in the mapped side file
   * (64-byte aligned, read only), or NULL where weights are embedded. Called
   * again, never during a run, if all sessions were freed and one is made. */
  void (*initialize)(const void *weights, const hgf_level **level);
  /* `input_dims`: the dims of all inputs, one after another. Returns the bytes
   * of scratch memory one call needs (64-byte aligned), or -1 where the dims
   * do not fit each other. */
  int64_t (*arena_bytes)(const int64_t *input_dims);
  /* Writes the dims of all outputs, one after another. Returns 0, or 1 where
   * the inputs' dims do not fit each other. */
  int32_t (*output_dims)(const int64_t *input_dims, int64_t *output_dims);
  /* One call. `buffers`: inputs, then outputs; every `data` is aligned to its
   * element size at least, and not NULL. Returns 0, or the code that was given
   * to hgf_rt_fail; the runtime looks at both. */
  int32_t (*run)(hgf_call *call, void *arena, const hgf_buffer *buffers);
  /* NULL for a model that runs on the CPU. With it, `initialize` gets the
   * address of the weights in device memory, embedded or not, and `run` the
   * addresses of tensors and arena there: it reads and writes none of them, and
   * calls hgf_rt_gpu_launch for what it wants done. */
  const hgf_gpu_descriptor *gpu;
  /* The same model for the CPU, where a GPU model has one; or NULL. */
  const struct hgf_model_descriptor *fallback;
} hgf_model_descriptor;

/* One loop of a job: [0, count) in pieces of `grain`. What is not longer than
 * one piece runs on one thread. */
typedef struct hgf_phase {
  void (*body)(void *argument, int64_t begin, int64_t end);
  int64_t count;
  int64_t grain;
} hgf_phase;

/* The one symbol that a compiled model defines, besides the C ABI. */
#ifdef __cplusplus
extern "C" {
#endif
extern const hgf_model_descriptor hgf_model;

/* For hgf_gpu_descriptor.runtime. */
extern const hgf_gpu_runtime_table hgf_gpu_runtime;

/* Functions of the runtime that generated code calls. */

/* Calls body(argument, begin, end) on the session's threads so that [0, count)
 * is covered once; ranges are contiguous, a multiple of `grain` long but for
 * the last, and the same for the same number of threads. Returns when all
 * have ended. Called by a body, it runs everything on that body's thread. */
void hgf_rt_parallel(hgf_call *call,
                     void (*body)(void *argument, int64_t begin, int64_t end),
                     void *argument, int64_t count, int64_t grain);

/* As hgf_rt_parallel for one phase after another, with one fork and one join:
 * no body of a phase begins before all of the phase before have ended, and it
 * sees what they wrote. All get `argument`. Neither `phases` nor `argument` is
 * read after the return. */
void hgf_rt_parallel_phases(hgf_call *call, const hgf_phase *phases,
                            int32_t phase_count, void *argument);

/* GPU models: one launch of kernel `kernel`, in order after the launches
 * before. It begins after `run` has returned. All of a kernel's parameters are
 * 64 bits wide: `parameters`, and after them, where there are any `values`, the
 * address of their copy in device memory. Parameters are what is the same in
 * each call of a session with tensors of the same shapes but for state that
 * grows; values are what follows from the length of that state. So a recorded
 * sequence of launches can be repeated with other values. Neither array is read
 * after the return. */
typedef struct hgf_gpu_launch {
  int32_t kernel;
  int32_t grid[3];      /* blocks; with a 0 nothing is launched */
  int32_t threads;      /* of a block */
  int32_t shared_bytes; /* dynamic shared memory */
  int32_t parameter_count;
  int32_t value_count;
  const uint64_t *parameters;
  const int64_t *values;
} hgf_gpu_launch;
void hgf_rt_gpu_launch(hgf_call *call, const hgf_gpu_launch *launch);

/* GPU models: the device address of an int32 that is 0 when a call begins. A
 * kernel that finds a defect of its inputs replaces 0 by 1 + the number of its
 * message; the call then fails with it. */
uint64_t hgf_rt_gpu_failure(hgf_call *call);

/* Records an error (the first one counts); the run goes on to its end and then
 * returns `code`, an hgf_status of include/hgf-c/Model.h, usually HGF_ERROR_RUN
 * (10). May be called from any thread of the call. `message`: one sentence
 * that lives as long as the model. */
void hgf_rt_fail(hgf_call *call, int32_t code, const char *message);
#ifdef __cplusplus
}
#endif

#endif
