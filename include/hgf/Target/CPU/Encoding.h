//===- Encoding.h - How weights lie in memory -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TARGET_CPU_ENCODING_H
#define HGF_TARGET_CPU_ENCODING_H

#include "mlir/IR/Builders.h"
#include "llvm/TargetParser/Triple.h"

namespace hgf {

struct InstructionLevel;

/// What a kernel does with unpacked codes, as far as its cost depends on it.
enum class KernelWork { Int8, Int8Groups, Float };

/// A layout of codes (w + 1) in memory. The matrix is one stream of blocks of
/// `blockRows` rows; inside it, for each block of `blockColumns` columns, each
/// bundle of rows has `bundleBytes` bytes. A bundle is the rows that share
/// bytes, mostly a single one: of the B bundles of a block, bundle b has the
/// rows b, B + b, 2B + b and so on. Rows and columns that the matrix lacks hold
/// code 1 (weight 0).
///
/// An encoding is one file beside Planes2.cpp and one entry of getEncodings().
class Encoding {
public:
  virtual ~Encoding() = default;

  virtual llvm::StringRef getName() const = 0;
  virtual int64_t getBlockRows() const = 0;
  virtual int64_t getBlockColumns() const = 0;
  /// Rows that share bytes.
  virtual int64_t getBundleRows() const { return 1; }
  /// Bytes of one bundle of rows in one block of columns.
  virtual int64_t getBundleBytes() const = 0;

  /// LLVM features, separated by commas, that a level must have to unpack it at
  /// the speed that getCycles() promises.
  virtual llvm::StringRef getFeatures() const = 0;
  /// Whether levels of `architecture` may have these features.
  virtual bool isFor(llvm::Triple::ArchType architecture) const { return true; }
  /// Cycles of one core to unpack 256 weights and multiply them with one token,
  /// everything in a cache; `level` has the encoding's features. Measured where
  /// a machine was at hand; on AArch64 what llvm-mca says of the kernels for a
  /// processor of each level. See docs/Encodings.md.
  virtual double getCycles(const InstructionLevel &level,
                           KernelWork work) const = 0;

  /// Whether code 3 can be held, which ternary weights do not have.
  virtual bool holdsFourLevels() const = 0;
  /// Whether kernels for float activations can unpack it.
  virtual bool suitsFloat() const { return true; }
  /// Columns up to which int32 holds what kernels compute with it.
  virtual int64_t getMostColumns() const {
    return std::numeric_limits<int32_t>::max();
  }

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
    return 8.0 * getBundleBytes() / (getBlockColumns() * getBundleRows());
  }
  /// Bundles of a block of rows.
  int64_t getBundleCount() const { return getBlockRows() / getBundleRows(); }
  /// Bytes of a block of rows in one block of columns.
  int64_t getBlockBytes() const { return getBundleCount() * getBundleBytes(); }
  int64_t getBlockCount(int64_t columns) const {
    return llvm::divideCeil(columns, getBlockColumns());
  }
  int64_t getRowBlockCount(int64_t rows) const {
    return llvm::divideCeil(rows, getBlockRows());
  }
  /// Bytes from one block of rows to the next.
  int64_t getRowBlockBytes(int64_t columns) const {
    return getBlockCount(columns) * getBlockBytes();
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

  /// Gives the bytes at an offset into a bundle of a block as vector<Vxi8>.
  using LoadBytes = llvm::function_ref<mlir::Value(int64_t offset)>;
  /// Codes of V consecutive columns of one row, as vector<Vxi8>.
  struct Codes {
    mlir::Value codes;
    /// The row's place in its bundle.
    int64_t row;
    /// The first column inside the block.
    int64_t column;
    /// Bytes below 0 occur, or above 127 if they were read without a sign.
    bool isSigned = false;
  };
  using UseCodes = llvm::function_ref<void(const Codes &)>;

  /// How many parts emitUnpack() cuts one bundle of one block into, for vectors
  /// of `vectorBytes` codes.
  virtual int64_t getPartCount(int64_t vectorBytes) const = 0;

  /// Emits IR that unpacks one part of one bundle of one block in vectors of
  /// `vectorBytes` codes. Bundles unpack to the same rows and columns in the
  /// same order, so that kernels which go through all bundles part by part hold
  /// few activations.
  virtual void emitUnpack(mlir::OpBuilder &builder, mlir::Location location,
                          int64_t vectorBytes, int64_t part, LoadBytes load,
                          UseCodes use) const = 0;

  /// What emitMixed() may give.
  enum class Mix {
    /// Sums of the codes of several rows, whose dot products int32 holds.
    Rows,
    /// Codes of one row, up to `mixedFactor` times as large.
    Multiples
  };
  static constexpr int64_t mixedFactor = 4;

  /// Whether emitMixed() may be called instead.
  virtual bool canMix() const { return false; }

  /// Like emitUnpack(), for less.
  virtual void emitMixed(mlir::OpBuilder &builder, mlir::Location location,
                         int64_t vectorBytes, int64_t part, Mix mix,
                         LoadBytes load, UseCodes use) const {
    emitUnpack(builder, location, vectorBytes, part, load, use);
  }

  /// From the dot products of what emitMixed() gave for the rows of a block, as
  /// vector<Rxi32>, to those of their codes. `sum` is that of the activations,
  /// in every lane.
  virtual mlir::Value emitSeparate(mlir::OpBuilder &builder,
                                   mlir::Location location, Mix mix,
                                   mlir::Value dots, mlir::Value sum) const {
    return dots;
  }

protected:
  /// Codes of one row of one block as they come: 32 to a word, least
  /// significant first.
  static constexpr int64_t wordCodes = 32;
  int64_t getRowWords() const { return getBlockColumns() / wordCodes; }

  /// Packs one bundle of one block, whose codes are getRowWords() words for
  /// each row, into getBundleBytes() bytes.
  virtual void packBundle(const uint64_t *words, uint8_t *packed) const = 0;
  virtual void unpackBundle(const uint8_t *packed, uint64_t *words) const = 0;
};

/// Every encoding. The first suits every layer and level.
llvm::ArrayRef<const Encoding *> getEncodings();

/// Their names, each with a comma and a space before it.
std::string listEncodings();

/// The encoding called `name` or null.
const Encoding *findEncoding(llvm::StringRef name);

} // namespace hgf

#endif // HGF_TARGET_CPU_ENCODING_H
