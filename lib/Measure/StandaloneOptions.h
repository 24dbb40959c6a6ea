/*===- StandaloneOptions.h - Options of the program on the board --*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_MEASURE_STANDALONEOPTIONS_H
#define HGF_LIB_MEASURE_STANDALONEOPTIONS_H

#include "StandaloneTable.h"

#include <stdbool.h>
#include <stddef.h>

enum { hgf_longest_list = 64 };

typedef struct hgf_number_list {
  int64_t values[hgf_longest_list];
  int64_t count;
} hgf_number_list;

typedef struct hgf_standalone_options {
  hgf_number_list tokens, threads;
  int64_t residencies; /* bits; 0: by the number of tokens */
  double seconds;
  int64_t megabytes; /* most memory for weights; 0: three quarters of what is
                        free */
  bool json, describe, fork_join, help;
} hgf_standalone_options;

/* Reads the command line over the defaults of `table`. False after an error,
 * with a sentence. */
bool hgf_parse_standalone(const hgf_standalone_table *table, int argc,
                          char **argv, hgf_standalone_options *options,
                          char *error, size_t error_size);

/* The text of --help behind "usage: PROGRAM [options]". */
extern const char hgf_standalone_help[];

#endif
