//===- Operands.h - How many operands an operator takes ---------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_ANALYSIS_OPERANDS_H
#define HGF_ANALYSIS_OPERANDS_H

#include "hgf/Dialect/ONNX/ONNXDialect.h"

namespace hgf {

/// Whether `node` has an output and as many inputs as its operator takes, none
/// of those that it needs omitted. An imported graph may hold any node:
/// whatever reads inputs by their position asks this first and leaves the
/// others alone, for `convert-onnx-to-linalg` to refuse by name.
bool hasExpectedOperands(NodeOp node);

} // namespace hgf

#endif // HGF_ANALYSIS_OPERANDS_H
