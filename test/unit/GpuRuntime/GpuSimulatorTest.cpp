//===- GpuSimulatorTest.cpp - Images, the simulator, the command line -----===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "CommandLine.h"
}
#include "GpuHelpers.h"

namespace {

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

TEST(GpuImages, TheBestThatTheDriverTakes) {
  // The cubin would be better, but the simulator takes PTX only.
  Session session = simulate(&gpu_scale);
  EXPECT_STREQ(hgf_session_level(session.get()), "sm_80");
  EXPECT_STREQ(hgf_session_level_reason(session.get()),
               "the driver translated the PTX for sm_80 for HGF PTX simulator "
               "(sm_90)");
  session.reset();
  Variable chip("HGF_GPUSIM_CHIP", "75");
  session = simulate(&gpu_scale);
  EXPECT_STREQ(hgf_session_level(session.get()), "sm_70");
  ASSERT_EQ(runOn(session, {2}), HGF_OK);
  EXPECT_EQ(output(session, 0), Floats{6});
}

TEST(GpuImages, NoneMaySuit) {
  Created created = create(&gpu_scale_too_new, "sim");
  EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
  EXPECT_EQ(created.error,
            "no image of the model runs on HGF PTX simulator (sm_90): it has "
            "PTX for sm_100; compile it for sm_90");
  Variable chip("HGF_GPUSIM_CHIP", "60");
  EXPECT_EQ(create(&gpu_scale, "sim").error,
            "no image of the model runs on HGF PTX simulator (sm_60): it has "
            "PTX for sm_70, PTX for sm_80 and cubin for sm_90; compile it for "
            "sm_60");
}

TEST(GpuImages, TheDriversReasonIsGiven) {
  Created created = create(&gpu_scale_damaged, "sim");
  EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
  EXPECT_TRUE(contains(created.error,
                       "it has PTX for sm_80 (the driver says of the PTX for "
                       "sm_80: CUDA_ERROR_INVALID_PTX (a PTX JIT compilation "
                       "failed): line 4: "))
      << created.error;
}

TEST(GpuImages, AnotherRuntimeIsRefused) {
  hgf_gpu_descriptor gpu = *gpu_scale.gpu;
  gpu.runtime = nullptr;
  hgf_model_descriptor model = gpu_scale;
  model.gpu = &gpu;
  Created created = create(&model, "sim");
  EXPECT_EQ(created.status, HGF_ERROR_VERSION);
  EXPECT_TRUE(contains(created.error, "compile it again")) << created.error;
}

//===----------------------------------------------------------------------===//
// The simulator's files, and the command line
//===----------------------------------------------------------------------===//

TEST(GpuSimulator, WritesWhatItCounts) {
  GrowingFile stats("hgf-gpu.stats");
  Variable variable("HGF_GPUSIM_STATS", stats.path);
  Session session = simulate(&gpu_scale);
  ASSERT_EQ(runOn(session, Floats(64, 1.f)), HGF_OK);
  std::string text = stats.readNew();
  EXPECT_EQ(countOf(text, "\n"), 1);
  for (const char *part :
       {"\"kernel\":\"scale\"", "\"grid\":[2,1,1]", "\"block\":[32,1,1]",
        "\"globalSectors\":18", "\"sharedRequests\":0", "\"instructions\":"})
    EXPECT_TRUE(contains(text, part)) << part << " in " << text;
  // Repetitions count too.
  ASSERT_EQ(runOn(session, Floats(64, 1.f)), HGF_OK);
  ASSERT_EQ(runOn(session, Floats(64, 1.f)), HGF_OK);
  EXPECT_EQ(countOf(stats.readNew(), "\"kernel\":\"scale\""), 2);
}

// Nothing depends on when the device does what it was asked for; but a defect
// shows when somebody waits, without its kernel's name.
TEST(GpuSimulator, MayBeLate) {
  EXPECT_EQ(runTests("HGF_GPUSIM_LATE=1",
                     "GpuSession*:GpuState*:GpuGraph*:"
                     "GpuAgainstCpu*-GpuSession.Findings*"),
            0);
  Variable late("HGF_GPUSIM_LATE", "1");
  Session session = simulate(&gpu_out_of_bounds);
  testing::internal::CaptureStderr();
  EXPECT_EQ(runOn(session, {1, 2}), HGF_ERROR_RUN);
  EXPECT_TRUE(contains(testing::internal::GetCapturedStderr(),
                       "out-of-bounds: 4 bytes at 8 of a buffer of 8"));
  EXPECT_STREQ(hgf_session_error(session.get()),
               "running the model (HGF_GPU_WAIT=1 names the kernel) failed on "
               "the GPU: CUDA_ERROR_LAUNCH_FAILED (unspecified launch "
               "failure)");
  session.reset();
  Variable wait("HGF_GPU_WAIT", "1");
  session = simulate(&gpu_out_of_bounds);
  testing::internal::CaptureStderr();
  EXPECT_EQ(runOn(session, {1, 2}), HGF_ERROR_RUN);
  testing::internal::GetCapturedStderr();
  EXPECT_STREQ(hgf_session_error(session.get()),
               "kernel 'move' failed on the GPU: CUDA_ERROR_LAUNCH_FAILED "
               "(unspecified launch failure)");
}

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
  std::string out = testing::internal::GetCapturedStdout();
  return {status, out, testing::internal::GetCapturedStderr()};
}

TEST(GpuCommandLine, Describes) {
  setenv("HGF_GPUSIM_LIBRARY", HGF_GPUSIM_LIBRARY, 1);
  Result result = run(&gpu_scale_with_fallback, {"--describe", "--device=sim"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(contains(result.out, "gpu: 5 kernels, and a CPU version\n"
                                   "  PTX for sm_70: "))
      << result.out;
  EXPECT_TRUE(contains(result.out, "  cubin for sm_90: 23 bytes\n"));
  EXPECT_TRUE(contains(result.out, "kernels: sm_80 (the driver translated"));
  result = run(&gpu_scale, {"--describe", "--json"});
  EXPECT_TRUE(contains(result.out, "\"gpu\": {\"kernels\": 5, "
                                   "\"cpu_fallback\": false, \"images\": "
                                   "[{\"chip\": 70, \"format\": \"ptx\", "
                                   "\"bytes\": "))
      << result.out;
  hgf_model_descriptor model = gpu_scale;
  model.gpu = nullptr;
  EXPECT_TRUE(
      contains(run(&model, {"--describe", "--json"}).out, "\"gpu\": null"));
}

TEST(GpuCommandLine, RefusesWrongDevices) {
  Result result = run(&gpu_scale, {"--device=tpu", "--describe"});
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.error, "model: error: 'tpu' is no value for --device; see "
                          "model --help\n");
  EXPECT_TRUE(contains(run(&gpu_scale, {"--help"}).out, "--device NAME"));
}

} // namespace
