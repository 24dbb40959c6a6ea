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
    for (int64_t rows : {1, 3, 8, 640})
      for (int64_t columns : {1, 3, 100, 256, 344, 3200, 8640}) {
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

TEST(Encoding, UnknownNamesAreNull) {
  EXPECT_EQ(findEncoding("none"), nullptr);
}
