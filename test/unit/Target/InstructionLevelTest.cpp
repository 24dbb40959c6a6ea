//===- InstructionLevelTest.cpp - Which kernels a CPU gets --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/InstructionLevel.h"

#include <gtest/gtest.h>

using namespace hgf;

static std::vector<std::string> select(llvm::StringRef triple,
                                       llvm::StringRef cpu) {
  std::vector<std::string> names;
  for (const InstructionLevel *level : selectInstructionLevels(triple, cpu))
    names.push_back(level->name.str());
  return names;
}

using Names = std::vector<std::string>;

TEST(InstructionLevel, PortableBinariesHoldSeveral) {
  EXPECT_EQ(select("x86_64-linux-gnu", "portable"),
            (Names{"baseline", "ssse3", "avx2", "avxvnni", "avx512vnni"}));
  EXPECT_EQ(select("aarch64-linux-gnu", "portable"),
            (Names{"neon", "dotprod", "i8mm"}));
}

TEST(InstructionLevel, ANamedProcessorGetsItsBest) {
  EXPECT_EQ(select("x86_64-linux-gnu", "x86-64"), Names{"baseline"});
  EXPECT_EQ(select("x86_64-linux-gnu", "core2"), Names{"ssse3"});
  // AVX without AVX2.
  EXPECT_EQ(select("x86_64-linux-gnu", "sandybridge"), Names{"ssse3"});
  EXPECT_EQ(select("x86_64-linux-gnu", "znver3"), Names{"avx2"});
  EXPECT_EQ(select("x86_64-linux-gnu", "alderlake"), Names{"avxvnni"});
  EXPECT_EQ(select("x86_64-linux-gnu", "cascadelake"), Names{"avx512vnni"});
  EXPECT_EQ(select("x86_64-linux-gnu", "skylake-avx512"), Names{"avx2"});
  EXPECT_EQ(select("x86_64-linux-gnu", "icelake-server"), Names{"avx512vbmi"});
  EXPECT_EQ(select("x86_64-linux-gnu", "znver4"), Names{"avx512vbmi"});
  EXPECT_EQ(select("aarch64-linux-gnu", "cortex-a53"), Names{"neon"});
  EXPECT_EQ(select("aarch64-linux-gnu", "cortex-a72"), Names{"neon"});
  EXPECT_EQ(select("aarch64-linux-gnu", "cortex-a76"), Names{"dotprod"});
  EXPECT_EQ(select("aarch64-linux-gnu", "neoverse-n1"), Names{"dotprod"});
  EXPECT_EQ(select("aarch64-linux-gnu", "apple-m1"), Names{"dotprod"});
  EXPECT_EQ(select("aarch64-linux-gnu", "apple-m2"), Names{"i8mm"});
  EXPECT_EQ(select("aarch64-linux-gnu", "neoverse-v1"), Names{"i8mm"});
}

TEST(InstructionLevel, ANameForcesOneLevel) {
  auto levels =
      selectInstructionLevels("x86_64-linux-gnu", "portable", "avx512vbmi");
  ASSERT_EQ(levels.size(), 1u);
  EXPECT_EQ(levels.front()->name, "avx512vbmi");
  EXPECT_TRUE(
      selectInstructionLevels("x86_64-linux-gnu", "portable", "neon").empty());
}

TEST(InstructionLevel, AReasonNamesWhatIsMissing) {
  auto levels = selectInstructionLevels("aarch64-linux-gnu", "portable");
  EXPECT_EQ(explainLevel(levels, 1),
            "the last of neon, dotprod, i8mm that this processor and operating "
            "system support; i8mm needs i8mm, fp16fml");
  EXPECT_EQ(explainLevel(levels, 2),
            "the last of neon, dotprod, i8mm that this processor and operating "
            "system support");
  levels = selectInstructionLevels("aarch64-linux-gnu", "cortex-a76");
  EXPECT_EQ(explainLevel(levels, 0), "the only one in this binary");
}

TEST(InstructionLevel, OtherArchitecturesHaveNone) {
  EXPECT_TRUE(select("riscv64-linux-gnu", "portable").empty());
}

TEST(InstructionLevel, SafeStepsDoNotOverflow) {
  for (llvm::Triple::ArchType architecture :
       {llvm::Triple::x86_64, llvm::Triple::aarch64})
    for (const InstructionLevel *level : getInstructionLevels(architecture)) {
      int64_t products = level->accumulator == Accumulator::Int16Single ? 1 : 2;
      EXPECT_LE(level->safeSteps * products * 2 * 127, 32767);
      EXPECT_LE(level->safeSteps * products * 2 * 128, 32768);
      EXPECT_EQ(level->tokenBlocks.back().tokens, 1);
      for (const TokenBlock &block : level->matrixBlocks) {
        EXPECT_EQ(block.rows, 8);
        EXPECT_EQ(block.together, block.tokens);
        EXPECT_EQ(block.tokens % 2, 0);
      }
      const InstructionLevel *general = findInstructionLevel(level->general);
      ASSERT_NE(general, nullptr);
      EXPECT_EQ(general->general, general->name);
      EXPECT_LE(general->detection.size(), level->detection.size());
    }
}
