//===- OptionsTest.cpp - Options of the program on the board --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

extern "C" {
#include "StandaloneOptions.h"
}

#include "gtest/gtest.h"

#include <string>
#include <vector>

static constexpr int64_t tokens[] = {1, 4};

static hgf_standalone_table makeTable() {
  hgf_standalone_table table = {};
  table.token_count = 2;
  table.tokens = tokens;
  table.seconds = 0.5;
  return table;
}

/// The error, or "".
static std::string parse(std::vector<const char *> arguments,
                         hgf_standalone_options &options) {
  hgf_standalone_table table = makeTable();
  arguments.insert(arguments.begin(), "bench");
  char error[256];
  return hgf_parse_standalone(&table, static_cast<int>(arguments.size()),
                              const_cast<char **>(arguments.data()), &options,
                              error, sizeof error)
             ? ""
             : error;
}

TEST(StandaloneOptions, defaultsComeFromTheTableAndTheMachine) {
  hgf_standalone_options options;
  EXPECT_EQ(parse({}, options), "");
  EXPECT_EQ(options.tokens.count, 2);
  EXPECT_EQ(options.tokens.values[1], 4);
  EXPECT_EQ(options.threads.values[0], 1);
  EXPECT_EQ(options.residencies, 0);
  EXPECT_EQ(options.seconds, 0.5);
  EXPECT_FALSE(options.json);
}

TEST(StandaloneOptions, listsAndWordsAreRead) {
  hgf_standalone_options options;
  EXPECT_EQ(parse({"--tokens=1,2,256", "--threads", "3", "--json",
                   "--residency=cache,dram", "--seconds=0.25", "--memory=64",
                   "--describe", "--fork-join"},
                  options),
            "");
  EXPECT_EQ(options.tokens.count, 3);
  EXPECT_EQ(options.tokens.values[2], 256);
  EXPECT_EQ(options.threads.count, 1);
  EXPECT_EQ(options.threads.values[0], 3);
  EXPECT_EQ(options.residencies, hgf_from_dram | hgf_from_cache);
  EXPECT_EQ(options.seconds, 0.25);
  EXPECT_EQ(options.megabytes, 64);
  EXPECT_TRUE(options.json && options.describe && options.fork_join);
}

TEST(StandaloneOptions, errorsSayWhatWasExpected) {
  hgf_standalone_options options;
  EXPECT_EQ(parse({"--tokens=1,,2"}, options),
            "expected --tokens to be numbers from 1 to 65536, separated by "
            "commas, but got '1,,2'");
  EXPECT_EQ(parse({"--threads=0"}, options),
            "expected --threads to be numbers from 1 to 1024, separated by "
            "commas, but got '0'");
  EXPECT_EQ(parse({"--residency=tape"}, options),
            "expected --residency to be dram or cache but got 'tape'");
  EXPECT_EQ(parse({"--seconds=nan"}, options),
            "expected --seconds to be a number from 0 to 3600 but got 'nan'");
  EXPECT_EQ(parse({"--memory=1,2"}, options),
            "expected --memory to be a number of megabytes from 1 to 1048576 "
            "but got '1,2'");
  EXPECT_EQ(parse({"--fast"}, options), "unknown option '--fast'");
  EXPECT_EQ(parse({"--tokens"}, options), "expected a value after '--tokens'");
  EXPECT_EQ(parse({"7"}, options), "expected options but got '7'");
}
