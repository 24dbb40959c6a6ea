//===- Slice.cpp - Parts of tensors, and tensors of parts -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

using namespace mlir;
using namespace hgf;

static LogicalResult lowerConcat(NodeLowering &node) {
  if (failed(node.expectInputs(1, ~0u)))
    return failure();
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 1), node.input(0).rank());
  if (failed(axis))
    return failure();
  SmallVector<TensorValue *> inputs;
  for (unsigned i = 0; i < node.inputCount(); ++i)
    inputs.push_back(&node.input(i));
  FailureOr<TensorValue> result = node.concat(inputs, *axis);
  if (failed(result))
    return failure();
  node.setResult(0, *result);
  return success();
}

/// `part` of `value` along `axis`, its elements included.
static TensorValue sliceAxis(NodeLowering &node, TensorValue &value,
                             int64_t axis, Index offset, Index size) {
  std::optional<int64_t> begin = node.index.constantValue(offset);
  std::optional<int64_t> count = node.index.constantValue(size);
  Dimensions offsets(value.rank(), node.index.constant(0));
  Dimensions sizes = value.dims;
  offsets[axis] = offset;
  sizes[axis] = size;
  if (value.elements && value.rank() == 1 && begin && count) {
    ArrayRef<Index> all = *value.elements;
    return node.fromElements(SmallVector<Index>(all.slice(*begin, *count)),
                             sizes, value.elementType);
  }
  return node.slice(value, offsets, sizes);
}

static LogicalResult lowerSplit(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  TensorValue &input = node.input(0);
  FailureOr<int64_t> axis =
      node.normalizeAxis(node.integer("axis", 0), input.rank());
  if (failed(axis))
    return failure();
  SymbolicIndex &index = node.index;
  int64_t parts = node.resultCount();
  SmallVector<Index> sizes;
  if (node.has(1)) {
    FailureOr<SmallVector<Index>> given = node.elements(1, "split");
    if (failed(given))
      return failure();
    sizes = *given;
  } else if (std::optional<SmallVector<int64_t>> given =
                 node.integers("split")) {
    for (int64_t size : *given)
      sizes.push_back(index.constant(size));
  } else {
    // Equal parts, the last one smaller where they do not come out even.
    parts = node.integer("num_outputs", parts);
    Index size = index.ceilDivide(input.dims[*axis], index.constant(parts));
    Index rest = input.dims[*axis];
    for (int64_t i = 0; i < parts; ++i) {
      Index own = i + 1 == parts ? index.maximum(rest, index.constant(0))
                                 : index.minimum(size, rest);
      sizes.push_back(own);
      rest = index.subtract(rest, own);
    }
  }
  if (sizes.size() != node.resultCount())
    return node.error() << "expected " << node.resultCount()
                        << " sizes but got " << sizes.size();
  Index total = index.constant(0);
  for (Index size : sizes) {
    std::optional<int64_t> known = index.constantValue(size);
    if (known && *known < 0)
      return node.error() << "expected sizes of at least 0 but got " << *known;
    total = index.add(total, size);
  }
  if (!index.require(
          index.compare(arith::CmpIPredicate::eq, total, input.dims[*axis]),
          "sizes of a split do not sum to the dimension"))
    return node.error() << "expected sizes that sum to "
                        << *index.constantValue(input.dims[*axis])
                        << " but got " << *index.constantValue(total);
  Index offset = index.constant(0);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    node.setResult(i, sliceAxis(node, input, *axis, offset, size));
    offset = index.add(offset, size);
  }
  return success();
}

