//===- ConstantTensor.cpp - Constants of the graph -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantTensor.h"

#include "mlir/IR/AsmState.h"

using namespace mlir;
using namespace hgf;

std::optional<ConstantTensor> ConstantTensor::get(Value value) {
  while (auto node = value.getDefiningOp<NodeOp>()) {
    if (node.getOpType() != "Identity" || !node.getDomain().empty() ||
        node.getInputs().size() != 1)
      return std::nullopt;
    value = node.getInputs()[0];
  }
  std::optional<ConstantReader> reader = ConstantReader::get(value);
  if (!reader || reader->getElementType().isInteger(1))
    return std::nullopt;
  return ConstantTensor(*reader);
}

std::vector<float> ConstantTensor::floats() const {
  std::vector<float> values(size());
  copyTo(values);
  return values;
}

std::optional<ArrayRef<float>> ConstantTensor::viewFloats() const {
  ArrayRef<char> bytes = reader.getBytes();
  if (!elementType().isF32() || reader.isSplat() ||
      reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) != 0)
    return std::nullopt;
  return ArrayRef(reinterpret_cast<const float *>(bytes.data()), size());
}

void ConstantTensor::copyTo(MutableArrayRef<float> elements) const {
  const char *bytes = reader.getBytes().data();
  unsigned bits = reader.getStoredBits();
  bool stored = !reader.isSplat() && bits >= 8;
  // The types of most weights; any other takes the long way.
  if (stored && elementType().isF32()) {
    std::memcpy(elements.data(), bytes, elements.size() * sizeof(float));
  } else if (stored && elementType().isInteger(8)) {
    bool isUnsigned = elementType().isUnsignedInteger();
    for (auto [index, element] : llvm::enumerate(elements))
      element = isUnsigned ? float(uint8_t(bytes[index]))
                           : float(int8_t(bytes[index]));
  } else if (stored && elementType().isBF16()) {
    for (auto [index, element] : llvm::enumerate(elements)) {
      uint16_t half;
      std::memcpy(&half, bytes + 2 * index, 2);
      element = llvm::bit_cast<float>(uint32_t(half) << 16);
    }
  } else {
    for (auto [index, element] : llvm::enumerate(elements))
      element = reader.at<float>(index);
  }
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
