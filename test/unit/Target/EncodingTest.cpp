//===- EncodingTest.cpp - Packing and unpacking weights -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/Encoding.h"

#include <gtest/gtest.h>
#include <random>

using namespace hgf;

static std::vector<uint8_t> makeCodes(int64_t rows, int64_t columns) {
  std::mt19937 random(rows * 10007 + columns);
  std::vector<uint8_t> codes((rows * columns + 3) / 4);
  for (int64_t position = 0; position < rows * columns; ++position)
    codes[position / 4] |= random() % 3 << position % 4 * 2;
  return codes;
}

TEST(Encoding, UnpackIsTheInverseOfPack) {
  for (const Encoding *encoding : getEncodings())
    for (int64_t rows : {1, 3, 8, 17, 640})
      for (int64_t columns :
           {1, 3, 31, 33, 63, 100, 191, 193, 256, 257, 344, 3200, 8640}) {
        std::vector<uint8_t> codes = makeCodes(rows, columns);
        std::vector<uint8_t> packed(encoding->getByteCount(rows, columns));
        encoding->pack(codes, rows, columns, packed);
        std::vector<uint8_t> unpacked(codes.size());
        encoding->unpack(packed, rows, columns, unpacked);
        EXPECT_EQ(codes, unpacked)
            << encoding->getName().str() << " " << rows << " by " << columns;
      }
}

TEST(Encoding, AWholeBlockTakesItsBits) {
  for (const Encoding *encoding : getEncodings())
    EXPECT_EQ(encoding->getByteCount(encoding->getBlockRows(),
                                     4 * encoding->getBlockColumns()) *
                  8,
              encoding->getBitsPerWeight() * encoding->getBlockRows() * 4 *
                  encoding->getBlockColumns());
}

TEST(Encoding, Planes2InterleavesEightRows) {
  const Encoding *encoding = findEncoding("planes2");
  ASSERT_NE(encoding, nullptr);
  // One row of 256 columns: weight 1 in column 0, weight -1 in column 65.
  std::vector<uint8_t> codes(64, 0x55);
  codes[0] = 0x56;
  codes[65 / 4] = 0x51;
  std::vector<uint8_t> packed(encoding->getByteCount(1, 256));
  ASSERT_EQ(packed.size(), 512u);
  encoding->pack(codes, 1, 256, packed);
  EXPECT_EQ(packed[0], 0x56);
  EXPECT_EQ(packed[1], 0x51);
  // Rows that do not exist are zero weights.
  for (size_t byte = 2; byte < packed.size(); ++byte)
    EXPECT_EQ(packed[byte], 0x55) << byte;
}

TEST(Encoding, RowPlanes2HoldsFourRowsInAByte) {
  const Encoding *encoding = findEncoding("rowplanes2");
  ASSERT_NE(encoding, nullptr);
  // Eight rows of 64 columns: weight 1 in column 0 of the rows 2 and 7.
  std::vector<uint8_t> codes(8 * 16, 0x55);
  codes[2 * 16] = 0x56;
  codes[7 * 16] = 0x56;
  std::vector<uint8_t> packed(encoding->getByteCount(8, 64));
  ASSERT_EQ(packed.size(), 128u);
  encoding->pack(codes, 8, 64, packed);
  // The even rows, then the odd ones; bit 7 is inverted.
  EXPECT_EQ(packed[0] ^ 0x80, 0x59);
  EXPECT_EQ(packed[64] ^ 0x80, 0x95);
  for (size_t byte : {1, 63, 65, 127})
    EXPECT_EQ(packed[byte] ^ 0x80, 0x55) << byte;
}

TEST(Encoding, WhatTheMatrixLacksIsZeroWeights) {
  for (const Encoding *encoding : getEncodings())
    for (int64_t rows : {1, 9})
      for (int64_t columns : {1, 37, 255, 385}) {
        std::vector<uint8_t> codes = makeCodes(rows, columns);
        std::vector<uint8_t> packed(encoding->getByteCount(rows, columns));
        encoding->pack(codes, rows, columns, packed);
        // The same bytes, read as the matrix of whole blocks.
        int64_t allRows =
            encoding->getRowBlockCount(rows) * encoding->getBlockRows();
        int64_t allColumns =
            encoding->getBlockCount(columns) * encoding->getBlockColumns();
        std::vector<uint8_t> all(allRows * allColumns / 4);
        encoding->unpack(packed, allRows, allColumns, all);
        auto read = [](const std::vector<uint8_t> &from, int64_t position) {
          return from[position / 4] >> position % 4 * 2 & 3;
        };
        for (int64_t row = 0; row < allRows; ++row)
          for (int64_t column = 0; column < allColumns; ++column)
            ASSERT_EQ(read(all, row * allColumns + column),
                      row < rows && column < columns
                          ? read(codes, row * columns + column)
                          : 1)
                << encoding->getName().str() << " row " << row << " column "
                << column;
      }
}

TEST(Encoding, PartsOfAMatrixPackAlone) {
  for (const Encoding *encoding : getEncodings()) {
    int64_t rows = 43, columns = 333;
    std::vector<uint8_t> codes = makeCodes(rows, columns);
    std::vector<uint8_t> whole(encoding->getByteCount(rows, columns));
    std::vector<uint8_t> parts(whole.size());
    encoding->pack(codes, rows, columns, whole);
    for (int64_t block = 0; block < encoding->getRowBlockCount(rows); ++block)
      encoding->packRowBlocks(codes, rows, columns, block, block + 1, parts);
    EXPECT_EQ(whole, parts) << encoding->getName().str();
  }
}

TEST(Encoding, Trits3In5HoldsThreeColumnsInFiveBits) {
  const Encoding *encoding = findEncoding("trits3in5");
  ASSERT_NE(encoding, nullptr);
  // One row of 192 columns: weight 1 in the columns 1 and 66, -1 in 128.
  std::vector<uint8_t> codes(48, 0x55);
  codes[0] = 0x59;
  codes[66 / 4] = 0x65;
  codes[128 / 4] = 0x54;
  std::vector<uint8_t> packed(encoding->getByteCount(1, 192));
  ASSERT_EQ(packed.size(), 320u);
  encoding->pack(codes, 1, 192, packed);
  int64_t bits = 0;
  for (int64_t byte = 0; byte < 5; ++byte)
    bits |= int64_t(packed[byte]) << 8 * byte;
  // 13 is three zero weights.
  EXPECT_EQ(bits & 31, 13 - 9);
  EXPECT_EQ(bits >> 5 & 31, 13 + 1);
  EXPECT_EQ(bits >> 10 & 31, 13 + 3);
  EXPECT_EQ(bits >> 15 & 31, 13);
}

TEST(Encoding, GroupsThatABlockDoesNotHoldAreRefused) {
  const Encoding *planes = findEncoding("planes2");
  const Encoding *trits = findEncoding("trits3in5");
  for (int64_t group : {64, 128, 256})
    EXPECT_TRUE(planes->keepsGroups(group, 64)) << group;
  EXPECT_TRUE(planes->keepsGroups(32, 32));
  EXPECT_TRUE(trits->keepsGroups(64, 64));
  for (int64_t group : {32, 128, 256})
    EXPECT_FALSE(trits->keepsGroups(group, 64)) << group;
}

TEST(Encoding, UnknownNamesAreNull) {
  EXPECT_EQ(findEncoding("none"), nullptr);
}
