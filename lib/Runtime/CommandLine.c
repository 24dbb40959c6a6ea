/*===- CommandLine.c - Options of a compiled model ------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "CommandLine.h"
#include "Device.h"
#include "Model.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help_text[] =
    "  --inputs FILE.npz|DIR   inputs by name: as numpy.savez writes, or a\n"
    "                          folder of NAME.npy or ONNX tensors (.pb)\n"
    "  --outputs FILE.npz|DIR  where the outputs go\n"
    "  --repeat N              run N times and report the time (default 1)\n"
    "  --prompt TEXT           text models: go on from TEXT\n"
    "  --tokens N              how many tokens to write (default 200)\n"
    "  --temperature T         0 takes the best token (default), 1 samples as\n"
    "                          the model says\n"
    "  --seed S                of the sampling (default 0)\n"
    "  --device NAME           GPU models: auto (default) or gpu takes the "
    "first\n"
    "                          GPU, gpu:N GPU number N, sim a simulated one, "
    "cpu\n"
    "                          the model's CPU version, where it has one\n"
    "  --threads N             0, the default: as many as there are CPUs\n"
    "  --max-context N         tokens a session has room for\n"
    "  --weights FILE          the model's weights file, if it has one and is\n"
    "                          not beside it\n"
    "  --describe              inputs, outputs, metadata and build facts\n"
    "  --json                  print one JSON object\n"
    "  --help                  this text\n"
    "Exit status: 0 done, 1 bad input, 2 wrong usage.\n";

int hgf_complain(const hgf_command *command, const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fprintf(stderr, "%s: error: ", command->program);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return hgf_exit_bad_input;
}

__attribute__((format(printf, 2, 3))) static int
wrong_usage(const hgf_command *command, const char *format, ...) {
  va_list arguments;
  fprintf(stderr, "%s: error: ", command->program);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, "; see %s --help\n", command->program);
  return hgf_exit_usage;
}

double hgf_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

hgf_session *hgf_command_session(const hgf_model_descriptor *model,
                                 const hgf_command *command) {
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = (int32_t)command->threads;
  options.max_context = command->max_context;
  options.weights = command->weights;
  options.device = command->device;
  hgf_session *session;
  char error[512];
  if (hgf_session_create(model, &options, &session, error, sizeof error))
    hgf_complain(command, "%s", error);
  return session;
}

static bool read_integer(const char *text, int64_t lowest, int64_t highest,
                         int64_t *value) {
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  *value = number;
  return errno == 0 && *text && !*end && number >= lowest && number <= highest;
}

static bool read_number(const char *text, double *value) {
  char *end;
  *value = strtod(text, &end);
  return *text && !*end && *value >= 0 && *value <= 1e6;
}

enum {
  option_inputs = 256,
  option_outputs,
  option_repeat,
  option_prompt,
  option_tokens,
  option_temperature,
  option_seed,
  option_device,
  option_threads,
  option_max_context,
  option_weights,
  option_describe,
  option_json,
  option_help
};

static const struct option long_options[] = {
    {"inputs", required_argument, NULL, option_inputs},
    {"outputs", required_argument, NULL, option_outputs},
    {"repeat", required_argument, NULL, option_repeat},
    {"prompt", required_argument, NULL, option_prompt},
    {"tokens", required_argument, NULL, option_tokens},
    {"temperature", required_argument, NULL, option_temperature},
    {"seed", required_argument, NULL, option_seed},
    {"device", required_argument, NULL, option_device},
    {"threads", required_argument, NULL, option_threads},
    {"max-context", required_argument, NULL, option_max_context},
    {"weights", required_argument, NULL, option_weights},
    {"describe", no_argument, NULL, option_describe},
    {"json", no_argument, NULL, option_json},
    {"help", no_argument, NULL, option_help},
    {NULL, 0, NULL, 0}};

/* Sets one option; false where its value is none. */
static bool set_option(hgf_command *command, int option, const char *value) {
  int64_t seed;
  hgf_device device;
  switch (option) {
  case option_inputs:
    command->inputs = value;
    return *value;
  case option_outputs:
    command->outputs = value;
    return *value;
  case option_repeat:
    return read_integer(value, 1, 1000000000, &command->repeat);
  case option_prompt:
    command->prompt = value;
    return true;
  case option_tokens:
    return read_integer(value, 0, INT32_MAX, &command->tokens);
  case option_temperature:
    return read_number(value, &command->temperature);
  case option_seed:
    if (!read_integer(value, 0, INT64_MAX, &seed))
      return false;
    command->seed = (uint64_t)seed;
    return true;
  case option_device:
    command->device = value;
    return hgf_device_parse(value, &device);
  case option_threads:
    return read_integer(value, 0, 1024, &command->threads);
  case option_max_context:
    return read_integer(value, 1, INT32_MAX, &command->max_context);
  case option_weights:
    command->weights = value;
    return *value;
  case option_describe:
    return command->describe = true;
  default:
    return command->json = true;
  }
}

int hgf_command_line(const hgf_model_descriptor *model, const char *program,
                     int argc, char **argv) {
  hgf_command command = {.program = program, .repeat = 1, .tokens = 200};
  bool text_option = false, file_option = false;
  opterr = 0;
  optind = 1;
  int option, index = 0;
  while ((option = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
    if (option == ':')
      return wrong_usage(&command, "expected a value after '%s'",
                         argv[optind - 1]);
    if (option == '?')
      return wrong_usage(&command, "unknown option '%s'", argv[optind - 1]);
    if (option == option_help) {
      printf("Runs a compiled model.\nusage: %s --inputs FILE.npz --outputs "
             "FILE.npz\n       %s --prompt TEXT\n       %s --describe\n%s",
             program, program, program, help_text);
      return hgf_exit_done;
    }
    if (!set_option(&command, option, optarg))
      return wrong_usage(&command, "'%s' is no value for --%s", optarg,
                         long_options[index].name);
    text_option |= option == option_tokens || option == option_temperature ||
                   option == option_seed;
    file_option |= option == option_outputs || option == option_repeat;
  }
  if (optind < argc)
    return wrong_usage(&command, "expected options but got '%s'", argv[optind]);
  char error[256];
  if (hgf_model_check(model, error, sizeof error))
    return hgf_complain(&command, "%s", error);
  if (command.describe)
    return hgf_print_model(model, &command);
  if (command.prompt && (command.inputs || file_option))
    return wrong_usage(&command, "--prompt does not go with --inputs, "
                                 "--outputs or --repeat");
  if (text_option && !command.prompt)
    return wrong_usage(&command, "--tokens, --temperature and --seed need "
                                 "--prompt");
  if (command.prompt) {
    const char *task = hgf_model_metadata(model, "hgf.task");
    if (!task || strcmp(task, "text-generation") != 0)
      return wrong_usage(&command, "--prompt needs a text model, but the "
                                   "metadata of this one has no "
                                   "hgf.task=text-generation");
    return hgf_generate(model, &command);
  }
  if (!command.inputs)
    return wrong_usage(&command, "expected --inputs, --prompt or --describe");
  return hgf_run_files(model, &command);
}
