//===- ConstantFold.cpp - Evaluating ONNX nodes on constants --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantFold.h"

#include "hgf/Analysis/Operands.h"

#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace hgf;

/// As for imported constants: small ones stand in the attribute.
static constexpr size_t inlineBytes = 64;

//===----------------------------------------------------------------------===//
// Building constants
//===----------------------------------------------------------------------===//

ConstantBuilder::ConstantBuilder(RankedTensorType type, AsmResourceBlob memory)
    : type(type), blob(std::move(memory)), bytes(blob.getMutableData()),
      storedBits(getStoredElementBits(type.getElementType())) {}

std::optional<ConstantBuilder> ConstantBuilder::create(ArrayRef<int64_t> shape,
                                                       Type elementType,
                                                       int64_t limit) {
  unsigned bits = elementType ? getStoredElementBits(elementType) : 0;
  if (bits == 0)
    return std::nullopt;
  int64_t count = 1;
  bool isEmpty = false;
  for (int64_t length : shape) {
    if (length < 0)
      return std::nullopt;
    isEmpty |= length == 0;
    if (llvm::MulOverflow(count, std::max<int64_t>(length, 1), count))
      return std::nullopt;
  }
  int64_t bitCount = 0;
  if (llvm::MulOverflow<int64_t>(count, bits, bitCount) || bitCount / 8 > limit)
    return std::nullopt;
  size_t size = isEmpty ? 0 : llvm::divideCeil(bitCount, 8);
  AsmResourceBlob memory =
      HeapAsmResourceBlob::allocate(std::max<size_t>(size, 1), 64);
  MutableArrayRef<char> data = memory.getMutableData();
  std::memset(data.data(), 0, data.size());
  ConstantBuilder builder(RankedTensorType::get(shape, elementType),
                          std::move(memory));
  builder.bytes = builder.bytes.take_front(size);
  return builder;
}

void ConstantBuilder::setBits(int64_t index, uint64_t bits) {
  if (storedBits < 8) {
    uint64_t position = static_cast<uint64_t>(index) * storedBits;
    unsigned shift = position % 8;
    uint8_t mask = ((1u << storedBits) - 1) << shift;
    char &byte = bytes[position / 8];
    byte = (byte & ~mask) | ((bits << shift) & mask);
    return;
  }
  unsigned width = storedBits / 8;
  std::memcpy(bytes.data() + static_cast<uint64_t>(index) * width, &bits,
              width);
}

void ConstantBuilder::setInteger(int64_t index, int64_t value) {
  if (type.getElementType().isInteger(1))
    value = value != 0;
  setBits(index, static_cast<uint64_t>(value));
}

void ConstantBuilder::setFloat(int64_t index, double value) {
  auto elementType = cast<FloatType>(type.getElementType());
  if (elementType.isF64())
    return setBits(index, llvm::bit_cast<uint64_t>(value));
  if (elementType.isF32())
    return setBits(index, llvm::bit_cast<uint32_t>(static_cast<float>(value)));
  llvm::APFloat rounded(value);
  bool losesInformation = false;
  rounded.convert(elementType.getFloatSemantics(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInformation);
  setBits(index, rounded.bitcastToAPInt().getZExtValue());
}

void ConstantBuilder::setConverted(int64_t index, const ConstantReader &source,
                                   int64_t from) {
  Type elementType = type.getElementType();
  if (isa<FloatType>(elementType))
    return setFloat(index, source.at<double>(from));
  if (!source.isFloat())
    return setInteger(index, source.at<int64_t>(from));
  double value = source.at<double>(from);
  if (elementType.isInteger(1))
    return setInteger(index, value != 0);
  // Out of range, C++ leaves the result open: the processors' answer.
  if (!(value > -9.3e18 && value < 1.9e19))
    return setInteger(index, INT64_MIN);
  if (value >= 9223372036854775808.0)
    return setInteger(index,
                      static_cast<int64_t>(static_cast<uint64_t>(value)));
  setInteger(index, value <= -9223372036854775808.0
                        ? INT64_MIN
                        : static_cast<int64_t>(value));
}

FoldedConstant ConstantBuilder::finish() {
  MLIRContext *context = type.getContext();
  Type elementType = type.getElementType();
  bool isBool = elementType.isInteger(1);
  RankedTensorType valueType = type;
  if (storedBits < 8 || (isBool && bytes.size() > inlineBytes))
    valueType = RankedTensorType::get({static_cast<int64_t>(bytes.size())},
                                      IntegerType::get(context, 8));
  if (bytes.empty())
    return {type, DenseElementsAttr::get(valueType, ArrayRef<Attribute>())};
  if (bytes.size() > inlineBytes) {
    auto &manager = DenseResourceElementsHandle::getManagerInterface(context);
    return {type, DenseResourceElementsAttr::get(
                      valueType, manager.insert("folded", std::move(blob)))};
  }
  if (isBool) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return {type, DenseElementsAttr::get(valueType, ArrayRef<bool>(values))};
  }
  return {type, DenseElementsAttr::getFromRawBuffer(valueType, bytes)};
}

