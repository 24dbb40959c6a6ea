//===- ONNXDialect.h - The imported graph -----------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECT_ONNX_ONNXDIALECT_H
#define HGF_DIALECT_ONNX_ONNXDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "hgf/Dialect/ONNX/ONNXDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "hgf/Dialect/ONNX/ONNXTypes.h.inc"

#define GET_OP_CLASSES
#include "hgf/Dialect/ONNX/ONNXOps.h.inc"

#endif // HGF_DIALECT_ONNX_ONNXDIALECT_H
