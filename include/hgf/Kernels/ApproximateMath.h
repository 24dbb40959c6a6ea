//===- ApproximateMath.h - Exponentials as arithmetic ----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_APPROXIMATEMATH_H
#define HGF_KERNELS_APPROXIMATEMATH_H

#include "mlir/IR/PatternMatch.h"

namespace hgf {

/// math.exp, math.tanh and math.erf of float32, or of vectors of it, as
/// arithmetic: no calls, and the same values on every target.
void populateApproximateMathPatterns(mlir::RewritePatternSet &patterns);

} // namespace hgf

#endif // HGF_KERNELS_APPROXIMATEMATH_H
