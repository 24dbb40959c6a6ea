//===- RowPlanes2.h - Two-bit planes of rows -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_TARGET_CPU_ROWPLANES2_H
#define HGF_LIB_TARGET_CPU_ROWPLANES2_H

#include "hgf/Target/CPU/Encoding.h"

namespace hgf {

/// Two bits per weight: a byte holds one column of four rows, in its bits 0-1,
/// 2-3, 4-5 and 6-7, and bit 7 is inverted. Of eight rows, the first bundle has
/// the even ones. Vectors of 8 to 64 bytes read it alike.
///
/// Four rows meet the same activations, so that bytes need not be taken apart
/// before they are multiplied: with the dot products d0 to d3 of the rows, that
/// of the bytes is d0 + 4 d1 + 16 d2 + 64 d3, that of the bytes without their
/// two highest bits d0 + 4 d1 + 16 d2, and so on. Three masks do for four
/// vectors of codes, where taking them apart needs three masks and three
/// shifts. With bit 7 inverted the byte, read with a sign, is what it was less
/// 128.
///
/// Where int16 cannot hold such sums, the second row's codes are multiplied as
/// they stand, four times as large, and the fourth's come by one shift with the
/// sign, less two.
class RowPlanes2 : public Encoding {
public:
  llvm::StringRef getName() const override { return "rowplanes2"; }
  int64_t getBlockRows() const override { return 8; }
  int64_t getBlockColumns() const override { return blockColumns; }
  int64_t getBundleRows() const override { return planeCount; }
  int64_t getBundleBytes() const override { return blockColumns; }
  /// For signed dot products; on x86 nobody has measured it.
  llvm::StringRef getFeatures() const override { return "neon"; }
  bool isFor(llvm::Triple::ArchType architecture) const override {
    return architecture == llvm::Triple::aarch64;
  }
  double getCycles(const InstructionLevel &level,
                   KernelWork work) const override;
  bool holdsFourLevels() const override { return true; }
  bool suitsFloat() const override { return false; }
  /// 64 * 3 * 128 for each column.
  int64_t getMostColumns() const override { return 65536; }
  int64_t getAlignment(int64_t vectorBytes) const override {
    return vectorBytes;
  }
  int64_t getOverreadBytes() const override { return 0; }
  /// The sums of several rows share one scale.
  bool keepsGroups(int64_t, int64_t) const override { return false; }
  bool keepsLanes() const override { return true; }
  int64_t getPartCount(int64_t vectorBytes) const override {
    return blockColumns / vectorBytes;
  }
  void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                  int64_t vectorBytes, int64_t part, LoadBytes load,
                  UseCodes use) const override;
  bool canMix() const override { return true; }
  void emitMixed(mlir::OpBuilder &builder, mlir::Location location,
                 int64_t vectorBytes, int64_t part, Mix mix, LoadBytes load,
                 UseCodes use) const override;
  mlir::Value emitSeparate(mlir::OpBuilder &builder, mlir::Location location,
                           Mix mix, mlir::Value dots,
                           mlir::Value sum) const override;

protected:
  void packBundle(const uint64_t *words, uint8_t *packed) const override;
  void unpackBundle(const uint8_t *packed, uint64_t *words) const override;

private:
  static constexpr int64_t planeCount = 4;
  /// A line of a cache for each bundle.
  static constexpr int64_t blockColumns = 64;
};

} // namespace hgf

#endif // HGF_LIB_TARGET_CPU_ROWPLANES2_H
