//===- GpuStep.h - One step of a whole model on a GPU -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_GPUSTEP_H
#define HGF_LIB_BENCH_GPUSTEP_H

#include "CompiledModel.h"
#include "Options.h"
#include "hgf/Target/NVVM/Chip.h"

namespace hgf {

/// A model compiled for a GPU, and a session that takes one step after another:
/// inputs are zeros, unknown dimensions 1, and state that grows begins empty in
/// each batch.
class GpuStep {
public:
  GpuStep(const GpuStep &) = delete;
  GpuStep &operator=(const GpuStep &) = delete;
  ~GpuStep();

  /// Compiles the model that `options` name. `device` as in
  /// hgf_session_options; `graphs`: repeated launches become a CUDA graph.
  static llvm::Expected<std::unique_ptr<GpuStep>>
  make(mlir::MLIRContext &context, const BenchOptions &options,
       const Chip &chip, const std::string &runtimeDirectory);

  /// Opens the session anew, with graphs or without.
  llvm::Error open(bool graphs);

  /// Seconds of one step, the mean of `steps`; the state begins empty, and
  /// steps before them bring what is prepared once.
  llvm::Expected<double> time(int64_t steps);

  uint64_t getWeightBytes() const { return model->getWeightBytes(); }

private:
  GpuStep() = default;
  llvm::Error bindInputs();
  llvm::Error check(hgf_status status);

  std::unique_ptr<CompiledModel> model;
  hgf_loaded_layers loaded = {};
  std::string device;
  hgf_session *session = nullptr;
  /// What the inputs hold.
  std::vector<std::vector<char>> inputs;
};

} // namespace hgf

#endif // HGF_LIB_BENCH_GPUSTEP_H
