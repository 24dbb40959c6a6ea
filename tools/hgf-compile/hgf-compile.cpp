//===- hgf-compile.cpp - Compiles a model ahead of time -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Driver/Driver.h"

int main(int argc, char **argv) { return hgf::compileMain(argc, argv); }
