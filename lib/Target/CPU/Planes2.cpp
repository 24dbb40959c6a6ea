//===- Planes2.cpp - Two-bit planes -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Planes2.h"

#include "hgf/Target/CPU/InstructionLevel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

double Planes2::getCycles(const InstructionLevel &level,
                          KernelWork work) const {
  switch (work) {
  case KernelWork::Int8:
    switch (level.lowering) {
    case DotLowering::NEON:
      return 77;
    case DotLowering::DotProduct:
      return 20;
    case DotLowering::MatrixProduct:
      return 10;
    default:
      // 3.5 for vectors of 64 bytes.
      return 224.0 / level.vectorBytes;
    }
  case KernelWork::Int8Groups:
    return 600.0 / level.vectorBytes;
  case KernelWork::Float:
    return 109;
  }
  llvm_unreachable("unknown work");
}

bool Planes2::keepsGroups(int64_t group, int64_t vectorBytes) const {
  return group % std::min(vectorBytes, planeColumns) == 0;
}

/// Swaps the codes of `high` and `low` that stand in each other's place where
/// `mask` selects them in `low`, and `shift` bits above it in `high`.
static void exchange(uint64_t &low, uint64_t &high, uint64_t mask, int shift) {
  uint64_t difference = (low >> shift ^ high) & mask;
  high ^= difference;
  low ^= difference << shift;
}

/// Transposes the 4x4 codes that equal bytes of four words make.
static void transpose(uint64_t (&words)[4]) {
  constexpr uint64_t oddCodes = 0x3333333333333333;
  constexpr uint64_t oddPairs = 0x0f0f0f0f0f0f0f0f;
  exchange(words[0], words[1], oddCodes, 2);
  exchange(words[2], words[3], oddCodes, 2);
  exchange(words[0], words[2], oddPairs, 4);
  exchange(words[1], words[3], oddPairs, 4);
}

void Planes2::packBundle(const uint64_t *words, uint8_t *packed) const {
  for (int64_t half = 0; half < 2; ++half) {
    uint64_t bytes[planeCount];
    for (int64_t plane = 0; plane < planeCount; ++plane)
      bytes[plane] = words[2 * plane + half];
    transpose(bytes);
    for (int64_t index = 0; index < 8; ++index)
      for (int64_t inner = 0; inner < planeCount; ++inner)
        *packed++ = bytes[inner] >> 8 * index;
  }
}

void Planes2::unpackBundle(const uint8_t *packed, uint64_t *words) const {
  for (int64_t half = 0; half < 2; ++half) {
    uint64_t bytes[planeCount] = {};
    for (int64_t index = 0; index < 8; ++index)
      for (int64_t inner = 0; inner < planeCount; ++inner)
        bytes[inner] |= uint64_t(*packed++) << 8 * index;
    transpose(bytes);
    for (int64_t plane = 0; plane < planeCount; ++plane)
      words[2 * plane + half] = bytes[plane];
  }
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
    use({arith::AndIOp::create(builder, location, shifted, mask), 0,
         planeColumns * plane + offset});
  }
}
