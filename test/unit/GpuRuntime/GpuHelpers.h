//===- GpuHelpers.h - Sessions on the simulator -----------------*- C++ -*-===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef HGF_TEST_UNIT_GPURUNTIME_GPUHELPERS_H
#define HGF_TEST_UNIT_GPURUNTIME_GPUHELPERS_H

#include "GpuModels.h"
#include "SessionHelpers.h"
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

using Floats = std::vector<float>;

/// A variable of the environment, for the length of a scope.
class Variable {
public:
  Variable(const char *name, const std::string &value) : name(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name); }
  Variable(const Variable &) = delete;

private:
  const char *name;
};

struct Created {
  hgf_status status;
  std::string error;
  Session session;
};

inline Created create(const hgf_model_descriptor *model, const char *device,
                      const char *weights = nullptr) {
  setenv("HGF_GPUSIM_LIBRARY", HGF_GPUSIM_LIBRARY, 1);
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = 1;
  options.device = device;
  options.weights = weights;
  hgf_session *session;
  char error[512];
  hgf_status status =
      hgf_session_create(model, &options, &session, error, sizeof error);
  return {status, error, Session(session)};
}

inline Session simulate(const hgf_model_descriptor *model,
                        const char *weights = nullptr) {
  Created created = create(model, "sim", weights);
  EXPECT_EQ(created.status, HGF_OK) << created.error;
  return std::move(created.session);
}

/// Binds x[n] and runs.
inline hgf_status runOn(const Session &session, const Floats &x) {
  int64_t dims[] = {static_cast<int64_t>(x.size())};
  EXPECT_EQ(bindInput(session, "x", dims, x), HGF_OK);
  return hgf_session_run(session.get());
}

/// What a file holds beyond where it was read to the last time.
class GrowingFile {
public:
  explicit GrowingFile(const std::string &name)
      : path(testing::TempDir() + name) {
    std::remove(path.c_str());
  }
  ~GrowingFile() { std::remove(path.c_str()); }

  std::string readNew() {
    std::ifstream stream(path);
    stream.seekg(position);
    std::stringstream text;
    text << stream.rdbuf();
    position += static_cast<std::streamoff>(text.str().size());
    return text.str();
  }

  const std::string path;

private:
  std::streamoff position = 0;
};

/// Runs tests of this program in a process of their own.
inline int runTests(const std::string &environment, const std::string &filter) {
  std::string command = environment + " /proc/" + std::to_string(getpid()) +
                        "/exe --gtest_also_run_disabled_tests "
                        "--gtest_brief=1 --gtest_filter='" +
                        filter + "'";
  return system(command.c_str());
}

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

inline int countOf(const std::string &text, const std::string &part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + 1))
    ++count;
  return count;
}

#endif
