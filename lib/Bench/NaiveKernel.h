//===- NaiveKernel.h - A GPU kernel to compare with -------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_NAIVEKERNEL_H
#define HGF_LIB_BENCH_NAIVEKERNEL_H

#include "mlir/IR/BuiltinOps.h"

namespace hgf {

/// The name of the kernel that makeNaiveKernel() makes.
extern const char *const naiveKernelName;

/// A module with a kernel for a matrix of two-bit codes, rows one after
/// another, as one writes it first: a warp for each row, and for each four
/// columns a shift, a mask, a subtraction of 1 from each byte and a dot product
/// with int8 activations of each of `tokens` tokens. It has no scales and no
/// correction. Null after an error, which was emitted.
mlir::OwningOpRef<mlir::ModuleOp>
makeNaiveKernel(mlir::MLIRContext &context, int64_t columns, int64_t tokens);

} // namespace hgf

#endif // HGF_LIB_BENCH_NAIVEKERNEL_H
