//===- Encoding.h - How weights lie in memory -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_CPU_ENCODING_H
#define HGF_TARGET_CPU_ENCODING_H

#include "mlir/IR/Builders.h"

namespace hgf {

struct InstructionLevel;

/// What a kernel does with unpacked codes, as far as its cost depends on it.
enum class KernelWork { Int8, Int8Groups, Float };

/// A layout of codes (w + 1) in memory. The matrix is one stream of blocks of
/// `blockRows` rows; inside it, for each block of `blockColumns` columns, each
/// row has `rowBytes` bytes. Rows and columns that the matrix lacks hold code 1
/// (weight 0).
///
/// An encoding is one file beside Planes2.cpp and one entry of getEncodings().
class Encoding {
public:
  virtual ~Encoding() = default;

  virtual llvm::StringRef getName() const = 0;
  virtual int64_t getBlockRows() const = 0;
  virtual int64_t getBlockColumns() const = 0;
  /// Bytes of one row in one block of columns.
  virtual int64_t getRowBytes() const = 0;

  /// LLVM features, separated by commas, that a level must have to unpack it at
  /// the speed that getCycles() promises.
  virtual llvm::StringRef getFeatures() const = 0;
  /// Cycles of one core to unpack 256 weights and multiply them with one token,
  /// everything in a cache; `level` has the encoding's features. Measured where
  /// a machine was at hand, see docs/Encodings.md.
  virtual double getCycles(const InstructionLevel &level,
                           KernelWork work) const = 0;

  /// Whether code 3 can be held, which ternary weights do not have.
  virtual bool holdsFourLevels() const = 0;

  /// Alignment of what emitUnpack() loads for vectors of `vectorBytes` codes.
  virtual int64_t getAlignment(int64_t vectorBytes) const = 0;
  /// Bytes behind the last row that loads of a row may reach; what they hold
  /// does not matter.
  virtual int64_t getOverreadBytes() const = 0;

  /// Whether blocks hold whole groups of `group` columns and every vector that
  /// unpacking yields stays inside one, for vectors of `vectorBytes` codes.
  virtual bool keepsGroups(int64_t group, int64_t vectorBytes) const = 0;

  /// Whether each code that emitUnpack() yields depends only on the byte that
  /// was loaded in the same lane, so that bytes may change places before.
  virtual bool keepsLanes() const { return false; }

  double getBitsPerWeight() const {
    return 8.0 * getRowBytes() / getBlockColumns();
  }
  int64_t getBlockCount(int64_t columns) const {
    return llvm::divideCeil(columns, getBlockColumns());
  }
  int64_t getRowBlockCount(int64_t rows) const {
    return llvm::divideCeil(rows, getBlockRows());
  }
  /// Bytes from one block of rows to the next.
  int64_t getRowBlockBytes(int64_t columns) const {
    return getBlockCount(columns) * getBlockRows() * getRowBytes();
  }
  int64_t getByteCount(int64_t rows, int64_t columns) const {
    return getRowBlockCount(rows) * getRowBlockBytes(columns);
  }

  /// Packs `codes` (two bits each, least significant first, rows one after
  /// another without padding) into `packed`, which has getByteCount() bytes.
  void pack(llvm::ArrayRef<uint8_t> codes, int64_t rows, int64_t columns,
            llvm::MutableArrayRef<uint8_t> packed) const {
    packRowBlocks(codes, rows, columns, 0, getRowBlockCount(rows), packed);
  }

  /// Packs the row blocks [begin, end) alone, to their place in `packed`:
  /// threads may pack parts of one matrix.
  void packRowBlocks(llvm::ArrayRef<uint8_t> codes, int64_t rows,
                     int64_t columns, int64_t begin, int64_t end,
                     llvm::MutableArrayRef<uint8_t> packed) const;

  /// The inverse of pack().
  void unpack(llvm::ArrayRef<uint8_t> packed, int64_t rows, int64_t columns,
              llvm::MutableArrayRef<uint8_t> codes) const;

  /// Gives the bytes at an offset into a row of a block as vector<Vxi8>.
  using LoadBytes = llvm::function_ref<mlir::Value(int64_t offset)>;
  /// Receives codes as vector<Vxi8> and the first of their V consecutive
  /// columns inside the block.
  using UseCodes = llvm::function_ref<void(mlir::Value codes, int64_t column)>;

  /// How many parts emitUnpack() cuts one row of one block into, for vectors of
  /// `vectorBytes` codes.
  virtual int64_t getPartCount(int64_t vectorBytes) const = 0;

  /// Emits IR that unpacks one part of one row of one block in vectors of
  /// `vectorBytes` codes. Rows unpack to the same columns in the same order, so
  /// that kernels which go through all rows part by part hold few activations.
  virtual void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                          int64_t vectorBytes, int64_t part, LoadBytes load,
                          UseCodes use) const = 0;

protected:
  /// Codes of one row of one block as they come: 32 to a word, least
  /// significant first.
  static constexpr int64_t wordCodes = 32;

  /// Packs one row of one block, whose codes are getBlockColumns() / wordCodes
  /// words, into getRowBytes() bytes.
  virtual void packRow(const uint64_t *words, uint8_t *packed) const = 0;
  virtual void unpackRow(const uint8_t *packed, uint64_t *words) const = 0;
};

/// Every encoding. The first suits every layer and level.
llvm::ArrayRef<const Encoding *> getEncodings();

/// Their names, each with a comma and a space before it.
std::string listEncodings();

/// The encoding called `name` or null.
const Encoding *findEncoding(llvm::StringRef name);

} // namespace hgf

#endif // HGF_TARGET_CPU_ENCODING_H
