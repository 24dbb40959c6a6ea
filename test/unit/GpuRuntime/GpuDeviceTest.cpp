//===- GpuDeviceTest.cpp - Devices, and what is missing -------------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

extern "C" {
#include "Device.h"
}
#include "GpuHelpers.h"
#include <dlfcn.h>
#include <thread>

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
  for (const char *name : {"auto", "gpu", "gpu:0"}) {
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

// Run by the test below, with a driver in LD_LIBRARY_PATH: a second simulator.
TEST(GpuDevice, DISABLED_TwoDevicesInOneProcess) {
  EXPECT_EQ(create(&gpu_scale, "gpu:1").error,
            "expected a GPU from gpu:0 to gpu:0 but got gpu:1");
  // So that the weights lie elsewhere on the one than on the other.
  Created other = create(&gpu_history, "gpu");
  std::vector<Session> sessions;
  for (const char *name : {"gpu", "sim", "gpu:0", "sim"}) {
    Created created = create(&gpu_scale, name);
    ASSERT_EQ(created.status, HGF_OK) << created.error;
    sessions.push_back(std::move(created.session));
  }
  auto use = [](const Session &session) {
    ASSERT_EQ(runOn(session, {5}), HGF_OK) << hgf_session_error(session.get());
    ASSERT_EQ(output(session, 0), Floats{15});
  };
  for (int round = 0; round < 3; ++round)
    for (const Session &session : sessions)
      use(session);
  std::vector<std::thread> users;
  for (const Session &session : sessions)
    users.emplace_back([&] {
      for (int run = 0; run < 20; ++run)
        use(session);
    });
  for (std::thread &user : users)
    user.join();
}

TEST(GpuDevice, TheDriverIsFoundByItsName) {
  std::string folder = testing::TempDir() + "hgf-driver";
  std::string copy = "mkdir -p " + folder + " && cp " HGF_GPUSIM_LIBRARY " " +
                     folder + "/libcuda.so.1";
  ASSERT_EQ(system(copy.c_str()), 0);
  EXPECT_EQ(runTests("LD_LIBRARY_PATH=" + folder,
                     "GpuDevice.DISABLED_TwoDevicesInOneProcess"),
            0);
  EXPECT_EQ(system(("rm -r " + folder).c_str()), 0);
}

} // namespace
