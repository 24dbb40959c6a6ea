//===- Constants.h - Reading constants of any storage -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_ANALYSIS_CONSTANTS_H
#define HGF_ANALYSIS_CONSTANTS_H

#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include <optional>
#include <type_traits>

namespace hgf {

/// Typed access to a constant without a copy, however it is stored: inline or
/// as a resource, unaligned, packed to two or four bits, a splat, or bool.
/// Valid as long as the attribute it reads.
///
/// ```c++
/// if (std::optional<ConstantReader> weight = ConstantReader::get(value))
///   for (int64_t i = 0; i < weight->getElementCount(); ++i)
///     sum += weight->at<float>(i);
/// ```
class ConstantReader {
public:
  /// Of an `onnx.constant` or any other constant operation with a ranked tensor
  /// of integers, bools or floats as its value. Empty for everything else.
  static std::optional<ConstantReader> get(mlir::Value value);

  /// Of `value`, which stands for a tensor of `type`: either its own type, or
  /// that of a packed constant as `onnx.constant` describes it.
  static std::optional<ConstantReader> get(mlir::ElementsAttr value,
                                           mlir::RankedTensorType type);

  mlir::RankedTensorType getType() const { return type; }
  mlir::Type getElementType() const { return type.getElementType(); }
  llvm::ArrayRef<int64_t> getShape() const { return type.getShape(); }
  int64_t getElementCount() const { return type.getNumElements(); }
  /// True if the storage says so; equal elements alone do not make a splat.
  bool isSplat() const { return period == 1; }
  bool isFloat() const { return kind != Kind::Integer; }

  /// The element at `index` of the row-major order, converted as a C++ cast
  /// does. 64-bit integers keep all bits if T is an integer.
  template <typename T> T at(int64_t index) const {
    if (std::is_integral_v<T> && !isFloat())
      return static_cast<T>(getInteger(index));
    return static_cast<T>(getFloat(index));
  }

  /// All elements, in row-major order, appended to `elements`.
  template <typename T> void copyTo(llvm::SmallVectorImpl<T> &elements) const {
    int64_t count = getElementCount();
    elements.reserve(elements.size() + count);
    for (int64_t index = 0; index < count; ++index)
      elements.push_back(at<T>(index));
  }

  /// The element at `index` as it is stored, zero-extended.
  uint64_t getBits(int64_t index) const;

  /// The stored bytes: one element if `isSplat()`, one byte if all bytes of a
  /// packed constant are equal, and packed, LSB first, if
  /// `getStoredBits()` is less than 8. May be unaligned.
  llvm::ArrayRef<char> getBytes() const { return bytes; }
  unsigned getStoredBits() const { return storedBits; }

private:
  ConstantReader(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                 unsigned storedBits, int64_t period);

  int64_t getInteger(int64_t index) const;
  double getFloat(int64_t index) const;

  mlir::RankedTensorType type;
  llvm::ArrayRef<char> bytes;
  unsigned storedBits;
  unsigned elementBits;
  /// The elements repeat after this many; 0 means that all are stored.
  int64_t period;
  bool isUnsigned;
  enum class Kind { Integer, F16, BF16, F32, F64, OtherFloat } kind;
};

/// Number of bits that one element takes in a stored constant: 8 for bool, 2
/// and 4 for the packed types, 0 for types no constant may have.
unsigned getStoredElementBits(mlir::Type elementType);

/// True if `onnx.constant` holds elements of this type packed, as
/// `tensor<Bxi8>`.
bool isPackedElementType(mlir::Type elementType);

} // namespace hgf

#endif // HGF_ANALYSIS_CONSTANTS_H
