//===- Quantization.cpp - Integers for floats and back ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

/// A scale or zero point as a tensor of the data's rank: per tensor, per
/// element of `axis`, or per block of `blockSize` elements of it. `selector`
/// says how it is read: the data's coordinates with `axis` divided by the
/// block's size.
static FailureOr<TensorValue> alignParameter(NodeLowering &node,
                                             TensorValue parameter,
                                             const TensorValue &data,
                                             int64_t axis, int64_t blockSize) {
  SymbolicIndex &index = node.index;
  if (blockSize > 0) {
    if (parameter.rank() != data.rank()) {
      node.error() << "expected one scale per block, of the data's rank "
                   << data.rank() << " but got rank " << parameter.rank();
      return failure();
    }
    // [.., K/G, ..] is repeated G times along the axis, then cut to K.
    Dimensions spread = parameter.dims, wide;
    spread.insert(spread.begin() + axis + 1, index.constant(1));
    wide = spread;
    wide[axis + 1] = index.constant(blockSize);
    TensorValue copies = node.reshape(parameter, spread);
    copies = node.broadcastTo(copies, wide);
    Dimensions full = parameter.dims;
    full[axis] = index.multiply(full[axis], index.constant(blockSize));
    copies = node.reshape(copies, full);
    Dimensions offsets(full.size(), index.constant(0));
    Dimensions sizes = full;
    sizes[axis] = data.dims[axis];
    return node.slice(copies, offsets, sizes);
  }
  if (parameter.rank() == 0)
    return parameter;
  if (parameter.rank() != 1 || data.rank() == 0) {
    node.error() << "expected a scalar or one scale per element of axis "
                 << axis << " but got rank " << parameter.rank();
    return failure();
  }
  if (index.constantValue(parameter.dims[0]) == 1)
    return node.reshape(parameter, {});
  Dimensions dims(data.rank(), index.constant(1));
  dims[axis] = parameter.dims[0];
  return node.reshape(parameter, dims);
}

static FailureOr<int64_t> getQuantizationAxis(NodeLowering &node,
                                              const TensorValue &data) {
  int64_t axis = node.integer("axis", 1);
  // The default is out of range for vectors with one scale.
  if (data.rank() <= 1 && !node.hasAttribute("axis"))
    return 0;
  if (data.rank() == 0)
    return 0;
  return node.normalizeAxis(axis, data.rank());
}

static LogicalResult lowerDequantize(NodeLowering &node) {
  if (failed(node.expectInputs(2, 3)))
    return failure();
  TensorValue &data = node.input(0);
  FailureOr<int64_t> axis = getQuantizationAxis(node, data);
  if (failed(axis))
    return failure();
  int64_t blockSize = node.integer("block_size", 0);
  FailureOr<TensorValue> scale =
      alignParameter(node, node.input(1), data, *axis, blockSize);
  if (failed(scale))
    return failure();
  Type type = scale->elementType;
  if (int64_t code = node.integer("output_dtype", 0)) {
    type = getElementTypeOfCode(node.builder, code);
    if (!type || !isa<FloatType>(type))
      return node.error() << "output_dtype=" << code << " is not supported";
  }
  SmallVector<TensorValue *> operands{&data, &*scale};
  FailureOr<TensorValue> point = failure();
  Type from = data.elementType, scaleType = scale->elementType;
  if (!isa<IntegerType>(from) || !isa<FloatType>(scaleType))
    return node.error() << "expected integers and a float scale but got "
                        << from << " and " << scaleType;
  if (node.has(2)) {
    point = alignParameter(node, node.input(2), data, *axis, blockSize);
    if (failed(point))
      return failure();
    operands.push_back(&*point);
  }
  bool hasPoint = succeeded(point);
  Type compute = getComputeType(scaleType);
  node.setResult(
      0, node.elementwiseOver(
             data.dims, operands, type,
             [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
               // The difference is exact in i32, or a wrapped one as in C.
               Type integer = builder.getI32Type();
               Value codes =
                   castScalar(builder, scalars[0], from, integer, true);
               if (hasPoint)
                 codes = arith::SubIOp::create(builder, codes,
                                               castScalar(builder, scalars[2],
                                                          point->elementType,
                                                          integer, true));
               Value real = castScalar(builder, codes, integer, compute, true);
               Value product = arith::MulFOp::create(
                   builder, real, convertFloat(builder, scalars[1], compute));
               return convertFloat(builder, product, type);
             }));
  return success();
}

