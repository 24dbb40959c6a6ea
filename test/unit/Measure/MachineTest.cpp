//===- MachineTest.cpp - What the system says about itself ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "gtest/gtest.h"

static std::string format(const char *cpuinfo, const char *model) {
  char name[256];
  return hgf_format_machine(cpuinfo, model, name, sizeof name);
}

TEST(Machine, isTheModelNameWhereThereIsOne) {
  EXPECT_EQ(format("processor\t: 0\nmodel name\t: A CPU @ 3 GHz\nflags\t: a\n",
                   "Board"),
            "A CPU @ 3 GHz");
}

TEST(Machine, isTheBoardAndItsKindsOfCores) {
  const char *cpuinfo =
      "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
      "processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd05\n\n"
      "processor\t: 2\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n";
  EXPECT_EQ(format(cpuinfo, "Rock 5B"),
            "Rock 5B (CPU implementer/part 0x41/0xd05, 0x41/0xd0b)");
  EXPECT_EQ(format(cpuinfo, ""), "CPU implementer/part 0x41/0xd05, 0x41/0xd0b");
  EXPECT_EQ(format("", "Rock 5B"), "Rock 5B");
  EXPECT_EQ(format("", ""), "unknown");
  EXPECT_EQ(format("CPU implementer\t: 0x41\nCPU", ""), "unknown");
}

TEST(Machine, hasFreeMemoryAndOtherPrograms) {
  EXPECT_GT(hgf_available_memory(), 0);
  char name[256];
  EXPECT_STRNE(hgf_machine_name(name, sizeof name), "");
}
