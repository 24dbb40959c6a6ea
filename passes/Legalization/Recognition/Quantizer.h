//===- Quantizer.h - The activation quantizer and its scales -*- C++ -* -===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_QUANTIZER_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_QUANTIZER_H

#include "GraphMatcher.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

namespace hgf {

/// Per-token int8 quantization as a graph writes it.
struct Quantizer {
  /// What is quantized.
  mlir::Value x;
  /// a = max(max |x|, 1e-5), one per token.
  mlir::Value largest;
  Quantization order = Quantization::None;

  bool operator==(const Quantizer &other) const {
    return x == other.x && largest == other.largest && order == other.order;
  }
};

/// The quantizer whose codes -128 ... 127 `value` is, in whatever type. `why`
/// tells what is wrong where the graph rounds and clips in another way.
std::optional<Quantizer> matchCodes(mlir::Value value, std::string &why);

/// What multiplies or divides a product: constants, and the activations' scale
/// a/127 to some power.
struct Factor {
  /// One, or one per output.
  std::vector<double> values = {1.0};
  /// Of a/127.
  int power = 0;

  /// Fails where both have one value per output but differ in number.
  bool multiply(const Factor &other, bool inverse);
};

/// `value` as a factor of a product of `rank` dimensions (if known) with
/// `outputs` columns.
std::optional<Factor> matchFactor(mlir::Value value, const Quantizer *quantizer,
                                  int64_t outputs, std::optional<int64_t> rank);

/// The quantizer whose codes times a/127 `value` is.
std::optional<Quantizer> matchFakeQuantized(mlir::Value value,
                                            std::string &why);

/// The values of a constant that is added to, or multiplied with, the last of
/// `rank` dimensions: one, or `outputs`.
std::optional<std::vector<double>>
matchPerOutput(mlir::Value value, int64_t outputs, std::optional<int64_t> rank);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_QUANTIZER_H