//===----------------------------------------------------------------------===//
// Shapes and attributes
//===----------------------------------------------------------------------===//

int64_t FoldRequest::getInteger(StringRef name, int64_t otherwise) const {
  auto attribute = dyn_cast_or_null<IntegerAttr>(getAttribute(name));
  return attribute ? attribute.getValue().getSExtValue() : otherwise;
}

StringRef FoldRequest::getString(StringRef name, StringRef otherwise) const {
  auto attribute = dyn_cast_or_null<StringAttr>(getAttribute(name));
  return attribute ? attribute.getValue() : otherwise;
}

std::optional<Shape> FoldRequest::getIntegers(StringRef name,
                                              size_t index) const {
  Shape values;
  if (has(index)) {
    if (inputs[index]->isFloat())
      return std::nullopt;
    for (int64_t i = 0; i < inputs[index]->getElementCount(); ++i)
      values.push_back(inputs[index]->at<int64_t>(i));
    return values;
  }
  auto attribute = dyn_cast_or_null<DenseI64ArrayAttr>(getAttribute(name));
  if (!attribute)
    return std::nullopt;
  values.assign(attribute.asArrayRef().begin(), attribute.asArrayRef().end());
  return values;
}

std::optional<int64_t> hgf::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

Type hgf::getFoldedElementType(MLIRContext *context, int64_t dataType) {
  Builder builder(context);
  switch (dataType) {
  case 1:
    return builder.getF32Type();
  case 2:
    return builder.getIntegerType(8, false);
  case 3:
    return builder.getIntegerType(8);
  case 4:
    return builder.getIntegerType(16, false);
  case 5:
    return builder.getIntegerType(16);
  case 6:
    return builder.getIntegerType(32);
  case 7:
    return builder.getIntegerType(64);
  case 9:
    return builder.getI1Type();
  case 10:
    return builder.getF16Type();
  case 11:
    return builder.getF64Type();
  case 12:
    return builder.getIntegerType(32, false);
  case 13:
    return builder.getIntegerType(64, false);
  case 16:
    return builder.getBF16Type();
  case 21:
    return builder.getIntegerType(4, false);
  case 22:
    return builder.getIntegerType(4);
  case 25:
    return builder.getIntegerType(2, false);
  case 26:
    return builder.getIntegerType(2);
  default:
    // The eight-bit floats saturate by rules of their own.
    return {};
  }
}

std::optional<Shape> hgf::broadcastShapes(ArrayRef<ArrayRef<int64_t>> shapes) {
  size_t rank = 0;
  for (ArrayRef<int64_t> shape : shapes)
    rank = std::max(rank, shape.size());
  Shape result(rank, 1);
  for (ArrayRef<int64_t> shape : shapes)
    for (size_t i = 0; i < shape.size(); ++i) {
      int64_t &length = result[rank - shape.size() + i];
      if (length != shape[i] && length != 1 && shape[i] != 1)
        return std::nullopt;
      if (length == 1)
        length = shape[i];
    }
  return result;
}

Shape hgf::getStrides(ArrayRef<int64_t> shape) {
  Shape strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim-- > 1;)
    strides[dim - 1] = strides[dim] * shape[dim];
  return strides;
}

Shape hgf::getBroadcastStrides(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  Shape own = getStrides(from), strides(to.size(), 0);
  size_t shift = to.size() - from.size();
  for (size_t dim = 0; dim < from.size(); ++dim)
    strides[shift + dim] = from[dim] == 1 ? 0 : own[dim];
  return strides;
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

FoldResult hgf::foldConstantNode(NodeOp node, int64_t limit) {
  if (!node.getDomain().empty() || !hasExpectedOperands(node))
    return std::nullopt;
  FoldRequest request{node, {}, limit};
  bool needsValues = node.getOpType() != "Shape" && node.getOpType() != "Size";
  for (Value input : node.getInputs()) {
    if (input.getDefiningOp<NoneOp>()) {
      request.inputs.push_back(std::nullopt);
      continue;
    }
    std::optional<ConstantReader> reader = ConstantReader::get(input);
    if (!reader && needsValues)
      return std::nullopt;
    request.inputs.push_back(reader);
  }
  for (auto *fold : {foldElementwise, foldLayout, foldIndexing, foldReduction,
                     foldCreation, foldQuantization})
    if (FoldResult result = fold(request, node.getOpType()))
      return result->size() >= node.getNumResults() ? result : std::nullopt;
  return std::nullopt;
}
