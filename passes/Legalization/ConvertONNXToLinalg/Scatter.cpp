//===- Scatter.cpp - Writing to computed positions --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace hgf;

using Store = function_ref<Value(ImplicitLocOpBuilder &builder,
                                 ValueRange coordinates, Value tensor)>;

/// Loops over `sizes` in order; `store` returns the tensor with one more
/// element written.
static Value makeLoops(ImplicitLocOpBuilder &builder, ArrayRef<Value> sizes,
                       Value tensor, Store store) {
  Value zero = makeScalar(builder, builder.getIndexType(), 0);
  Value one = makeScalar(builder, builder.getIndexType(), 1);
  SmallVector<Value> lower(sizes.size(), zero), step(sizes.size(), one);
  scf::LoopNest nest = scf::buildLoopNest(
      builder, builder.getLoc(), lower, sizes, step, ValueRange{tensor},
      [&](OpBuilder &nested, Location location, ValueRange coordinates,
          ValueRange carried) -> scf::ValueVector {
        ImplicitLocOpBuilder inner(location, nested);
        return {store(inner, coordinates, carried[0])};
      });
  return nest.results[0];
}

/// A position as index, negative ones counted from the end.
static Value fromEnd(ImplicitLocOpBuilder &builder, Value position,
                     Value size) {
  Type type = builder.getIndexType();
  position = arith::IndexCastOp::create(builder, type, position);
  Value negative =
      arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, position,
                            makeScalar(builder, type, 0));
  return arith::SelectOp::create(builder, negative,
                                 arith::AddIOp::create(builder, position, size),
                                 position);
}

/// Writes `value`, combined with what is there, where `position` lies inside
/// the tensor; elsewhere nothing is written.
static Value storeInside(ImplicitLocOpBuilder &builder, Value tensor,
                         Value value, ArrayRef<Value> position,
                         ArrayRef<Value> sizes, const std::string &reduction,
                         bool isUnsigned) {
  Value inside;
  for (auto [at, size] : llvm::zip(position, sizes)) {
    Value within =
        arith::CmpIOp::create(builder, arith::CmpIPredicate::ult, at, size);
    inside =
        inside ? Value(arith::AndIOp::create(builder, inside, within)) : within;
  }
  auto write = [&](ImplicitLocOpBuilder &inner) -> Value {
    Value element = value;
    if (reduction != "none") {
      Value old = tensor::ExtractOp::create(inner, tensor, position);
      bool isFloat = isa<FloatType>(old.getType());
      if (reduction == "add")
        element = isFloat ? Value(arith::AddFOp::create(inner, old, value))
                          : Value(arith::AddIOp::create(inner, old, value));
      else if (reduction == "mul")
        element = isFloat ? Value(arith::MulFOp::create(inner, old, value))
                          : Value(arith::MulIOp::create(inner, old, value));
      else if (reduction == "max")
        element = isFloat ? Value(arith::MaximumFOp::create(inner, old, value))
                  : isUnsigned
                      ? Value(arith::MaxUIOp::create(inner, old, value))
                      : Value(arith::MaxSIOp::create(inner, old, value));
      else
        element = isFloat ? Value(arith::MinimumFOp::create(inner, old, value))
                  : isUnsigned
                      ? Value(arith::MinUIOp::create(inner, old, value))
                      : Value(arith::MinSIOp::create(inner, old, value));
    }
    return tensor::InsertOp::create(inner, element, tensor, position);
  };
  if (!inside)
    return write(builder);
  auto branch = scf::IfOp::create(
      builder, inside,
      [&](OpBuilder &nested, Location location) {
        ImplicitLocOpBuilder inner(location, nested);
        scf::YieldOp::create(inner, write(inner));
      },
      [&](OpBuilder &nested, Location location) {
        scf::YieldOp::create(nested, location, tensor);
      });
  return branch.getResult(0);
}

static FailureOr<std::string> getReduction(NodeLowering &node) {
  auto integer = dyn_cast<IntegerType>(node.input(1).elementType);
  if (!integer || integer.getWidth() < 8 ||
      node.input(0).elementType != node.input(2).elementType) {
    node.error() << "expected integer indices, and updates of the data's type";
    return failure();
  }
  std::string reduction = node.text("reduction", "none");
  if (llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return reduction;
  node.error() << "reduction='" << reduction
               << "' is not supported; supported: none, add, mul, max, min";
  return failure();
}

static LogicalResult lowerScatterElements(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)))
    return failure();
  TensorValue &data = node.input(0), &indices = node.input(1),
              &updates = node.input(2);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 0), data.rank());
  FailureOr<std::string> reduction = getReduction(node);
  if (failed(axis) || failed(reduction))
    return failure();
  if (indices.rank() != data.rank() || updates.rank() != data.rank())
    return node.error() << "expected inputs of one rank";
  SmallVector<Value> loopSizes, sizes;
  for (int64_t i = 0; i < data.rank(); ++i) {
    node.index.require(node.index.compare(arith::CmpIPredicate::eq,
                                          indices.dims[i], updates.dims[i]),
                       "indices and updates differ in shape");
    loopSizes.push_back(node.index.value(indices.dims[i]));
    sizes.push_back(node.index.value(data.dims[i]));
  }
  Value positions = node.tensor(indices), values = node.tensor(updates);
  Value result = makeLoops(
      node.builder, loopSizes, node.tensor(data),
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates, Value tensor) {
        SmallVector<Value> position(coordinates);
        position[*axis] = fromEnd(
            builder, tensor::ExtractOp::create(builder, positions, coordinates),
            sizes[*axis]);
        Value value = tensor::ExtractOp::create(builder, values, coordinates);
        return storeInside(builder, tensor, value, position, sizes, *reduction,
                           data.isUnsigned());
      });
  node.setResult(0, node.wrap(result, data.dims, data.elementType));
  return success();
}

