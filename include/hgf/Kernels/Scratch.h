//===- Scratch.h - Memory that one layer computes in -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_SCRATCH_H
#define HGF_KERNELS_SCRATCH_H

#include "hgf/Target/CPU/WeightLayout.h"

namespace hgf {

/// Bytes per token of each part of a layer's scratch. The parts lie one after
/// another, each with the values of all tokens, and each starts at a multiple
/// of 64 bytes.
struct Scratch {
  /// int8 codes or padded floats.
  int64_t inputs = 0;
  /// int32 sums, per group.
  int64_t sums = 0;
  /// float32 a / 127.
  int64_t inputScales = 0;
  /// float32 h.
  int64_t correction = 0;
  /// float32 alpha, where it is dynamic.
  int64_t gate = 0;
  /// The normalized x in float32, where x goes through a norm and is quantized.
  int64_t normalized = 0;

  static constexpr int64_t alignment = 64;
  static constexpr int64_t partCount = 6;

  /// Bytes that suffice for `tokens` tokens are tokens * getTokenBytes() +
  /// getFixedBytes().
  int64_t getTokenBytes() const {
    return inputs + sums + inputScales + correction + gate + normalized;
  }
  int64_t getFixedBytes() const { return partCount * alignment; }
};

/// What `op` needs with weights in `encoding`.
Scratch computeScratch(LinearOp op, const Encoding &encoding);

} // namespace hgf

#endif // HGF_KERNELS_SCRATCH_H
