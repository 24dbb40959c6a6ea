//===- Planes2.cpp - Two-bit planes -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planes2.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

bool Planes2::keepsGroups(int64_t group, int64_t vectorBytes) const {
  return group % std::min(vectorBytes, planeColumns) == 0;
}

void Planes2::packRow(ArrayRef<uint8_t> codes,
                      MutableArrayRef<uint8_t> packed) const {
  for (int64_t j = 0; j < planeColumns; ++j) {
    packed[j] = 0;
    for (int64_t plane = 0; plane < planeCount; ++plane)
      packed[j] |= codes[planeColumns * plane + j] << 2 * plane;
  }
}

void Planes2::unpackRow(ArrayRef<uint8_t> packed,
                        MutableArrayRef<uint8_t> codes) const {
  for (int64_t j = 0; j < planeColumns; ++j)
    for (int64_t plane = 0; plane < planeCount; ++plane)
      codes[planeColumns * plane + j] = packed[j] >> 2 * plane & 3;
}

void Planes2::emitUnpack(OpBuilder &builder, Location location,
                         int64_t vectorBytes, int64_t part, LoadBytes load,
                         UseCodes use) const {
  auto bytesType = VectorType::get({vectorBytes}, builder.getI8Type());
  // x86 has no shifts of bytes; the mask removes what 16-bit shifts drag in.
  auto wordsType = VectorType::get({vectorBytes / 2}, builder.getI16Type());
  auto constant = [&](VectorType type, int64_t value) -> Value {
    return arith::ConstantOp::create(
        builder, location,
        DenseElementsAttr::get(
            type, builder.getIntegerAttr(type.getElementType(), value)));
  };
  Value mask = constant(bytesType, 3);
  int64_t offset = part * vectorBytes;
  Value bytes = load(offset);
  Value words = vector::BitCastOp::create(builder, location, wordsType, bytes);
  for (int64_t plane = 0; plane < planeCount; ++plane) {
    Value shifted = bytes;
    if (plane != 0) {
      Value shiftedWords = arith::ShRUIOp::create(
          builder, location, words, constant(wordsType, 2 * plane));
      shifted =
          vector::BitCastOp::create(builder, location, bytesType, shiftedWords);
    }
    use(arith::AndIOp::create(builder, location, shifted, mask),
        planeColumns * plane + offset);
  }
}
