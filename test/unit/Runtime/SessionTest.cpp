//===- SessionTest.cpp - Binding, running and what goes wrong -------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeModels.h"
#include "SessionHelpers.h"
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

namespace {

TEST(Session, RunsWithBoundTensors) {
  Session session = createSession(&fake_add, 2);
  std::vector<float> x(12), y(12), z(12);
  for (size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i) / 2;
    y[i] = 100;
  }
  int64_t dims[] = {3, 4};
  ASSERT_EQ(bindInput(session, "x", dims, x), HGF_OK);
  ASSERT_EQ(bindInput(session, "y", dims, y), HGF_OK);
  ASSERT_EQ(hgf_session_bind_output_by_name(session.get(), "z", HGF_FLOAT32,
                                            z.data(), 48),
            HGF_OK);
  int64_t outputDims[2];
  ASSERT_EQ(hgf_session_output_dims(session.get(), 0, outputDims), HGF_OK);
  EXPECT_EQ(outputDims[0], 3);
  EXPECT_EQ(outputDims[1], 4);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  for (size_t i = 0; i < z.size(); ++i)
    EXPECT_EQ(z[i], x[i] + y[i]);
  EXPECT_STREQ(hgf_session_level(session.get()), "fake");
}

TEST(Session, KeepsOutputsThatAreNotBound) {
  Session session = createSession(&fake_add, 1);
  std::vector<float> x(4, 1.f), y(4, 2.f);
  int64_t dims[] = {1, 4};
  bindInput(session, "x", dims, x);
  bindInput(session, "y", dims, y);
  const void *data = nullptr;
  EXPECT_EQ(hgf_session_output_data(session.get(), 0, &data, nullptr),
            HGF_ERROR_ARGUMENT);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  size_t bytes = 0;
  ASSERT_EQ(hgf_session_output_data(session.get(), 0, &data, &bytes), HGF_OK);
  EXPECT_EQ(bytes, 16u);
  EXPECT_EQ(static_cast<const float *>(data)[3], 3.f);
}

TEST(Session, TensorsWithoutElements) {
  Session session = createSession(&fake_add, 2);
  int64_t dims[] = {0, 4};
  for (int32_t i = 0; i < 2; ++i)
    ASSERT_EQ(hgf_session_bind_input(session.get(), i, HGF_FLOAT32, 2, dims,
                                     nullptr, 0),
              HGF_OK);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_OK);
}

TEST(Session, NamesWhatIsWrongWithABinding) {
  Session session = createSession(&fake_add, 1);
  hgf_session *raw = session.get();
  std::vector<float> x(12);
  int64_t dims[] = {3, 4}, wrong[] = {3, 5}, negative[] = {-1, 4},
          huge[] = {INT64_MAX, 4};
  struct {
    hgf_status status, expected;
    std::string sentence;
  } cases[] = {
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, wrong, x.data(), 48),
       HGF_ERROR_SHAPE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 1, dims, x.data(), 48),
       HGF_ERROR_SHAPE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, negative, x.data(), 48),
       HGF_ERROR_SHAPE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, nullptr, x.data(), 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, huge, x.data(), 48),
       HGF_ERROR_BUFFER_SIZE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, dims, x.data(), 47),
       HGF_ERROR_BUFFER_SIZE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT64, 2, dims, x.data(), 48),
       HGF_ERROR_DTYPE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, 999, 2, dims, x.data(), 48),
       HGF_ERROR_DTYPE, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, dims, nullptr, 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 0, HGF_FLOAT32, 2, dims,
                              reinterpret_cast<char *>(x.data()) + 1, 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_input(raw, 2, HGF_FLOAT32, 2, dims, x.data(), 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_input_by_name(raw, "no", HGF_FLOAT32, 2, dims, x.data(),
                                      48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_input_by_name(raw, nullptr, HGF_FLOAT32, 2, dims,
                                      x.data(), 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
      {hgf_session_bind_output(raw, -1, HGF_FLOAT32, x.data(), 48),
       HGF_ERROR_ARGUMENT, hgf_session_error(raw)},
  };
  for (const auto &oneCase : cases) {
    EXPECT_EQ(oneCase.status, oneCase.expected) << oneCase.sentence;
    EXPECT_FALSE(oneCase.sentence.empty());
  }
  EXPECT_EQ(cases[0].sentence,
            "expected shape [?, 4] for input 'x' but got [3, 5]");
}

TEST(Session, NamesWhatKeepsARunFromStarting) {
  Session session = createSession(&fake_add, 1);
  std::vector<float> x(12), y(8), z(4);
  int64_t three[] = {3, 4}, two[] = {2, 4};
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_UNBOUND);
  bindInput(session, "x", three, x);
  bindInput(session, "y", two, y);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_SHAPE);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "dimension 'n' is 3 in input 'x' but 2 in input 'y'");
  bindInput(session, "x", two, x);
  hgf_session_bind_output(session.get(), 0, HGF_FLOAT32, z.data(), 16);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_BUFFER_SIZE);
  hgf_session_unbind(session.get(), HGF_OUTPUT, 0);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_OK);
  hgf_session_unbind(session.get(), HGF_INPUT, 0);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_UNBOUND);
}

TEST(Session, ReportsWhatTheModelReports) {
  Session session = createSession(&fake_add, 2);
  std::vector<float> x(40, 13.f);
  int64_t dims[] = {10, 4};
  bindInput(session, "x", dims, x);
  bindInput(session, "y", dims, x);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_RUN);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "node 'add' (Add-14): 13 is not supported");
  x.assign(40, 1.f);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_OK);
}

