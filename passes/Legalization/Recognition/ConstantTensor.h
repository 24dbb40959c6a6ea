//===- ConstantTensor.h - Constants of the graph -*- C++ -* --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTTENSOR_H
#define HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTTENSOR_H

#include "hgf/Analysis/Constants.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/IR/Builders.h"

namespace hgf {

/// The elements of a constant of the graph, read from the bytes of the model
/// file as they are asked for.
class ConstantTensor {
public:
  /// The constant that `value` is, through operators that change neither shape
  /// nor elements; std::nullopt where it is none, or of bools.
  static std::optional<ConstantTensor> get(mlir::Value value);

  llvm::ArrayRef<int64_t> shape() const { return reader.getShape(); }
  int64_t rank() const { return shape().size(); }
  int64_t size() const { return reader.getElementCount(); }
  mlir::Type elementType() const { return reader.getElementType(); }
  bool isFloat() const { return reader.isFloat(); }
  /// Element `index` in row-major order.
  double operator[](int64_t index) const { return reader.at<double>(index); }
  std::vector<float> floats() const;
  /// The same into `elements`, of which there must be size().
  void copyTo(llvm::MutableArrayRef<float> elements) const;
  /// The elements where they lie, if these are aligned float32.
  std::optional<llvm::ArrayRef<float>> viewFloats() const;

private:
  explicit ConstantTensor(ConstantReader reader) : reader(reader) {}

  ConstantReader reader;
};

/// The value of a constant with one element.
std::optional<double> getScalarConstant(mlir::Value value);

/// An elements attribute of `shape` over `bytes` in the layout of
/// `elementType`. Large ones live in a resource and are not uniqued.
mlir::ElementsAttr makeElements(llvm::ArrayRef<int64_t> shape,
                                mlir::Type elementType,
                                llvm::ArrayRef<char> bytes,
                                llvm::StringRef name);

/// An `onnx.constant` of float32.
mlir::Value makeFloatConstant(mlir::OpBuilder &builder, mlir::Location location,
                              llvm::ArrayRef<int64_t> shape,
                              llvm::ArrayRef<float> values,
                              llvm::StringRef name);

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RECOGNITION_CONSTANTTENSOR_H
