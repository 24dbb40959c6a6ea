//===- Constants.cpp - Reading constants of any storage -------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Analysis/Constants.h"

#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace hgf;

unsigned hgf::getStoredElementBits(Type elementType) {
  if (!isa<IntegerType, FloatType>(elementType))
    return 0;
  unsigned bits = elementType.getIntOrFloatBitWidth();
  return bits == 1 ? 8 : bits;
}

bool hgf::isPackedElementType(Type elementType) {
  unsigned bits = getStoredElementBits(elementType);
  return bits != 0 && bits < 8;
}

ConstantReader::ConstantReader(RankedTensorType type, ArrayRef<char> bytes,
                               unsigned storedBits, int64_t period)
    : type(type), bytes(bytes), storedBits(storedBits),
      elementBits(type.getElementType().getIntOrFloatBitWidth()),
      period(period), isUnsigned(type.getElementType().isUnsignedInteger() ||
                                 type.getElementType().isInteger(1)) {
  Type elementType = type.getElementType();
  kind = isa<IntegerType>(elementType) ? Kind::Integer
         : elementType.isF16()         ? Kind::F16
         : elementType.isBF16()        ? Kind::BF16
         : elementType.isF32()         ? Kind::F32
         : elementType.isF64()         ? Kind::F64
                                       : Kind::OtherFloat;
}

std::optional<ConstantReader> ConstantReader::get(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return std::nullopt;
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return get(constant.getValue(), type);
  ElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)))
    return get(elements, type);
  return std::nullopt;
}

std::optional<ConstantReader> ConstantReader::get(ElementsAttr value,
                                                  RankedTensorType type) {
  unsigned bits = getStoredElementBits(type.getElementType());
  if (bits == 0 || !type.hasStaticShape())
    return std::nullopt;
  bool isDirect = value.getShapedType() == type;
  // MLIR keeps small integers in a byte of their own, and i1 in one bit.
  if (isDirect)
    bits = llvm::alignTo(bits, 8);
  ArrayRef<char> bytes;
  int64_t period = 0;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return std::nullopt;
    bytes = blob->getData();
  } else if (auto dense = dyn_cast<DenseIntOrFPElementsAttr>(value)) {
    bytes = dense.getRawData();
    if (isDirect && type.getElementType().isInteger(1))
      bits = 1;
    // A splat of packed bytes repeats the byte, not the element.
    if (dense.isSplat() && type.getNumElements() > 0)
      period = bits < 8 && !isDirect ? 8 / bits : 1;
  } else {
    return std::nullopt;
  }
  uint64_t count =
      period ? std::min(period, type.getNumElements()) : type.getNumElements();
  if (bytes.size() * 8 < count * bits)
    return std::nullopt;
  return ConstantReader(type, bytes, bits, period);
}

uint64_t ConstantReader::getBits(int64_t index) const {
  if (period)
    index %= period;
  if (storedBits < 8) {
    uint64_t position = static_cast<uint64_t>(index) * storedBits;
    return (static_cast<uint8_t>(bytes[position / 8]) >> (position % 8)) &
           ((1u << storedBits) - 1);
  }
  unsigned width = storedBits / 8;
  uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + static_cast<uint64_t>(index) * width,
              width);
  return bits;
}

int64_t ConstantReader::getInteger(int64_t index) const {
  uint64_t bits = getBits(index);
  if (elementBits == 1)
    return bits != 0;
  if (isUnsigned)
    return static_cast<int64_t>(bits &
                                llvm::maskTrailingOnes<uint64_t>(elementBits));
  return llvm::SignExtend64(bits, elementBits);
}

static double halfToDouble(uint16_t half) {
  int exponent = (half >> 10) & 31, fraction = half & 1023;
  double magnitude = exponent == 31 ? (fraction ? std::nan("") : HUGE_VAL)
                     : exponent == 0
                         ? std::ldexp(fraction, -24)
                         : std::ldexp(1024 + fraction, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

double ConstantReader::getFloat(int64_t index) const {
  if (kind == Kind::Integer) {
    int64_t value = getInteger(index);
    return isUnsigned ? static_cast<double>(static_cast<uint64_t>(value))
                      : static_cast<double>(value);
  }
  uint64_t bits = getBits(index);
  switch (kind) {
  case Kind::F32:
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits));
  case Kind::F64:
    return llvm::bit_cast<double>(bits);
  case Kind::BF16:
    return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  case Kind::F16:
    return halfToDouble(bits);
  default:
    return llvm::APFloat(cast<FloatType>(getElementType()).getFloatSemantics(),
                         llvm::APInt(elementBits, bits))
        .convertToDouble();
  }
}
