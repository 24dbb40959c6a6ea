//===- GpuStateTest.cpp - State on a simulated GPU, and repeated steps ----===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GpuHelpers.h"

namespace {

// Binds x[batch, steps, 2] = 1, 2, 3 ..., runs, and returns `sum`.
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

TEST(GpuState, GrowsInPlace) {
  Session session = simulate(&gpu_history);
  EXPECT_EQ(sums(session, 1, 2), (Floats{1, 2, 4, 6}));
  EXPECT_EQ(sums(session, 1, 1), (Floats{5, 8}));
  EXPECT_EQ(output(session, 1), (Floats{1, 2, 3, 4, 1, 2}));
  EXPECT_EQ(hgf_session_position(session.get()), 3);
  ASSERT_EQ(hgf_session_reset(session.get()), HGF_OK);
  EXPECT_EQ(sums(session, 3, 1), (Floats{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(sums(session, 3, 1), (Floats{2, 4, 6, 8, 10, 12}));
  EXPECT_EQ(output(session, 1), (Floats{1, 2, 1, 2, 3, 4, 3, 4, 5, 6, 5, 6}));
}

TEST(GpuState, HasACapacity) {
  Session session = simulate(&gpu_history);
  sums(session, 1, 8);
  EXPECT_EQ(hgf_session_run(session.get()), HGF_ERROR_CAPACITY);
}

TEST(GpuState, MovesWhenItsMemoryGrows) {
  hgf_model_descriptor unlimited = gpu_history;
  unlimited.metadata_count = 0;
  Session session = simulate(&unlimited);
  for (int step = 1; step <= 150; ++step)
    ASSERT_EQ(sums(session, 2, 1)[0], static_cast<float>(step));
  EXPECT_EQ(output(session, 1)[2 * 150], 3.f);
}

TEST(GpuState, MayBeBoundByTheCaller) {
  Session session = simulate(&gpu_history);
  Floats past{10, 20, 30, 40}, present(16, -1.f);
  int64_t dims[] = {2, 1, 2};
  ASSERT_EQ(bindInput(session, "past", dims, past), HGF_OK);
  ASSERT_EQ(hgf_session_bind_output_by_name(session.get(), "present",
                                            HGF_FLOAT32, present.data(), 64),
            HGF_OK);
  EXPECT_EQ(sums(session, 2, 1), (Floats{11, 22, 33, 44}));
  EXPECT_EQ(Floats(present.begin(), present.begin() + 9),
            (Floats{10, 20, 1, 2, 30, 40, 3, 4, -1}));
  EXPECT_EQ(sums(session, 2, 1), (Floats{11, 22, 33, 44}));
  hgf_session_unbind(session.get(), HGF_INPUT, 1);
  EXPECT_EQ(sums(session, 2, 1), (Floats{12, 24, 36, 48}));
}

TEST(GpuState, IsReplacedAsAWhole) {
  Session session = simulate(&gpu_counter);
  for (int round = 1; round <= 5; ++round) {
    ASSERT_EQ(runOn(session, {1, 2, 3}), HGF_OK)
        << hgf_session_error(session.get());
    EXPECT_EQ(output(session, 0)[2], 3.f * static_cast<float>(round));
  }
  // A run that fails leaves the state as it was.
  EXPECT_EQ(runOn(session, {13, 2, 3}), HGF_ERROR_RUN);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "node 'count' (Add-3): 13 is refused");
  ASSERT_EQ(runOn(session, {1, 2, 3}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{6, 12, 18}));
  int64_t dims[] = {3};
  Floats before{100, 100, 100};
  ASSERT_EQ(bindInput(session, "before", dims, before), HGF_OK);
  ASSERT_EQ(runOn(session, {1, 2, 3}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{101, 102, 103}));
  hgf_session_unbind(session.get(), HGF_INPUT, 0);
  ASSERT_EQ(runOn(session, {1, 2, 3}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{102, 104, 106}));
  ASSERT_EQ(hgf_session_reset(session.get()), HGF_OK);
  ASSERT_EQ(runOn(session, {1, 2, 3}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{1, 2, 3}));
}

//===----------------------------------------------------------------------===//
// Graphs
//===----------------------------------------------------------------------===//

TEST(GpuGraph, RepeatsStepsWithNewValuesAndWithoutNewMemory) {
  GrowingFile trace("hgf-gpu.trace");
  Variable variable("HGF_GPUSIM_TRACE", trace.path);
  Session session = simulate(&gpu_history);
  float total = 0;
  for (int step = 1; step <= 8; ++step) {
    EXPECT_EQ(sums(session, 1, 1), (Floats{total + 1, 2 * total + 2}));
    total += 1;
    std::string text = trace.readNew();
    // The second step records, and repeats what it has recorded.
    EXPECT_EQ(countOf(text, "cuGraphInstantiateWithFlags\n"), step == 2);
    EXPECT_EQ(countOf(text, "cuGraphLaunch\n"), step >= 2);
    EXPECT_EQ(countOf(text, "cuLaunchKernel\n"), step <= 2);
    if (step > 1) {
      EXPECT_FALSE(contains(text, "cuMemAlloc_v2\n"));
      EXPECT_FALSE(contains(text, "cuMemHostAlloc\n"));
    }
  }
}

TEST(GpuGraph, AStepIsAFewCalls) {
  GrowingFile trace("hgf-gpu.trace");
  Variable variable("HGF_GPUSIM_TRACE", trace.path);
  Session session = simulate(&gpu_scale);
  for (int step = 1; step <= 3; ++step) {
    trace.readNew();
    ASSERT_EQ(runOn(session, {1, 2}), HGF_OK);
  }
  EXPECT_EQ(trace.readNew(), "cuCtxPushCurrent_v2\ncuMemcpyHtoDAsync_v2\n"
                             "cuGraphLaunch\ncuMemcpyDtoHAsync_v2\n"
                             "cuMemcpyDtoHAsync_v2\ncuStreamSynchronize\n"
                             "cuCtxPopCurrent_v2\n");
}

TEST(GpuGraph, CanBeTurnedOff) {
  GrowingFile trace("hgf-gpu.trace");
  Variable variable("HGF_GPUSIM_TRACE", trace.path);
  for (const char *name : {"HGF_GPU_GRAPH", "HGF_GPU_WAIT"}) {
    Variable off(name, contains(name, "GRAPH") ? "0" : "1");
    Session session = simulate(&gpu_history);
    for (int step = 1; step <= 4; ++step)
      EXPECT_EQ(sums(session, 1, 1)[0], static_cast<float>(step));
    EXPECT_FALSE(contains(trace.readNew(), "Graph"));
  }
}

TEST(GpuGraph, KeepsTheLastEight) {
  GrowingFile trace("hgf-gpu.trace");
  Variable variable("HGF_GPUSIM_TRACE", trace.path);
  Session session = simulate(&gpu_scale);
  // The largest first: no memory moves afterwards.
  auto runTwice = [&](size_t size) {
    for (int run = 0; run < 2; ++run) {
      ASSERT_EQ(runOn(session, Floats(size, 1.f)), HGF_OK);
      ASSERT_EQ(output(session, 0), Floats(size, 3.f));
    }
  };
  auto made = [&] {
    return countOf(trace.readNew(), "cuGraphInstantiateWithFlags\n");
  };
  for (size_t size = 9; size >= 1; --size)
    runTwice(size);
  EXPECT_EQ(made(), 9);
  // 9 was dropped; 8 is the oldest then, and goes.
  runTwice(1);
  runTwice(8);
  EXPECT_EQ(made(), 0);
  runTwice(9);
  EXPECT_EQ(made(), 1);
  runTwice(8);
  EXPECT_EQ(made(), 0);
  runTwice(7);
  EXPECT_EQ(made(), 1);
}

TEST(GpuGraph, FindingsAndFailuresReachTheErrorInARepetitionToo) {
  Session session = simulate(&gpu_scale);
  for (int run = 0; run < 3; ++run)
    ASSERT_EQ(runOn(session, {1, 2}), HGF_OK);
  EXPECT_EQ(runOn(session, {1, 13}), HGF_ERROR_RUN);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "node 'scale' (Mul-7): 13 is refused");
  EXPECT_EQ(runOn(session, {1, 2}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{3, 6}));
}

TEST(GpuGraph, IsForgottenWhenMemoryMoves) {
  Session session = simulate(&gpu_scale);
  for (size_t size : {4, 4, 4, 400, 400, 400, 4, 4, 4000, 4, 4}) {
    ASSERT_EQ(runOn(session, Floats(size, 2.f)), HGF_OK)
        << hgf_session_error(session.get());
    ASSERT_EQ(output(session, 0), Floats(size, 6.f));
  }
}

} // namespace
