//===- TritPlanes.h - Planes of three ternary codes -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_TARGET_CPU_TRITPLANES_H
#define HGF_LIB_TARGET_CPU_TRITPLANES_H

#include "hgf/Target/CPU/Encoding.h"

namespace hgf {

/// 5/3 bits per weight, for tables of 32 bytes: a value of five bits is
/// c0 + 3 c1 + 9 c2, the codes of the columns j, 32 + j and 64 + j. Lane by
/// lane, the bytes of five vectors hold eight values: the five low bits of each
/// are one, and their high bits are three more (makeValue() in the source says
/// which). They are two values of each of four rows.
class TritPlanes : public Encoding {
public:
  llvm::StringRef getName() const override { return "tritplanes"; }
  int64_t getBlockRows() const override { return 8; }
  int64_t getBlockColumns() const override { return tritCount * valueCount; }
  int64_t getBundleRows() const override { return bundleRows; }
  int64_t getBundleBytes() const override { return byteVectors * vectorBytes; }
  llvm::StringRef getFeatures() const override { return "neon"; }
  bool isFor(llvm::Triple::ArchType architecture) const override {
    return architecture == llvm::Triple::aarch64;
  }
  double getCycles(const InstructionLevel &level,
                   KernelWork work) const override;
  bool holdsFourLevels() const override { return false; }
  bool suitsFloat() const override { return false; }
  int64_t getAlignment(int64_t) const override { return vectorBytes; }
  int64_t getOverreadBytes() const override { return 0; }
  /// The rows of a bundle are unpacked together.
  bool keepsGroups(int64_t, int64_t) const override { return false; }
  bool keepsLanes() const override { return true; }
  int64_t getPartCount(int64_t) const override { return rowVectors; }
  void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                  int64_t vectorBytes, int64_t part, LoadBytes load,
                  UseCodes use) const override;

protected:
  void packBundle(const uint64_t *words, uint8_t *packed) const override;
  void unpackBundle(const uint8_t *packed, uint64_t *words) const override;

private:
  static constexpr int64_t vectorBytes = 16;
  /// Vectors that hold two vectors of values of each row.
  static constexpr int64_t byteVectors = 5;
  static constexpr int64_t bundleRows = 4;
  static constexpr int64_t rowVectors = 2;
  static constexpr int64_t tritCount = 3;
  /// Values of a row.
  static constexpr int64_t valueCount = rowVectors * vectorBytes;
};

} // namespace hgf

#endif // HGF_LIB_TARGET_CPU_TRITPLANES_H
