/*===- CommandLine.h - The program around a compiled model --------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_COMMANDLINE_H
#define HGF_LIB_RUNTIME_COMMANDLINE_H

#include "hgf-c/Model.h"

#include <stdbool.h>

enum { hgf_exit_done = 0, hgf_exit_bad_input = 1, hgf_exit_usage = 2 };

/* What the user asked for. */
typedef struct hgf_command {
  const char *program;
  const char *inputs;
  const char *outputs;
  const char *prompt;
  const char *weights;
  const char *device;
  int64_t threads;
  int64_t repeat;
  int64_t max_context;
  int64_t tokens;
  double temperature;
  uint64_t seed;
  bool json;
  bool describe;
} hgf_command;

/* Reads the arguments and does what they say; returns the exit status.
 * `program` is how the user called it. */
int hgf_command_line(const hgf_model_descriptor *model, const char *program,
                     int argc, char **argv);

/* Prints "PROGRAM: error: SENTENCE" and returns hgf_exit_bad_input. */
int hgf_complain(const hgf_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A session with the command's options; NULL after a complaint. */
hgf_session *hgf_command_session(const hgf_model_descriptor *model,
                                 const hgf_command *command);

double hgf_seconds(void);

/* RunFiles.c: --inputs and --outputs. */
int hgf_run_files(const hgf_model_descriptor *model,
                  const hgf_command *command);
/* Generate.c: --prompt. */
int hgf_generate(const hgf_model_descriptor *model, const hgf_command *command);
/* PrintModel.c: --describe. */
int hgf_print_model(const hgf_model_descriptor *model,
                    const hgf_command *command);

#endif
