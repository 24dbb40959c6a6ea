//===- Encoding.cpp - How weights lie in memory -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/Encoding.h"

#include "Planes2.h"
#include "RowPlanes2.h"
#include "TritPlanes.h"
#include "Trits3In5.h"

#include "llvm/Support/Endian.h"

using namespace mlir;
using namespace hgf;

/// Codes of 32 weights that are zero.
static constexpr uint64_t zeroWord = 0x5555555555555555;

/// Most words that a bundle of a block may have.
static constexpr int64_t mostWords = 12;

/// The first `count` codes of a word.
static uint64_t getMask(int64_t count) {
  return count >= 32 ? ~uint64_t(0) : (uint64_t(1) << 2 * count) - 1;
}

/// 32 codes from `position` on; the bytes from there must reach 64 bits
/// further than `position`'s byte does.
static uint64_t readWord(const uint8_t *codes, int64_t position) {
  const uint8_t *source = codes + position / 4;
  uint64_t shift = position % 4 * 2;
  uint64_t word = llvm::support::endian::read64le(source);
  return shift ? word >> shift | uint64_t(source[8]) << (64 - shift) : word;
}

/// `count` codes from `position` on, of which the words take as many as they
/// hold; what they hold besides is zero weights.
static void readWords(ArrayRef<uint8_t> codes, int64_t position, int64_t count,
                      MutableArrayRef<uint64_t> words) {
  constexpr int64_t wordBytes = sizeof(uint64_t);
  int64_t rest = count;
  for (uint64_t &word : words) {
    if (rest <= 0) {
      word = zeroWord;
    } else if (position / 4 + wordBytes < int64_t(codes.size())) {
      word = readWord(codes.data(), position);
    } else {
      // The last bytes of the matrix.
      uint8_t tail[wordBytes + 1] = {};
      std::memcpy(tail, &codes[position / 4], codes.size() - position / 4);
      word = readWord(tail, position % 4);
    }
    if (rest > 0 && rest < 32)
      word = (word & getMask(rest)) | (zeroWord & ~getMask(rest));
    position += 32;
    rest -= 32;
  }
}

/// Sets the bits of `count` codes from `position` on, which are zero before.
static void writeWord(MutableArrayRef<uint8_t> codes, int64_t position,
                      int64_t count, uint64_t word) {
  word &= getMask(count);
  uint64_t shift = position % 4 * 2;
  size_t byte = position / 4;
  codes[byte++] |= word << shift;
  for (word >>= 8 - shift; word; word >>= 8)
    codes[byte++] |= word;
}

void Encoding::packRowBlocks(ArrayRef<uint8_t> codes, int64_t rows,
                             int64_t columns, int64_t begin, int64_t end,
                             MutableArrayRef<uint8_t> packed) const {
  int64_t blockRows = getBlockRows(), blockColumns = getBlockColumns();
  int64_t bundles = getBundleCount(), bundleRows = getBundleRows();
  int64_t blocks = getBlockCount(columns), rowWords = getRowWords();
  uint64_t words[mostWords];
  assert(bundleRows * rowWords <= mostWords && blockColumns % wordCodes == 0);
  // A bundle at a time: its rows' codes lie one after another.
  for (int64_t bundle = begin * bundles; bundle < end * bundles; ++bundle) {
    uint8_t *target =
        &packed[(bundle / bundles * blocks * bundles + bundle % bundles) *
                getBundleBytes()];
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t column = block * blockColumns;
      for (int64_t index = 0; index < bundleRows; ++index) {
        int64_t row =
            bundle / bundles * blockRows + index * bundles + bundle % bundles;
        readWords(codes, row * columns + column,
                  row < rows ? columns - column : 0,
                  MutableArrayRef(words + index * rowWords, rowWords));
      }
      packBundle(words, target);
      target += getBlockBytes();
    }
  }
}

void Encoding::unpack(ArrayRef<uint8_t> packed, int64_t rows, int64_t columns,
                      MutableArrayRef<uint8_t> codes) const {
  llvm::fill(codes, 0);
  int64_t blockRows = getBlockRows(), blocks = getBlockCount(columns);
  int64_t bundles = getBundleCount();
  uint64_t words[mostWords];
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t inBlock = row % blockRows;
      int64_t bundle =
          (row / blockRows * blocks + block) * bundles + inBlock % bundles;
      unpackBundle(&packed[bundle * getBundleBytes()], words);
      const uint64_t *rowWords = words + inBlock / bundles * getRowWords();
      int64_t first = block * getBlockColumns();
      int64_t last = std::min(first + getBlockColumns(), columns);
      for (int64_t column = first; column < last; column += wordCodes)
        writeWord(codes, row * columns + column,
                  std::min(wordCodes, last - column),
                  rowWords[(column - first) / wordCodes]);
    }
}

ArrayRef<const Encoding *> hgf::getEncodings() {
  static const Planes2 planes2;
  static const RowPlanes2 rowPlanes2;
  static const Trits3In5 trits3In5;
  static const TritPlanes tritPlanes;
  static const Encoding *const encodings[] = {&planes2, &rowPlanes2, &trits3In5,
                                              &tritPlanes};
  return encodings;
}

std::string hgf::listEncodings() {
  std::string names;
  for (const Encoding *encoding : getEncodings())
    names += (", " + encoding->getName()).str();
  return names;
}

const Encoding *hgf::findEncoding(StringRef name) {
  for (const Encoding *encoding : getEncodings())
    if (encoding->getName() == name)
      return encoding;
  return nullptr;
}
