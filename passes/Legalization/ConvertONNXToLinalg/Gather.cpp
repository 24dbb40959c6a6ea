//===- Gather.cpp - Reading by computed positions ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

Value hgf::makeGatherPosition(ImplicitLocOpBuilder &builder, Value position,
                              Value size) {
  Type type = builder.getIndexType();
  if (position.getType() != type)
    position = arith::IndexCastOp::create(builder, type, position);
  Value zero = makeScalar(builder, type, 0);
  Value negative =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, position, zero);
  Value fromEnd = arith::AddIOp::create(builder, position, size);
  position = arith::SelectOp::create(builder, negative, fromEnd, position);
  Value last =
      arith::SubIOp::create(builder, size, makeScalar(builder, type, 1));
  position = arith::MinSIOp::create(builder, position, last);
  return arith::MaxSIOp::create(builder, position, zero);
}

/// Indices are integers, whatever their width.
static LogicalResult expectIndices(NodeLowering &node, unsigned i) {
  auto integer = dyn_cast<IntegerType>(node.input(i).elementType);
  if (integer && integer.getWidth() >= 8)
    return success();
  return node.error() << "expected integer indices but got "
                      << node.input(i).elementType;
}

static LogicalResult lowerGather(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)) || failed(expectIndices(node, 1)))
    return failure();
  TensorValue &data = node.input(0), &indices = node.input(1);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  SymbolicIndex &index = node.index;
  Index size = data.dims[*axis];
  Dimensions dims(data.dims.begin(), data.dims.begin() + *axis);
  dims.append(indices.dims.begin(), indices.dims.end());
  dims.append(data.dims.begin() + *axis + 1, data.dims.end());

  SmallVector<int64_t> constants;
  bool isConstant = indices.elements.has_value();
  if (isConstant)
    for (Index element : *indices.elements) {
      std::optional<int64_t> known = index.constantValue(element);
      isConstant &= known.has_value();
      constants.push_back(known.value_or(0));
    }
  std::optional<int64_t> knownSize = index.constantValue(size);
  if (isConstant && knownSize)
    for (int64_t &position : constants) {
      if (position < -*knownSize || position >= *knownSize)
        return node.error() << "expected an index in [" << -*knownSize << ", "
                            << *knownSize - 1 << "] but got " << position;
      if (position < 0)
        position += *knownSize;
    }
  if (isConstant && data.elements && data.rank() == 1) {
    SmallVector<Index> elements;
    for (int64_t position : constants)
      elements.push_back((*data.elements)[position]);
    node.setResult(0, node.fromElements(elements, dims, data.elementType));
    return success();
  }
  if (isConstant && constants.size() == 1 && (knownSize || constants[0] == 0)) {
    // One known position is a slice.
    Dimensions offsets(data.rank(), index.constant(0)), sizes = data.dims;
    offsets[*axis] = index.constant(constants[0]);
    sizes[*axis] = index.constant(1);
    if (!knownSize)
      index.require(
          index.compare(arith::CmpIPredicate::sgt, size, index.constant(0)),
          "gather from an empty dimension");
    TensorValue part = node.slice(data, offsets, sizes);
    node.setResult(0, node.reshape(part, dims));
    return success();
  }

  Value source = node.tensor(data), sizeValue = index.value(size);
  int64_t rank = dims.size(), count = indices.rank();
  MLIRContext *context = node.builder.getContext();
  SmallVector<AffineExpr> expressions;
  for (int64_t i = 0; i < count; ++i)
    expressions.push_back(getAffineDimExpr(*axis + i, context));
  Type storage = data.storageType();
  auto loop = linalg::GenericOp::create(
      node.builder, TypeRange{node.tensorType(dims, storage)},
      ValueRange{node.tensor(indices)}, ValueRange{node.empty(dims, storage)},
      ArrayRef<AffineMap>{AffineMap::get(rank, 0, expressions, context),
                          node.builder.getMultiDimIdentityMap(rank)},
      SmallVector<utils::IteratorType>(rank, utils::IteratorType::parallel),
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder builder(location, nested);
        SmallVector<Value> position;
        for (int64_t i = 0; i < data.rank(); ++i) {
          if (i == *axis)
            position.push_back(
                makeGatherPosition(builder, arguments[0], sizeValue));
          else
            position.push_back(linalg::IndexOp::create(
                builder, i < *axis ? i : i + count - 1));
        }
        linalg::YieldOp::create(builder, Value(tensor::ExtractOp::create(
                                             builder, source, position)));
      });
  node.setResult(0, node.wrap(loop.getResult(0), dims, data.elementType));
  return success();
}

