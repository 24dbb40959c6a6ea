//===- EncodingChoiceTest.cpp - Which encoding a layer gets --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/EncodingChoice.h"

#include <gtest/gtest.h>

using namespace hgf;

static EncodingChoice choose(llvm::StringRef level, Residency residency,
                             bool floatActivations = false, int64_t group = 0,
                             int64_t columns = 2560) {
  const InstructionLevel *levels[] = {findInstructionLevel(level)};
  EncodingQuery query;
  query.levels = levels;
  query.residency = residency;
  query.floatActivations = floatActivations;
  query.group = group;
  query.columns = columns;
  return chooseEncoding(query);
}

TEST(EncodingChoice, StreamedWeightsTakeTheFewestBytes) {
  EXPECT_EQ(choose("avx512vbmi", Residency::Memory).encoding->getName(),
            "trits3in5");
  // Two blocks of 192 columns take more than one of 256.
  EXPECT_EQ(choose("avx512vbmi", Residency::Memory, false, 0, 256)
                .encoding->getName(),
            "planes2");
}

TEST(EncodingChoice, CachedWeightsTakeTheFewestCycles) {
  EXPECT_EQ(choose("avx512vbmi", Residency::Cache).encoding->getName(),
            "planes2");
}

TEST(EncodingChoice, WhatCannotBeFasterIsNotChosen) {
  EncodingChoice choice = choose("avx2", Residency::Memory);
  EXPECT_EQ(choice.encoding->getName(), "planes2");
  EXPECT_EQ(choice.reason, "the level avx2 lacks avx512vbmi");
  choice = choose("avx512vbmi", Residency::Memory, false, 128);
  EXPECT_EQ(choice.encoding->getName(), "planes2");
  EXPECT_EQ(choice.reason, "trits3in5 cannot hold groups of 128 columns");
  choice = choose("avx512vbmi", Residency::Memory, false, 64);
  EXPECT_EQ(choice.encoding->getName(), "planes2");
  EXPECT_EQ(choice.reason, "groups cost more than reading weights");
  choice = choose("avx512vbmi", Residency::Memory, true);
  EXPECT_EQ(choice.encoding->getName(), "planes2");
  EXPECT_EQ(choice.reason, "float activations cost more than reading weights");
}

TEST(EncodingChoice, ResidencyIsAQuestionOfSize) {
  const InstructionLevel *levels[] = {findInstructionLevel("avx512vbmi")};
  EXPECT_EQ(getResidency(levels, 1 << 20), Residency::Cache);
  EXPECT_EQ(getResidency(levels, int64_t(1) << 30), Residency::Memory);
  const Encoding &planes = *findEncoding("planes2");
  EXPECT_LE(estimateCycles(planes, *levels[0], Residency::Cache,
                           KernelWork::Int8, 2560),
            estimateCycles(planes, *levels[0], Residency::Memory,
                           KernelWork::Int8, 2560));
}

TEST(EncodingChoice, SeveralLevelsShareOneEncoding) {
  auto levels = selectInstructionLevels("x86_64-linux-gnu", "portable");
  EXPECT_EQ(explainRefusal(*findEncoding("planes2"), levels), "");
  EXPECT_EQ(explainRefusal(*findEncoding("trits3in5"), levels),
            "portable binaries hold planes2 only");
  EncodingQuery query;
  query.levels = levels;
  EncodingChoice choice = chooseEncoding(query);
  EXPECT_EQ(choice.encoding->getName(), "planes2");
  EXPECT_EQ(choice.reason, "portable binaries hold planes2 only");
}

TEST(EncodingChoice, AArch64KeepsRowsTogether) {
  auto levels = selectInstructionLevels("aarch64-linux-gnu", "portable");
  EncodingQuery query;
  query.levels = levels;
  query.columns = 2560;
  for (Residency residency : {Residency::Memory, Residency::Cache}) {
    query.residency = residency;
    EXPECT_EQ(chooseEncoding(query).encoding->getName(), "rowplanes2");
  }
  EXPECT_EQ(explainRefusal(*findEncoding("trits3in5"), levels),
            "portable binaries hold planes2 or rowplanes2 or tritplanes only");
  EXPECT_NE(
      explainRefusal(*findEncoding("rowplanes2"),
                     selectInstructionLevels("x86_64-linux-gnu", "znver4")),
      "");
}

TEST(EncodingChoice, FewerBytesMustNotCostMoreCycles) {
  EncodingQuery query;
  query.columns = 2560;
  for (llvm::StringRef cpu : {"cortex-a53", "cortex-a76", "neoverse-v1"}) {
    auto levels = selectInstructionLevels("aarch64-linux-gnu", cpu);
    query.levels = levels;
    query.wanted = nullptr;
    EXPECT_EQ(chooseEncoding(query).encoding->getName(), "rowplanes2")
        << cpu.str();
    query.wanted = findEncoding("tritplanes");
    EXPECT_EQ(explainRefusal(*query.wanted, levels), "");
    EXPECT_EQ(chooseEncoding(query).encoding, query.wanted) << cpu.str();
  }
}

TEST(EncodingChoice, RowsThatShareBytesShareWhatTheyCannotDo) {
  auto levels = selectInstructionLevels("aarch64-linux-gnu", "neoverse-v1");
  EncodingQuery query;
  query.levels = levels;
  query.columns = 2560;
  query.wanted = findEncoding("rowplanes2");
  query.group = 64;
  EXPECT_EQ(chooseEncoding(query).reason,
            "rowplanes2 cannot hold groups of 64 columns");
  query.group = 0;
  query.floatActivations = true;
  EXPECT_EQ(chooseEncoding(query).reason, "rowplanes2 is for int8 activations");
  query.floatActivations = false;
  query.columns = 65537;
  EXPECT_EQ(chooseEncoding(query).reason,
            "rowplanes2 holds up to 65536 columns");
  query.columns = 65536;
  EXPECT_EQ(chooseEncoding(query).encoding, query.wanted);
}
