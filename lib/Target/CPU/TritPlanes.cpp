//===- TritPlanes.cpp - Planes of three ternary codes -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TritPlanes.h"

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Target/CPU/InstructionLevel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace hgf;

static constexpr uint64_t valueMask = 31;

double TritPlanes::getCycles(const InstructionLevel &level,
                             KernelWork work) const {
  assert(work == KernelWork::Int8 && "see keepsGroups() and suitsFloat()");
  switch (level.lowering) {
  case DotLowering::DotProduct:
    // 25 where tables are as fast as on Neoverse-N1, 70 on Cortex-A55.
    return 56;
  case DotLowering::MatrixProduct:
    return 18;
  default:
    return 134;
  }
}

/// Value `index` of one lane, in terms of operations on its five bytes. Values
/// 0 to 4 are the low bits of a byte. Value 5 is the two highest bits of byte 1
/// over the three highest of byte 0, value 6 the same of the bytes 3 and 2;
/// both are one insertion of shifted bits. Value 7 is what is left: the three
/// highest bits of byte 4 over bit 5 of byte 1 over bit 5 of byte 3.
template <typename T, typename Operations>
static T makeValue(int64_t index, llvm::function_ref<T(int64_t)> byte,
                   Operations operations) {
  if (index < 5)
    return operations.mask(byte(index), valueMask);
  // The result's five bits stand at the top until they are shifted down.
  auto insert = [&](T high, uint64_t bits, T low, uint64_t shift) {
    return operations.unite(operations.mask(high, 256 - (256 >> bits)),
                            operations.right(low, shift));
  };
  T top = index == 5   ? insert(byte(1), 2, byte(0), 2)
          : index == 6 ? insert(byte(3), 2, byte(2), 2)
                       : insert(byte(4), 3,
                                insert(operations.left(byte(1), 2), 1,
                                       operations.left(byte(3), 2), 1),
                                3);
  return operations.right(top, 3);
}

namespace {

/// On the bytes of one lane.
struct ByteOperations {
  uint8_t mask(uint8_t value, uint64_t bits) { return value & bits; }
  uint8_t unite(uint8_t left, uint8_t right) { return left | right; }
  uint8_t left(uint8_t value, uint64_t shift) { return value << shift; }
  uint8_t right(uint8_t value, uint64_t shift) { return value >> shift; }
};

/// On vectors, as IR.
struct VectorOperations {
  ImplicitLocOpBuilder &b;

  Value constant(Value like, uint64_t value) {
    auto type = cast<VectorType>(like.getType());
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(type, APInt(8, value)));
  }
  Value mask(Value value, uint64_t bits) {
    return arith::AndIOp::create(b, value, constant(value, bits));
  }
  Value unite(Value left, Value right) {
    return arith::OrIOp::create(b, left, right);
  }
  Value left(Value value, uint64_t shift) {
    return arith::ShLIOp::create(b, value, constant(value, shift));
  }
  Value right(Value value, uint64_t shift) {
    return arith::ShRUIOp::create(b, value, constant(value, shift));
  }
};

} // namespace

static uint64_t getCode(const uint64_t *words, int64_t column) {
  return words[column / 32] >> column % 32 * 2 & 3;
}

void TritPlanes::packBundle(const uint64_t *words, uint8_t *packed) const {
  for (int64_t lane = 0; lane < vectorBytes; ++lane) {
    uint8_t values[bundleRows * rowVectors];
    for (int64_t index = 0; index < bundleRows * rowVectors; ++index) {
      const uint64_t *row = words + index / rowVectors * getRowWords();
      int64_t column = index % rowVectors * vectorBytes + lane;
      values[index] = getCode(row, column) +
                      3 * getCode(row, column + valueCount) +
                      9 * getCode(row, column + 2 * valueCount);
    }
    // The inverse of makeValue().
    const uint8_t high[byteVectors] = {
        uint8_t(values[5] & 7),
        uint8_t(values[5] >> 3 << 1 | (values[7] >> 1 & 1)),
        uint8_t(values[6] & 7), uint8_t(values[6] >> 3 << 1 | (values[7] & 1)),
        uint8_t(values[7] >> 2)};
    for (int64_t byte = 0; byte < byteVectors; ++byte)
      packed[byte * vectorBytes + lane] = values[byte] | high[byte] << 5;
  }
}

void TritPlanes::unpackBundle(const uint8_t *packed, uint64_t *words) const {
  std::fill_n(words, bundleRows * getRowWords(), 0);
  for (int64_t lane = 0; lane < vectorBytes; ++lane)
    for (int64_t index = 0; index < bundleRows * rowVectors; ++index) {
      uint64_t value = makeValue<uint8_t>(
          index,
          [&](int64_t byte) { return packed[byte * vectorBytes + lane]; },
          ByteOperations());
      uint64_t *row = words + index / rowVectors * getRowWords();
      int64_t column = index % rowVectors * vectorBytes + lane;
      for (int64_t trit = 0; trit < tritCount; ++trit, value /= 3) {
        int64_t place = column + trit * valueCount;
        row[place / 32] |= value % 3 << place % 32 * 2;
      }
    }
}

void TritPlanes::emitUnpack(OpBuilder &builder, Location location,
                            int64_t bytes, int64_t part, LoadBytes load,
                            UseCodes use) const {
  assert(bytes == vectorBytes && "AArch64 has one size of vectors");
  ImplicitLocOpBuilder b(location, builder);
  // One vector of values of each row; the other part is in the same bytes.
  for (int64_t row = 0; row < bundleRows; ++row) {
    Value values = makeValue<Value>(
        row * rowVectors + part,
        [&](int64_t byte) { return load(byte * vectorBytes); },
        VectorOperations{b});
    int64_t divisor = 1;
    for (int64_t trit = 0; trit < tritCount; ++trit, divisor *= 3) {
      SmallVector<int8_t> table;
      for (uint64_t value = 0; value <= valueMask; ++value)
        table.push_back(value / divisor % 3);
      Value entries = arith::ConstantOp::create(
          b, DenseElementsAttr::get(
                 VectorType::get({int64_t(table.size())}, b.getI8Type()),
                 ArrayRef(table)));
      use({TableLookupOp::create(b, values.getType(), entries, values), row,
           trit * valueCount + part * vectorBytes});
    }
  }
}