static LogicalResult lowerGatherElements(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)) || failed(expectIndices(node, 1)))
    return failure();
  TensorValue &data = node.input(0), &indices = node.input(1);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 0), data.rank());
  if (failed(axis))
    return failure();
  if (indices.rank() != data.rank())
    return node.error() << "expected inputs of one rank but got " << data.rank()
                        << " and " << indices.rank();
  Value source = node.tensor(data);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < data.rank(); ++i) {
    sizes.push_back(node.index.value(data.dims[i]));
    if (i != *axis &&
        !node.index.require(node.index.compare(arith::CmpIPredicate::sle,
                                               indices.dims[i], data.dims[i]),
                            "indices are larger than the data"))
      return node.error() << "expected indices no larger than the data";
  }
  node.setResult(
      0, node.elementwiseOver(
             indices.dims, {&indices}, data.elementType,
             [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               SmallVector<Value> position;
               for (int64_t i = 0; i < data.rank(); ++i)
                 position.push_back(
                     i == *axis
                         ? makeGatherPosition(builder, operands[0], sizes[i])
                         : Value(linalg::IndexOp::create(builder, i)));
               return tensor::ExtractOp::create(builder, source, position);
             }));
  return success();
}

static LogicalResult lowerGatherND(NodeLowering &node) {
  if (failed(node.expectInputs(2, 2)) || failed(expectIndices(node, 1)))
    return failure();
  TensorValue &data = node.input(0), &indices = node.input(1);
  int64_t batch = node.integer("batch_dims", 0);
  std::optional<int64_t> depth;
  if (indices.rank() > 0)
    depth = node.index.constantValue(indices.dims.back());
  if (!depth || batch < 0 || batch >= indices.rank() ||
      batch + *depth > data.rank())
    return node.error() << "expected indices whose last dimension is known and "
                           "fits the data's rank";
  for (int64_t i = 0; i < batch; ++i)
    if (!node.index.require(node.index.compare(arith::CmpIPredicate::eq,
                                               data.dims[i], indices.dims[i]),
                            "data and indices differ in a batch dimension"))
      return node.error() << "expected equal batch dimensions";
  // Result: the indices' leading dimensions, then the rest of the data's.
  Dimensions dims(indices.dims.begin(), indices.dims.end() - 1);
  int64_t lead = dims.size();
  dims.append(data.dims.begin() + batch + *depth, data.dims.end());
  Value source = node.tensor(data), positions = node.tensor(indices);
  SmallVector<Value> sizes;
  for (Index size : data.dims)
    sizes.push_back(node.index.value(size));
  node.setResult(
      0,
      node.generate(
          dims, data.elementType,
          [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
            SmallVector<Value> position(coordinates.take_front(batch));
            for (int64_t i = 0; i < *depth; ++i) {
              SmallVector<Value> at(coordinates.take_front(lead));
              at.push_back(makeScalar(builder, builder.getIndexType(), i));
              position.push_back(makeGatherPosition(
                  builder, tensor::ExtractOp::create(builder, positions, at),
                  sizes[batch + i]));
            }
            llvm::append_range(position, coordinates.drop_front(lead));
            return tensor::ExtractOp::create(builder, source, position);
          }));
  return success();
}

static LogicalResult lowerOneHot(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)))
    return failure();
  TensorValue &indices = node.input(0), &values = node.input(2);
  FailureOr<double> given = node.constantScalar(1, "depth");
  if (failed(given))
    return failure();
  Index depth = node.index.constant(int64_t(*given));
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", -1), indices.rank() + 1);
  if (failed(axis))
    return failure();
  Dimensions dims = indices.dims, spread = indices.dims;
  dims.insert(dims.begin() + *axis, depth);
  spread.insert(spread.begin() + *axis, node.index.constant(1));
  TensorValue wide = node.reshape(indices, spread);
  Value offOn = node.tensor(values), size = node.index.value(depth);
  Type from = indices.elementType;
  node.setResult(
      0, node.elementwiseOver(
             dims, {&wide}, values.elementType,
             [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               Type type = builder.getIndexType();
               Value position = castScalar(builder, operands[0], from,
                                           builder.getI64Type(), true);
               position = arith::IndexCastOp::create(builder, type, position);
               Value zero = makeScalar(builder, type, 0);
               Value negative = arith::CmpIOp::create(
                   builder, arith::CmpIPredicate::slt, position, zero);
               position = arith::SelectOp::create(
                   builder, negative,
                   arith::AddIOp::create(builder, position, size), position);
               Value own = linalg::IndexOp::create(builder, *axis);
               Value isOn = arith::CmpIOp::create(
                   builder, arith::CmpIPredicate::eq, own, position);
               Value which = arith::SelectOp::create(
                   builder, isOn, makeScalar(builder, type, 1), zero);
               return tensor::ExtractOp::create(builder, offOn,
                                                ValueRange{which});
             }));
  return success();
}