TEST(Session, RefusesWrongArguments) {
  char error[200];
  hgf_session *session;
  EXPECT_EQ(hgf_session_create(nullptr, nullptr, &session, error, sizeof error),
            HGF_ERROR_ARGUMENT);
  EXPECT_EQ(hgf_session_create(&fake_add, nullptr, nullptr, nullptr, 0),
            HGF_ERROR_ARGUMENT);
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = -1;
  EXPECT_EQ(
      hgf_session_create(&fake_add, &options, &session, error, sizeof error),
      HGF_ERROR_ARGUMENT);
  EXPECT_EQ(session, nullptr);
  EXPECT_STREQ(error, "expected 0 to 1024 threads but got -1");
  hgf_model_descriptor foreign = fake_add;
  foreign.version = 77;
  EXPECT_EQ(
      hgf_session_create(&foreign, nullptr, &session, error, sizeof error),
      HGF_ERROR_VERSION);
  EXPECT_EQ(hgf_session_run(nullptr), HGF_ERROR_ARGUMENT);
  hgf_session_free(nullptr);
}

TEST(Session, SessionsOfOneModelRunAtTheSameTime) {
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user)
    users.emplace_back([user] {
      for (int round = 0; round < 20; ++round) {
        Session session = createSession(&fake_add, 2);
        std::vector<float> x(400, static_cast<float>(user)), y(400, 1.f);
        int64_t dims[] = {100, 4};
        bindInput(session, "x", dims, x);
        bindInput(session, "y", dims, y);
        ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
        const void *data;
        hgf_session_output_data(session.get(), 0, &data, nullptr);
        ASSERT_EQ(static_cast<const float *>(data)[399], user + 1.f);
      }
    });
  for (std::thread &user : users)
    user.join();
}

TEST(Model, AnswersQuestions) {
  EXPECT_EQ(hgf_tensor_count(&fake_history, HGF_INPUT), 2);
  EXPECT_EQ(hgf_tensor_find(&fake_history, HGF_OUTPUT, "present"), 1);
  EXPECT_EQ(hgf_tensor_find(&fake_history, HGF_OUTPUT, "x"), -1);
  EXPECT_EQ(hgf_tensor_state(&fake_history, HGF_INPUT, 1), 1);
  EXPECT_STREQ(hgf_tensor_dim_name(&fake_history, HGF_INPUT, 0, 1), "s");
  EXPECT_EQ(hgf_tensor_dim_name(&fake_history, HGF_INPUT, 0, 9), nullptr);
  EXPECT_EQ(hgf_tensor_dims(&fake_history, HGF_INPUT, 0)[2], 2);
  EXPECT_EQ(hgf_tensor_dims(&fake_history, HGF_INPUT, 5), nullptr);
  EXPECT_STREQ(hgf_model_metadata(&fake_history, "hgf.max_context"), "8");
  EXPECT_EQ(hgf_model_metadata(&fake_history, "none"), nullptr);
}

TEST(Model, DescribesItselfAsJson) {
  size_t length = hgf_model_describe(&fake_add, nullptr, 0);
  std::string text(length + 1, 'x');
  EXPECT_EQ(hgf_model_describe(&fake_add, text.data(), text.size()), length);
  EXPECT_EQ(text.size() - 1, strlen(text.c_str()));
  EXPECT_NE(text.find("{\"name\": \"x\", \"dtype\": \"float32\", \"shape\": "
                      "[\"n\", 4]}"),
            std::string::npos);
  EXPECT_NE(text.find("\"test \\\"quoted\\\"\\n\""), std::string::npos);
  EXPECT_NE(text.find("\"report\": {\"effective_bits\": 1.68}"),
            std::string::npos);
}

class WeightsFile : public testing::Test {
protected:
  std::string path = testing::TempDir() + "hgf-test.weights";
  std::string contents;
  void SetUp() override {
    contents = std::string("HGFWGT01") + "\x34\x12" + std::string(54, '\0') +
               std::string(128, '\0');
    float first = 2.5f;
    memcpy(&contents[64], &first, 4);
  }
  hgf_status create(Session &session, std::string &sentence) {
    std::ofstream(path, std::ios::binary) << contents;
    hgf_session_options options;
    hgf_session_options_init(&options);
    options.weights = path.c_str();
    char error[512];
    hgf_session *raw;
    hgf_status status =
        hgf_session_create(&fake_weights, &options, &raw, error, sizeof error);
    session.reset(raw);
    sentence = error;
    return status;
  }
};

TEST_F(WeightsFile, IsMapped) {
  Session session;
  std::string sentence;
  ASSERT_EQ(create(session, sentence), HGF_OK) << sentence;
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  const void *data;
  hgf_session_output_data(session.get(), 0, &data, nullptr);
  EXPECT_EQ(*static_cast<const float *>(data), 2.5f);
}

TEST_F(WeightsFile, TruncatedForeignOrMissing) {
  std::string whole = contents, sentence;
  Session session;
  contents = whole.substr(0, 100);
  EXPECT_EQ(create(session, sentence), HGF_ERROR_WEIGHTS);
  EXPECT_NE(sentence.find("has 100 bytes where 192 are expected"),
            std::string::npos);
  contents = whole.substr(0, 10);
  EXPECT_EQ(create(session, sentence), HGF_ERROR_WEIGHTS);
  contents = whole;
  contents[8] = 0x35;
  EXPECT_EQ(create(session, sentence), HGF_ERROR_WEIGHTS);
  EXPECT_NE(sentence.find("belongs to another model"), std::string::npos);
  char error[512];
  hgf_session *raw;
  EXPECT_EQ(
      hgf_session_create(&fake_weights, nullptr, &raw, error, sizeof error),
      HGF_ERROR_WEIGHTS);
  EXPECT_NE(std::string(error).find("fake.weights' cannot be opened"),
            std::string::npos);
}

} // namespace
