//===- Session.cpp - One session of a loaded model ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include <cmath>

using namespace hgf;
using llvm::StringRef;

/// Vectors may read and write whole cache lines.
static constexpr size_t slack = 64;

Session::Session(const CompiledModel &model, int threads)
    : model(model), api(model.functions()),
      session(model.createSession(threads, error)) {}

Session::~Session() {
  if (session)
    api.free(session);
}

std::string Session::getError() const {
  return session ? api.error(session) : error;
}

bool Session::bind(int64_t tokens, bool isLayer) {
  if (!session)
    return false;
  const hgf_model_descriptor *descriptor = model.descriptor();
  int32_t inputs = api.tensorCount(descriptor, HGF_INPUT);
  for (int32_t index = 0; index < inputs; ++index) {
    if (api.tensorState(descriptor, HGF_INPUT, index) >= 0)
      continue;
    int32_t rank = api.tensorRank(descriptor, HGF_INPUT, index);
    const int64_t *known = api.tensorDims(descriptor, HGF_INPUT, index);
    llvm::SmallVector<int64_t> dims(known, known + rank);
    int64_t elements = 1;
    for (int32_t axis = 0; axis < rank; ++axis) {
      const char *name = api.tensorDimName(descriptor, HGF_INPUT, index, axis);
      bool isBatch = name && StringRef(name).contains_insensitive("batch");
      if (dims[axis] < 0)
        dims[axis] = isBatch ? 1 : tokens;
      elements *= dims[axis];
    }
    int32_t type = api.tensorDtype(descriptor, HGF_INPUT, index);
    std::vector<char> &data =
        tensors.emplace_back(elements * api.dtypeSize(type) + slack);
    if (isLayer && type == HGF_FLOAT32) {
      auto *values = reinterpret_cast<float *>(data.data());
      for (int64_t element = 0; element < elements; ++element)
        values[element] = std::sin(0.7f * static_cast<float>(element));
    }
    if (api.bindInput(session, index, type, rank, dims.data(), data.data(),
                      data.size()))
      return false;
  }
  if (!isLayer)
    return true;
  const int64_t *dims = api.tensorDims(descriptor, HGF_OUTPUT, 0);
  std::vector<char> &data =
      tensors.emplace_back(tokens * dims[1] * sizeof(float) + slack);
  return api.bindOutput(session, 0, HGF_FLOAT32, data.data(), data.size()) ==
         HGF_OK;
}

bool Session::run(int64_t chunks, uint64_t chunkBytes, bool fresh) {
  if (fresh && api.reset(session))
    return false;
  bool good = true;
  for (int64_t chunk = 0; chunk < chunks && good; ++chunk) {
    model.moveWeights(chunk * chunkBytes);
    good = api.run(session) == HGF_OK;
  }
  model.moveWeights(0);
  return good;
}
