//===- HeadWeight.h - Float matrices in fewer bits -*- C++ -* -----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_HEADWEIGHT_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_HEADWEIGHT_H

#include "ConstantMatrix.h"

namespace hgf {

/// A matrix as `hgf.head` holds it.
struct HeadWeight {
  /// f16 or i8 [N/8, K/16, 8, 16].
  mlir::ElementsAttr weight;
  /// Of i8: one per row, in whole blocks.
  std::vector<float> scales;
  int64_t byteCount = 0;
  /// Root mean square of the rounding, relative to that of the weights.
  double roundingError = 0;
};

/// Rounds a matrix [K, N] to float16, or to int8 with one scale per output.
/// Fails where an element is not finite, or too large for float16.
std::optional<HeadWeight> packHead(const ConstantMatrix &matrix, bool int8,
                                   mlir::MLIRContext *context);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_HEADWEIGHT_H
