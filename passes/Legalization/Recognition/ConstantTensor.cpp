//===- ConstantTensor.cpp - Constants of the graph -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantTensor.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <cstring>

using namespace mlir;
using namespace hgf;

static std::optional<ArrayRef<char>> getBytes(ElementsAttr value, bool &splat) {
  if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(value)) {
    splat = dense.isSplat();
    return dense.getRawData();
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  }
  return std::nullopt;
}

std::optional<ConstantTensor> ConstantTensor::get(Value value) {
  while (auto node = value.getDefiningOp<NodeOp>()) {
    if (node.getOpType() != "Identity" || !node.getDomain().empty() ||
        node.getInputs().size() != 1)
      return std::nullopt;
    value = node.getInputs()[0];
  }
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant)
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(constant.getType());
  if (!type || !type.hasStaticShape() ||
      !type.getElementType().isIntOrFloat() ||
      type.getElementType().isInteger(1))
    return std::nullopt;
  ConstantTensor result;
  result.type = type;
  std::optional<ArrayRef<char>> bytes =
      getBytes(constant.getValue(), result.splat);
  if (!bytes)
    return std::nullopt;
  result.bytes = *bytes;
  unsigned bits = type.getElementTypeBitWidth();
  int64_t needed =
      bits < 8 && result.splat
          ? 1
          : llvm::divideCeil((result.splat ? 1 : type.getNumElements()) * bits,
                             8);
  if (int64_t(bytes->size()) < needed)
    return std::nullopt;
  return result;
}

/// Bytes of the file may be unaligned.
template <typename T> static T load(ArrayRef<char> bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

double ConstantTensor::operator[](int64_t index) const {
  Type element = elementType();
  if (auto floatType = dyn_cast<FloatType>(element)) {
    int64_t at = splat ? 0 : index;
    if (element.isF32())
      return load<float>(bytes, at);
    if (element.isF64())
      return load<double>(bytes, at);
    unsigned width = floatType.getWidth();
    APInt bits(width, width == 8 ? load<uint8_t>(bytes, at)
                                 : load<uint16_t>(bytes, at));
    APFloat value(floatType.getFloatSemantics(), bits);
    return value.convertToDouble();
  }
  bool isUnsigned = element.isUnsignedInteger();
  switch (unsigned bits = element.getIntOrFloatBitWidth()) {
  case 2:
  case 4: {
    // Four or two codes a byte, the first in the lowest bits; a splat of the
    // packed bytes repeats one byte.
    unsigned perByte = 8 / bits;
    unsigned byte = load<uint8_t>(bytes, splat ? 0 : index / perByte);
    unsigned code = (byte >> (index % perByte * bits)) & ((1u << bits) - 1);
    return isUnsigned ? double(code) : double(llvm::SignExtend32(code, bits));
  }
  case 8:
    return isUnsigned ? double(load<uint8_t>(bytes, splat ? 0 : index))
                      : double(load<int8_t>(bytes, splat ? 0 : index));
  case 16:
    return isUnsigned ? double(load<uint16_t>(bytes, splat ? 0 : index))
                      : double(load<int16_t>(bytes, splat ? 0 : index));
  case 32:
    return isUnsigned ? double(load<uint32_t>(bytes, splat ? 0 : index))
                      : double(load<int32_t>(bytes, splat ? 0 : index));
  default:
    return isUnsigned ? double(load<uint64_t>(bytes, splat ? 0 : index))
                      : double(load<int64_t>(bytes, splat ? 0 : index));
  }
}

std::vector<float> ConstantTensor::floats() const {
  std::vector<float> values(size());
  if (elementType().isF32() && !splat && !values.empty()) {
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
  }
  for (int64_t index = 0; index < size(); ++index)
    values[index] = float((*this)[index]);
  return values;
}

std::optional<double> hgf::getScalarConstant(Value value) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(value);
  if (!constant || constant->size() != 1)
    return std::nullopt;
  return (*constant)[0];
}

ElementsAttr hgf::makeElements(ArrayRef<int64_t> shape, Type elementType,
                               ArrayRef<char> bytes, StringRef name) {
  auto type = RankedTensorType::get(shape, elementType);
  // Small ones stay readable in dumps.
  constexpr size_t readableBytes = 64;
  if (bytes.size() <= readableBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return DenseResourceElementsAttr::get(
      type, name,
      HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/64));
}

Value hgf::makeFloatConstant(OpBuilder &builder, Location location,
                             ArrayRef<int64_t> shape, ArrayRef<float> values,
                             StringRef name) {
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()),
                       values.size() * sizeof(float));
  ElementsAttr elements =
      makeElements(shape, builder.getF32Type(), bytes, name);
  return ConstantOp::create(builder, location, elements.getType(), elements);
}
