//===- DropClosedGates.cpp - Corrections that hardly add anything -------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantBytes.h"
#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace hgf {
#define GEN_PASS_DEF_DROPCLOSEDGATES
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

/// How much the correction can add to an output per unit of max |x|:
/// max |alpha| * max_n sum_r |B[n, r]| * sum_k |A[r, k]|, as |phi(h)| <= |h|.
/// std::nullopt where a factor is no constant.
std::optional<double> boundCorrection(LinearOp linear, double alpha) {
  auto a = getConstantFloats(linear.getA());
  auto b = getConstantFloats(linear.getB());
  if (!a || !b)
    return std::nullopt;
  size_t rank = cast<ShapedType>(linear.getA().getType()).getDimSize(0);
  size_t columns = a->size() / rank;
  std::vector<float> ones(rank, 1.0f);
  auto aScale = linear.getAScale() ? getConstantFloats(linear.getAScale())
                                   : std::optional(ones);
  auto bScale = linear.getBScale() ? getConstantFloats(linear.getBScale())
                                   : std::optional(ones);
  if (!aScale || !bScale)
    return std::nullopt;
  std::vector<double> hidden(rank);
  for (size_t index = 0; index < a->size(); ++index)
    hidden[index / columns] +=
        std::fabs((*a)[index] * (*aScale)[index / columns]);
  double largest = 0;
  for (size_t row = 0; row < b->size() / rank; ++row) {
    double sum = 0;
    for (size_t r = 0; r < rank; ++r)
      sum += std::fabs((*b)[row * rank + r] * (*bScale)[r]) * hidden[r];
    largest = std::max(largest, sum);
  }
  return alpha * largest;
}

struct DropClosedGates
    : public hgf::impl::DropClosedGatesBase<DropClosedGates> {
  using DropClosedGatesBase::DropClosedGatesBase;

  void runOnOperation() override {
    if (bound <= 0)
      return;
    getOperation()->walk([&](LinearOp linear) {
      if (linear.getGateKind() != GateKind::Static ||
          !linear.getSegments().empty())
        return;
      auto gates = getConstantFloats(linear.getGate());
      if (!gates)
        return;
      double largest = 0;
      for (float gate : *gates)
        largest = std::max(largest, double(std::fabs(gate)));
      if (largest >= bound)
        return;
      std::optional<double> error = boundCorrection(linear, largest);
      if (!error)
        return;
      linear.emitRemark() << "correction deleted: its gate is closed (largest "
                          << llvm::formatv("{0:e3}", largest).str()
                          << "); it added at most "
                          << llvm::formatv("{0:e3}", *error).str()
                          << " times the largest activation to an output";
      // One after the other: clearing one moves those behind it.
      linear.getAMutable().clear();
      linear.getBMutable().clear();
      linear.getAScaleMutable().clear();
      linear.getBScaleMutable().clear();
      linear.getGateMutable().clear();
      linear.setGateKind(GateKind::Open);
    });
  }
};

} // namespace
