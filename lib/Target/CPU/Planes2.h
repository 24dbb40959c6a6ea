//===- Planes2.h - Two-bit planes -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_TARGET_CPU_PLANES2_H
#define HGF_LIB_TARGET_CPU_PLANES2_H

#include "hgf/Target/CPU/Encoding.h"

namespace hgf {

/// Two bits per weight: byte j of a row's 64 bytes holds the columns j, 64 + j,
/// 128 + j and 192 + j in its bits 0-1, 2-3, 4-5 and 6-7. Vectors of 8 to 64
/// bytes read it alike.
class Planes2 : public Encoding {
public:
  llvm::StringRef getName() const override { return "planes2"; }
  int64_t getBlockRows() const override { return 8; }
  int64_t getBlockColumns() const override { return 256; }
  int64_t getBundleBytes() const override { return planeColumns; }
  llvm::StringRef getFeatures() const override { return ""; }
  double getCycles(const InstructionLevel &level,
                   KernelWork work) const override;
  bool holdsFourLevels() const override { return true; }
  int64_t getAlignment(int64_t vectorBytes) const override {
    return vectorBytes;
  }
  int64_t getOverreadBytes() const override { return 0; }
  bool keepsGroups(int64_t group, int64_t vectorBytes) const override;
  bool keepsLanes() const override { return true; }
  int64_t getPartCount(int64_t vectorBytes) const override {
    return planeColumns / vectorBytes;
  }
  void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                  int64_t vectorBytes, int64_t part, LoadBytes load,
                  UseCodes use) const override;

protected:
  void packBundle(const uint64_t *words, uint8_t *packed) const override;
  void unpackBundle(const uint8_t *packed, uint64_t *words) const override;

private:
  static constexpr int64_t planeCount = 4;
  static constexpr int64_t planeColumns = 64;
};

} // namespace hgf

#endif // HGF_LIB_TARGET_CPU_PLANES2_H
