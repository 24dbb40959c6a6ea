//===- Matmul.cpp - Matrix products -----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

/// Contraction with broadcast batch dimensions, as a loop nest.
static Value makeGeneralProduct(NodeLowering &node, TensorValue &left,
                                TensorValue &right, bool transposeRight,
                                Value accumulator, ArrayRef<Index> batch) {
  MLIRContext *context = node.builder.getContext();
  int64_t batchRank = batch.size(), loops = batchRank + 3;
  AffineExpr row = getAffineDimExpr(batchRank, context);
  AffineExpr column = getAffineDimExpr(batchRank + 1, context);
  AffineExpr inner = getAffineDimExpr(batchRank + 2, context);
  auto batchExpressions = [&](TensorValue &operand) {
    SmallVector<AffineExpr> expressions;
    int64_t own = operand.rank() - 2;
    for (int64_t i = 0; i < own; ++i) {
      int64_t position = batchRank - own + i;
      bool isOne = node.index.constantValue(operand.dims[i]) == 1 &&
                   node.index.constantValue(batch[position]) != 1;
      expressions.push_back(isOne ? getAffineConstantExpr(0, context)
                                  : getAffineDimExpr(position, context));
    }
    return expressions;
  };
  SmallVector<AffineExpr> leftMap = batchExpressions(left);
  leftMap.append({row, inner});
  SmallVector<AffineExpr> rightMap = batchExpressions(right);
  if (transposeRight)
    rightMap.append({column, inner});
  else
    rightMap.append({inner, column});
  SmallVector<AffineExpr> resultMap;
  for (int64_t i = 0; i < batchRank + 2; ++i)
    resultMap.push_back(getAffineDimExpr(i, context));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Type type = getElementTypeOrSelf(accumulator);
  auto loop = linalg::GenericOp::create(
      node.builder, TypeRange{accumulator.getType()},
      ValueRange{node.tensor(left), node.tensor(right)},
      ValueRange{accumulator},
      ArrayRef<AffineMap>{AffineMap::get(loops, 0, leftMap, context),
                          AffineMap::get(loops, 0, rightMap, context),
                          AffineMap::get(loops, 0, resultMap, context)},
      iterators,
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder builder(location, nested);
        if (isa<FloatType>(type)) {
          Value product = arith::MulFOp::create(
              builder, convertFloat(builder, arguments[0], type),
              convertFloat(builder, arguments[1], type));
          linalg::YieldOp::create(
              builder,
              Value(arith::AddFOp::create(builder, arguments[2], product)));
          return;
        }
        Value product =
            arith::MulIOp::create(builder, arguments[0], arguments[1]);
        linalg::YieldOp::create(builder, Value(arith::AddIOp::create(
                                             builder, arguments[2], product)));
      });
  return loop.getResult(0);
}

