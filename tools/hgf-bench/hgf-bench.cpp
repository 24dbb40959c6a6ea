//===- hgf-bench.cpp - Measures kernels against the machine's limits ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Bench/Bench.h"

int main(int argc, char **argv) { return hgf::benchMain(argc, argv); }
