//===- GpuStep.cpp - One step of a whole model on a GPU -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuStep.h"

#include "llvm/Support/FileSystem.h"

#include <chrono>
#include <cstdlib>

using namespace mlir;
using namespace hgf;
using llvm::Error;
using llvm::Expected;

/// Room for the model's files.
static constexpr uint64_t folderBytes = uint64_t(1) << 30;
/// A graph is made when the same launches come again.
static constexpr int64_t warmSteps = 4;

GpuStep::~GpuStep() {
  if (session)
    loaded.functions->free(session);
}

Expected<std::unique_ptr<GpuStep>>
GpuStep::make(MLIRContext &context, const BenchOptions &options,
              const Chip &chip, const std::string &runtimeDirectory) {
  CompileOptions compile;
  compile.input = options.model;
  compile.dimensions = options.dimensions;
  compile.gpus = {chip.name.str()};
  compile.runtimeDirectory = runtimeDirectory;
  OwningOpRef<ModuleOp> module = loadModel(context, compile);
  std::string folder = makeTemporaryFolder(folderBytes);
  if (!module || folder.empty())
    return llvm::createStringError("the model " + options.model +
                                   " cannot be compiled");
  std::unique_ptr<GpuStep> result(new GpuStep);
  result->device = options.device;
  result->model =
      CompiledModel::make(*module, compile, folder, result->device.c_str());
  // Its files are gone already; what cannot be removed does no harm.
  (void)llvm::sys::fs::remove(folder);
  if (!result->model)
    return llvm::createStringError("the model " + options.model +
                                   " cannot be run");
  result->model->describe(result->loaded);
  return result;
}

Error GpuStep::check(hgf_status status) {
  if (status == HGF_OK)
    return Error::success();
  return llvm::createStringError(loaded.functions->error(session));
}

Error GpuStep::open(bool graphs) {
  if (session)
    loaded.functions->free(session);
  session = nullptr;
  hgf_session_options options = {};
  options.size = sizeof options;
  options.device = device.c_str();
  setenv("HGF_GPU_GRAPH", graphs ? "1" : "0", /*overwrite=*/1);
  char text[512];
  if (loaded.functions->create(loaded.model, &options, &session, text,
                               sizeof text))
    return llvm::createStringError(text);
  return bindInputs();
}

Error GpuStep::bindInputs() {
  const hgf_model_functions &api = *loaded.functions;
  inputs.clear();
  for (int32_t index = 0; index < api.tensor_count(loaded.model, HGF_INPUT);
       ++index) {
    inputs.emplace_back();
    if (api.tensor_state(loaded.model, HGF_INPUT, index) >= 0)
      continue;
    int32_t rank = api.tensor_rank(loaded.model, HGF_INPUT, index);
    int32_t type = api.tensor_dtype(loaded.model, HGF_INPUT, index);
    const int64_t *dims = api.tensor_dims(loaded.model, HGF_INPUT, index);
    SmallVector<int64_t> sizes;
    int64_t bytes = api.dtype_size(type);
    for (int64_t dim : ArrayRef(dims, rank)) {
      sizes.push_back(dim < 0 ? 1 : dim);
      bytes *= sizes.back();
    }
    inputs.back().assign(bytes, 0);
    if (Error error =
            check(api.bind_input(session, index, type, rank, sizes.data(),
                                 inputs.back().data(), bytes)))
      return error;
  }
  return Error::success();
}

Expected<double> GpuStep::time(int64_t steps) {
  const hgf_model_functions &api = *loaded.functions;
  if (Error error = check(api.reset(session)))
    return error;
  std::chrono::steady_clock::time_point begin;
  for (int64_t step = -warmSteps; step < steps; ++step) {
    if (step == 0)
      begin = std::chrono::steady_clock::now();
    // Returns when the outputs are on the host.
    if (Error error = check(api.run(session)))
      return error;
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return took.count() / steps;
}
