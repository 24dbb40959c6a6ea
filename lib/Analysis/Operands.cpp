//===- Operands.cpp - How many operands an operator takes ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Analysis/Operands.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace hgf;

namespace {

struct InputCount {
  unsigned least, most;
};

} // namespace

/// For the operators that folding and recognition know.
static InputCount getInputCount(StringRef operatorType) {
  constexpr unsigned any = ~0u;
  return llvm::StringSwitch<InputCount>(operatorType)
      .Case("Constant", {0, 0})
      .Cases({"Abs", "Cast", "Identity", "Reciprocal", "Round", "Sigmoid",
              "Swish", "Tanh", "Transpose"},
             {1, 1})
      .Cases({"Add", "Sub", "Mul", "Div", "Pow"}, {2, 2})
      .Cases({"BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"}, {2, 2})
      .Cases({"And", "Or", "Xor", "Equal", "Less", "LessOrEqual", "Greater",
              "GreaterOrEqual"},
             {2, 2})
      .Cases({"MatMul", "CastLike", "Gather", "GatherElements", "GatherND",
              "Reshape", "Expand", "Tile"},
             {2, 2})
      .Cases({"Gemm", "DequantizeLinear", "QuantizeLinear"}, {2, 3})
      .Case("MatMulInteger", {2, 4})
      .Cases({"Where", "Range", "ScatterND"}, {3, 3})
      .Case("MatMulNBits", {3, 6})
      .Default({1, any});
}

bool hgf::hasExpectedOperands(NodeOp node) {
  auto [least, most] = getInputCount(node.getOpType());
  OperandRange inputs = node.getInputs();
  return node.getNumResults() > 0 && inputs.size() >= least &&
         inputs.size() <= most &&
         llvm::none_of(inputs.take_front(least), [](Value input) {
           return input.getDefiningOp<NoneOp>();
         });
}
