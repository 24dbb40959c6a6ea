//===- Encoding.cpp - How weights lie in memory -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/Encoding.h"

#include "Planes2.h"

using namespace mlir;
using namespace hgf;

/// Code of a weight that is zero.
static constexpr uint8_t zeroCode = 1;

static uint8_t readCode(ArrayRef<uint8_t> codes, int64_t position) {
  return codes[position / 4] >> (position % 4 * 2) & 3;
}

static void writeCode(MutableArrayRef<uint8_t> codes, int64_t position,
                      uint8_t code) {
  uint8_t &byte = codes[position / 4];
  int64_t shift = position % 4 * 2;
  byte = (byte & ~(3 << shift)) | code << shift;
}

void Encoding::pack(ArrayRef<uint8_t> codes, int64_t rows, int64_t columns,
                    MutableArrayRef<uint8_t> packed) const {
  SmallVector<uint8_t> row(getBlockColumns());
  int64_t offset = 0;
  for (int64_t rowBlock = 0; rowBlock < getRowBlockCount(rows); ++rowBlock)
    for (int64_t block = 0; block < getBlockCount(columns); ++block)
      for (int64_t inner = 0; inner < getBlockRows(); ++inner) {
        int64_t n = rowBlock * getBlockRows() + inner;
        for (int64_t position = 0; position < getBlockColumns(); ++position) {
          int64_t k = block * getBlockColumns() + position;
          row[position] = n < rows && k < columns
                              ? readCode(codes, n * columns + k)
                              : zeroCode;
        }
        packRow(row, packed.slice(offset, getRowBytes()));
        offset += getRowBytes();
      }
}

void Encoding::unpack(ArrayRef<uint8_t> packed, int64_t rows, int64_t columns,
                      MutableArrayRef<uint8_t> codes) const {
  SmallVector<uint8_t> row(getBlockColumns());
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t block = 0; block < getBlockCount(columns); ++block) {
      int64_t offset = (n / getBlockRows() * getBlockCount(columns) + block) *
                           getBlockRows() +
                       n % getBlockRows();
      unpackRow(packed.slice(offset * getRowBytes(), getRowBytes()), row);
      int64_t first = block * getBlockColumns();
      int64_t count = std::min(getBlockColumns(), columns - first);
      for (int64_t position = 0; position < count; ++position)
        writeCode(codes, n * columns + first + position, row[position]);
    }
}

ArrayRef<const Encoding *> hgf::getEncodings() {
  static const Planes2 planes2;
  static const Encoding *const encodings[] = {&planes2};
  return encodings;
}

const Encoding *hgf::findEncoding(StringRef name) {
  for (const Encoding *encoding : getEncodings())
    if (encoding->getName() == name)
      return encoding;
  return nullptr;
}

const Encoding &hgf::chooseEncoding(int64_t rows, int64_t columns) {
  return *getEncodings().front();
}
