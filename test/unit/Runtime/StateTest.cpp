//===- StateTest.cpp - What a session keeps between calls -----------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeModels.h"
#include "SessionHelpers.h"

namespace {

using Floats = std::vector<float>;

// Binds x[batch, steps, 2] = 1, 2, 3 ... and runs.
hgf_status runHistory(const Session &session, int64_t batch, int64_t steps) {
  Floats x(static_cast<size_t>(batch * steps * 2));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i + 1);
  int64_t dims[] = {batch, steps, 2};
  EXPECT_EQ(bindInput(session, "x", dims, x), HGF_OK);
  hgf_status status = hgf_session_run(session.get());
  hgf_session_unbind(session.get(), HGF_INPUT, 0);
  return status;
}

// As runHistory, but returns `sum` (the input stays bound until it is read).
Floats sums(const Session &session, int64_t batch, int64_t steps) {
  Floats x(static_cast<size_t>(batch * steps * 2));
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i + 1);
  int64_t dims[] = {batch, steps, 2};
  EXPECT_EQ(bindInput(session, "x", dims, x), HGF_OK);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_OK)
      << hgf_session_error(session.get());
  return output(session, 0);
}

TEST(State, GrowsInPlace) {
  Session session = createSession(&fake_history, 1);
  EXPECT_EQ(hgf_session_capacity(session.get()), 8);
  EXPECT_EQ(hgf_session_position(session.get()), 0);
  EXPECT_EQ(sums(session, 1, 2), (Floats{1, 2, 4, 6}));
  EXPECT_EQ(hgf_session_position(session.get()), 2);
  EXPECT_EQ(sums(session, 1, 1), (Floats{5, 8}));
  EXPECT_EQ(output(session, 1), (Floats{1, 2, 3, 4, 1, 2}));
  EXPECT_EQ(hgf_session_position(session.get()), 3);
}

TEST(State, KeepsBatchesApart) {
  Session session = createSession(&fake_history, 1);
  EXPECT_EQ(sums(session, 2, 1), (Floats{1, 2, 3, 4}));
  EXPECT_EQ(sums(session, 2, 1), (Floats{2, 4, 6, 8}));
  EXPECT_EQ(output(session, 1), (Floats{1, 2, 1, 2, 3, 4, 3, 4}));
}

TEST(State, ResetForgets) {
  Session session = createSession(&fake_history, 1);
  sums(session, 1, 3);
  ASSERT_EQ(hgf_session_reset(session.get()), HGF_OK);
  EXPECT_EQ(hgf_session_position(session.get()), 0);
  EXPECT_EQ(sums(session, 3, 1), (Floats{1, 2, 3, 4, 5, 6}));
}

TEST(State, HasACapacity) {
  Session session = createSession(&fake_history, 1);
  EXPECT_EQ(runHistory(session, 1, 8), HGF_OK);
  EXPECT_EQ(runHistory(session, 1, 1), HGF_ERROR_CAPACITY);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "state 'past' holds 8 positions and 1 more do not fit its "
               "capacity of 8: reset the session, or ask for more with "
               "max_context");
  EXPECT_EQ(hgf_session_position(session.get()), 8);
  session = createSession(&fake_history, 1, 20);
  EXPECT_EQ(hgf_session_capacity(session.get()), 20);
  EXPECT_EQ(runHistory(session, 1, 20), HGF_OK);
  EXPECT_EQ(runHistory(session, 1, 1), HGF_ERROR_CAPACITY);
}

TEST(State, GrowsWithoutLimitWhereTheModelNamesNone) {
  hgf_model_descriptor unlimited = fake_history;
  unlimited.metadata_count = 0;
  Session session = createSession(&unlimited, 1);
  EXPECT_EQ(hgf_session_capacity(session.get()), 0);
  float total = 0;
  for (int step = 0; step < 300; ++step) {
    Floats result = sums(session, 1, 1);
    total += 1;
    ASSERT_EQ(result[0], total);
  }
  EXPECT_EQ(hgf_session_position(session.get()), 300);
}

TEST(State, RefusesAnotherBatchInTheMiddle) {
  Session session = createSession(&fake_history, 1);
  sums(session, 1, 2);
  EXPECT_EQ(runHistory(session, 2, 1), HGF_ERROR_SHAPE);
  EXPECT_EQ(sums(session, 1, 1), (Floats{5, 8}));
}

TEST(State, MayBeBoundByTheCaller) {
  Session session = createSession(&fake_history, 1);
  Floats past{10, 20, 30, 40}, present(16, -1.f);
  int64_t dims[] = {1, 2, 2};
  ASSERT_EQ(bindInput(session, "past", dims, past), HGF_OK);
  ASSERT_EQ(hgf_session_bind_output_by_name(session.get(), "present",
                                            HGF_FLOAT32, present.data(), 64),
            HGF_OK);
  EXPECT_EQ(sums(session, 1, 1), (Floats{41, 62}));
  EXPECT_EQ(Floats(present.begin(), present.begin() + 7),
            (Floats{10, 20, 30, 40, 1, 2, -1}));
  // Again: the bound past overwrites what the session kept.
  EXPECT_EQ(sums(session, 1, 1), (Floats{41, 62}));
  // From here on the session's own.
  hgf_session_unbind(session.get(), HGF_INPUT, 1);
  EXPECT_EQ(sums(session, 1, 1), (Floats{42, 64}));
  EXPECT_EQ(hgf_session_position(session.get()), 4);
}

TEST(State, BoundByTheCallerMayExceedTheCapacity) {
  Session session = createSession(&fake_history, 1);
  Floats past(40, 1.f);
  int64_t dims[] = {1, 20, 2};
  ASSERT_EQ(bindInput(session, "past", dims, past), HGF_OK);
  EXPECT_EQ(sums(session, 1, 1), (Floats{21, 22}));
}

TEST(State, IsReplacedAsAWhole) {
  Session session = createSession(&fake_counter, 1);
  Floats x{1, 2, 3};
  int64_t dims[] = {3};
  ASSERT_EQ(bindInput(session, "x", dims, x), HGF_OK);
  for (int round = 1; round <= 3; ++round) {
    ASSERT_EQ(hgf_session_run(session.get()), HGF_OK)
        << hgf_session_error(session.get());
    EXPECT_EQ(output(session, 0)[2], 3.f * static_cast<float>(round));
  }
  Floats before{100, 100, 100};
  ASSERT_EQ(bindInput(session, "before", dims, before), HGF_OK);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{101, 102, 103}));
  hgf_session_unbind(session.get(), HGF_INPUT, 0);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{102, 104, 106}));
  ASSERT_EQ(hgf_session_reset(session.get()), HGF_OK);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{1, 2, 3}));
}

} // namespace