FailureOr<TensorValue> NodeLowering::matmul(TensorValue &left,
                                            TensorValue &right,
                                            bool transposeRight,
                                            Type resultType) {
  int64_t leftRank = left.rank(), rightRank = right.rank();
  Index rows = left.dims[leftRank - 2], columns, inner;
  columns = right.dims[rightRank - (transposeRight ? 2 : 1)];
  inner = right.dims[rightRank - (transposeRight ? 1 : 2)];
  Index leftInner = left.dims[leftRank - 1];
  if (!index.require(index.compare(arith::CmpIPredicate::eq, leftInner, inner),
                     "matrix product of matrices that do not fit each other")) {
    error() << "expected inner dimensions to be equal but got "
            << *index.constantValue(leftInner) << " and "
            << *index.constantValue(inner);
    return failure();
  }
  TensorValue leftBatch, rightBatch;
  leftBatch.dims.append(left.dims.begin(), left.dims.end() - 2);
  rightBatch.dims.append(right.dims.begin(), right.dims.end() - 2);
  FailureOr<Dimensions> batch = broadcastDims({&leftBatch, &rightBatch});
  if (failed(batch))
    return failure();

  Type type = getComputeType(left.storageType());
  Dimensions dims = *batch;
  dims.append({rows, columns});
  auto finish = [&](Value product, Dimensions productDims) {
    TensorValue result = wrap(product, productDims, type);
    result = reshape(result, dims);
    return cast(result, resultType);
  };
  auto isFull = [&](TensorValue &operandBatch) {
    return operandBatch.rank() == int64_t(batch->size()) &&
           llvm::all_of_zip(
               operandBatch.dims, *batch,
               [&](Index own, Index all) { return index.equal(own, all); });
  };
  bool rightIsMatrix = llvm::all_of(rightBatch.dims, [&](Index size) {
    return index.constantValue(size) == 1;
  });

  if (rightIsMatrix && isFull(leftBatch)) {
    // One product of [batch * rows, inner] by a matrix.
    TensorValue flatRight =
        reshape(right, {right.dims[rightRank - 2], right.dims[rightRank - 1]});
    Dimensions flatDims{index.multiply(index.product(*batch), rows), columns};
    TensorValue flatLeft = reshape(left, {flatDims[0], leftInner});
    Value accumulator = fill(flatDims, zero(type));
    ValueRange operands{};
    SmallVector<Value> values{tensor(flatLeft), tensor(flatRight)};
    operands = values;
    Value product;
    if (transposeRight)
      product = linalg::MatmulTransposeBOp::create(
                    builder, builder.getLoc(), TypeRange{accumulator.getType()},
                    operands, ValueRange{accumulator})
                    ->getResult(0);
    else
      product = linalg::MatmulOp::create(builder, builder.getLoc(),
                                         TypeRange{accumulator.getType()},
                                         operands, ValueRange{accumulator})
                    ->getResult(0);
    return finish(product, flatDims);
  }
  if (isFull(leftBatch) && isFull(rightBatch)) {
    Index count = index.product(*batch);
    TensorValue flatLeft = reshape(left, {count, rows, leftInner});
    TensorValue flatRight = reshape(
        right, {count, right.dims[rightRank - 2], right.dims[rightRank - 1]});
    Dimensions flatDims{count, rows, columns};
    Value accumulator = fill(flatDims, zero(type));
    SmallVector<Value> values{tensor(flatLeft), tensor(flatRight)};
    Value product;
    if (transposeRight)
      product = linalg::BatchMatmulTransposeBOp::create(
                    builder, builder.getLoc(), TypeRange{accumulator.getType()},
                    ValueRange(values), ValueRange{accumulator})
                    ->getResult(0);
    else
      product = linalg::BatchMatmulOp::create(
                    builder, builder.getLoc(), TypeRange{accumulator.getType()},
                    ValueRange(values), ValueRange{accumulator})
                    ->getResult(0);
    return finish(product, flatDims);
  }
  // A batch dimension that may be 1 at run time is copied to full size.
  auto settle = [&](TensorValue &operand, TensorValue &operandBatch) {
    int64_t lead = batch->size() - operandBatch.rank();
    Dimensions wanted = operand.dims;
    for (int64_t i = 0; i < operandBatch.rank(); ++i)
      if (index.constantValue(operand.dims[i]) != 1)
        wanted[i] = (*batch)[lead + i];
    return broadcastTo(operand, wanted);
  };
  TensorValue settledLeft = settle(left, leftBatch);
  TensorValue settledRight = settle(right, rightBatch);
  Value accumulator = fill(dims, zero(type));
  return finish(makeGeneralProduct(*this, settledLeft, settledRight,
                                   transposeRight, accumulator, *batch),
                dims);
}

/// Product of two tensors as numpy.matmul, rank 1 included.
static LogicalResult lowerProduct(NodeLowering &node, TensorValue left,
                                  TensorValue right, Type resultType) {
  if (left.rank() == 0 || right.rank() == 0)
    return node.error() << "expected inputs of rank 1 or more but got a scalar";
  bool leftIsVector = left.rank() == 1, rightIsVector = right.rank() == 1;
  Index one = node.index.constant(1);
  if (leftIsVector)
    left = node.reshape(left, {one, left.dims[0]});
  if (rightIsVector)
    right = node.reshape(right, {right.dims[0], one});
  FailureOr<TensorValue> product =
      node.matmul(left, right, /*transposeRight=*/false, resultType);
  if (failed(product))
    return failure();
  Dimensions dims = product->dims;
  if (rightIsVector)
    dims.pop_back();
  if (leftIsVector)
    dims.erase(dims.end() - (rightIsVector ? 1 : 2));
  node.setResult(0, node.reshape(*product, dims));
  return success();
}

static LogicalResult lowerMatMul(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)))
    return failure();
  TensorValue &left = node.input(0), &right = node.input(1);
  if (left.elementType != right.elementType)
    return node.error() << "expected inputs of one element type but got "
                        << left.elementType << " and " << right.elementType;
  return lowerProduct(node, left, right, left.elementType);
}

/// x - zeroPoint in i32, the zero point broadcast along `axis` or per tensor.
static FailureOr<TensorValue> subtractZeroPoint(NodeLowering &node, unsigned i,
                                                unsigned zeroPoint,
                                                bool perRow) {
  Type type = node.builder.getI32Type();
  TensorValue &value = node.input(i);
  if (!node.has(zeroPoint))
    return node.cast(value, type);
  TensorValue point = node.input(zeroPoint);
  if (perRow && point.rank() == 1)
    point = node.reshape(point, {point.dims[0], node.index.constant(1)});
  FailureOr<Dimensions> dims = node.broadcastDims({&value, &point});
  if (failed(dims))
    return failure();
  Type from = value.elementType, pointType = point.elementType;
  return node.elementwiseOver(
      *dims, {&value, &point}, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::SubIOp::create(
            builder, castScalar(builder, operands[0], from, type, true),
            castScalar(builder, operands[1], pointType, type, true));
      });
}

