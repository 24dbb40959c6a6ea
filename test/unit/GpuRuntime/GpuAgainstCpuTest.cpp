//===- GpuAgainstCpuTest.cpp - Random uses of both, compared --------------===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "FakeModels.h"
#include "GpuHelpers.h"
#include <random>

namespace {

// The same model on the CPU and on the simulator, used in the same way: what
// one answers, the other must too, whatever shapes, bindings and resets come.
class Twins {
public:
  explicit Twins(uint32_t seed, bool limited) : random(seed) {
    cpuModel.metadata_count = gpuModel.metadata_count = limited;
    sessions[0] = createSession(&cpuModel, 1);
    sessions[1] = simulate(&gpuModel);
    for (Floats &place : bound)
      place.resize(4096);
  }

  void step() {
    switch (choose(40)) {
    case 0:
      for (const Session &session : sessions)
        hgf_session_reset(session.get());
      break;
    case 1:
      batch = 1 + choose(3);
      for (const Session &session : sessions)
        hgf_session_reset(session.get());
      break;
    case 2:
      bindPast();
      break;
    case 3:
      for (const Session &session : sessions)
        hgf_session_unbind(session.get(), HGF_INPUT, 1);
      break;
    case 4:
      bindOutput(choose(2));
      break;
    case 5:
      unbindOutput(choose(2));
      break;
    default:
      run();
    }
  }

private:
  int64_t choose(int64_t count) {
    return std::uniform_int_distribution<int64_t>(0, count - 1)(random);
  }

  Floats numbers(int64_t count) {
    Floats values(static_cast<size_t>(count));
    for (float &value : values)
      value = static_cast<float>(choose(100));
    return values;
  }

  void bindPast() {
    int64_t dims[] = {batch, choose(5), 2};
    past = numbers(batch * dims[1] * 2);
    for (const Session &session : sessions)
      ASSERT_EQ(bindInput(session, "past", dims, past), HGF_OK);
  }

  void bindOutput(int64_t index) {
    for (int i = 0; i < 2; ++i)
      ASSERT_EQ(hgf_session_bind_output(
                    sessions[i].get(), static_cast<int32_t>(index), HGF_FLOAT32,
                    bound[2 * i + index].data(), 4096 * 4),
                HGF_OK);
  }

  void unbindOutput(int64_t index) {
    for (const Session &session : sessions)
      hgf_session_unbind(session.get(), HGF_OUTPUT,
                         static_cast<int32_t>(index));
  }

  void run() {
    // Often a step of one, as a text has them.
    int64_t dims[] = {batch, choose(3) ? 1 : choose(12), 2};
    x = numbers(batch * dims[1] * 2);
    hgf_status status[2];
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(bindInput(sessions[i], "x", dims, x), HGF_OK);
      status[i] = hgf_session_run(sessions[i].get());
    }
    ASSERT_EQ(status[0], status[1]) << hgf_session_error(sessions[0].get())
                                    << hgf_session_error(sessions[1].get());
    ASSERT_STREQ(hgf_session_error(sessions[0].get()),
                 hgf_session_error(sessions[1].get()));
    ASSERT_EQ(hgf_session_position(sessions[0].get()),
              hgf_session_position(sessions[1].get()));
    if (status[0])
      return;
    for (int32_t index : {0, 1})
      if (choose(3)) {
        ASSERT_EQ(output(sessions[0], index), output(sessions[1], index));
      }
    ASSERT_EQ(bound[0], bound[2]);
    ASSERT_EQ(bound[1], bound[3]);
  }

  std::mt19937 random;
  hgf_model_descriptor cpuModel = fake_history, gpuModel = gpu_history;
  Session sessions[2];
  int64_t batch = 1;
  Floats x, past, bound[4];
};

TEST(GpuAgainstCpu, TheSameUseGivesTheSame) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    Twins twins(seed, seed % 2);
    for (int step = 0; step < 150 && !HasFatalFailure(); ++step)
      twins.step();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

} // namespace
