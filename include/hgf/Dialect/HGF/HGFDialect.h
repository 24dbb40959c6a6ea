//===- HGFDialect.h - Ternary networks with gated corrections ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECT_HGF_HGFDIALECT_H
#define HGF_DIALECT_HGF_HGFDIALECT_H

#include "mlir/IR/Dialect.h"

#include "hgf/Dialect/HGF/HGFDialect.h.inc"

#endif // HGF_DIALECT_HGF_HGFDIALECT_H