/// clip(roundeven(x / scale) + zero point) as an integer of type `to`; the
/// float zero point is already whole.
static Value quantizeScalar(ImplicitLocOpBuilder &builder, Value quotient,
                            Value point, Type to) {
  auto integer = cast<IntegerType>(to);
  unsigned width = integer.getWidth();
  double low = integer.isUnsigned() ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, integer.isUnsigned() ? width : width - 1) - 1;
  Type real = quotient.getType();
  Value rounded = math::RoundEvenOp::create(builder, quotient);
  if (point)
    rounded = arith::AddFOp::create(builder, rounded, point);
  // minnum/maxnum: a NaN becomes a bound, never an undefined integer.
  rounded = arith::MaxNumFOp::create(builder, rounded,
                                     makeScalar(builder, real, low));
  rounded = arith::MinNumFOp::create(builder, rounded,
                                     makeScalar(builder, real, high));
  Value whole = arith::FPToSIOp::create(builder, builder.getI32Type(), rounded);
  Type storage = getStorageType(to);
  return storage == whole.getType()
             ? whole
             : Value(arith::TruncIOp::create(builder, storage, whole));
}

static LogicalResult lowerQuantize(NodeLowering &node) {
  if (failed(node.expectInputs(2, 3)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &data = node.input(0);
  FailureOr<int64_t> axis = getQuantizationAxis(node, data);
  if (failed(axis))
    return failure();
  int64_t blockSize = node.integer("block_size", 0);
  FailureOr<TensorValue> scale =
      alignParameter(node, node.input(1), data, *axis, blockSize);
  if (failed(scale))
    return failure();
  Type type =
      IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned);
  if (node.has(2))
    type = node.input(2).elementType;
  else if (int64_t code = node.integer("output_dtype", 0))
    type = getElementTypeOfCode(node.builder, code);
  auto integer = dyn_cast_or_null<IntegerType>(type);
  if (!integer || integer.getWidth() == 1 || integer.getWidth() > 16)
    return node.error() << "expected to quantize to integers of 2 to 16 bits";
  SmallVector<TensorValue *> operands{&data, &*scale};
  FailureOr<TensorValue> point = failure();
  if (node.has(2)) {
    point = alignParameter(node, node.input(2), data, *axis, blockSize);
    if (failed(point))
      return failure();
    operands.push_back(&*point);
  }
  bool hasPoint = succeeded(point);
  Type from = data.elementType, scaleType = scale->elementType;
  Type compute = getComputeType(from);
  node.setResult(
      0, node.elementwiseOver(
             data.dims, operands, type,
             [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
               Value divisor =
                   castScalar(builder, scalars[1], scaleType, compute, true);
               Value quotient = arith::DivFOp::create(
                   builder, convertFloat(builder, scalars[0], compute),
                   divisor);
               Value zero;
               if (hasPoint)
                 zero = castScalar(builder, scalars[2], point->elementType,
                                   compute, true);
               return quantizeScalar(builder, quotient, zero, type);
             }));
  return success();
}

/// Per tensor, asymmetric, to uint8: scale = (max(x, 0) - min(x, 0)) / 255.
static LogicalResult lowerDynamicQuantize(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)) || failed(node.expectFloat(0)))
    return failure();
  TensorValue &x = node.input(0);
  Type type = node.builder.getF32Type();
  if (x.elementType != type)
    return node.error() << "expected float but got " << x.elementType;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  auto pass = [](ImplicitLocOpBuilder &, ValueRange operands) {
    return operands[0];
  };
  // Starting at zero puts zero into the range.
  TensorValue low = node.reduce(
      x, axes, false, node.zero(type), pass,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MinimumFOp::create(builder, operands[0], operands[1]);
      });
  TensorValue high = node.reduce(
      x, axes, false, node.zero(type), pass,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::MaximumFOp::create(builder, operands[0], operands[1]);
      });
  TensorValue scale = node.elementwiseOver(
      {}, {&low, &high}, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) -> Value {
        Value range = arith::SubFOp::create(builder, scalars[1], scalars[0]);
        return arith::DivFOp::create(builder, range,
                                     makeScalar(builder, type, 255));
      });
  Type code =
      IntegerType::get(node.builder.getContext(), 8, IntegerType::Unsigned);
  // A tensor of zeros has scale 0: divide by 1 instead.
  auto safe = [&](ImplicitLocOpBuilder &builder, Value divisor) -> Value {
    Value isZero = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ,
                                         divisor, makeScalar(builder, type, 0));
    return arith::SelectOp::create(builder, isZero,
                                   makeScalar(builder, type, 1), divisor);
  };
  TensorValue point = node.elementwiseOver(
      {}, {&low, &scale}, code,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
        Value negated = arith::NegFOp::create(builder, scalars[0]);
        Value quotient =
            arith::DivFOp::create(builder, negated, safe(builder, scalars[1]));
        return quantizeScalar(builder, quotient, Value(), code);
      });
  TensorValue codes = node.elementwiseOver(
      x.dims, {&x, &scale, &point}, code,
      [&](ImplicitLocOpBuilder &builder, ValueRange scalars) {
        Value quotient = arith::DivFOp::create(builder, scalars[0],
                                               safe(builder, scalars[1]));
        Value zero = arith::UIToFPOp::create(builder, type, scalars[2]);
        return quantizeScalar(builder, quotient, zero, code);
      });
  node.setResult(0, codes);
  node.setResult(1, scale);
  node.setResult(2, point);
  return success();
}

