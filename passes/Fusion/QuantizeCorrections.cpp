//===- QuantizeCorrections.cpp - Corrections of one byte per element ----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantBytes.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace hgf {
#define GEN_PASS_DEF_QUANTIZECORRECTIONS
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// A factor in int8 with one scale per rank, and how far it is from the
/// original, relative to the original's largest and root mean square.
struct QuantizedFactor {
  std::vector<char> codes;
  std::vector<float> scales;
  double largestError = 0;
  double rootMeanSquareError = 0;
};

/// `ranks[i]` is the rank that element i belongs to.
QuantizedFactor quantize(ArrayRef<float> values, ArrayRef<int64_t> ranks,
                         int64_t rank) {
  QuantizedFactor result;
  result.scales.assign(rank, 0);
  double largest = 0;
  for (auto [value, r] : llvm::zip_equal(values, ranks)) {
    float magnitude = std::fabs(value);
    result.scales[r] = std::max(result.scales[r], magnitude / 127);
    largest = std::max(largest, double(magnitude));
  }
  double squares = 0, errorSquares = 0, largestError = 0;
  for (auto [value, r] : llvm::zip_equal(values, ranks)) {
    float scale = result.scales[r];
    double code = scale > 0 ? std::nearbyint(double(value) / scale) : 0;
    code = std::clamp(code, -127.0, 127.0);
    result.codes.push_back(char(int8_t(code)));
    double error = std::fabs(code * scale - value);
    largestError = std::max(largestError, error);
    errorSquares += error * error;
    squares += double(value) * value;
  }
  if (largest > 0) {
    result.largestError = largestError / largest;
    result.rootMeanSquareError = std::sqrt(errorSquares / squares);
  }
  return result;
}

/// Why the factors of a layer stay as they are, or null.
const char *findObstacle(LinearOp linear) {
  if (!linear.getA())
    return "it has no correction";
  if (linear.getAScale())
    return "its factors are int8 already";
  if (!getConstantBytes(linear.getA()) || !getConstantBytes(linear.getB()))
    return "a factor is no constant";
  return nullptr;
}

void quantizeFactors(LinearOp linear) {
  ArrayRef<int64_t> shape =
      cast<ShapedType>(linear.getA().getType()).getShape();
  int64_t rank = shape[0], columns = shape[1];
  SmallVector<int64_t> ranksOfA, ranksOfB;
  for (int64_t r = 0; r < rank; ++r)
    ranksOfA.append(columns, r);
  // Merged layers: every row has the ranks of its segment.
  SmallVector<int64_t> rows(linear.getSegments()),
      counts(linear.getSegmentRanks());
  if (rows.empty()) {
    rows = {cast<ShapedType>(linear.getB().getType()).getDimSize(0)};
    counts = {rank};
  }
  int64_t first = 0;
  for (auto [segment, count] : llvm::zip_equal(rows, counts)) {
    for (int64_t row = 0; row < segment; ++row)
      llvm::append_range(ranksOfB, llvm::seq(first, first + count));
    first += count;
  }
  OpBuilder builder(linear);
  auto constant = [&](Type element, ArrayRef<int64_t> shape,
                      ArrayRef<char> bytes, StringRef name) -> Value {
    auto attribute =
        makeElementsAttr(RankedTensorType::get(shape, element), bytes, name);
    return arith::ConstantOp::create(builder, linear.getLoc(),
                                     cast<TypedAttr>(attribute));
  };
  auto replace = [&](Value old, ArrayRef<int64_t> ranks) {
    QuantizedFactor factor = quantize(*getConstantFloats(old), ranks, rank);
    ArrayRef scaleBytes(reinterpret_cast<const char *>(factor.scales.data()),
                        factor.scales.size() * sizeof(float));
    Value codes = constant(builder.getI8Type(),
                           cast<ShapedType>(old.getType()).getShape(),
                           factor.codes, "factor");
    Value scales = constant(builder.getF32Type(), {rank}, scaleBytes, "scales");
    return std::tuple(codes, scales, factor.largestError,
                      factor.rootMeanSquareError);
  };
  auto [a, aScale, aLargest, aSquare] = replace(linear.getA(), ranksOfA);
  auto [b, bScale, bLargest, bSquare] = replace(linear.getB(), ranksOfB);
  linear.getAMutable().assign(a);
  linear.getBMutable().assign(b);
  linear.getAScaleMutable().assign(aScale);
  linear.getBScaleMutable().assign(bScale);
  linear->setAttr(
      "hgf.correction_error",
      builder.getDictionaryAttr(
          {builder.getNamedAttr(
               "max", builder.getF64FloatAttr(std::max(aLargest, bLargest))),
           builder.getNamedAttr(
               "rms", builder.getF64FloatAttr(std::max(aSquare, bSquare)))}));
}

struct QuantizeCorrections
    : public hgf::impl::QuantizeCorrectionsBase<QuantizeCorrections> {
  void runOnOperation() override {
    getOperation()->walk([](LinearOp linear) {
      if (!findObstacle(linear))
        quantizeFactors(linear);
    });
  }
};

} // namespace
