//===- LayoutBuilders.cpp - Reshape, transpose, slice, concat ---------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace hgf;

namespace {
/// Dimensions [sourceBegin, sourceEnd) hold as many elements as dimensions
/// [resultBegin, resultEnd) of the result.
struct Group {
  int64_t sourceBegin, sourceEnd, resultBegin, resultEnd;
};
} // namespace

static SmallVector<ReassociationIndices> reassociate(ArrayRef<Group> groups,
                                                     bool ofResult) {
  SmallVector<ReassociationIndices> result;
  for (const Group &group : groups) {
    ReassociationIndices indices;
    for (int64_t i = ofResult ? group.resultBegin : group.sourceBegin;
         i < (ofResult ? group.resultEnd : group.sourceEnd); ++i)
      indices.push_back(i);
    result.push_back(indices);
  }
  return result;
}

/// Splits both shapes into the smallest groups of provably equal size; an
/// empty list where that fails.
static SmallVector<Group> findGroups(SymbolicIndex &index,
                                     ArrayRef<Index> source,
                                     ArrayRef<Index> result) {
  SmallVector<Group> groups;
  int64_t i = 0, j = 0, sourceRank = source.size(), resultRank = result.size();
  while (i < sourceRank && j < resultRank) {
    bool found = false;
    // Few dimensions first: (1,1), (1,2), (2,1), (1,3), (2,2), ...
    for (int64_t total = 2; !found && total <= sourceRank - i + resultRank - j;
         ++total)
      for (int64_t taken = 1; !found && taken < total; ++taken) {
        int64_t made = total - taken;
        if (i + taken > sourceRank || j + made > resultRank)
          continue;
        if (index.equal(index.product(source.slice(i, taken)),
                        index.product(result.slice(j, made)))) {
          groups.push_back({i, i + taken, j, j + made});
          found = true;
        }
      }
    if (!found)
      return {};
    i = groups.back().sourceEnd;
    j = groups.back().resultEnd;
  }
  for (; i < sourceRank; ++i) {
    if (groups.empty() || index.constantValue(source[i]) != 1)
      return {};
    groups.back().sourceEnd = i + 1;
  }
  for (; j < resultRank; ++j) {
    if (groups.empty() || index.constantValue(result[j]) != 1)
      return {};
    groups.back().resultEnd = j + 1;
  }
  return groups;
}

TensorValue NodeLowering::reshape(TensorValue &value, Dimensions dims) {
  TensorValue result;
  result.dims = dims;
  result.elementType = value.elementType;
  std::optional<int64_t> before =
      index.constantValue(index.product(value.dims));
  std::optional<int64_t> after = index.constantValue(index.product(dims));
  if (before && after && *before != *after) {
    error() << "expected a shape of " << *before << " elements but got one of "
            << *after;
    result.tensor = empty(dims, value.storageType());
    return result;
  }
  result.elements = value.elements;
  if (value.constant) {
    auto type = tensorType(dims, value.storageType());
    if (auto dense = dyn_cast<DenseElementsAttr>(value.constant))
      result.constant = dense.reshape(type);
    else if (auto resource =
                 dyn_cast<DenseResourceElementsAttr>(value.constant))
      result.constant =
          DenseResourceElementsAttr::get(type, resource.getRawHandle());
    return result;
  }
  if (value.elements)
    return result;

  Value source = tensor(value);
  RankedTensorType resultType = tensorType(dims, value.storageType());
  int64_t sourceRank = value.rank(), resultRank = dims.size();
  if (source.getType() == resultType &&
      (sourceRank == 0 ||
       llvm::all_of_zip(value.dims, dims, [&](Index left, Index right) {
         return index.equal(left, right);
       }))) {
    result.tensor = source;
    return result;
  }
  SmallVector<Group> groups = findGroups(index, value.dims, dims);
  if (groups.empty() && sourceRank != 0) {
    // Sizes that only the run shows to be equal: through one dimension.
    index.require(index.compare(arith::CmpIPredicate::eq,
                                index.product(value.dims), index.product(dims)),
                  "reshape changes the number of elements");
    groups.push_back({0, sourceRank, 0, resultRank});
  }
  SmallVector<ReassociationIndices> collapse = reassociate(groups, false);
  SmallVector<ReassociationIndices> expand = reassociate(groups, true);
  if (resultRank == 0)
    collapse.clear();
  if (llvm::any_of(groups,
                   [](const Group &group) {
                     return group.sourceEnd - group.sourceBegin > 1;
                   }) ||
      (resultRank == 0 && sourceRank != 0)) {
    if (resultRank == 0) {
      // Only unit dimensions collapse to none.
      auto ones = RankedTensorType::get(SmallVector<int64_t>(sourceRank, 1),
                                        value.storageType());
      if (source.getType() != ones)
        source = tensor::CastOp::create(builder, ones, source);
      result.tensor = tensor::CollapseShapeOp::create(builder, resultType,
                                                      source, collapse);
      return result;
    }
    source = tensor::CollapseShapeOp::create(builder, source, collapse);
  }
  // The type that the expansion starts from: dynamic where any part of the
  // group is.
  if (sourceRank != 0) {
    SmallVector<int64_t> shape;
    for (const Group &group : groups) {
      int64_t size = 1;
      for (int64_t i = group.resultBegin; i < group.resultEnd; ++i) {
        if (resultType.isDynamicDim(i) || size == ShapedType::kDynamic)
          size = ShapedType::kDynamic;
        else
          size *= resultType.getDimSize(i);
      }
      shape.push_back(size);
    }
    auto middle = RankedTensorType::get(shape, value.storageType());
    if (source.getType() != middle)
      source = tensor::CastOp::create(builder, middle, source);
    if (int64_t(groups.size()) == resultRank) {
      result.tensor = source;
      return result;
    }
  }
  result.tensor =
      tensor::ExpandShapeOp::create(builder, resultType, source, expand, dims);
  return result;
}

