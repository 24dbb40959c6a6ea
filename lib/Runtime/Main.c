/*===- Main.c - Entry point of executables --------------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "CommandLine.h"

#include <string.h>

int main(int argc, char **argv) {
  const char *program = argc > 0 ? argv[0] : "model";
  const char *slash = strrchr(program, '/');
  return hgf_command_line(&hgf_model, slash ? slash + 1 : program, argc, argv);
}
