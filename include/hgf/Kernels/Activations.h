//===- Activations.h - Elementwise activations ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_ACTIVATIONS_H
#define HGF_KERNELS_ACTIVATIONS_H

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// `activation` of a float32 or a vector of them, in arith and math operations.
mlir::Value emitActivation(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                           Activation activation);

} // namespace hgf

#endif // HGF_KERNELS_ACTIVATIONS_H