/// Every `step`-th element of axis `axis`, from `begin`, `count` of them.
static TensorValue stride(NodeLowering &node, TensorValue &value, int64_t axis,
                          Index begin, Index count, int64_t step) {
  if (value.elements && value.rank() == 1) {
    std::optional<int64_t> first = node.index.constantValue(begin);
    std::optional<int64_t> size = node.index.constantValue(count);
    if (first && size) {
      SmallVector<Index> elements;
      for (int64_t i = 0; i < *size; ++i)
        elements.push_back((*value.elements)[*first + i * step]);
      return node.fromElements(elements, {count}, value.elementType);
    }
  }
  Dimensions dims = value.dims;
  dims[axis] = count;
  if (step > 0) {
    Dimensions offsets(value.rank(), node.index.constant(0));
    SmallVector<Index> strides(value.rank(), node.index.constant(1));
    offsets[axis] = begin;
    strides[axis] = node.index.constant(step);
    auto part = tensor::ExtractSliceOp::create(
        node.builder, node.tensorType(dims, value.storageType()),
        node.tensor(value), offsets, dims, strides);
    return node.wrap(part, dims, value.elementType);
  }
  Value source = node.tensor(value), first = node.index.value(begin);
  return node.generate(
      dims, value.elementType,
      [&](ImplicitLocOpBuilder &builder, ValueRange coordinates) -> Value {
        SmallVector<Value> position(coordinates);
        Value back = arith::MulIOp::create(
            builder, coordinates[axis],
            makeScalar(builder, builder.getIndexType(), step));
        position[axis] = arith::AddIOp::create(builder, first, back);
        return tensor::ExtractOp::create(builder, source, position);
      });
}

static LogicalResult lowerSlice(NodeLowering &node) {
  if (failed(node.expectInputs(1, 5)))
    return failure();
  TensorValue value = node.input(0);
  SymbolicIndex &index = node.index;
  SmallVector<Index> starts, ends;
  std::optional<SmallVector<int64_t>> axes, steps;
  if (node.opset < 10) {
    std::optional<SmallVector<int64_t>> from = node.integers("starts");
    std::optional<SmallVector<int64_t>> to = node.integers("ends");
    if (!from || !to)
      return node.error() << "expected starts and ends";
    for (int64_t position : *from)
      starts.push_back(index.constant(position));
    for (int64_t position : *to)
      ends.push_back(index.constant(position));
    axes = node.integers("axes");
  } else {
    FailureOr<SmallVector<Index>> from = node.elements(1, "starts");
    FailureOr<SmallVector<Index>> to = node.elements(2, "ends");
    if (failed(from) || failed(to))
      return failure();
    starts = *from;
    ends = *to;
    for (auto [i, name] : {std::pair(3u, "axes"), std::pair(4u, "steps")})
      if (node.has(i)) {
        FailureOr<SmallVector<int64_t>> given = node.constantElements(i, name);
        if (failed(given))
          return failure();
        (i == 3 ? axes : steps) = *given;
      }
  }
  if (!axes)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, starts.size()));
  if (!steps)
    steps = SmallVector<int64_t>(starts.size(), 1);
  if (starts.size() != ends.size() || axes->size() != starts.size() ||
      steps->size() != starts.size())
    return node.error() << "expected starts, ends, axes and steps of one size";
  for (size_t i = 0; i < starts.size(); ++i) {
    FailureOr<int64_t> axis = node.normalizeAxis((*axes)[i], value.rank());
    if (failed(axis))
      return failure();
    int64_t step = (*steps)[i];
    if (step == 0)
      return node.error() << "expected steps other than 0";
    Index size = value.dims[*axis];
    Index zero = index.constant(0), one = index.constant(1);
    // Counted from the end where negative, then clamped to the dimension.
    auto normalize = [&](Index position) {
      std::optional<int64_t> known = index.constantValue(position);
      if (known)
        return *known < 0 ? index.add(size, position) : position;
      if (index.isNonNegative(position))
        return position;
      return index.select(
          index.compare(arith::CmpIPredicate::slt, position, zero),
          index.add(size, position), position);
    };
    auto clamp = [&](Index position, Index low, Index high) {
      return index.minimum(index.maximum(position, low), high);
    };
    // "To the end" is written as a huge number: avoid overflow and atoms.
    std::optional<int64_t> end = index.constantValue(ends[i]);
    Index begin, stop;
    if (step > 0) {
      begin = clamp(normalize(starts[i]), zero, size);
      stop = end && *end >= INT32_MAX ? size
                                      : clamp(normalize(ends[i]), zero, size);
    } else {
      Index last = index.subtract(size, one), before = index.constant(-1);
      std::optional<int64_t> start = index.constantValue(starts[i]);
      begin = start && *start >= INT32_MAX
                  ? last
                  : clamp(normalize(starts[i]), zero, last);
      stop = end && *end <= INT32_MIN ? before
                                      : clamp(normalize(ends[i]), before, last);
    }
    Index distance =
        step > 0 ? index.subtract(stop, begin) : index.subtract(begin, stop);
    Index count = index.ceilDivide(index.maximum(distance, zero),
                                   index.constant(std::abs(step)));
    value = step == 1 ? sliceAxis(node, value, *axis, begin, count)
                      : stride(node, value, *axis, begin, count, step);
  }
  node.setResult(0, value);
  return success();
}

