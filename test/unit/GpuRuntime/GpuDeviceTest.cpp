//===- GpuDeviceTest.cpp - Devices, images, and what is missing -----------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "CommandLine.h"
#include "Device.h"
}
#include "GpuHelpers.h"
#include <dlfcn.h>

namespace {

TEST(GpuDevice, NamesAreRead) {
  hgf_device device;
  EXPECT_TRUE(hgf_device_parse(nullptr, &device));
  EXPECT_EQ(device.kind, hgf_device_auto);
  EXPECT_TRUE(hgf_device_parse("gpu", &device));
  EXPECT_EQ(device.kind, hgf_device_gpu);
  EXPECT_EQ(device.number, 0);
  EXPECT_TRUE(hgf_device_parse("gpu:12", &device));
  EXPECT_EQ(device.number, 12);
  EXPECT_TRUE(hgf_device_parse("sim", &device));
  EXPECT_TRUE(hgf_device_parse("cpu", &device));
  for (const char *wrong : {"", "GPU", "gpu:", "gpu:x", "gpu:-1", "gpu:1 ",
                            "gpu:99999999999", "cpu:0", "sim:0", "cuda"})
    EXPECT_FALSE(hgf_device_parse(wrong, &device)) << wrong;
}

TEST(GpuDevice, WrongNamesAreAnError) {
  Created created = create(&gpu_scale, "tpu");
  EXPECT_EQ(created.status, HGF_ERROR_ARGUMENT);
  EXPECT_EQ(created.error, "expected a device auto, gpu, gpu:N, sim or cpu but "
                           "got 'tpu'");
  EXPECT_STREQ(hgf_status_name(HGF_ERROR_DEVICE), "HGF_ERROR_DEVICE");
}

TEST(GpuDevice, TheCpuIsTakenWhenAskedFor) {
  Created created = create(&gpu_scale_with_fallback, "cpu");
  ASSERT_EQ(created.status, HGF_OK) << created.error;
  ASSERT_EQ(runOn(created.session, {2}), HGF_OK);
  EXPECT_EQ(output(created.session, 0), Floats{6});
  EXPECT_STREQ(hgf_session_level(created.session.get()), "generic");
  // At the same time on the GPU.
  Session session = simulate(&gpu_scale_with_fallback);
  ASSERT_EQ(runOn(session, {2}), HGF_OK);
  EXPECT_EQ(output(session, 0), Floats{6});
}

TEST(GpuDevice, AModelMayHaveNoCpuVersion) {
  Created created = create(&gpu_scale, "cpu");
  EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
  EXPECT_EQ(created.error,
            "expected device auto, gpu, gpu:N or sim but got 'cpu': the model "
            "is compiled for GPUs only; compile it with --gpu-fallback to have "
            "a CPU version too");
}

TEST(GpuDevice, CpuModelsRunOnTheCpuOnly) {
  hgf_model_descriptor model = gpu_scale;
  model.gpu = nullptr;
  model.initialize = nullptr;
  for (const char *name : {"auto", "cpu", static_cast<const char *>(nullptr)})
    EXPECT_EQ(create(&model, name).status, HGF_OK);
  for (const char *name : {"gpu", "gpu:0", "sim"}) {
    Created created = create(&model, name);
    EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
    EXPECT_EQ(created.error, std::string("expected device auto or cpu but got "
                                         "'") +
                                 name + "': the model is compiled for the CPU");
  }
}

TEST(GpuDevice, WithoutADriverNothingElseIsTaken) {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL))
    GTEST_SKIP() << "this machine has the driver";
  for (const char *name : {"auto", "gpu", "gpu:3"}) {
    Created created = create(&gpu_scale, name);
    EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
    EXPECT_TRUE(contains(created.error, "the model needs an NVIDIA GPU, but "
                                        "the driver's library cannot be "
                                        "opened (libcuda.so.1: "))
        << created.error;
    EXPECT_TRUE(contains(created.error, "; compiled with --gpu-fallback the "
                                        "model would also run on the device "
                                        "cpu"))
        << created.error;
  }
  Created created = create(&gpu_scale_with_fallback, nullptr);
  EXPECT_EQ(created.status, HGF_ERROR_DEVICE);
  EXPECT_TRUE(
      contains(created.error, "; the device cpu runs the model's CPU version"))
      << created.error;
}

TEST(GpuDevice, OlderProgramsHaveSmallerOptions) {
  // As a program has them that was compiled before `device` was there.
  struct {
    size_t size;
    int32_t threads;
    int64_t maxContext;
    const char *weights;
    const char *notOptions;
  } options;
  options.notOptions = "sim";
  (hgf_session_options_init)(reinterpret_cast<hgf_session_options *>(&options));
  EXPECT_EQ(options.size, offsetof(hgf_session_options, device));
  EXPECT_STREQ(options.notOptions, "sim");
  hgf_model_descriptor model = gpu_scale;
  model.gpu = nullptr;
  model.initialize = nullptr;
  hgf_session *session;
  char error[256];
  EXPECT_EQ(hgf_session_create(
                &model, reinterpret_cast<hgf_session_options *>(&options),
                &session, error, sizeof error),
            HGF_OK)
      << error;
  hgf_session_free(session);
  options.size = 8;
  EXPECT_EQ(hgf_session_create(
                &model, reinterpret_cast<hgf_session_options *>(&options),
                &session, error, sizeof error),
            HGF_ERROR_ARGUMENT);
}

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
