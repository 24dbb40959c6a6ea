//===- Trits3In5.cpp - Three ternary codes in five bits -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Trits3In5.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/Endian.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

using namespace mlir;
using namespace hgf;

double Trits3In5::getCycles(const InstructionLevel &, KernelWork work) const {
  switch (work) {
  case KernelWork::Int8:
    return 4.9;
  case KernelWork::Int8Groups:
    return 11.1;
  case KernelWork::Float:
    return 135;
  }
  llvm_unreachable("unknown work");
}

int64_t Trits3In5::getAlignment(int64_t vectorBytes) const {
  return vectorBytes == valueCount ? 8 : 1;
}

bool Trits3In5::keepsGroups(int64_t group, int64_t) const {
  // Narrower vectors lack the tables.
  return group % valueCount == 0 && getBlockColumns() % group == 0;
}

/// The eight low codes of `word`, one per byte.
static uint64_t spread(uint64_t word) {
  word &= 0xffff;
  word = (word | word << 24) & 0x000000ff000000ff;
  word = (word | word << 12) & 0x000f000f000f000f;
  return (word | word << 6) & 0x0303030303030303;
}

/// The inverse of spread().
static uint64_t gather(uint64_t bytes) {
  bytes = (bytes | bytes >> 6) & 0x000f000f000f000f;
  bytes = (bytes | bytes >> 12) & 0x000000ff000000ff;
  return (bytes | bytes >> 24) & 0xffff;
}

/// Eight bytes of five bits, without what lies between them.
static uint64_t squeeze(uint64_t bytes) {
  bytes = (bytes & 0x00ff00ff00ff00ff) | (bytes & 0xff00ff00ff00ff00) >> 3;
  bytes = (bytes & 0x0000ffff0000ffff) | (bytes & 0xffff0000ffff0000) >> 6;
  return (bytes & 0x00000000ffffffff) | (bytes & 0xffffffff00000000) >> 12;
}

void Trits3In5::packBundle(const uint64_t *words, uint8_t *packed) const {
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t shift = 0; shift < 64; shift += 16) {
      // At most 26 in a byte: nothing is carried into the next one.
      uint64_t values = spread(words[half] >> shift) +
                        3 * spread(words[2 + half] >> shift) +
                        9 * spread(words[4 + half] >> shift);
      uint64_t bits = squeeze(values);
      llvm::support::endian::write32le(packed, bits);
      packed[4] = bits >> 32;
      packed += 5;
    }
}

void Trits3In5::unpackBundle(const uint8_t *packed, uint64_t *words) const {
  std::fill_n(words, 6, 0);
  for (int64_t half = 0; half < 2; ++half)
    for (int64_t shift = 0; shift < 64; shift += 16) {
      uint64_t bits =
          llvm::support::endian::read32le(packed) | uint64_t(packed[4]) << 32;
      packed += 5;
      uint64_t trits[tritCount] = {};
      for (int64_t index = 0; index < 8; ++index, bits >>= valueBits) {
        uint64_t value = bits & 31;
        trits[0] |= value % 3 << 8 * index;
        trits[1] |= value / 3 % 3 << 8 * index;
        trits[2] |= value / 9 << 8 * index;
      }
      for (int64_t trit = 0; trit < tritCount; ++trit)
        words[2 * trit + half] |= gather(trits[trit]) << shift;
    }
}

namespace {

/// The operations that unpacking consists of.
struct Unpacking {
  ImplicitLocOpBuilder b;
  int64_t lanes;

  VectorType getType(unsigned bits) {
    return VectorType::get({lanes}, b.getIntegerType(bits));
  }
  Value constant(ArrayRef<int8_t> values) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(getType(8), values));
  }
  Value constant(int64_t value) {
    return arith::ConstantOp::create(
        b, DenseElementsAttr::get(getType(16),
                                  Attribute(b.getI16IntegerAttr(value))));
  }

  /// Values of five bits, a byte each; the bits above are a neighbour's.
  Value separate(Value bytes) {
    SmallVector<int64_t> mask, shifts;
    for (int64_t lane = 0; lane < lanes; ++lane)
      mask.push_back((lane / 8 * 5 + lane % 8) % lanes);
    for (int64_t lane = 0; lane < 8; ++lane)
      shifts.push_back(5 * lane);
    Value spread = vector::ShuffleOp::create(b, bytes, bytes, mask);
    return MultishiftOp::create(b, spread, shifts);
  }

  /// One trit of each value by a table that does not look at the bits above.
  Value lookUp(Value values, int64_t divisor) {
    SmallVector<int8_t> table;
    for (int64_t lane = 0; lane < lanes; ++lane)
      table.push_back(lane % 32 / divisor % 3);
    return TableLookupOp::create(b, constant(table), values);
  }

  /// values * factor >> shift, which is a division where the values are small.
  Value divide(Value values, int64_t factor, int64_t shift) {
    return arith::ShRUIOp::create(
        b, arith::MulIOp::create(b, values, constant(factor)), constant(shift));
  }
  /// values - quotients * divisor.
  Value getRest(Value values, Value quotients, int64_t divisor) {
    return arith::SubIOp::create(
        b, values, arith::MulIOp::create(b, quotients, constant(divisor)));
  }
  Value narrow(Value values) {
    return arith::TruncIOp::create(b, getType(8), values);
  }
};

} // namespace

void Trits3In5::emitUnpack(OpBuilder &builder, Location location,
                           int64_t vectorBytes, int64_t part, LoadBytes load,
                           UseCodes use) const {
  Unpacking u{ImplicitLocOpBuilder(location, builder), vectorBytes};
  int64_t column = part * vectorBytes;
  Value values = u.separate(load(column * valueBits / 8));
  if (vectorBytes == valueCount) {
    for (auto [trit, divisor] : llvm::enumerate(ArrayRef<int64_t>{1, 3, 9}))
      use({u.lookUp(values, divisor), 0, valueCount * int64_t(trit)});
    return;
  }
  // No table of 32 entries fits; below 27, 57 / 512 divides by 9, and below 9
  // 11 / 32 divides by 3.
  values = arith::ExtUIOp::create(u.b, u.getType(16), values);
  values = arith::AndIOp::create(u.b, values, u.constant(31));
  Value ninths = u.divide(values, 57, 9);
  Value rest = u.getRest(values, ninths, 9);
  Value thirds = u.divide(rest, 11, 5);
  use({u.narrow(u.getRest(rest, thirds, 3)), 0, column});
  use({u.narrow(thirds), 0, valueCount + column});
  use({u.narrow(ninths), 0, 2 * valueCount + column});
}
