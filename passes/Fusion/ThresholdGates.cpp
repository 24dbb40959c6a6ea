//===- ThresholdGates.cpp - When a dynamic gate counts as closed --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CorrectionBound.h"
#include "hgf/Passes/Fusion/Passes.h"

#include "mlir/IR/Builders.h"

namespace hgf {
#define GEN_PASS_DEF_THRESHOLDGATES
#include "hgf/Passes/Fusion/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

namespace {

struct ThresholdGates : public hgf::impl::ThresholdGatesBase<ThresholdGates> {
  using ThresholdGatesBase::ThresholdGatesBase;

  void runOnOperation() override {
    if (threshold <= 0)
      return;
    Builder builder(&getContext());
    getOperation()->walk([&](LinearOp linear) {
      if (!linear.getGateWeight() || !linear.getSegments().empty())
        return;
      // What the report cannot bound must not change.
      std::optional<double> error = boundCorrection(linear, threshold);
      if (!error)
        return;
      linear.setGateThreshold(APFloat(float(threshold)));
      linear->setAttr("hgf.gate_error", builder.getF64FloatAttr(*error));
    });
  }
};

} // namespace
