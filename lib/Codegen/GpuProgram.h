//===- GpuProgram.h - The kernels of a model --------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_GPUPROGRAM_H
#define HGF_LIB_CODEGEN_GPUPROGRAM_H

#include "mlir/IR/BuiltinOps.h"

namespace hgf {

/// All kernels of a model, translated for one chip.
struct GpuImage {
  /// Compute capability, e.g. 80.
  int32_t chip = 0;
  bool isCubin = false;
  /// PTX ends with a NUL.
  std::string data;
};

/// What a GPU model holds beside the host's code.
struct GpuProgram {
  /// As the runtime wants them: the lowest chip first.
  std::vector<GpuImage> images;
  /// Names, in the order of their numbers.
  std::vector<std::string> kernels;
};

/// Takes the kernels out of `module`, which the gpu phase has lowered; nothing
/// for a module that the cpu phase has lowered.
mlir::FailureOr<std::optional<GpuProgram>>
takeGpuProgram(mlir::ModuleOp module);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_GPUPROGRAM_H
