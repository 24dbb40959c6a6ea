//===- Ptx.h - From the LLVM dialect to PTX ---------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_PTX_H
#define HGF_CODEGEN_PTX_H

#include "hgf/Target/NVVM/Chip.h"
#include "mlir/IR/Operation.h"

#include <string>

namespace hgf {

/// The PTX of `module`, a `builtin.module` or `gpu.module` that holds functions
/// of the LLVM and NVVM dialects only. Needs no CUDA toolkit.
mlir::FailureOr<std::string> emitPtx(mlir::Operation *module, const Chip &chip);

} // namespace hgf

#endif // HGF_CODEGEN_PTX_H