TensorValue NodeLowering::transpose(TensorValue &value,
                                    ArrayRef<int64_t> permutation) {
  bool identity = true;
  Dimensions dims;
  for (auto [i, axis] : llvm::enumerate(permutation)) {
    identity &= axis == int64_t(i);
    dims.push_back(value.dims[axis]);
  }
  if (identity)
    return value;
  auto transposed = linalg::TransposeOp::create(
      builder, tensor(value), empty(dims, value.storageType()), permutation);
  return wrap(transposed->getResult(0), dims, value.elementType);
}

TensorValue NodeLowering::slice(TensorValue &value, Dimensions offsets,
                                Dimensions sizes) {
  bool whole = true;
  for (auto [offset, size, full] : llvm::zip(offsets, sizes, value.dims))
    whole &= index.constantValue(offset) == 0 && index.equal(size, full);
  if (whole)
    return value;
  // An empty slice may begin behind the last element, where no slice can.
  if (llvm::any_of(sizes,
                   [&](Index size) { return index.constantValue(size) == 0; }))
    return wrap(empty(sizes, value.storageType()), sizes, value.elementType);
  SmallVector<Index> strides(sizes.size(), index.constant(1));
  auto part = tensor::ExtractSliceOp::create(
      builder, tensorType(sizes, value.storageType()), tensor(value), offsets,
      sizes, strides);
  return wrap(part, sizes, value.elementType);
}

FailureOr<TensorValue> NodeLowering::concat(ArrayRef<TensorValue *> values,
                                            int64_t axis) {
  TensorValue &first = *values.front();
  Dimensions dims = first.dims;
  dims[axis] = index.constant(0);
  for (TensorValue *value : values) {
    if (value->rank() != first.rank() ||
        value->elementType != first.elementType) {
      error() << "expected inputs of one rank and element type";
      return failure();
    }
    for (int64_t i = 0; i < first.rank(); ++i) {
      if (i == axis) {
        dims[i] = index.add(dims[i], value->dims[i]);
        continue;
      }
      if (!index.require(
              index.compare(arith::CmpIPredicate::eq, dims[i], value->dims[i]),
              "concatenated tensors differ in another dimension")) {
        error() << "expected equal sizes of dimension " << i << " but got "
                << *index.constantValue(dims[i]) << " and "
                << *index.constantValue(value->dims[i]);
        return failure();
      }
      if (index.constantValue(value->dims[i]))
        dims[i] = value->dims[i];
    }
  }
  bool allElements = axis == 0 && llvm::all_of(values, [](TensorValue *value) {
                       return value->elements.has_value();
                     });
  if (allElements) {
    SmallVector<Index> elements;
    for (TensorValue *value : values)
      llvm::append_range(elements, *value->elements);
    if (elements.size() <= 64)
      return fromElements(elements, dims, first.elementType);
  }
  SmallVector<Value> tensors;
  for (TensorValue *value : values) {
    Dimensions aligned = dims;
    aligned[axis] = value->dims[axis];
    Value operand = tensor(*value);
    RankedTensorType type = tensorType(aligned, first.storageType());
    if (operand.getType() != type)
      operand = tensor::CastOp::create(builder, type, operand);
    tensors.push_back(operand);
  }
  if (tensors.size() == 1)
    return wrap(tensors[0], dims, first.elementType);
  auto joined = tensor::ConcatOp::create(
      builder, tensorType(dims, first.storageType()), axis, tensors);
  return wrap(joined, dims, first.elementType);
}
