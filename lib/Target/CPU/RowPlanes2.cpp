//===- RowPlanes2.cpp - Two-bit planes of rows -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowPlanes2.h"

#include "hgf/Target/CPU/InstructionLevel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace hgf;

/// Bits of one code.
static constexpr int64_t codeBits = 2;
/// Of each byte, so that the codes in the highest bits are read with a sign.
static constexpr uint8_t invertedBit = 0x80;

double RowPlanes2::getCycles(const InstructionLevel &level,
                             KernelWork work) const {
  assert(work == KernelWork::Int8 && "see keepsGroups() and suitsFloat()");
  switch (level.lowering) {
  case DotLowering::DotProduct:
    return 14;
  case DotLowering::MatrixProduct:
    return 7;
  default:
    return 66;
  }
}

void RowPlanes2::packBundle(const uint64_t *words, uint8_t *packed) const {
  for (int64_t column = 0; column < blockColumns; ++column) {
    int64_t shift = column % wordCodes * codeBits;
    uint8_t byte = invertedBit;
    for (int64_t plane = 0; plane < planeCount; ++plane) {
      uint64_t word = words[plane * getRowWords() + column / wordCodes];
      byte ^= (word >> shift & 3) << codeBits * plane;
    }
    packed[column] = byte;
  }
}

void RowPlanes2::unpackBundle(const uint8_t *packed, uint64_t *words) const {
  std::fill_n(words, planeCount * getRowWords(), 0);
  for (int64_t column = 0; column < blockColumns; ++column)
    for (int64_t plane = 0; plane < planeCount; ++plane) {
      uint64_t code = (packed[column] ^ invertedBit) >> codeBits * plane & 3;
      words[plane * getRowWords() + column / wordCodes] |=
          code << column % wordCodes * codeBits;
    }
}

static Value constant(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  auto vector = cast<VectorType>(type);
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             vector, b.getIntegerAttr(vector.getElementType(), value)));
}

void RowPlanes2::emitUnpack(OpBuilder &builder, Location location,
                            int64_t vectorBytes, int64_t part, LoadBytes load,
                            UseCodes use) const {
  ImplicitLocOpBuilder b(location, builder);
  int64_t column = part * vectorBytes;
  Value bytes = load(column);
  Type type = bytes.getType();
  for (int64_t plane = 0; plane < planeCount; ++plane) {
    Value codes = bytes;
    if (plane != 0)
      codes =
          arith::ShRUIOp::create(b, codes, constant(b, type, codeBits * plane));
    if (plane + 1 < planeCount)
      codes = arith::AndIOp::create(b, codes, constant(b, type, 3));
    else
      codes = arith::XOrIOp::create(b, codes, constant(b, type, 2));
    use({codes, plane, column});
  }
}

void RowPlanes2::emitMixed(OpBuilder &builder, Location location,
                           int64_t vectorBytes, int64_t part, Mix mix,
                           LoadBytes load, UseCodes use) const {
  ImplicitLocOpBuilder b(location, builder);
  int64_t column = part * vectorBytes;
  Value bytes = load(column);
  Type type = bytes.getType();
  auto mask = [&](Value value, int64_t bits) {
    return arith::AndIOp::create(b, value, constant(b, type, bits));
  };
  if (mix == Mix::Rows) {
    for (int64_t plane = 0; plane + 1 < planeCount; ++plane)
      use({mask(bytes, (1 << codeBits * (plane + 1)) - 1), plane, column});
    use({bytes, planeCount - 1, column, /*isSigned=*/true});
    return;
  }
  use({mask(bytes, 3), 0, column});
  use({mask(bytes, 12), 1, column});
  Value third = arith::ShRUIOp::create(b, bytes, constant(b, type, 4));
  use({mask(third, 3), 2, column});
  Value fourth = arith::ShRSIOp::create(b, bytes, constant(b, type, 6));
  use({fourth, 3, column, /*isSigned=*/true});
}

Value RowPlanes2::emitSeparate(OpBuilder &builder, Location location, Mix mix,
                               Value dots, Value sum) const {
  ImplicitLocOpBuilder b(location, builder);
  auto type = cast<VectorType>(dots.getType());
  int64_t rows = type.getNumElements(), bundles = rows / planeCount;
  // Sums of rows: each row less the one that stands below it in the bytes,
  // which is as many rows before it as there are bundles.
  SmallVector<int64_t> below;
  SmallVector<int32_t> shifts, excess;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t plane = row / bundles;
    bool last = plane + 1 == planeCount;
    below.push_back(plane == 0 ? rows + row : row - bundles);
    if (mix == Mix::Rows) {
      shifts.push_back(codeBits * plane);
      excess.push_back(last ? invertedBit : 0);
    } else {
      shifts.push_back(plane == 1 ? codeBits : 0);
      excess.push_back(last ? invertedBit >> codeBits * plane : 0);
    }
  }
  auto list = [&](ArrayRef<int32_t> values) -> Value {
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, values));
  };
  if (mix == Mix::Rows) {
    Value lower =
        vector::ShuffleOp::create(b, dots, constant(b, type, 0), below);
    dots = arith::SubIOp::create(b, dots, lower);
  }
  Value inverted = arith::MulIOp::create(b, sum, list(excess));
  return arith::ShRSIOp::create(b, arith::AddIOp::create(b, dots, inverted),
                                list(shifts));
}
