/*===- StandaloneOptions.c - Options of the program on the board ----------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "StandaloneOptions.h"

#include "ThreadPool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char hgf_standalone_help[] =
    "Measures the kernels inside, which hgf-bench --standalone compiled, "
    "against\n"
    "what this machine can do: reading memory and multiply-adds, both measured "
    "in\n"
    "the same rounds.\n"
    "\n"
    "  --tokens=1,4,256            tokens per call\n"
    "  --threads=1,2               default: one, and as many as there are "
    "CPUs\n"
    "  --residency=dram[,cache]    default: both up to 32 tokens, cache from "
    "there on\n"
    "  --seconds=X                 time of each measurement\n"
    "  --memory=MB                 most memory for weights; default: three "
    "quarters\n"
    "                              of what is free, where 512 MB do not fit\n"
    "  --fork-join                 what it costs to start and join the "
    "threads\n"
    "  --describe                  the machine, the layers inside, the kernels "
    "that\n"
    "                              run here\n"
    "  --json                      one JSON object per line\n"
    "  --help                      prints this text\n"
    "Exit status: 0 done, 1 something failed, 2 wrong usage.\n";

static bool read_numbers(const char *text, int64_t most,
                         hgf_number_list *list) {
  list->count = 0;
  for (;;) {
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno || number < 1 || number > most ||
        list->count == hgf_longest_list)
      return false;
    list->values[list->count++] = number;
    if (!*end)
      return true;
    if (*end != ',')
      return false;
    text = end + 1;
  }
}

static bool read_residencies(const char *text, int64_t *bits) {
  static const struct {
    const char *name;
    int64_t bit;
  } words[] = {{"dram", hgf_from_dram}, {"cache", hgf_from_cache}};
  *bits = 0;
  for (;;) {
    size_t length = strcspn(text, ",");
    int64_t bit = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
      if (strlen(words[i].name) == length &&
          memcmp(words[i].name, text, length) == 0)
        bit = words[i].bit;
    if (!bit)
      return false;
    *bits |= bit;
    if (!text[length])
      return true;
    text += length + 1;
  }
}

static bool read_seconds(const char *text, double *seconds) {
  char *end;
  *seconds = strtod(text, &end);
  return *text && !*end && *seconds > 0 && *seconds <= 3600;
}

enum {
  option_tokens = 256,
  option_threads,
  option_residency,
  option_seconds,
  option_memory,
  option_fork_join,
  option_describe,
  option_json,
  option_help
};

static const struct option long_options[] = {
    {"tokens", required_argument, NULL, option_tokens},
    {"threads", required_argument, NULL, option_threads},
    {"residency", required_argument, NULL, option_residency},
    {"seconds", required_argument, NULL, option_seconds},
    {"memory", required_argument, NULL, option_memory},
    {"fork-join", no_argument, NULL, option_fork_join},
    {"describe", no_argument, NULL, option_describe},
    {"json", no_argument, NULL, option_json},
    {"help", no_argument, NULL, option_help},
    {NULL, 0, NULL, 0}};

/* Sets one option. Returns what its value was expected to be, or NULL. */
static const char *set_option(hgf_standalone_options *options, int option,
                              const char *value) {
  hgf_number_list memory;
  switch (option) {
  case option_tokens:
    return read_numbers(value, 1 << 16, &options->tokens)
               ? NULL
               : "numbers from 1 to 65536, separated by commas,";
  case option_threads:
    return read_numbers(value, 1024, &options->threads)
               ? NULL
               : "numbers from 1 to 1024, separated by commas,";
  case option_residency:
    return read_residencies(value, &options->residencies) ? NULL
                                                          : "dram or cache";
  case option_seconds:
    return read_seconds(value, &options->seconds) ? NULL
                                                  : "a number from 0 to 3600";
  case option_memory:
    if (!read_numbers(value, 1 << 20, &memory) || memory.count != 1)
      return "a number of megabytes from 1 to 1048576";
    options->megabytes = memory.values[0];
    return NULL;
  case option_fork_join:
    options->fork_join = true;
    return NULL;
  case option_describe:
    options->describe = true;
    return NULL;
  case option_json:
    options->json = true;
    return NULL;
  default:
    options->help = true;
    return NULL;
  }
}

static void set_defaults(const hgf_standalone_table *table,
                         hgf_standalone_options *options) {
  *options = (hgf_standalone_options){.residencies = table->residencies,
                                      .seconds = table->seconds};
  for (int64_t i = 0; i < table->token_count && i < hgf_longest_list; ++i)
    options->tokens.values[options->tokens.count++] = table->tokens[i];
  for (int64_t i = 0; i < table->thread_count && i < hgf_longest_list; ++i)
    options->threads.values[options->threads.count++] = table->threads[i];
  if (options->threads.count == 0) {
    int32_t all = hgf_cpu_count();
    options->threads = (hgf_number_list){{1, all}, all > 1 ? 2 : 1};
  }
}

bool hgf_parse_standalone(const hgf_standalone_table *table, int argc,
                          char **argv, hgf_standalone_options *options,
                          char *error, size_t error_size) {
  set_defaults(table, options);
  opterr = 0;
  optind = 1;
  int option, index = 0;
  while ((option = getopt_long(argc, argv, ":", long_options, &index)) != -1) {
    if (option == ':' || option == '?') {
      snprintf(error, error_size,
               option == ':' ? "expected a value after '%s'"
                             : "unknown option '%s'",
               argv[optind - 1]);
      return false;
    }
    const char *expected = set_option(options, option, optarg);
    if (expected) {
      snprintf(error, error_size, "expected --%s to be %s but got '%s'",
               long_options[index].name, expected, optarg);
      return false;
    }
  }
  if (optind == argc)
    return true;
  snprintf(error, error_size, "expected options but got '%s'", argv[optind]);
  return false;
}
