//===- HGF.cpp - Canonical nodes become hgf operations ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The nodes of domain `hgf` that recognition made. A model may hold nodes of
// that domain without a function, so nothing is taken for granted.

#include "LoweringContext.h"
#include "hgf/Analysis/Constants.h"
#include "hgf/Dialect/HGF/HGFDialect.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

namespace {

/// Input `i` as float32.
TensorValue floatInput(NodeLowering &node, unsigned i) {
  return node.cast(node.input(i), node.builder.getF32Type());
}

/// Input `i`'s tensor, or null where it is omitted.
Value optionalTensor(NodeLowering &node, unsigned i) {
  return node.has(i) ? node.tensor(node.input(i)) : Value();
}

/// Fails where the node is none of ours.
LogicalResult expectCanonical(NodeLowering &node, unsigned inputs,
                              ArrayRef<StringRef> attributes = {},
                              std::optional<unsigned> weight = std::nullopt) {
  bool ours = node.inputCount() == inputs &&
              llvm::all_of(attributes, [&](StringRef name) {
                return node.node.getNodeAttributes().get(name);
              });
  for (unsigned i = 0; ours && i < inputs; ++i) {
    bool isWeight = isa<TernaryType>(node.node.getInputs()[i].getType());
    ours = isWeight == (weight == i);
  }
  if (ours)
    return success();
  return node.error() << "operators of domain hgf need a model-local function "
                         "of their name; add it to the model";
}

TernaryType weightType(NodeLowering &node, unsigned i) {
  return cast<TernaryType>(node.node.getInputs()[i].getType());
}

/// `value` with `size` as its last dimension; fails where it has another one.
FailureOr<Value> withLastDimension(NodeLowering &node, TensorValue &value,
                                   int64_t size) {
  if (value.rank() < 1 ||
      !node.index.require(
          node.index.compare(arith::CmpIPredicate::eq, value.dims.back(),
                             node.index.constant(size)),
          "the last dimension is not the layer's number of inputs")) {
    node.error() << "expected a last dimension of " << size;
    return failure();
  }
  Value tensor = node.tensor(value);
  value.dims.back() = node.index.constant(size);
  auto type = cast<RankedTensorType>(tensor.getType());
  RankedTensorType wanted = node.tensorType(value.dims, type.getElementType());
  if (type != wanted)
    tensor = tensor::CastOp::create(node.builder, wanted, tensor);
  return tensor;
}

RankedTensorType floatType(NodeLowering &node, ArrayRef<Index> dims) {
  return node.tensorType(dims, node.builder.getF32Type());
}

Dimensions withLast(NodeLowering &node, ArrayRef<Index> dims, int64_t size) {
  Dimensions result(dims);
  result.back() = node.index.constant(size);
  return result;
}

std::optional<Activation> activationOf(NodeLowering &node, StringRef name) {
  return symbolizeActivation(node.text(name, ""));
}

LogicalResult lowerQuantize(NodeLowering &node) {
  if (failed(expectCanonical(node, 1, {"order"})))
    return failure();
  TensorValue x = floatInput(node, 0);
  std::optional<Quantization> order =
      symbolizeQuantization(node.text("order", ""));
  if (!order || x.rank() < 1)
    return node.error() << "expected an order of rounding and a tensor of one "
                           "dimension or more";
  Dimensions tokens(ArrayRef(x.dims).drop_back());
  Type int8 = node.builder.getI8Type();
  auto quantize =
      QuantizeOp::create(node.builder, node.tensorType(x.dims, int8),
                         floatType(node, tokens), node.tensor(x), *order);
  node.setResult(0, node.wrap(quantize.getQ(), x.dims, int8));
  node.setResult(
      1, node.wrap(quantize.getScale(), tokens, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerDequantize(NodeLowering &node) {
  if (failed(expectCanonical(node, 2)))
    return failure();
  TensorValue &q = node.input(0);
  Value x = DequantizeOp::create(node.builder, floatType(node, q.dims),
                                 node.tensor(q), node.tensor(node.input(1)));
  node.setResult(0, node.wrap(x, q.dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerTernaryLinear(NodeLowering &node) {
  if (failed(expectCanonical(node, 4, {"form"}, /*weight=*/2)))
    return failure();
  TernaryType weight = weightType(node, 2);
  bool quantized = node.has(1);
  Type sourceType = node.input(0).elementType;
  TensorValue x = quantized ? node.input(0) : floatInput(node, 0);
  FailureOr<Value> tensor = withLastDimension(node, x, weight.getColumns());
  if (failed(tensor))
    return failure();
  Dimensions dims = withLast(node, x.dims, weight.getRows());
  auto linear = TernaryLinearOp::create(
      node.builder, floatType(node, dims), *tensor, optionalTensor(node, 1),
      node.node.getInputs()[2], optionalTensor(node, 3));
  linear->setAttr("hgf.form",
                  node.builder.getStringAttr(node.text("form", "")));
  TensorValue y = node.wrap(linear.getY(), dims, node.builder.getF32Type());
  node.setResult(0, isa<FloatType>(sourceType) ? node.cast(y, sourceType) : y);
  return success();
}

LogicalResult lowerLowRank(NodeLowering &node) {
  if (failed(expectCanonical(node, 5, {"activation"})))
    return failure();
  TensorValue x = floatInput(node, 0);
  Value a = node.tensor(node.input(1)), b = node.tensor(node.input(2));
  auto aType = cast<RankedTensorType>(a.getType());
  auto bType = cast<RankedTensorType>(b.getType());
  std::optional<Activation> activation = activationOf(node, "activation");
  if (!activation || aType.getRank() != 2 || bType.getRank() != 2)
    return node.error() << "expected an activation and two matrices";
  FailureOr<Value> tensor = withLastDimension(node, x, aType.getDimSize(1));
  if (failed(tensor))
    return failure();
  Dimensions dims = withLast(node, x.dims, bType.getDimSize(0));
  Value c = LowRankOp::create(node.builder, floatType(node, dims), *tensor, a,
                              b, optionalTensor(node, 3),
                              optionalTensor(node, 4), *activation);
  node.setResult(0, node.wrap(c, dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerStaticGate(NodeLowering &node) {
  if (failed(expectCanonical(node, 1)))
    return failure();
  TensorValue g = floatInput(node, 0);
  // A large constant is a resource, which the operation's own fold leaves.
  if (std::optional<ConstantReader> gates =
          ConstantReader::get(node.node.getInputs()[0])) {
    SmallVector<float> alphas;
    for (int64_t index = 0; index < gates->getElementCount(); ++index)
      alphas.push_back(float(std::tanh(gates->at<double>(index))));
    Value alpha = arith::ConstantOp::create(
        node.builder,
        DenseElementsAttr::get(floatType(node, g.dims), ArrayRef(alphas)));
    node.setResult(0, node.wrap(alpha, g.dims, node.builder.getF32Type()));
    return success();
  }
  Value tensor = node.tensor(g);
  Value alpha = StaticGateOp::create(node.builder, tensor.getType(), tensor);
  node.setResult(0, node.wrap(alpha, g.dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerDynamicGate(NodeLowering &node) {
  if (failed(expectCanonical(node, 3)))
    return failure();
  TensorValue h = floatInput(node, 0);
  Value w = node.tensor(node.input(1)), b = node.tensor(node.input(2));
  auto weight = cast<RankedTensorType>(w.getType());
  if (weight.getRank() != 1)
    return node.error() << "expected a vector of gate weights";
  FailureOr<Value> tensor = withLastDimension(node, h, weight.getDimSize(0));
  if (failed(tensor))
    return failure();
  Dimensions dims = withLast(node, h.dims, 1);
  Value alpha =
      DynamicGateOp::create(node.builder, floatType(node, dims), *tensor, w, b);
  node.setResult(0, node.wrap(alpha, dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerGatedAdd(NodeLowering &node) {
  if (failed(expectCanonical(node, 3)))
    return failure();
  TensorValue y = floatInput(node, 0), c = floatInput(node, 1);
  Value sum =
      GatedAddOp::create(node.builder, floatType(node, y.dims), node.tensor(y),
                         node.tensor(c), optionalTensor(node, 2));
  node.setResult(0, node.wrap(sum, y.dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerOneBitProduct(NodeLowering &node) {
  if (failed(expectCanonical(node, 4, {}, /*weight=*/2)))
    return failure();
  TernaryType weight = weightType(node, 2);
  TensorValue x = floatInput(node, 0);
  FailureOr<Value> tensor = withLastDimension(node, x, weight.getColumns());
  if (failed(tensor))
    return failure();
  Dimensions dims = withLast(node, x.dims, weight.getRows());
  Value y = OneBitLinearOp::create(
      node.builder, floatType(node, dims), *tensor, node.tensor(node.input(1)),
      node.node.getInputs()[2], node.tensor(node.input(3)));
  node.setResult(0, node.wrap(y, dims, node.builder.getF32Type()));
  return success();
}

LogicalResult lowerActivation(NodeLowering &node) {
  if (failed(expectCanonical(node, 1, {"kind"})))
    return failure();
  Type sourceType = node.input(0).elementType;
  TensorValue x = floatInput(node, 0);
  std::optional<Activation> kind = activationOf(node, "kind");
  if (!kind || !isa<FloatType>(sourceType))
    return node.error() << "expected a kind and a float tensor";
  Value y = ActivationOp::create(node.builder, floatType(node, x.dims), *kind,
                                 node.tensor(x));
  TensorValue result = node.wrap(y, x.dims, node.builder.getF32Type());
  node.setResult(0, node.cast(result, sourceType));
  return success();
}

/// The packed matrix of a head: its rows and columns, where all is as
/// recognition makes it.
FailureOr<std::pair<int64_t, int64_t>>
readHead(NodeLowering &node, unsigned weight, unsigned scales) {
  int64_t rows = node.integer("rows", 0), columns = node.integer("columns", 0);
  auto type =
      dyn_cast<RankedTensorType>(node.tensor(node.input(weight)).getType());
  auto blocks = [](int64_t size, int64_t block) {
    return static_cast<int64_t>(llvm::divideCeil(size, block));
  };
  SmallVector<int64_t> expected = {blocks(rows, HeadOp::blockRows),
                                   blocks(columns, HeadOp::blockColumns),
                                   HeadOp::blockRows, HeadOp::blockColumns};
  bool int8 = type && type.getElementType().isInteger(8);
  if (rows > 0 && columns > 0 && type &&
      type.getShape() == ArrayRef(expected) &&
      (int8 || type.getElementType().isF16()) && node.has(scales) == int8)
    return std::make_pair(rows, columns);
  node.error() << "expected a packed matrix of the given rows and columns";
  return failure();
}

LogicalResult lowerHead(NodeLowering &node) {
  if (failed(expectCanonical(node, 4, {"rows", "columns"})))
    return failure();
  FailureOr<std::pair<int64_t, int64_t>> sizes = readHead(node, 1, 2);
  if (failed(sizes))
    return failure();
  auto [rows, columns] = *sizes;
  Type sourceType = node.input(0).elementType;
  TensorValue x = floatInput(node, 0);
  FailureOr<Value> tensor = withLastDimension(node, x, columns);
  if (failed(tensor))
    return failure();
  Dimensions dims = withLast(node, x.dims, rows);
  Type float32 = node.builder.getF32Type();
  Value y = HeadOp::create(node.builder, floatType(node, dims), *tensor,
                           node.tensor(node.input(1)), optionalTensor(node, 2),
                           optionalTensor(node, 3), node.empty(dims, float32))
                .getY();
  TensorValue result = node.wrap(y, dims, float32);
  node.setResult(0, node.cast(result, sourceType));
  return success();
}

/// Rows of the matrix of a head, as an embedding reads them.
LogicalResult lowerHeadRows(NodeLowering &node) {
  if (failed(expectCanonical(node, 3, {"rows", "columns"})))
    return failure();
  FailureOr<std::pair<int64_t, int64_t>> sizes = readHead(node, 0, 1);
  if (failed(sizes))
    return failure();
  auto [rows, columns] = *sizes;
  TensorValue &indices = node.input(2);
  if (!isa<IntegerType>(indices.elementType))
    return node.error() << "expected integer indices but got "
                        << indices.elementType;
  Value weight = node.tensor(node.input(0)), scales = optionalTensor(node, 1);
  Dimensions dims(indices.dims.begin(), indices.dims.end());
  dims.push_back(node.index.constant(columns));
  int64_t rank = dims.size(), rowCount = rows;
  Type float32 = node.builder.getF32Type();
  AffineMap all = node.builder.getMultiDimIdentityMap(rank);
  auto loop = linalg::GenericOp::create(
      node.builder, TypeRange{node.tensorType(dims, float32)},
      ValueRange{node.tensor(indices)}, ValueRange{node.empty(dims, float32)},
      ArrayRef<AffineMap>{all.getMajorSubMap(rank - 1), all},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder b(location, nested);
        Value row = makeGatherPosition(
            b, arguments[0], arith::ConstantIndexOp::create(b, rowCount));
        Value column = linalg::IndexOp::create(b, rank - 1);
        auto split = [&](Value position, int64_t block) {
          Value size = arith::ConstantIndexOp::create(b, block);
          return std::make_pair(
              Value(arith::DivUIOp::create(b, position, size)),
              Value(arith::RemUIOp::create(b, position, size)));
        };
        auto [rowBlock, innerRow] = split(row, HeadOp::blockRows);
        auto [columnBlock, innerColumn] = split(column, HeadOp::blockColumns);
        Value element = tensor::ExtractOp::create(
            b, weight,
            ValueRange{rowBlock, columnBlock, innerRow, innerColumn});
        Value value =
            scales ? arith::SIToFPOp::create(b, float32, element).getResult()
                   : arith::ExtFOp::create(b, TypeRange(float32),
                                           ValueRange(element))
                         .getResult();
        if (scales)
          value = arith::MulFOp::create(
              b, value, tensor::ExtractOp::create(b, scales, ValueRange(row)));
        linalg::YieldOp::create(b, value);
      });
  node.setResult(0, node.wrap(loop.getResult(0), dims, float32));
  return success();
}

} // namespace

void hgf::populateHGFLowerings(LoweringTable &table) {
  table.add("hgf", "Quantize", lowerQuantize);
  table.add("hgf", "Dequantize", lowerDequantize);
  table.add("hgf", "TernaryLinear", lowerTernaryLinear);
  table.add("hgf", "LowRank", lowerLowRank);
  table.add("hgf", "StaticGate", lowerStaticGate);
  table.add("hgf", "DynamicGate", lowerDynamicGate);
  table.add("hgf", "GatedAdd", lowerGatedAdd);
  table.add("hgf", "OneBitProduct", lowerOneBitProduct);
  table.add("hgf", "Activation", lowerActivation);
  table.add("hgf", "Head", lowerHead);
  table.add("hgf", "HeadRows", lowerHeadRows);
}
