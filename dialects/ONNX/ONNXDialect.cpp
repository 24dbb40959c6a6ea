//===- ONNXDialect.cpp - The imported graph -------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/ONNX/ONNXDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace hgf;

#include "hgf/Dialect/ONNX/ONNXDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "hgf/Dialect/ONNX/ONNXTypes.cpp.inc"

#define GET_OP_CLASSES
#include "hgf/Dialect/ONNX/ONNXOps.cpp.inc"

void ONNXDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "hgf/Dialect/ONNX/ONNXTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "hgf/Dialect/ONNX/ONNXOps.cpp.inc"
      >();
}

// onnx.node ["domain"] "OpType" [overload "text"] (operands) [{attributes}]
//   : (types) -> (types)
ParseResult NodeOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr domain, opType, overload;
  Builder &builder = parser.getBuilder();
  if (parser.parseAttribute(opType))
    return failure();
  domain = builder.getStringAttr("");
  StringAttr second;
  OptionalParseResult hasSecond = parser.parseOptionalAttribute(second);
  if (hasSecond.has_value()) {
    if (failed(*hasSecond))
      return failure();
    domain = opType;
    opType = second;
  }
  overload = builder.getStringAttr("");
  if (succeeded(parser.parseOptionalKeyword("overload")) &&
      parser.parseAttribute(overload))
    return failure();
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  NamedAttrList attributes;
  FunctionType type;
  SMLoc location = parser.getCurrentLocation();
  if (parser.parseOperandList(operands, OpAsmParser::Delimiter::Paren) ||
      parser.parseOptionalAttrDict(attributes) || parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), location,
                             result.operands))
    return failure();
  Properties &properties = result.getOrAddProperties<Properties>();
  properties.domain = domain;
  properties.op_type = opType;
  properties.overload = overload;
  properties.node_attributes = attributes.getDictionary(builder.getContext());
  result.addTypes(type.getResults());
  return success();
}

void NodeOp::print(OpAsmPrinter &printer) {
  if (!getDomain().empty())
    printer << ' ' << getDomainAttr();
  printer << ' ' << getOpTypeAttr();
  if (!getOverload().empty())
    printer << " overload " << getOverloadAttr();
  printer << '(' << getInputs() << ')';
  printer.printOptionalAttrDict(getNodeAttributesAttr().getValue());
  printer << " : ";
  printer.printFunctionalType(getInputs().getTypes(), getOutputs().getTypes());
}