static LogicalResult lowerMatMulInteger(NodeLowering &node) {
  if (failed(node.expectInputs(2, 4)))
    return failure();
  FailureOr<TensorValue> left = subtractZeroPoint(node, 0, 2, true);
  FailureOr<TensorValue> right = subtractZeroPoint(node, 1, 3, false);
  if (failed(left) || failed(right))
    return failure();
  return lowerProduct(node, *left, *right, node.builder.getI32Type());
}

static LogicalResult lowerGemm(NodeLowering &node) {
  if (failed(node.expectInputs(2, 3)))
    return failure();
  TensorValue left = node.input(0), right = node.input(1);
  if (left.rank() != 2 || right.rank() != 2)
    return node.error() << "expected matrices but got ranks " << left.rank()
                        << " and " << right.rank();
  Type type = left.elementType, compute = getComputeType(left.storageType());
  double alpha = node.real("alpha", 1.0), beta = node.real("beta", 1.0);
  if (node.integer("transA", 0))
    left = node.transpose(left, {1, 0});
  FailureOr<TensorValue> product =
      node.matmul(left, right, node.integer("transB", 0) != 0, compute);
  if (failed(product))
    return failure();
  bool hasBias = node.has(2) && beta != 0.0;
  if (!hasBias && alpha == 1.0) {
    node.setResult(0, node.cast(*product, type));
    return success();
  }
  SmallVector<TensorValue *> operands{&*product};
  if (hasBias)
    operands.push_back(&node.input(2));
  bool isFloat = isa<FloatType>(compute);
  TensorValue result = node.elementwiseOver(
      product->dims, operands, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) -> Value {
        auto scale = [&](Value value, double factor) -> Value {
          if (factor == 1.0)
            return value;
          Value constant = makeScalar(builder, compute, factor);
          if (isFloat)
            return arith::MulFOp::create(builder, value, constant);
          return arith::MulIOp::create(builder, value, constant);
        };
        Value value = scale(scalars[0], alpha);
        if (hasBias) {
          Value bias =
              isFloat ? convertFloat(builder, scalars[1], compute) : scalars[1];
          bias = scale(bias, beta);
          if (isFloat)
            value = arith::AddFOp::create(builder, value, bias);
          else
            value = arith::AddIOp::create(builder, value, bias);
        }
        return isFloat ? convertFloat(builder, value, type) : value;
      });
  node.setResult(0, result);
  return success();
}

/// com.microsoft's alpha * A' B', the last two dimensions maybe transposed.
static LogicalResult lowerFusedMatMul(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)) || failed(node.expectFloat(0)))
    return failure();
  if (node.integer("transBatchA", 0) || node.integer("transBatchB", 0))
    return node.error() << "transBatchA and transBatchB are not supported";
  TensorValue left = node.input(0), right = node.input(1);
  if (left.rank() < 2 || right.rank() < 2)
    return node.error() << "expected inputs of rank 2 or more";
  double alpha = node.real("alpha", 1.0);
  if (node.integer("transA", 0)) {
    SmallVector<int64_t> permutation =
        llvm::to_vector(llvm::seq<int64_t>(0, left.rank()));
    std::swap(permutation.back(), permutation[permutation.size() - 2]);
    left = node.transpose(left, permutation);
  }
  Type type = left.elementType, compute = getComputeType(type);
  FailureOr<TensorValue> product =
      node.matmul(left, right, node.integer("transB", 0) != 0, compute);
  if (failed(product))
    return failure();
  node.setResult(
      0, node.elementwiseOver(
             product->dims, {&*product}, type,
             [&](ImplicitLocOpBuilder &builder, ValueRange scalars) -> Value {
               Value value = scalars[0];
               if (alpha != 1.0)
                 value = arith::MulFOp::create(
                     builder, value, makeScalar(builder, compute, alpha));
               return convertFloat(builder, value, type);
             }));
  return success();
}

void hgf::populateMatmulLowerings(LoweringTable &table) {
  table.add("", "MatMul", lowerMatMul);
  table.add("", "MatMulInteger", lowerMatMulInteger);
  table.add("", "Gemm", lowerGemm);
  table.add("com.microsoft", "FusedMatMul", lowerFusedMatMul);
}
