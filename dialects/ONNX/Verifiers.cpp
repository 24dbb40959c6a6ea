//===- Verifiers.cpp - What the imported graph must keep to ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/ONNX/ONNXDialect.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace hgf;

//===----------------------------------------------------------------------===//
// Attributes of the module and of main's values
//===----------------------------------------------------------------------===//

template <typename T> static bool isDictionaryOf(Attribute attribute) {
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  return dictionary && llvm::all_of(dictionary, [](NamedAttribute entry) {
           return isa<T>(entry.getValue());
         });
}

LogicalResult ONNXDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (!isa<ModuleOp>(op))
    return op->emitOpError()
           << "module_c1: expected '" << name << "' on a module only";
  if (name == "onnx.ir_version" && !isa<IntegerAttr>(value))
    return op->emitOpError() << "module_c2: expected '" << name
                             << "' to be an integer but got " << value;
  if (name == "onnx.opsets" && !isDictionaryOf<IntegerAttr>(value))
    return op->emitOpError()
           << "module_c3: expected '" << name
           << "' to map domains to integers but got " << value;
  if (name == "onnx.metadata" && !isDictionaryOf<StringAttr>(value))
    return op->emitOpError() << "module_c4: expected '" << name
                             << "' to map strings to strings but got " << value;
  return success();
}

/// Of the argument or result number `index`, as `what` says.
static LogicalResult verifyValue(Operation *op, StringRef what, unsigned index,
                                 NamedAttribute attribute) {
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == "onnx.name" && !isa<StringAttr>(value))
    return op->emitOpError()
           << "value_c1: expected '" << name << "' of " << what << " " << index
           << " to be a string but got " << value;
  if (name == "onnx.dtype" && !isa<IntegerAttr>(value))
    return op->emitOpError()
           << "value_c2: expected '" << name << "' of " << what << " " << index
           << " to be an integer but got " << value;
  if (name != "onnx.dims")
    return success();
  auto dims = dyn_cast<ArrayAttr>(value);
  if (!dims || !llvm::all_of(dims, llvm::IsaPred<StringAttr>))
    return op->emitOpError()
           << "value_c3: expected '" << name << "' of " << what << " " << index
           << " to be an array of strings but got " << value;
  return success();
}

LogicalResult ONNXDialect::verifyRegionArgAttribute(Operation *op, unsigned,
                                                    unsigned argument,
                                                    NamedAttribute attribute) {
  return verifyValue(op, "argument", argument, attribute);
}

LogicalResult ONNXDialect::verifyRegionResultAttribute(
    Operation *op, unsigned, unsigned result, NamedAttribute attribute) {
  return verifyValue(op, "result", result, attribute);
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

LogicalResult NodeOp::verify() {
  if (getOpType().empty())
    return emitOpError("node_c1: expected an operator but got an empty name");
  if (getDomain() == "ai.onnx")
    return emitOpError(
        "node_c2: expected the domain of ONNX's own operators to be empty");
  for (auto [index, type] : llvm::enumerate(getInputs().getTypes()))
    if (!isa<TensorType, UnknownType, NoneType>(type) &&
        type.getDialect().getNamespace() != "hgf")
      return emitOpError() << "node_c3: expected input " << index
                           << " to be a tensor but got " << type;
  bool isInFunction = (*this)->getParentOfType<FunctionOp>() != nullptr;
  for (NamedAttribute attribute : getNodeAttributesAttr())
    if (attribute.getName().getValue().starts_with("onnx.ref.") &&
        (!isInFunction || !isa<StringAttr>(attribute.getValue())))
      return emitOpError() << "node_c4: expected the reference "
                           << attribute.getName()
                           << " to be a string and in a function";
  return success();
}

static int64_t countBytes(Attribute value) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    // Without a blob it is only declared, as in a printed dump.
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? static_cast<int64_t>(blob->getData().size()) : -1;
  }
  return -1;
}

LogicalResult ConstantOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getResult().getType());
  if (!type || !type.hasStaticShape())
    return emitOpError() << "constant_c1: expected a ranked tensor of fixed "
                            "shape but got "
                         << getResult().getType();
  Type elementType = type.getElementType();
  int64_t bits = 0;
  if (auto complexType = dyn_cast<ComplexType>(elementType))
    bits = 2 * complexType.getElementType().getIntOrFloatBitWidth();
  else if (elementType.isIntOrFloat())
    bits = elementType.getIntOrFloatBitWidth();
  auto valueType = cast<ShapedType>(getValue().getType());
  int64_t bytes = countBytes(getValue());
  if (valueType == type) {
    int64_t needed = type.getNumElements() * ((bits + 7) / 8);
    if (bits != 1 && bytes >= 0 && bytes != needed)
      return emitOpError() << "constant_c3: expected " << needed
                           << " bytes but got " << bytes;
    return success();
  }
  if (bits >= 8 || bits == 0 || !valueType.getElementType().isInteger(8) ||
      valueType.getRank() != 1)
    return emitOpError() << "constant_c2: expected a value of type " << type
                         << " but got " << valueType;
  int64_t needed =
      llvm::divideCeil(type.getNumElements() * (bits == 1 ? 8 : bits), 8);
  int64_t stated = bytes >= 0 ? bytes : valueType.getNumElements();
  if (stated != needed || valueType.getNumElements() != needed)
    return emitOpError() << "constant_c3: expected " << needed
                         << " bytes but got " << stated;
  return success();
}

LogicalResult FunctionOp::verifyRegions() {
  Block &body = getBody().front();
  if (body.getNumArguments() != getInputNames().size())
    return emitOpError() << "function_c1: expected " << getInputNames().size()
                         << " arguments, one per input name, but got "
                         << body.getNumArguments();
  auto returned = body.empty() ? ReturnOp() : dyn_cast<ReturnOp>(body.back());
  if (!returned || returned.getOutputs().size() != getOutputNames().size())
    return emitOpError() << "function_c2: expected an onnx.return of "
                         << getOutputNames().size()
                         << " values, one per output name, at the end";
  return success();
}
