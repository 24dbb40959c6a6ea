//===- Session.h - One session of a loaded model ----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_SESSION_H
#define HGF_LIB_BENCH_SESSION_H

#include "CompiledModel.h"

namespace hgf {

/// A session and the memory of its tensors.
class Session {
public:
  Session(const CompiledModel &model, int threads);
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;
  ~Session();

  /// Binds every input that is not state, with `tokens` for each dimension that
  /// is neither known nor called a batch. Layers get activations of all sizes
  /// and memory for their output; whole models get zeros, which every kind of
  /// input allows. False: see getError().
  bool bind(int64_t tokens, bool isLayer);

  /// Runs once for each of `chunks` parts of the weights, `chunkBytes` apart.
  /// `fresh`: forgets state before. False: see getError().
  bool run(int64_t chunks, uint64_t chunkBytes, bool fresh);

  std::string getError() const;

private:
  const CompiledModel &model;
  const ModelFunctions &api;
  hgf_session *session;
  std::string error;
  std::vector<std::vector<char>> tensors;
};

} // namespace hgf

#endif // HGF_LIB_BENCH_SESSION_H
