//===- GpuSessionTest.cpp - Runs on a simulated GPU -----------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "GpuHelpers.h"
#include <thread>

namespace {

TEST(GpuSession, Runs) {
  Session session = simulate(&gpu_scale);
  ASSERT_TRUE(session);
  ASSERT_EQ(runOn(session, {1, 2, 4}), HGF_OK)
      << hgf_session_error(session.get());
  EXPECT_EQ(output(session, 0), (Floats{3, 6, 12}));
  // More than before, and fewer.
  Floats many(1000, 2.f);
  ASSERT_EQ(runOn(session, many), HGF_OK);
  EXPECT_EQ(output(session, 0), Floats(1000, 6.f));
  ASSERT_EQ(runOn(session, {5}), HGF_OK);
  EXPECT_EQ(output(session, 0), Floats{15});
  // No elements, no launch.
  ASSERT_EQ(runOn(session, {}), HGF_OK) << hgf_session_error(session.get());
  EXPECT_EQ(output(session, 0), Floats{});
}

TEST(GpuSession, WritesBoundOutputs) {
  Session session = simulate(&gpu_scale);
  Floats y(5, -1.f);
  ASSERT_EQ(hgf_session_bind_output_by_name(session.get(), "y", HGF_FLOAT32,
                                            y.data(), 20),
            HGF_OK);
  ASSERT_EQ(runOn(session, {1, 2, 4}), HGF_OK);
  EXPECT_EQ(y, (Floats{3, 6, 12, -1, -1}));
  EXPECT_EQ(output(session, 0), (Floats{3, 6, 12}));
  EXPECT_EQ(runOn(session, Floats(6, 1.f)), HGF_ERROR_BUFFER_SIZE);
}

TEST(GpuSession, AKernelFailsWithItsMessage) {
  Session session = simulate(&gpu_scale);
  EXPECT_EQ(runOn(session, {1, 13, 1}), HGF_ERROR_RUN);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "node 'scale' (Mul-7): 13 is refused");
  EXPECT_EQ(hgf_session_output_data(session.get(), 0, nullptr, nullptr),
            HGF_ERROR_ARGUMENT);
  // The next run begins anew.
  EXPECT_EQ(runOn(session, {1, 12, 1}), HGF_OK);
  EXPECT_EQ(output(session, 0), (Floats{3, 36, 3}));
}

TEST(GpuSession, HostCodeMayFail) {
  Session session = simulate(&gpu_host_failure);
  EXPECT_EQ(runOn(session, {1}), HGF_ERROR_RUN);
  EXPECT_STREQ(hgf_session_error(session.get()), "the host code failed");
}

// Finds in the text that a run writes to stderr, and in its error.
void expectFinding(const hgf_model_descriptor *model, const char *finding) {
  Session session = simulate(model);
  testing::internal::CaptureStderr();
  EXPECT_EQ(runOn(session, {1, 2}), HGF_ERROR_RUN);
  std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(contains(text, finding)) << text;
  EXPECT_STREQ(hgf_session_error(session.get()),
               "kernel 'move' failed on the GPU: CUDA_ERROR_LAUNCH_FAILED "
               "(unspecified launch failure)");
}

TEST(GpuSession, FindingsReachTheError) {
  expectFinding(&gpu_out_of_bounds, "out-of-bounds: 4 bytes at 8 of a buffer "
                                    "of 8 [kernel move");
  expectFinding(&gpu_uninitialised, "uninitialised");
}

TEST(GpuSession, ChecksCanBeLeftOut) {
  Variable check("HGF_GPUSIM_CHECK", "0");
  Session session = simulate(&gpu_uninitialised);
  EXPECT_EQ(runOn(session, {1, 2}), HGF_OK);
}

TEST(GpuSession, GivesKernelsMoreSharedMemory) {
  Session session = simulate(&gpu_shared);
  ASSERT_EQ(runOn(session, {7}), HGF_OK) << hgf_session_error(session.get());
  EXPECT_EQ(output(session, 0), Floats{7});
}

int64_t hugeArena(const int64_t *) { return int64_t(1) << 36; }

TEST(GpuSession, SaysWhichMemoryIsMissing) {
  hgf_model_descriptor model = gpu_scale;
  model.arena_bytes = hugeArena;
  Session session = simulate(&model);
  EXPECT_EQ(runOn(session, {1}), HGF_ERROR_MEMORY);
  EXPECT_STREQ(hgf_session_error(session.get()),
               "no memory on the GPU for the 68719476736 bytes one call works "
               "in");
}

TEST(GpuSession, WeightsAreLoadedOnce) {
  GrowingFile trace("hgf-gpu.trace");
  Variable variable("HGF_GPUSIM_TRACE", trace.path);
  Session first = simulate(&gpu_scale);
  EXPECT_EQ(countOf(trace.readNew(), "cuMemcpyHtoD_v2\n"), 1);
  Session second = simulate(&gpu_scale);
  std::string text = trace.readNew();
  EXPECT_FALSE(contains(text, "cuMemcpyHtoD_v2\n"));
  EXPECT_FALSE(contains(text, "cuModuleLoadDataEx\n"));
  ASSERT_EQ(runOn(first, {1}), HGF_OK);
  ASSERT_EQ(runOn(second, {2}), HGF_OK);
  EXPECT_EQ(output(first, 0), Floats{3});
  EXPECT_EQ(output(second, 0), Floats{6});
  // The last session takes all with it.
  first.reset();
  second.reset();
  text = trace.readNew();
  EXPECT_TRUE(contains(text, "cuModuleUnload\n"));
  EXPECT_TRUE(contains(text, "cuDevicePrimaryCtxRelease_v2\n"));
}

TEST(GpuSession, WeightsMayLieInAFile) {
  std::string path = testing::TempDir() + "hgf-gpu.weights";
  std::vector<char> file(64 + 128);
  memcpy(file.data(), HGF_WEIGHTS_MAGIC "\x34\x12", 10);
  float weight = 2.5f;
  memcpy(file.data() + 64, &weight, sizeof weight);
  std::ofstream(path, std::ios::binary).write(file.data(), file.size());
  Session session = simulate(&gpu_side, path.c_str());
  std::remove(path.c_str());
  ASSERT_TRUE(session);
  ASSERT_EQ(hgf_session_run(session.get()), HGF_OK)
      << hgf_session_error(session.get());
  EXPECT_EQ(output(session, 0), Floats{2.5f});
  session.reset();
  EXPECT_EQ(create(&gpu_side, "sim", path.c_str()).status, HGF_ERROR_WEIGHTS);
}

TEST(GpuSession, SessionsRunAtTheSameTime) {
  std::vector<std::thread> users;
  for (int user = 1; user <= 3; ++user)
    users.emplace_back([user] {
      for (int round = 0; round < 5; ++round) {
        Session session = simulate(&gpu_scale);
        for (int run = 0; run < 5; ++run) {
          float value = static_cast<float>(user + run);
          ASSERT_EQ(runOn(session, Floats(40, value)), HGF_OK);
          ASSERT_EQ(output(session, 0), Floats(40, 3 * value));
        }
      }
    });
  for (std::thread &user : users)
    user.join();
}

TEST(GpuSession, MayBeUsedByAnotherThread) {
  Session session = simulate(&gpu_history);
  std::thread([&] {
    int64_t dims[] = {1, 1, 2};
    Floats x{1, 2};
    bindInput(session, "x", dims, x);
    ASSERT_EQ(hgf_session_run(session.get()), HGF_OK);
  }).join();
  EXPECT_EQ(output(session, 1), (Floats{1, 2}));
}

} // namespace
