//===- LevelOfKernel.h - Which instructions a kernel may have -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_LEVELOFKERNEL_H
#define HGF_PASSES_CPU_LEVELOFKERNEL_H

#include "hgf/Target/CPU/InstructionLevel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace hgf {

/// The instruction level of the kernel around `op`; null outside of kernels and
/// in those that run on every CPU of the architecture.
inline const InstructionLevel *getLevelOfKernel(mlir::Operation *op) {
  auto function = op->getParentOfType<mlir::LLVM::LLVMFuncOp>();
  auto name = function ? function->getAttrOfType<mlir::StringAttr>("hgf.level")
                       : mlir::StringAttr();
  return name ? findInstructionLevel(name.getValue()) : nullptr;
}

} // namespace hgf

#endif // HGF_PASSES_CPU_LEVELOFKERNEL_H
