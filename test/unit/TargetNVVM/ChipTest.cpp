//===- ChipTest.cpp - The table of NVIDIA GPUs --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/NVVM/Chip.h"

#include <gtest/gtest.h>

using namespace hgf;

static const Chip &get(llvm::StringRef name) {
  const Chip *chip = findChip(name);
  EXPECT_TRUE(chip) << name.str();
  return *chip;
}

TEST(Chip, NamesAndCapabilitiesAgree) {
  int64_t before = 0;
  for (const Chip &chip : getChips()) {
    EXPECT_EQ(chip.name.str(), "sm_" + std::to_string(chip.capability));
    EXPECT_GT(chip.capability, before);
    before = chip.capability;
    EXPECT_EQ(findChip(chip.name), &chip);
    EXPECT_TRUE(chip.ptxFeature.starts_with("ptx"));
  }
  EXPECT_EQ(findChip("sm_70"), nullptr);
  EXPECT_EQ(findChip(""), nullptr);
  EXPECT_TRUE(llvm::StringRef(listChips()).starts_with("sm_75, sm_80, "));
}

// Numbers of NVIDIA's occupancy calculator.
TEST(Chip, WarpsAreWhatTheScarcestAllows) {
  // Nothing but threads: 64 warps.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {128, 32, 0}), 64);
  // 40 registers: 1280 a warp, 12 warps in each part.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {128, 40, 0}), 48);
  // Blocks of three warps leave some over.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {96, 32, 0}), 63);
  // 33 registers are given as 40.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {128, 33, 0}), 48);
  // At most 16 blocks.
  EXPECT_EQ(countResidentWarps(get("sm_86"), {32, 16, 0}), 16);
  EXPECT_EQ(countResidentWarps(get("sm_75"), {64, 64, 0}), 32);
  // Shared memory: 48 KB and the system's kilobyte three times in 164.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {256, 32, 48 << 10}), 24);
  EXPECT_EQ(countResidentWarps(get("sm_86"), {256, 32, 48 << 10}), 16);
  EXPECT_EQ(countResidentWarps(get("sm_75"), {256, 32, 48 << 10}), 8);
  // Part of a warp takes a whole one.
  EXPECT_EQ(countResidentWarps(get("sm_80"), {33, 32, 0}), 64);
}

TEST(Chip, WhatDoesNotFitHasNoWarps) {
  EXPECT_EQ(countResidentWarps(get("sm_80"), {0, 32, 0}), 0);
  EXPECT_EQ(countResidentWarps(get("sm_80"), {1025, 32, 0}), 0);
  EXPECT_EQ(countResidentWarps(get("sm_80"), {128, 256, 0}), 0);
  EXPECT_EQ(countResidentWarps(get("sm_80"), {1024, 128, 0}), 0);
  EXPECT_EQ(countResidentWarps(get("sm_80"), {128, 32, 164 << 10}), 0);
  EXPECT_DOUBLE_EQ(computeOccupancy(get("sm_80"), {128, 40, 0}), 0.75);
  EXPECT_DOUBLE_EQ(computeOccupancy(get("sm_80"), {1024, 128, 0}), 0);
}

TEST(Chip, TimesFollowFromTheDevice) {
  // 2 bits from 2039 GB/s.
  EXPECT_NEAR(computeMemoryTime(get("sm_80"), 0.25), 0.1226, 1e-4);
  // 128 instructions a clock on 108 * 1.41 GHz, 64 of one kind.
  EXPECT_NEAR(computeArithmeticTime(get("sm_80"), {0.6, 0.25, 0.25}), 0.0308,
              1e-4);
  EXPECT_NEAR(computeArithmeticTime(get("sm_80"), {0.6, 0.4, 0.1}), 0.0410,
              1e-4);
  EXPECT_NEAR(computeArithmeticTime(get("sm_80"), {0.6, 0.1, 0.5}), 0.0513,
              1e-4);
}
