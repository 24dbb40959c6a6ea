//===- HGFDialect.h - Ternary networks with gated corrections ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECT_HGF_HGFDIALECT_H
#define HGF_DIALECT_HGF_HGFDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "hgf/Dialect/HGF/HGFDialect.h.inc"
#include "hgf/Dialect/HGF/HGFEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "hgf/Dialect/HGF/HGFAttributes.h.inc"

#define GET_TYPEDEF_CLASSES
#include "hgf/Dialect/HGF/HGFTypes.h.inc"

namespace hgf {

/// The number of bytes that `elements` two-bit codes take: four per byte.
inline int64_t getTwoBitByteCount(int64_t elements) {
  return (elements + 3) / 4;
}

/// The integer weight of a code c is factor * c - offset.
struct CodeMeaning {
  int64_t factor;
  int64_t offset;
};
CodeMeaning getCodeMeaning(Levels levels);

/// Attaches the implementations of BufferizableOpInterface.
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);

} // namespace hgf

#define GET_OP_CLASSES
#include "hgf/Dialect/HGF/HGFOps.h.inc"

#endif // HGF_DIALECT_HGF_HGFDIALECT_H
