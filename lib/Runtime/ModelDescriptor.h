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
#define HGF_MODEL_DESCRIPTOR_VERSION 3u

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

/* Records an error (the first one counts); the run goes on to its end and then
 * returns `code`, an hgf_status of include/hgf-c/Model.h, usually HGF_ERROR_RUN
 * (10). May be called from any thread of the call. `message`: one sentence
 * that lives as long as the model. */
void hgf_rt_fail(hgf_call *call, int32_t code, const char *message);
#ifdef __cplusplus
}
#endif

#endif
