//===- ConstantMatrix.cpp - Matrices that constants make ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantMatrix.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace hgf;

MutableArrayRef<float> ConstantMatrix::edit() {
  if (!storage || storage.use_count() > 1) {
    storage = values.empty()
                  ? std::make_shared<std::vector<float>>(rows * columns)
                  : std::make_shared<std::vector<float>>(values);
    values = *storage;
  }
  return *storage;
}

namespace {

std::optional<ConstantMatrix> evaluateConstant(const ConstantTensor &constant) {
  if (constant.rank() != 2)
    return std::nullopt;
  ConstantMatrix matrix(constant.shape()[0], constant.shape()[1]);
  if (std::optional<ArrayRef<float>> view = constant.viewFloats())
    matrix.refer(*view);
  else
    constant.copyTo(matrix.edit());
  return matrix;
}

/// (q - zero point) * scale, per tensor, per axis or per block of it.
std::optional<ConstantMatrix> evaluateDequantize(NodeOp node) {
  std::optional<ConstantTensor> codes =
      ConstantTensor::get(node.getInputs()[0]);
  Value scaleInput = getInput(node, 1), zeroInput = getInput(node, 2);
  std::optional<ConstantTensor> scale =
      scaleInput ? ConstantTensor::get(scaleInput) : std::nullopt;
  if (!codes || codes->rank() != 2 || !scale || !scale->elementType().isF32())
    return std::nullopt;
  std::optional<ConstantTensor> zero;
  if (zeroInput) {
    zero = ConstantTensor::get(zeroInput);
    if (!zero || zero->size() != scale->size())
      return std::nullopt;
  }
  int64_t axis = getInteger(node, "axis").value_or(1);
  axis = axis < 0 ? axis + 2 : axis;
  int64_t block = getInteger(node, "block_size").value_or(0);
  int64_t rows = codes->shape()[0], columns = codes->shape()[1];
  if (axis != 0 && axis != 1)
    return std::nullopt;
  // Where the scale of (row, column) stands.
  int64_t scaleColumns = 1;
  if (block > 0 && scale->rank() == 2) {
    scaleColumns = scale->shape()[1];
    int64_t expectedRows = axis == 0 ? llvm::divideCeil(rows, block) : rows;
    int64_t expectedColumns =
        axis == 1 ? llvm::divideCeil(columns, block) : columns;
    if (scale->shape()[0] != expectedRows || scaleColumns != expectedColumns)
      return std::nullopt;
  } else if (block > 0 ||
             (scale->size() != 1 && scale->size() != codes->shape()[axis])) {
    return std::nullopt;
  }
  auto position = [&](int64_t row, int64_t column) -> int64_t {
    if (scale->size() == 1)
      return 0;
    if (block == 0)
      return axis == 0 ? row : column;
    return (axis == 0 ? row / block : row) * scaleColumns +
           (axis == 1 ? column / block : column);
  };
  ConstantMatrix matrix(rows, columns);
  MutableArrayRef<float> values = matrix.edit();
  codes->copyTo(values);
  std::vector<float> scales = scale->floats();
  std::vector<float> zeros =
      zero ? zero->floats() : std::vector<float>(scales.size());
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      int64_t at = position(row, column);
      float &value = values[row * columns + column];
      value = (value - zeros[at]) * scales[at];
    }
  return matrix;
}

/// The product or quotient of a matrix with a constant that broadcasts to it.
std::optional<ConstantMatrix> evaluateScaled(Value matrixValue,
                                             Value constantValue, bool divide) {
  std::optional<ConstantTensor> constant = ConstantTensor::get(constantValue);
  if (!constant || constant->rank() > 2)
    return std::nullopt;
  std::optional<ConstantMatrix> matrix = evaluateMatrix(matrixValue);
  if (!matrix)
    return std::nullopt;
  int64_t height = matrix->height(), width = matrix->width();
  int64_t rows = constant->rank() == 2 ? constant->shape()[0] : 1;
  int64_t columns = constant->rank() >= 1 ? constant->shape().back() : 1;
  std::vector<float> factors = constant->floats();
  if ((rows != 1 && rows != height) || (columns != 1 && columns != width))
    return std::nullopt;
  MutableArrayRef<float> values = matrix->edit();
  for (int64_t row = 0; row < matrix->rows; ++row)
    for (int64_t column = 0; column < matrix->columns; ++column) {
      // As the constant is stored.
      int64_t y = matrix->transposed ? column : row;
      int64_t x = matrix->transposed ? row : column;
      float factor =
          factors[(rows == 1 ? 0 : y) * columns + (columns == 1 ? 0 : x)];
      float &value = values[row * matrix->columns + column];
      value = divide ? value / factor : value * factor;
    }
  return matrix;
}

} // namespace

