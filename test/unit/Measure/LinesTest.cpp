//===- LinesTest.cpp - Lines of results -----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lines.h"

#include "llvm/Support/JSON.h"
#include "gtest/gtest.h"

static hgf_line makeLine() {
  hgf_line line = {};
  line.shape = "1000x500";
  line.layers = 4;
  line.chunks = 2;
  line.tokens = 2;
  line.threads = 1;
  line.gate = line.correction = line.scale = "none";
  line.encoding = "planes2";
  line.kernel = "a \"kernel\"\n";
  line.processor = "portable";
  line.level = "avx2";
  line.residency = "cache";
  line.byte_count = 125000;
  line.multiply_adds = 1e6;
  line.loop = "vpmaddubsw+vpaddw ymm";
  line.measurement.seconds = {8e-3, 7.2e-3, 9e-3, 0.01};
  line.measurement.read_rate = 1e9;
  line.measurement.dot_rate = 2e9;
  line.measurement.read_ratio = 0.125;
  line.measurement.dot_ratio = 0.5;
  line.measurement.rounds = 7;
  return line;
}

static llvm::json::Object parse(const hgf_line &line) {
  char text[hgf_line_size];
  hgf_line_as_json(&line, text, sizeof text);
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  EXPECT_TRUE(bool(value)) << text;
  return value ? *value->getAsObject() : llvm::json::Object();
}

TEST(Lines, numbersAreThoseOfOneLayer) {
  llvm::json::Object object = parse(makeLine());
  EXPECT_EQ(object.getInteger("layers"), 8);
  EXPECT_EQ(object.getNumber("seconds"), 1e-3);
  EXPECT_EQ(object.getNumber("best_seconds"), 9e-4);
  EXPECT_EQ(object.getNumber("gweights_per_s"), 0.5);
  EXPECT_EQ(object.getNumber("gmac_s"), 1.0);
  EXPECT_EQ(object.getNumber("gb_s"), 0.125);
  EXPECT_EQ(object.getNumber("tokens_per_s"), 2000.0);
  EXPECT_EQ(object.getNumber("bytes_per_weight"), 0.25);
  EXPECT_EQ(object.getString("limit"), "dot");
  EXPECT_EQ(object.getNumber("limit_ratio"), 0.5);
  EXPECT_EQ(object.getInteger("rounds"), 7);
}

TEST(Lines, wordsAreQuoted) {
  EXPECT_EQ(parse(makeLine()).getString("kernel"), "a \"kernel\"\n");
}

TEST(Lines, aDoubtMakesALineInvalid) {
  hgf_line line = makeLine();
  EXPECT_EQ(parse(line).getBoolean("valid"), true);
  EXPECT_FALSE(parse(line).get("doubt"));
  strcpy(line.measurement.doubt, "noise");
  EXPECT_EQ(parse(line).getBoolean("valid"), false);
  EXPECT_EQ(parse(line).getString("doubt"), "noise");
}

TEST(Lines, aCorrectionSaysWhatItAdds) {
  hgf_line line = makeLine();
  EXPECT_FALSE(parse(line).get("added_time"));
  line.time_ratio = 1.25;
  line.byte_ratio = 1.5;
  EXPECT_EQ(parse(line).getNumber("added_time"), 0.25);
  EXPECT_EQ(parse(line).getNumber("added_bytes"), 0.5);
}

TEST(Lines, whatIsNoNumberIsZero) {
  hgf_line line = makeLine();
  line.measurement.seconds = {};
  EXPECT_EQ(parse(line).getNumber("gweights_per_s"), 0.0);
}

TEST(Lines, aRowSaysWhatBinds) {
  hgf_line line = makeLine();
  char text[hgf_line_size];
  hgf_line_as_text(&line, text, sizeof text);
  EXPECT_NE(std::string(text).find("bound by vpmaddubsw+vpaddw ymm, 2 GMAC/s"),
            std::string::npos);
  line.measurement.read_ratio = 0.9;
  line.shape = "step";
  hgf_line_as_text(&line, text, sizeof text);
  EXPECT_NE(
      std::string(text).find("bound by reading, 1.0 GB/s; 2000.0 tokens/s"),
      std::string::npos);
}

TEST(Lines, forkAndJoinAreOneObject) {
  hgf_statistics seconds = {1e-6, 5e-7, 2e-6, 0.1};
  char text[hgf_line_size];
  hgf_fork_join_line(4, &seconds, /*json=*/true, text, sizeof text);
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  ASSERT_TRUE(bool(value)) << text;
  EXPECT_EQ(value->getAsObject()->getInteger("threads"), 4);
  EXPECT_EQ(value->getAsObject()->getNumber("seconds"), 1e-6);
}
