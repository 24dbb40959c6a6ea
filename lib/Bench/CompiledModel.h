//===- CompiledModel.h - A shared library made and loaded -------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_COMPILEDMODEL_H
#define HGF_LIB_BENCH_COMPILEDMODEL_H

#include "LoadedLayers.h"
#include "hgf/Driver/Driver.h"

namespace hgf {

/// A model that was compiled to a shared library with its weights in a side
/// file, and loaded. Both files are gone as soon as they are mapped.
class CompiledModel {
public:
  CompiledModel(const CompiledModel &) = delete;
  CompiledModel &operator=(const CompiledModel &) = delete;
  ~CompiledModel();

  /// Compiles `module` as `options` say, but for the output, which lies in
  /// `folder`. `device` is that of its sessions, or null. Null after an error,
  /// which went to the context's diagnostics.
  static std::unique_ptr<CompiledModel> make(mlir::ModuleOp module,
                                             CompileOptions options,
                                             llvm::StringRef folder,
                                             const char *device = nullptr);

  /// Tells `layers` where the model is and what moves its weights. Whoever
  /// knows the layers sets the rest.
  void describe(hgf_loaded_layers &layers) const;

  /// The kernels that run on this machine, e.g. "avx2".
  const std::string &getLevel() const { return level; }
  /// Bytes of all weights.
  uint64_t getWeightBytes() const { return weightBytes; }

  /// Whether a few layers of code can run over many layers of weights.
  bool canMoveWeights() const { return weightsSlot; }

private:
  CompiledModel() = default;

  /// Makes the session that holds the mapping of the weights.
  void keep(const char *device, std::string &error);

  void *library = nullptr;
  hgf_model_functions api = {};
  const hgf_model_descriptor *model = nullptr;
  hgf_session *keeper = nullptr;
  std::string level;
  /// Where the code keeps the address of its weights, and that address.
  const char **weightsSlot = nullptr;
  const char *weights = nullptr;
  uint64_t weightBytes = 0;
};

/// The level of the kernels that `options` compile; empty where they are chosen
/// at load.
std::string getFixedLevel(const CompileOptions &options);

/// A folder for libraries and weights where there is room for `bytes`: in
/// TMPDIR or /tmp, better not in memory, whose files have no huge pages. Empty
/// after an error.
std::string makeTemporaryFolder(uint64_t bytes);

} // namespace hgf

#endif // HGF_LIB_BENCH_COMPILEDMODEL_H