/// The upper or lower triangle; the rest is zero.
static LogicalResult lowerTrilu(NodeLowering &node) {
  if (failed(node.expectInputs(1, 2)))
    return failure();
  TensorValue &input = node.input(0);
  if (input.rank() < 2)
    return node.error() << "expected an input of rank 2 or more";
  bool upper = node.integer("upper", 1);
  Index diagonal = node.index.constant(0);
  if (node.has(1)) {
    FailureOr<SmallVector<Index>> given = node.elements(1, "k");
    if (failed(given))
      return failure();
    if (given->size() != 1)
      return node.error() << "expected a scalar k";
    diagonal = (*given)[0];
  }
  Value offset = node.index.value(diagonal);
  int64_t rank = input.rank();
  node.setResult(
      0, node.elementwiseOver(
             input.dims, {&input}, input.elementType,
             [&](ImplicitLocOpBuilder &builder, ValueRange operands) -> Value {
               Value row = linalg::IndexOp::create(builder, rank - 2);
               Value column = linalg::IndexOp::create(builder, rank - 1);
               Value edge = arith::AddIOp::create(builder, row, offset);
               Value kept =
                   arith::CmpIOp::create(builder,
                                         upper ? arith::CmpIPredicate::sge
                                               : arith::CmpIPredicate::sle,
                                         column, edge);
               return arith::SelectOp::create(
                   builder, kept, operands[0],
                   makeScalar(builder, operands[0].getType(), 0));
             }));
  return success();
}

/// Blocks of channels to blocks of pixels.
static LogicalResult lowerDepthToSpace(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  int64_t size = node.integer("blocksize", 0);
  if (input.rank() != 4 || size <= 0)
    return node.error() << "expected an input of rank 4 and a blocksize";
  SymbolicIndex &index = node.index;
  Index block = index.constant(size);
  Index channels =
      index.floorDivide(input.dims[1], index.constant(size * size));
  bool columnFirst = node.text("mode", "DCR") == "CRD";
  Index n = input.dims[0], h = input.dims[2], w = input.dims[3];
  TensorValue spread;
  if (columnFirst) {
    spread = node.reshape(input, {n, channels, block, block, h, w});
    spread = node.transpose(spread, {0, 1, 4, 2, 5, 3});
  } else {
    spread = node.reshape(input, {n, block, block, channels, h, w});
    spread = node.transpose(spread, {0, 3, 4, 1, 5, 2});
  }
  node.setResult(0, node.reshape(spread, {n, channels, index.multiply(h, block),
                                          index.multiply(w, block)}));
  return success();
}

static LogicalResult lowerSpaceToDepth(NodeLowering &node) {
  if (failed(node.expectInputs(1, 1)))
    return failure();
  TensorValue &input = node.input(0);
  int64_t size = node.integer("blocksize", 0);
  if (input.rank() != 4 || size <= 0)
    return node.error() << "expected an input of rank 4 and a blocksize";
  SymbolicIndex &index = node.index;
  Index block = index.constant(size);
  Index n = input.dims[0], c = input.dims[1];
  Index h = index.floorDivide(input.dims[2], block);
  Index w = index.floorDivide(input.dims[3], block);
  TensorValue spread = node.reshape(input, {n, c, h, block, w, block});
  spread = node.transpose(spread, {0, 3, 5, 1, 2, 4});
  node.setResult(
      0,
      node.reshape(spread,
                   {n, index.multiply(c, index.constant(size * size)), h, w}));
  return success();
}

void hgf::populateSliceLowerings(LoweringTable &table) {
  table.add("", "Concat", lowerConcat);
  table.add("", "Split", lowerSplit);
  table.add("", "Slice", lowerSlice);
  table.add("", "Trilu", lowerTrilu);
  table.add("", "DepthToSpace", lowerDepthToSpace);
  table.add("", "SpaceToDepth", lowerSpaceToDepth);
}
