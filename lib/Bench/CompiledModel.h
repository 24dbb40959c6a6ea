//===- CompiledModel.h - A shared library made and loaded -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_COMPILEDMODEL_H
#define HGF_LIB_BENCH_COMPILEDMODEL_H

#include "hgf-c/Model.h"
#include "hgf/Driver/Driver.h"

namespace hgf {

/// The functions of include/hgf-c/Model.h, as a loaded library offers them:
/// what is measured is the library's own runtime, too.
struct ModelFunctions {
  decltype(&hgf_session_create) create = nullptr;
  decltype(&hgf_session_free) free = nullptr;
  decltype(&hgf_session_error) error = nullptr;
  decltype(&hgf_session_level) level = nullptr;
  decltype(&hgf_session_bind_input) bindInput = nullptr;
  decltype(&hgf_session_bind_output) bindOutput = nullptr;
  decltype(&hgf_session_output_dims) outputDims = nullptr;
  decltype(&hgf_session_run) run = nullptr;
  decltype(&hgf_session_reset) reset = nullptr;
  decltype(&hgf_tensor_count) tensorCount = nullptr;
  decltype(&hgf_tensor_dtype) tensorDtype = nullptr;
  decltype(&hgf_tensor_rank) tensorRank = nullptr;
  decltype(&hgf_tensor_dims) tensorDims = nullptr;
  decltype(&hgf_tensor_dim_name) tensorDimName = nullptr;
  decltype(&hgf_tensor_state) tensorState = nullptr;
  decltype(&hgf_dtype_size) dtypeSize = nullptr;
};

/// A model that was compiled to a shared library with its weights in a side
/// file, and loaded. Both files are gone as soon as they are mapped.
class CompiledModel {
public:
  CompiledModel(const CompiledModel &) = delete;
  CompiledModel &operator=(const CompiledModel &) = delete;
  ~CompiledModel();

  /// Compiles `module` as `options` say, but for the output, which lies in
  /// `folder`. Null after an error, which went to the context's diagnostics.
  static std::unique_ptr<CompiledModel>
  make(mlir::ModuleOp module, CompileOptions options, llvm::StringRef folder);

  const ModelFunctions &functions() const { return api; }
  const hgf_model_descriptor *descriptor() const { return model; }
  /// The kernels that run on this machine, e.g. "avx2".
  const std::string &getLevel() const { return level; }
  /// Bytes of all weights.
  uint64_t getWeightBytes() const { return weightBytes; }

  /// Whether moveWeights() does anything.
  bool canMoveWeights() const { return weightsSlot; }

  /// Makes the code read its weights `bytes` after their place, so that a few
  /// layers of code run over many layers of weights.
  void moveWeights(uint64_t bytes) const;

  /// A session with so many threads, or null with `error` set.
  hgf_session *createSession(int threads, std::string &error) const;

private:
  CompiledModel() = default;

  void *library = nullptr;
  ModelFunctions api;
  const hgf_model_descriptor *model = nullptr;
  /// Holds the mapping of the weights.
  hgf_session *keeper = nullptr;
  std::string level;
  /// Where the code keeps the address of its weights, and that address.
  char **weightsSlot = nullptr;
  char *weights = nullptr;
  uint64_t weightBytes = 0;
};

/// A folder for libraries and weights where there is room for `bytes`: in
/// TMPDIR or /tmp, better not in memory, whose files have no huge pages. Empty
/// after an error.
std::string makeTemporaryFolder(uint64_t bytes);

} // namespace hgf

#endif // HGF_LIB_BENCH_COMPILEDMODEL_H
