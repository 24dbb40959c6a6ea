/*===- LoadedLayers.h - Layers that are loaded and measured -------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_LOADEDLAYERS_H
#define HGF_LIB_MEASURE_LOADEDLAYERS_H

#include "Lines.h"

#include "hgf-c/Model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The functions of include/hgf-c/Model.h that measuring needs, as the library
 * or the program that holds the model offers them: what is measured is its own
 * runtime, too. */
typedef struct hgf_model_functions {
  __typeof__(&hgf_session_create) create;
  __typeof__(&hgf_session_free) free;
  __typeof__(&hgf_session_error) error;
  __typeof__(&hgf_session_level) level;
  __typeof__(&hgf_session_bind_input) bind_input;
  __typeof__(&hgf_session_bind_output) bind_output;
  __typeof__(&hgf_session_run) run;
  __typeof__(&hgf_session_reset) reset;
  __typeof__(&hgf_tensor_count) tensor_count;
  __typeof__(&hgf_tensor_dtype) tensor_dtype;
  __typeof__(&hgf_tensor_rank) tensor_rank;
  __typeof__(&hgf_tensor_dims) tensor_dims;
  __typeof__(&hgf_tensor_dim_name) tensor_dim_name;
  __typeof__(&hgf_tensor_state) tensor_state;
  __typeof__(&hgf_dtype_size) dtype_size;
} hgf_model_functions;

/* Distinct weights from which on no cache helps. */
enum { hgf_memory_bytes = 512 << 20 };
/* Weights that stay in the caches of the machines users have. */
enum { hgf_cache_bytes = 8 << 20 };
/* From here on reading weights takes no time worth measuring beside
 * computing. */
enum { hgf_many_tokens = 32 };

/* Code of a few equal layers, which fit the cache together, that runs over the
 * weights of as many as it takes to fit none. */
typedef struct hgf_loaded_layers {
  const hgf_model_functions *functions;
  const hgf_model_descriptor *model;
  /* Where the code keeps the address of its weights, and the address of the
   * first ones. The slot may be NULL where there is one chunk. */
  const char **weights_slot;
  const char *weights;
  int64_t byte_count; /* of one layer's weights, and what aligns the next */
  int64_t layers;     /* of code */
  int64_t chunks;     /* how often its weights fit all there are */
} hgf_loaded_layers;

/* Sets byte_count and layers for a layer of so many bytes, and the chunks that
 * no cache holds. */
void hgf_divide_layers(hgf_loaded_layers *layers, int64_t layer_bytes);

int64_t hgf_chunk_bytes(const hgf_loaded_layers *layers);

typedef struct hgf_layer_task {
  const hgf_loaded_layers *layers;
  /* The same without the correction, to be measured beside; may be NULL. */
  const hgf_loaded_layers *beside;
  bool is_layer; /* or a whole model */
  bool is_float; /* activations */
  /* For the read limit: the weights' size and hgf_read_slack. */
  const char *memory;
  double seconds;
} hgf_layer_task;

/* Measures one line: `line` has what is asked for, its level and its
 * multiply-adds, and gets the rest. False after an error, with a sentence. */
bool hgf_measure_layers(const hgf_layer_task *task, hgf_line *line, char *error,
                        size_t error_size);

#ifdef __cplusplus
}
#endif

#endif