static LogicalResult lowerScatterND(NodeLowering &node) {
  if (failed(node.expectInputs(3, 3)))
    return failure();
  TensorValue &data = node.input(0), &indices = node.input(1),
              &updates = node.input(2);
  FailureOr<std::string> reduction = getReduction(node);
  if (failed(reduction))
    return failure();
  std::optional<int64_t> depth;
  if (indices.rank() > 0)
    depth = node.index.constantValue(indices.dims.back());
  int64_t lead = indices.rank() - 1;
  if (!depth || *depth > data.rank() ||
      updates.rank() != lead + data.rank() - *depth)
    return node.error() << "expected indices whose last dimension is known and "
                           "updates of a rank that fits";
  SmallVector<Value> loopSizes, sizes;
  for (Index size : data.dims)
    sizes.push_back(node.index.value(size));
  for (auto [i, size] : llvm::enumerate(updates.dims)) {
    Index other =
        int64_t(i) < lead ? indices.dims[i] : data.dims[*depth + i - lead];
    node.index.require(
        node.index.compare(arith::CmpIPredicate::eq, size, other),
        "updates do not fit indices and data");
    loopSizes.push_back(node.index.value(size));
  }
  Value positions = node.tensor(indices), values = node.tensor(updates);
  Value result = makeLoops(
      node.builder, loopSizes, node.tensor(data),
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates, Value tensor) {
        SmallVector<Value> position;
        for (int64_t i = 0; i < *depth; ++i) {
          SmallVector<Value> at(coordinates.take_front(lead));
          at.push_back(makeScalar(builder, builder.getIndexType(), i));
          position.push_back(fromEnd(
              builder, tensor::ExtractOp::create(builder, positions, at),
              sizes[i]));
        }
        llvm::append_range(position, coordinates.drop_front(lead));
        Value value = tensor::ExtractOp::create(builder, values, coordinates);
        return storeInside(builder, tensor, value, position, sizes, *reduction,
                           data.isUnsigned());
      });
  node.setResult(0, node.wrap(result, data.dims, data.elementType));
  return success();
}

/// Writes new keys or values into a cache of fixed capacity.
static LogicalResult lowerTensorScatter(NodeLowering &node) {
  if (failed(node.expectInputs(2, 3)))
    return failure();
  TensorValue &cache = node.input(0), &update = node.input(1);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", -2), cache.rank());
  if (failed(axis))
    return failure();
  std::string mode = node.text("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return node.error() << "mode='" << mode
                        << "' is not supported; supported: linear, circular";
  if (update.rank() != cache.rank() || *axis == 0)
    return node.error() << "expected a cache and an update of one rank, and an "
                           "axis other than the batch";
  SmallVector<Value> loopSizes, sizes;
  for (int64_t i = 0; i < cache.rank(); ++i) {
    if (i != *axis)
      node.index.require(node.index.compare(arith::CmpIPredicate::eq,
                                            cache.dims[i], update.dims[i]),
                         "cache and update differ in another dimension");
    loopSizes.push_back(node.index.value(update.dims[i]));
    sizes.push_back(node.index.value(cache.dims[i]));
  }
  if (node.has(2) && node.input(2).rank() != 1)
    return node.error() << "expected one start per batch entry but got rank "
                        << node.input(2).rank();
  Value starts = node.has(2) ? node.tensor(node.input(2)) : Value();
  Value values = node.tensor(update);
  Value result = makeLoops(
      node.builder, loopSizes, node.tensor(cache),
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates, Value tensor) {
        SmallVector<Value> position(coordinates);
        if (starts) {
          Value start = arith::IndexCastOp::create(
              builder, builder.getIndexType(),
              tensor::ExtractOp::create(builder, starts, coordinates[0]));
          position[*axis] =
              arith::AddIOp::create(builder, position[*axis], start);
        }
        if (mode == "circular")
          position[*axis] =
              arith::RemUIOp::create(builder, position[*axis], sizes[*axis]);
        Value value = tensor::ExtractOp::create(builder, values, coordinates);
        return storeInside(builder, tensor, value, position, sizes, "none",
                           false);
      });
  node.setResult(0, node.wrap(result, cache.dims, cache.elementType));
  return success();
}

void hgf::populateScatterLowerings(LoweringTable &table) {
  table.add("", "ScatterElements", lowerScatterElements);
  table.add("", "Scatter", lowerScatterElements);
  table.add("", "ScatterND", lowerScatterND);
  table.add("", "TensorScatter", lowerTensorScatter);
}
