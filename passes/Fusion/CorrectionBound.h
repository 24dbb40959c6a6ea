//===- CorrectionBound.h - How much a correction can add -*- C++ -*------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_FUSION_CORRECTIONBOUND_H
#define HGF_PASSES_FUSION_CORRECTIONBOUND_H

#include "hgf/Dialect/HGF/HGFDialect.h"

namespace hgf {

/// How much the correction of `linear`, which is not a merged one, can add to
/// an output per unit of the largest |x| where |alpha| is at most `alpha`:
/// alpha * max_n sum_r |B[n, r]| * sum_k |A[r, k]|, as |phi(h)| <= |h|.
/// std::nullopt where a factor is no constant.
std::optional<double> boundCorrection(LinearOp linear, double alpha);

} // namespace hgf

#endif // HGF_PASSES_FUSION_CORRECTIONBOUND_H
