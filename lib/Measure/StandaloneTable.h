/*===- StandaloneTable.h - What hgf-bench writes for its program --*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*===----------------------------------------------------------------------===*|
|* The contract between hgf-bench --standalone, which writes the table as     *|
|* constant data (lib/Bench/Standalone.cpp), and the program that measures.   *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_STANDALONETABLE_H
#define HGF_LIB_MEASURE_STANDALONETABLE_H

#include "ModelDescriptor.h"

#include <stdint.h>

/* Where weights come from; bits. */
enum { hgf_from_dram = 1, hgf_from_cache = 2 };

/* Code of equal layers, as many as hgf_divide_layers says, and the weights of
 * one. All integers are 64 bits wide. */
typedef struct hgf_standalone_layer {
  const char *shape, *gate, *correction, *scale, *encoding, *kernel;
  const char *processor; /* of --cpu */
  const char *level;     /* NULL: chosen at load */
  const hgf_model_descriptor *model;
  const char **weights_slot; /* where the code keeps its weights' address */
  const char *packed;
  int64_t packed_bytes;
  int64_t rows, columns, rank;
  int64_t is_float;    /* activations */
  int64_t residencies; /* that it may be measured from; 0: only beside others */
  int64_t beside;      /* index of the layer without the correction, or -1 */
} hgf_standalone_layer;

typedef struct hgf_standalone_table {
  const char *program; /* the command that wrote it */
  int64_t layer_count;
  const hgf_standalone_layer *layers;
  /* Defaults of the options. No threads: one, and as many as there are CPUs;
   * no residencies: by the number of tokens. */
  int64_t token_count;
  const int64_t *tokens;
  int64_t thread_count;
  const int64_t *threads;
  int64_t residencies;
  double seconds;
} hgf_standalone_table;

extern const hgf_standalone_table hgf_standalone;

#endif
