/*===- Lines.h - Lines of results ---------------------------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_LINES_H
#define HGF_LIB_MEASURE_LINES_H

#include "Rounds.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One line of the result: what was measured, and what came out. */
typedef struct hgf_line {
  const char *shape; /* rows x columns, or "step" for a whole model */
  /* Layers of one run, and runs over different weights. */
  int64_t layers, chunks;
  int64_t tokens, threads, rank;
  const char *gate, *correction, *scale, *encoding, *kernel;
  const char *processor; /* as it was asked for */
  const char *level;     /* of the kernels that ran */
  const char *residency; /* dram or cache */
  /* Bytes and multiply-adds of one layer. */
  double byte_count, multiply_adds;
  const char *loop;
  /* Time and bytes over those of the same layer without its correction,
   * measured in the same rounds; 0 where there is none. */
  double time_ratio, byte_ratio;
  hgf_measurement measurement;
} hgf_line;

/* Room for any line. */
enum { hgf_line_size = 4096 };

/* One JSON object without the line's end. */
void hgf_line_as_json(const hgf_line *line, char *text, size_t size);

/* The heading of the table for people, and a row of it. */
void hgf_heading(const char *machine, char *text, size_t size);
void hgf_line_as_text(const hgf_line *line, char *text, size_t size);

/* What it costs to start and join `threads` threads. */
void hgf_fork_join_line(int64_t threads, const hgf_statistics *seconds,
                        bool json, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
