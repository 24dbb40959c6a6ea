//===- DoubleMath.h - Functions of float64 as arithmetic --------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_GPU_DOUBLEMATH_H
#define HGF_PASSES_GPU_DOUBLEMATH_H

#include "mlir/IR/PatternMatch.h"

namespace hgf {

/// Adds patterns that turn math.exp and math.log of one float64 into
/// arithmetic, to a few units of the last place.
void populateDoubleMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace hgf

#endif // HGF_PASSES_GPU_DOUBLEMATH_H