/// com.microsoft's MatMulNBits as a float product: the weight [N, K] is
/// dequantized block by block. Recognised ternary ones never come here.
static LogicalResult lowerMatMulNBits(NodeLowering &node) {
  if (failed(node.expectInputs(3, 6)) || failed(node.expectFloat(0)))
    return failure();
  int64_t inner = node.integer("K", 0), columns = node.integer("N", 0);
  int64_t bits = node.integer("bits", 4);
  int64_t blockSize = node.integer("block_size", 0);
  if (node.has(4))
    return node.error() << "g_idx is not supported; export without reordering";
  if ((bits != 2 && bits != 4 && bits != 8) || blockSize < 16 || inner <= 0 ||
      columns <= 0)
    return node.error() << "expected bits of 2, 4 or 8, a block_size of 16 or "
                           "more, K and N";
  TensorValue &x = node.input(0);
  SymbolicIndex &index = node.index;
  int64_t blocks = (inner + blockSize - 1) / blockSize;
  int64_t perByte = 8 / bits, rowBytes = blocks * blockSize / perByte;
  auto flat = [&](TensorValue value, int64_t rows, int64_t width) {
    return node.reshape(value, {index.constant(rows), index.constant(width)});
  };
  TensorValue packed = flat(node.input(1), columns, rowBytes);
  TensorValue scales = flat(node.input(2), columns, blocks);
  Value codes = node.tensor(packed), factors = node.tensor(scales);
  Value points;
  bool pointsAreFloat = false;
  if (node.has(3)) {
    TensorValue &given = node.input(3);
    pointsAreFloat = given.isFloat();
    int64_t width = pointsAreFloat ? blocks : (blocks + perByte - 1) / perByte;
    TensorValue table = flat(given, columns, width);
    points = node.tensor(table);
  }
  Type type = x.elementType, compute = getComputeType(type);
  TensorValue weight = node.generate(
      {index.constant(columns), index.constant(inner)}, type,
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) {
        Type position = builder.getIndexType();
        Type byte = builder.getI8Type();
        // Code `at` of row `row` of a packed table, lowest bits first.
        auto unpack = [&](Value table, Value row, Value at) -> Value {
          Value count = makeScalar(builder, position, perByte);
          Value whole = tensor::ExtractOp::create(
              builder, table,
              ValueRange{row, arith::DivUIOp::create(builder, at, count)});
          if (bits == 8)
            return arith::UIToFPOp::create(builder, compute, whole);
          Value rest = arith::RemUIOp::create(builder, at, count);
          Value shift = arith::MulIOp::create(
              builder, rest, makeScalar(builder, position, bits));
          Value shifted = arith::ShRUIOp::create(
              builder, whole, arith::IndexCastOp::create(builder, byte, shift));
          Value code = arith::AndIOp::create(
              builder, shifted, makeScalar(builder, byte, (1 << bits) - 1));
          return arith::UIToFPOp::create(builder, compute, code);
        };
        Value row = coordinates[0];
        Value block = arith::DivUIOp::create(
            builder, coordinates[1], makeScalar(builder, position, blockSize));
        Value code = unpack(codes, row, coordinates[1]);
        Value point;
        if (!points)
          point = makeScalar(builder, compute, double(1 << (bits - 1)));
        else if (pointsAreFloat)
          point = convertFloat(builder,
                               tensor::ExtractOp::create(
                                   builder, points, ValueRange{row, block}),
                               compute);
        else
          point = unpack(points, row, block);
        Value factor = convertFloat(
            builder,
            tensor::ExtractOp::create(builder, factors, ValueRange{row, block}),
            compute);
        Value product = arith::MulFOp::create(
            builder, arith::SubFOp::create(builder, code, point), factor);
        return convertFloat(builder, product, type);
      });
  FailureOr<TensorValue> product =
      node.matmul(x, weight, /*transposeRight=*/true, type);
  if (failed(product))
    return failure();
  if (!node.has(5)) {
    node.setResult(0, *product);
    return success();
  }
  FailureOr<TensorValue> shifted = node.elementwise(
      {&*product, &node.input(5)}, type,
      [](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
        return arith::AddFOp::create(builder, operands[0], operands[1]);
      });
  if (failed(shifted))
    return failure();
  node.setResult(0, *shifted);
  return success();
}

void hgf::populateQuantizationLowerings(LoweringTable &table) {
  table.add("", "DequantizeLinear", lowerDequantize);
  table.add("", "QuantizeLinear", lowerQuantize);
  table.add("", "DynamicQuantizeLinear", lowerDynamicQuantize);
  table.add("com.microsoft", "DequantizeLinear", lowerDequantize);
  table.add("com.microsoft", "QuantizeLinear", lowerQuantize);
  table.add("com.microsoft", "MatMulNBits", lowerMatMulNBits);
}
