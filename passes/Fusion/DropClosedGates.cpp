//===- DropClosedGates.cpp - Corrections that hardly add anything -------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantBytes.h"
#include "CorrectionBound.h"
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