/// Constant, edge, reflected or wrapped borders: every element of the result
/// knows where it comes from.
static LogicalResult lowerPad(NodeLowering &node) {
  if (failed(node.expectInputs(1, 4)))
    return failure();
  TensorValue &data = node.input(0);
  SymbolicIndex &index = node.index;
  SmallVector<Index> pads;
  if (node.opset < 11) {
    for (int64_t pad : node.integers("pads").value_or(SmallVector<int64_t>()))
      pads.push_back(index.constant(pad));
  } else {
    FailureOr<SmallVector<Index>> given = node.elements(1, "pads");
    if (failed(given))
      return failure();
    pads = *given;
  }
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(0, data.rank()));
  if (node.has(3)) {
    FailureOr<SmallVector<int64_t>> given = node.constantElements(3, "axes");
    if (failed(given))
      return failure();
    axes = *given;
  }
  if (pads.size() != 2 * axes.size())
    return node.error() << "expected " << 2 * axes.size() << " pads but got "
                        << pads.size();
  std::string mode = node.text("mode", "constant");
  if (mode != "constant" && mode != "edge" && mode != "reflect" &&
      mode != "wrap")
    return node.error() << "mode='" << mode << "' is not supported; supported: "
                        << "constant, edge, reflect, wrap";
  Dimensions dims = data.dims;
  SmallVector<Value> befores(data.rank()), sizes(data.rank());
  for (auto [i, given] : llvm::enumerate(axes)) {
    FailureOr<int64_t> axis = node.normalizeAxis(given, data.rank());
    if (failed(axis))
      return failure();
    Index before = pads[i], after = pads[i + axes.size()];
    dims[*axis] = index.add(data.dims[*axis], index.add(before, after));
    if (index.constantValue(before) == 0 && index.constantValue(after) == 0)
      continue;
    befores[*axis] = index.value(before);
    sizes[*axis] = index.value(data.dims[*axis]);
  }
  Value source = node.tensor(data), filler;
  Type storage = data.storageType();
  if (mode == "constant") {
    if (node.opset >= 11 && node.has(2)) {
      TensorValue scalar = node.reshape(node.input(2), {});
      filler = tensor::ExtractOp::create(node.builder, node.tensor(scalar),
                                         ValueRange{});
    } else {
      filler = makeScalar(node.builder, storage, node.real("value", 0));
    }
  }
  node.setResult(
      0,
      node.generate(
          dims, data.elementType,
          [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
            Type type = builder.getIndexType();
            Value zero = makeScalar(builder, type, 0);
            Value one = makeScalar(builder, type, 1);
            SmallVector<Value> position(coordinates);
            Value inside;
            for (int64_t i = 0; i < data.rank(); ++i) {
              if (!befores[i])
                continue;
              Value at =
                  arith::SubIOp::create(builder, coordinates[i], befores[i]);
              Value last = arith::SubIOp::create(builder, sizes[i], one);
              if (mode == "wrap") {
                Value rest = arith::RemSIOp::create(builder, at, sizes[i]);
                Value negative = arith::CmpIOp::create(
                    builder, arith::CmpIPredicate::slt, rest, zero);
                at = arith::SelectOp::create(
                    builder, negative,
                    arith::AddIOp::create(builder, rest, sizes[i]), rest);
              } else if (mode == "reflect") {
                at = math::AbsIOp::create(builder, at);
                Value beyond = arith::SubIOp::create(builder, last, at);
                at = arith::SubIOp::create(
                    builder, last, math::AbsIOp::create(builder, beyond));
              } else if (mode == "constant") {
                Value within = arith::CmpIOp::create(
                    builder, arith::CmpIPredicate::ult, at, sizes[i]);
                inside =
                    inside
                        ? Value(arith::AndIOp::create(builder, inside, within))
                        : within;
              }
              at = arith::MinSIOp::create(builder, at, last);
              position[i] = arith::MaxSIOp::create(builder, at, zero);
            }
            Value element =
                tensor::ExtractOp::create(builder, source, position);
            if (inside && filler)
              element =
                  arith::SelectOp::create(builder, inside, element, filler);
            return element;
          }));
  return success();
}

void hgf::populateGatherLowerings(LoweringTable &table) {
  table.add("", "Gather", lowerGather);
  table.add("", "GatherElements", lowerGatherElements);
  table.add("", "GatherND", lowerGatherND);
  table.add("", "OneHot", lowerOneHot);
  table.add("", "Pad", lowerPad);
}
