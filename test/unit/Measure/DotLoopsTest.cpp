//===- DotLoopsTest.cpp - Which loop bounds which level -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Limits.h"

#include "hgf/Target/CPU/InstructionLevel.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"

using namespace hgf;

// The loops are C and do not know the table of levels.
TEST(DotLoops, everyLevelOfThisMachineHasItsOwn) {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  for (const InstructionLevel *level : getInstructionLevels(host.getArch()))
    EXPECT_TRUE(hgf_has_dot_loop(level->name.data())) << level->name.str();
}

TEST(DotLoops, anUnknownLevelHasTheLeastDemanding) {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  const char *least = getInstructionLevels(host.getArch()).front()->name.data();
  EXPECT_FALSE(hgf_has_dot_loop("abacus"));
  for (bool isFloat : {false, true})
    EXPECT_EQ(hgf_find_dot_loop("abacus", isFloat),
              hgf_find_dot_loop(least, isFloat));
}

TEST(DotLoops, integersAreFasterThanFloats) {
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  for (const InstructionLevel *level : getInstructionLevels(host.getArch()))
    EXPECT_GT(hgf_find_dot_loop(level->name.data(), false)->multiply_adds,
              hgf_find_dot_loop(level->name.data(), true)->multiply_adds);
}

TEST(Team, runsEachIndexOnce) {
  int counts[5] = {};
  double seconds = hgf_run_team(
      5,
      [](void *argument, int index) { ++static_cast<int *>(argument)[index]; },
      counts);
  EXPECT_GE(seconds, 0);
  for (int count : counts)
    EXPECT_EQ(count, 1);
}

TEST(ReadBuffer, growsAndKeepsWhatIsLargeEnough) {
  hgf_read_buffer buffer = {};
  ASSERT_TRUE(hgf_reserve_buffer(&buffer, 3 << 20));
  EXPECT_EQ(buffer.byte_count, uint64_t(4) << 20);
  char *data = buffer.data;
  ASSERT_TRUE(hgf_reserve_buffer(&buffer, 1));
  EXPECT_EQ(buffer.data, data);
  EXPECT_GT(hgf_measure_read(buffer.data, 1 << 20, 2, 3), 0);
  hgf_free_buffer(&buffer);
  EXPECT_EQ(buffer.data, nullptr);
}
