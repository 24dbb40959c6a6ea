//===- ConstantFold.h - What the folders share ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_ANALYSIS_CONSTANTFOLD_H
#define HGF_LIB_ANALYSIS_CONSTANTFOLD_H

#include "hgf/Analysis/ConstantFolding.h"

namespace hgf {

using FoldResult = std::optional<llvm::SmallVector<FoldedConstant, 1>>;
using Shape = llvm::SmallVector<int64_t, 6>;

/// One node that is evaluated.
struct FoldRequest {
  mutable NodeOp node;
  /// Empty where the node omits the input.
  llvm::SmallVector<std::optional<ConstantReader>, 4> inputs;
  int64_t limit;

  bool has(size_t index) const {
    return index < inputs.size() && inputs[index].has_value();
  }
  const ConstantReader &operator[](size_t index) const {
    return *inputs[index];
  }
  mlir::Attribute getAttribute(llvm::StringRef name) const {
    return node.getNodeAttributesAttr().get(name);
  }
  int64_t getInteger(llvm::StringRef name, int64_t otherwise) const;
  llvm::StringRef getString(llvm::StringRef name,
                            llvm::StringRef otherwise) const;
  /// The list of integers that stands in input `index`, or before it became an
  /// input, in attribute `name`. Empty if neither is given.
  std::optional<Shape> getIntegers(llvm::StringRef name, size_t index) const;
  std::optional<ConstantBuilder> build(llvm::ArrayRef<int64_t> shape,
                                       mlir::Type elementType) const {
    return ConstantBuilder::create(shape, elementType, limit);
  }
};

/// A folder for each group of operators: empty if `operatorType` is not its
/// own, or cannot be folded.
FoldResult foldElementwise(const FoldRequest &request, llvm::StringRef type);
FoldResult foldReduction(const FoldRequest &request, llvm::StringRef type);
FoldResult foldLayout(const FoldRequest &request, llvm::StringRef type);
FoldResult foldIndexing(const FoldRequest &request, llvm::StringRef type);
FoldResult foldCreation(const FoldRequest &request, llvm::StringRef type);
FoldResult foldQuantization(const FoldRequest &request, llvm::StringRef type);

/// `axis` counted from the front, or empty if it is outside of `rank`.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// The element type that TensorProto.DataType `dataType` names; null if none
/// that is folded.
mlir::Type getFoldedElementType(mlir::MLIRContext *context, int64_t dataType);

/// ONNX's multidirectional broadcast; empty if the shapes do not agree.
std::optional<Shape>
broadcastShapes(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes);

/// Row-major strides of `shape`.
Shape getStrides(llvm::ArrayRef<int64_t> shape);

/// Strides that read a tensor of shape `from` as if broadcast to `to`.
Shape getBroadcastStrides(llvm::ArrayRef<int64_t> from,
                          llvm::ArrayRef<int64_t> to);

/// Calls `body(index, offsets)` for every element of `shape` in row-major
/// order; `offsets[i]` is the element's position under `strides[i]`.
template <typename Body>
void forEachElement(llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<Shape> strides, Body body) {
  int64_t count = 1;
  for (int64_t length : shape)
    count *= length;
  Shape position(shape.size(), 0);
  Shape offsets(strides.size(), 0);
  for (int64_t index = 0; index < count; ++index) {
    body(index, offsets.data());
    for (size_t dim = shape.size(); dim-- > 0;) {
      for (size_t operand = 0; operand < strides.size(); ++operand)
        offsets[operand] += strides[operand][dim];
      if (++position[dim] < shape[dim])
        break;
      for (size_t operand = 0; operand < strides.size(); ++operand)
        offsets[operand] -= strides[operand][dim] * shape[dim];
      position[dim] = 0;
    }
  }
}

inline FoldResult finish(ConstantBuilder &builder) {
  llvm::SmallVector<FoldedConstant, 1> results;
  results.push_back(builder.finish());
  return results;
}

} // namespace hgf

#endif // HGF_LIB_ANALYSIS_CONSTANTFOLD_H
