//===- SessionHelpers.h - Sessions for the tests ----------------*- C++ -*-===//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef HGF_TEST_UNIT_RUNTIME_SESSIONHELPERS_H
#define HGF_TEST_UNIT_RUNTIME_SESSIONHELPERS_H

#include "hgf-c/Model.h"
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

struct SessionDeleter {
  void operator()(hgf_session *session) const { hgf_session_free(session); }
};
using Session = std::unique_ptr<hgf_session, SessionDeleter>;

inline Session createSession(const hgf_model_descriptor *model, int32_t threads,
                             int64_t maxContext = 0) {
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = threads;
  options.max_context = maxContext;
  hgf_session *session;
  char error[256];
  EXPECT_EQ(hgf_session_create(model, &options, &session, error, sizeof error),
            HGF_OK)
      << error;
  return Session(session);
}

/// Binds float32 data of as many dims as the array has.
template <size_t Rank>
hgf_status bindInput(const Session &session, const char *name,
                     const int64_t (&dims)[Rank],
                     const std::vector<float> &data) {
  return hgf_session_bind_input_by_name(session.get(), name, HGF_FLOAT32, Rank,
                                        dims, data.data(),
                                        data.size() * sizeof(float));
}

/// The last run's output as floats.
inline std::vector<float> output(const Session &session, int32_t index) {
  const void *data = nullptr;
  size_t bytes = 0;
  EXPECT_EQ(hgf_session_output_data(session.get(), index, &data, &bytes),
            HGF_OK)
      << hgf_session_error(session.get());
  std::vector<float> values(bytes / sizeof(float));
  if (bytes)
    memcpy(values.data(), data, bytes);
  return values;
}

#endif
