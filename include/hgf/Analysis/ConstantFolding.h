//===- ConstantFolding.h - Evaluating ONNX nodes on constants ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_ANALYSIS_CONSTANTFOLDING_H
#define HGF_ANALYSIS_CONSTANTFOLDING_H

#include "hgf/Analysis/Constants.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"

namespace hgf {

/// A tensor as `onnx.constant` holds it.
struct FoldedConstant {
  mlir::RankedTensorType type;
  mlir::ElementsAttr value;
};

/// Evaluates `node`, of ONNX's own domain, if every input that it has is a
/// constant and it is one of the operators that exporters wrap around weights.
/// Empty if it cannot: another operator, inputs that do not fit, or a result of
/// more than `limit` bytes.
///
/// Arithmetic is exact and rounded once, to nearest even, into the result's
/// type; sums of a reduction are kept in double. Integers wrap around.
std::optional<llvm::SmallVector<FoldedConstant, 1>>
foldConstantNode(NodeOp node, int64_t limit);

/// Holds a constant that is being computed.
class ConstantBuilder {
public:
  /// Zeros. Empty if the tensor would take more than `limit` bytes or its
  /// element type is not an integer, a bool or a float.
  static std::optional<ConstantBuilder>
  create(llvm::ArrayRef<int64_t> shape, mlir::Type elementType, int64_t limit);

  mlir::RankedTensorType getType() const { return type; }
  int64_t getElementCount() const { return type.getNumElements(); }

  /// `bits` as ConstantReader::getBits gives them for the same element type.
  void setBits(int64_t index, uint64_t bits);
  /// Wraps around. For integers and bools.
  void setInteger(int64_t index, int64_t value);
  /// Rounds to nearest even. For floats.
  void setFloat(int64_t index, double value);
  /// Either of the two, by the element type, from an element of another.
  void setConverted(int64_t index, const ConstantReader &source, int64_t from);

  /// The constant, whose bytes are moved out.
  FoldedConstant finish();

private:
  ConstantBuilder(mlir::RankedTensorType type, mlir::AsmResourceBlob blob);

  mlir::RankedTensorType type;
  mlir::AsmResourceBlob blob;
  llvm::MutableArrayRef<char> bytes;
  unsigned storedBits;
};

} // namespace hgf

#endif // HGF_ANALYSIS_CONSTANTFOLDING_H
