//===- hgf-ptx-sim.cpp - Executes and checks PTX without a GPU ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/GpuSim/GpuSim.h"

int main(int argc, char **argv) { return hgf::gpusim::ptxSimMain(argc, argv); }
