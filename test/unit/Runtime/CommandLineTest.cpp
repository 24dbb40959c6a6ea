//===- CommandLineTest.cpp - The program around a model -------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "CommandLine.h"
#include "Arrays.h"
}
#include "FakeModels.h"
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

struct Result {
  int status;
  std::string out, error;
};

Result run(const hgf_model_descriptor *model, std::vector<std::string> words) {
  words.insert(words.begin(), "model");
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int status = hgf_command_line(model, "model", static_cast<int>(words.size()),
                                argv.data());
  fflush(stdout);
  Result result{status, testing::internal::GetCapturedStdout(),
                testing::internal::GetCapturedStderr()};
  return result;
}

bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

// Writes x and y for fake_add; returns the path.
std::string writeInputs(int64_t rows, float x) {
  std::string path = testing::TempDir() + "hgf-inputs.npz";
  std::vector<float> values(static_cast<size_t>(rows) * 4, x);
  int64_t dims[] = {rows, 4};
  hgf_named_data items[] = {
      {"x", HGF_FLOAT32, 2, dims, values.data(), values.size() * 4},
      {"y", HGF_FLOAT32, 2, dims, values.data(), values.size() * 4}};
  hgf_problem problem;
  EXPECT_TRUE(hgf_arrays_save(path.c_str(), items, 2, &problem));
  return path;
}

TEST(CommandLine, RunsFiles) {
  std::string outputs = testing::TempDir() + "hgf-outputs.npz";
  Result result = run(&fake_add, {"--inputs", writeInputs(3, 1.5f), "--outputs",
                                  outputs, "--threads", "2"});
  ASSERT_EQ(result.status, 0) << result.error;
  EXPECT_EQ(result.out, "z: float32 [3, 4]\n");
  EXPECT_TRUE(contains(result.error, "1 run on 2 threads (fake): median"));
  hgf_array_list arrays = {nullptr, 0};
  hgf_problem problem;
  ASSERT_TRUE(hgf_arrays_load(outputs.c_str(), &arrays, &problem));
  ASSERT_EQ(arrays.count, 1u);
  EXPECT_STREQ(arrays.items[0].stem, "z");
  EXPECT_EQ(static_cast<float *>(arrays.items[0].data)[11], 3.f);
  hgf_array_list_free(&arrays);
}

TEST(CommandLine, ReportsRepeatedRunsAsJson) {
  Result result = run(&fake_add, {"--inputs", writeInputs(3, 1.f), "--repeat",
                                  "5", "--json", "--threads", "1"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(contains(result.out, "\"runs\": 5"));
  EXPECT_TRUE(contains(result.out, "{\"name\": \"z\", \"dtype\": \"float32\", "
                                   "\"shape\": [3, 4]}]}"));
  EXPECT_EQ(result.error, "");
}

TEST(CommandLine, BadInputIsOneSentence) {
  Result result = run(&fake_add, {"--inputs", writeInputs(3, 13.f)});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.error,
            "model: error: node 'add' (Add-14): 13 is not supported\n");
  EXPECT_EQ(run(&fake_add, {"--inputs", "/nowhere.npz"}).status, 1);
  result = run(&fake_history, {"--inputs", writeInputs(3, 1.f)});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(
      result.error, "expected shape [?, ?, 2] for input 'x' but got [3, 4]"));
  EXPECT_EQ(run(&fake_add, {"--inputs", writeInputs(1, 1.f), "--outputs",
                            "/proc/nowhere/x.npz"})
                .status,
            1);
}

TEST(CommandLine, WrongUsageIsStatusTwo) {
  for (std::vector<std::string> words : std::vector<std::vector<std::string>>{
           {},
           {"--bogus"},
           {"file"},
           {"--inputs"},
           {"--inputs", "x", "--threads", "many"},
           {"--inputs", "x", "--repeat", "0"},
           {"--tokens", "3"},
           {"--prompt", "x", "--inputs", "y"},
           {"--prompt", "x", "--temperature", "-1"}}) {
    Result result = run(&hgf_model, words);
    EXPECT_EQ(result.status, 2);
    EXPECT_TRUE(contains(result.error, "see model --help")) << result.error;
  }
  EXPECT_EQ(run(&fake_add, {"--prompt", "x"}).status, 2);
}

TEST(CommandLine, HelpAndDescribe) {
  EXPECT_TRUE(contains(run(&fake_add, {"--help"}).out, "--inputs FILE.npz"));
  Result result = run(&hgf_model, {"--describe"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(contains(result.out, "  input_ids: int64 [1, sequence]\n"));
  EXPECT_TRUE(contains(result.out, "(state, from output 'present')"));
  EXPECT_TRUE(contains(result.out, "  effective bits: 1.68\n"));
  EXPECT_TRUE(contains(result.out, "  linears: 2 entries\n"));
  EXPECT_TRUE(contains(result.out, "    cpu: portable\n"));
  EXPECT_TRUE(contains(run(&hgf_model, {"--describe", "--json"}).out,
                       "\"effective_bits\": 1.68"));
}

TEST(Generate, WritesTheGreedyText) {
  Result result = run(&hgf_model, {"--prompt", "wxy", "--tokens", "30"});
  EXPECT_EQ(result.status, 0) << result.error;
  EXPECT_EQ(result.out, "z4abcdefghijklmnopqrstuvwxyz1a\n");
  EXPECT_TRUE(contains(result.error, "3 prompt tokens"));
  EXPECT_TRUE(contains(result.error, "tokens/s"));
  EXPECT_EQ(run(&hgf_model, {"--prompt", "", "--tokens", "2"}).out, "ab\n");
  EXPECT_EQ(run(&hgf_model, {"--prompt", "a", "--tokens", "0"}).out, "\n");
}

TEST(Generate, SamplesTheSameTextFromTheSameSeed) {
  auto sample = [](const char *seed) {
    return run(&hgf_model, {"--prompt", "a", "--tokens", "40", "--temperature",
                            "2", "--seed", seed, "--json"})
        .out;
  };
  auto tokens = [](const std::string &json) {
    return json.substr(json.find("\"tokens\""), 120);
  };
  EXPECT_EQ(tokens(sample("5")), tokens(sample("5")));
  EXPECT_NE(tokens(sample("5")), tokens(sample("6")));
}

TEST(Generate, StopsWhereTheContextIsFull) {
  Result result = run(&hgf_model, {"--prompt", "ab", "--tokens", "100"});
  EXPECT_EQ(result.status, 0);
  // 64 positions: the prompt, 62 of the new tokens; one more needs no room.
  EXPECT_EQ(result.out.size(), 63u + 1);
  EXPECT_TRUE(contains(result.error, "the context of 64 is full"));
  result = run(&hgf_model, {"--prompt", std::string(65, 'a')});
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(contains(result.error, "do not fit its capacity of 64"));
  result = run(&hgf_model, {"--prompt", std::string(65, 'a'), "--max-context",
                            "100", "--tokens", "1"});
  EXPECT_EQ(result.out, "b\n");
}

TEST(Example, NextByteWritesTheSameText) {
  std::string command = HGF_C_EXAMPLE " wxy 30 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string text(4096, '\0');
  text.resize(fread(text.data(), 1, text.size(), pipe));
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_TRUE(contains(text, "input input_ids: int64 [1, -1]\n"));
  EXPECT_TRUE(contains(text, "z4abcdefghijklmnopqrstuvwxyz1a\n"));
  EXPECT_TRUE(contains(text, "32 of 64 positions used\n"));
}

} // namespace
