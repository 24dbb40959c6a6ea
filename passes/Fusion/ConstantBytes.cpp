//===- ConstantBytes.cpp - Bytes of constant operands -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantBytes.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include <cstring>

using namespace mlir;

std::optional<std::vector<char>> hgf::getElementBytes(ElementsAttr elements) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return std::nullopt;
    return std::vector<char>(blob->getData().begin(), blob->getData().end());
  }
  auto dense = dyn_cast<DenseIntOrFPElementsAttr>(elements);
  if (!dense)
    return std::nullopt;
  std::vector<char> raw(dense.getRawData().begin(), dense.getRawData().end());
  if (!dense.isSplat())
    return raw;
  std::vector<char> bytes;
  for (int64_t index = 0; index < dense.getNumElements(); ++index)
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

std::optional<std::vector<char>> hgf::getConstantBytes(Value value) {
  ElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  return getElementBytes(elements);
}

std::optional<std::vector<float>> hgf::getConstantFloats(Value value) {
  std::optional<std::vector<char>> bytes = getConstantBytes(value);
  if (!bytes)
    return std::nullopt;
  Type element = cast<ShapedType>(value.getType()).getElementType();
  size_t width = element.getIntOrFloatBitWidth() / 8;
  std::vector<float> result(bytes->size() / width);
  for (size_t index = 0; index < result.size(); ++index) {
    const char *at = bytes->data() + index * width;
    if (element.isF32()) {
      std::memcpy(&result[index], at, sizeof(float));
    } else if (element.isInteger(8)) {
      result[index] = float(int8_t(*at));
    } else if (element.isF16() || element.isBF16()) {
      uint16_t bits;
      std::memcpy(&bits, at, sizeof(bits));
      result[index] = float(
          APFloat(cast<FloatType>(element).getFloatSemantics(), APInt(16, bits))
              .convertToDouble());
    } else {
      return std::nullopt;
    }
  }
  return result;
}

ElementsAttr hgf::makeElementsAttr(RankedTensorType type, ArrayRef<char> bytes,
                                   StringRef name) {
  // Small ones stay readable in dumps.
  constexpr size_t readableBytes = 64;
  if (bytes.size() <= readableBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return DenseResourceElementsAttr::get(
      type, name,
      HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/64));
}