std::optional<ConstantMatrix> hgf::evaluateMatrix(Value value) {
  if (std::optional<ConstantTensor> constant = ConstantTensor::get(value))
    return evaluateConstant(*constant);
  auto node = value.getDefiningOp<NodeOp>();
  if (!node)
    return std::nullopt;
  if (isOperator(node, "Identity"))
    return evaluateMatrix(node.getInputs()[0]);
  if (isOperator(node, "Cast")) {
    // To float32: every narrower type is held exactly.
    constexpr int64_t onnxFloat = 1;
    return getInteger(node, "to") == onnxFloat
               ? evaluateMatrix(node.getInputs()[0])
               : std::nullopt;
  }
  if (isOperator(node, "Transpose")) {
    std::optional<ConstantMatrix> matrix = evaluateMatrix(node.getInputs()[0]);
    auto permutation =
        node.getNodeAttributes().getAs<DenseI64ArrayAttr>("perm");
    bool turns =
        !permutation || permutation.asArrayRef() == ArrayRef<int64_t>{1, 0};
    if (matrix && turns)
      matrix->transposed = !matrix->transposed;
    return matrix;
  }
  if (isOperator(node, "DequantizeLinear"))
    return evaluateDequantize(node);
  if (isOperator(node, "Div"))
    return evaluateScaled(node.getInputs()[0], node.getInputs()[1], true);
  if (isOperator(node, "Mul")) {
    Value first = node.getInputs()[0], second = node.getInputs()[1];
    return ConstantTensor::get(second) ? evaluateScaled(first, second, false)
                                       : evaluateScaled(second, first, false);
  }
  return std::nullopt;
}

bool hgf::isDequantized(Value value) {
  auto node = value.getDefiningOp<NodeOp>();
  if (!node || node.getInputs().empty())
    return false;
  return isOperator(node, "DequantizeLinear") ||
         isDequantized(node.getInputs()[0]);
}

Value hgf::makeFactorConstant(OpBuilder &builder, Location location,
                              const ConstantMatrix &matrix, bool transpose) {
  int64_t height = transpose ? matrix.width() : matrix.height();
  int64_t width = transpose ? matrix.height() : matrix.width();
  std::vector<float> values(height * width);
  for (int64_t row = 0; row < height; ++row)
    for (int64_t column = 0; column < width; ++column)
      values[row * width + column] =
          transpose ? matrix.at(column, row) : matrix.at(row, column);
  std::vector<uint16_t> halves;
  for (float value : values) {
    APFloat half(value);
    bool inexact = false;
    half.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven, &inexact);
    if (inexact)
      return makeFloatConstant(builder, location, {height, width}, values,
                               "factor");
    halves.push_back(uint16_t(half.bitcastToAPInt().getZExtValue()));
  }
  ArrayRef<char> bytes(reinterpret_cast<const char *>(halves.data()),
                       halves.size() * sizeof(uint16_t));
  ElementsAttr elements =
      makeElements({height, width}, builder.getF16Type(), bytes, "factor");
  return ConstantOp::create(builder, location, elements.getType(), elements);
}

std::optional<ConstantMatrix> hgf::evaluateBlockWeight(NodeOp node,
                                                       std::string &why) {
  int64_t inputs = getInteger(node, "K").value_or(0);
  int64_t outputs = getInteger(node, "N").value_or(0);
  int64_t block = getInteger(node, "block_size").value_or(0);
  // Products of two stay far from overflowing.
  constexpr int64_t most = int64_t(1) << 28;
  if (inputs < 1 || outputs < 1 || block < 4 || block % 4 != 0 ||
      std::max({inputs, outputs, block}) > most) {
    why = "K, N or block_size is missing or out of range";
    return std::nullopt;
  }
  int64_t blocks = llvm::divideCeil(inputs, block);
  std::optional<ConstantTensor> codes =
      ConstantTensor::get(node.getInputs()[1]);
  std::optional<ConstantTensor> scales =
      ConstantTensor::get(node.getInputs()[2]);
  if (!codes || !scales || codes->size() != outputs * blocks * block / 4 ||
      scales->size() != outputs * blocks) {
    why = "its codes or scales are no constants of the shape that K, N and "
          "block_size ask for";
    return std::nullopt;
  }
  if (getInput(node, 4)) {
    why = "it has a group index";
    return std::nullopt;
  }
  // Absent: 2. Packed: four per byte, each row padded. Otherwise one each.
  std::optional<ConstantTensor> zeros;
  bool packed = false;
  if (Value input = getInput(node, 3)) {
    zeros = ConstantTensor::get(input);
    packed = zeros && !zeros->isFloat();
    int64_t expected =
        outputs * (packed ? llvm::divideCeil(blocks, 4) : blocks);
    if (!zeros || zeros->size() != expected) {
      why = llvm::formatv("expected {0} zero points", expected).str();
      return std::nullopt;
    }
  }
  auto zeroOf = [&](int64_t row, int64_t at) -> double {
    if (!zeros)
      return 2;
    if (!packed)
      return (*zeros)[row * blocks + at];
    int64_t byte =
        int64_t((*zeros)[row * llvm::divideCeil(blocks, 4) + at / 4]) & 255;
    return (byte >> (at % 4 * 2)) & 3;
  };
  ConstantMatrix matrix(outputs, inputs);
  MutableArrayRef<float> values = matrix.edit();
  for (int64_t row = 0; row < outputs; ++row)
    for (int64_t column = 0; column < inputs; ++column) {
      int64_t at = column / block;
      int64_t position = (row * blocks + at) * block + column % block;
      int64_t byte = int64_t((*codes)[position / 4]) & 255;
      double code = (byte >> (position % 4 * 2)) & 3;
      values[row * inputs + column] =
          float(code - zeroOf(row, at)) * float((*scales)[row * blocks + at]);
    }
  return matrix;
}
