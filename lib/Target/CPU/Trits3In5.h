//===- Trits3In5.h - Three ternary codes in five bits -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_TARGET_CPU_TRITS3IN5_H
#define HGF_LIB_TARGET_CPU_TRITS3IN5_H

#include "hgf/Target/CPU/Encoding.h"

namespace hgf {

/// 5/3 bits per weight: a row's 40 bytes are 64 values of five bits, least
/// significant first. Value j is c0 + 3 c1 + 9 c2, the codes of the columns j,
/// 64 + j and 128 + j. Unpacking needs shuffles of single bytes by 64-byte
/// tables, which AVX-512 VBMI has; elsewhere it is right but slow.
class Trits3In5 : public Encoding {
public:
  llvm::StringRef getName() const override { return "trits3in5"; }
  int64_t getBlockRows() const override { return 8; }
  int64_t getBlockColumns() const override { return tritCount * valueCount; }
  int64_t getBundleBytes() const override { return valueCount * valueBits / 8; }
  llvm::StringRef getFeatures() const override { return "avx512vbmi"; }
  bool isFor(llvm::Triple::ArchType architecture) const override {
    return architecture == llvm::Triple::x86_64;
  }
  double getCycles(const InstructionLevel &level,
                   KernelWork work) const override;
  bool holdsFourLevels() const override { return false; }
  int64_t getAlignment(int64_t vectorBytes) const override;
  int64_t getOverreadBytes() const override {
    return valueCount - getBundleBytes();
  }
  bool keepsGroups(int64_t group, int64_t vectorBytes) const override;
  int64_t getPartCount(int64_t vectorBytes) const override {
    return valueCount / vectorBytes;
  }
  void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                  int64_t vectorBytes, int64_t part, LoadBytes load,
                  UseCodes use) const override;

protected:
  void packBundle(const uint64_t *words, uint8_t *packed) const override;
  void unpackBundle(const uint8_t *packed, uint64_t *words) const override;

private:
  static constexpr int64_t tritCount = 3;
  static constexpr int64_t valueCount = 64;
  static constexpr int64_t valueBits = 5;
};

} // namespace hgf

#endif // HGF_LIB_TARGET_CPU_TRITS3IN5_H
