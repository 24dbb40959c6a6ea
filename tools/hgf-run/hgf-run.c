/*===- hgf-run.c - Runs a model in a shared library -----------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "CommandLine.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc < 2 || (argv[1][0] == '-' && strcmp(argv[1], "--help") != 0)) {
    fprintf(stderr, "hgf-run: error: expected a model: hgf-run MODEL.so "
                    "OPTIONS; see hgf-run --help\n");
    return hgf_exit_usage;
  }
  if (argv[1][0] == '-') {
    printf("usage: hgf-run MODEL.so OPTIONS\n");
    return hgf_command_line(NULL, "hgf-run MODEL.so", argc, argv);
  }
  /* Without a slash, dlopen looks into the system's folders. */
  char path[PATH_MAX], program[PATH_MAX + 16];
  snprintf(path, sizeof path, "%s%s", strchr(argv[1], '/') ? "" : "./",
           argv[1]);
  snprintf(program, sizeof program, "hgf-run %s", argv[1]);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  const hgf_model_descriptor *model =
      library ? dlsym(library, "hgf_model") : NULL;
  if (!model) {
    const char *reason = dlerror();
    fprintf(stderr, "hgf-run: error: '%s' is not a compiled model: %s\n",
            argv[1], reason ? reason : "no symbol hgf_model");
    return hgf_exit_bad_input;
  }
  return hgf_command_line(model, program, argc - 1, argv + 1);
}
