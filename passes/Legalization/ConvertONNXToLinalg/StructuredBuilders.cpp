//===- StructuredBuilders.cpp - Elementwise and reducing loops --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoweringContext.h"

#include "hgf/Analysis/Constants.h"
#include <cmath>

using namespace mlir;
using namespace hgf;

Type hgf::getComputeType(Type type) {
  return type.isF16() || type.isBF16() ? Float32Type::get(type.getContext())
                                       : type;
}

Value hgf::convertFloat(ImplicitLocOpBuilder &builder, Value value, Type type) {
  auto from = cast<FloatType>(value.getType()), to = cast<FloatType>(type);
  if (from == to)
    return value;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(builder, to, value);
  // By f32 from f64 to 16 bits too: that needs no compiler's library.
  if (from.getWidth() == 64 && to.getWidth() == 16)
    value = arith::TruncFOp::create(builder, builder.getF32Type(), value);
  if (from.getWidth() > to.getWidth())
    return arith::TruncFOp::create(builder, to, value);
  // f16 and bf16 meet in f32.
  return convertFloat(
      builder, arith::ExtFOp::create(builder, builder.getF32Type(), value), to);
}

Value hgf::makeScalar(ImplicitLocOpBuilder &builder, Type type, double value) {
  if (auto real = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(builder,
                                     builder.getFloatAttr(real, value));
  return arith::ConstantOp::create(
      builder, builder.getIntegerAttr(type, static_cast<int64_t>(value)));
}

/// Keeps the low two or four bits of an i8, sign-extended where signed.
static Value wrapNarrow(ImplicitLocOpBuilder &builder, Value value,
                        IntegerType type) {
  if (type.getWidth() == 1 || type.getWidth() >= 8)
    return value;
  if (type.isUnsigned())
    return arith::AndIOp::create(
        builder, value,
        makeScalar(builder, value.getType(), (1 << type.getWidth()) - 1));
  Value shift = makeScalar(builder, value.getType(), 8 - type.getWidth());
  return arith::ShRSIOp::create(
      builder, arith::ShLIOp::create(builder, value, shift), shift);
}

Value hgf::castScalar(ImplicitLocOpBuilder &builder, Value value, Type from,
                      Type to, bool saturate) {
  if (from == to)
    return value;
  Type storage = getStorageType(to);
  bool fromUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (isa<FloatType>(from)) {
    if (isa<FloatType>(to))
      return convertFloat(builder, value, to);
    if (to.isInteger(1))
      return arith::CmpFOp::create(builder, arith::CmpFPredicate::UNE, value,
                                   makeScalar(builder, from, 0));
    auto integer = cast<IntegerType>(to);
    value = convertFloat(builder, value,
                         from.isF64() ? from : Type(builder.getF32Type()));
    if (integer.isUnsigned() && integer.getWidth() == 64)
      return arith::FPToUIOp::create(builder, storage, value);
    // As a C compiler does: through a wider integer, whose low bits stay.
    bool wide = integer.getWidth() == 64 ||
                (integer.isUnsigned() && integer.getWidth() == 32);
    Value whole = arith::FPToSIOp::create(
        builder, wide ? builder.getI64Type() : builder.getI32Type(), value);
    if (whole.getType() != storage)
      whole = arith::TruncIOp::create(builder, storage, whole);
    return wrapNarrow(builder, whole, integer);
  }
  if (isa<FloatType>(to)) {
    Type wide = to.isF64() ? to : Type(builder.getF32Type());
    Value real;
    if (fromUnsigned)
      real = arith::UIToFPOp::create(builder, wide, value);
    else
      real = arith::SIToFPOp::create(builder, wide, value);
    return convertFloat(builder, real, to);
  }
  if (to.isInteger(1))
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, value,
                                 makeScalar(builder, value.getType(), 0));
  unsigned fromWidth = value.getType().getIntOrFloatBitWidth();
  unsigned toWidth = storage.getIntOrFloatBitWidth();
  if (fromWidth < toWidth) {
    if (fromUnsigned)
      value = arith::ExtUIOp::create(builder, storage, value);
    else
      value = arith::ExtSIOp::create(builder, storage, value);
  } else if (fromWidth > toWidth) {
    value = arith::TruncIOp::create(builder, storage, value);
  }
  return wrapNarrow(builder, value, cast<IntegerType>(to));
}

FailureOr<Dimensions>
NodeLowering::broadcastDims(ArrayRef<TensorValue *> inputs) {
  int64_t rank = 0;
  for (TensorValue *input : inputs)
    rank = std::max(rank, input->rank());
  Dimensions result(rank, index.constant(1));
  for (int64_t i = 0; i < rank; ++i) {
    for (TensorValue *input : inputs) {
      int64_t position = i - (rank - input->rank());
      if (position < 0)
        continue;
      Index size = input->dims[position];
      Index &known = result[i];
      std::optional<int64_t> sizeValue = index.constantValue(size);
      std::optional<int64_t> knownValue = index.constantValue(known);
      if (index.equal(size, known) || sizeValue == 1)
        continue;
      if (knownValue == 1) {
        known = size;
        continue;
      }
      if (sizeValue && knownValue) {
        error() << "shapes do not broadcast: dimension " << i << " is "
                << *knownValue << " and " << *sizeValue;
        return failure();
      }
      // Which of the two is 1, if any, shows only when the model runs.
      using Predicate = arith::CmpIPredicate;
      Index one = index.constant(1);
      Index knownIsOne = index.compare(Predicate::eq, known, one);
      Index fits = index.maximum(
          index.maximum(knownIsOne, index.compare(Predicate::eq, size, one)),
          index.compare(Predicate::eq, size, known));
      index.require(fits, "shapes do not broadcast to each other");
      if (sizeValue)
        known = size;
      else if (!knownValue)
        known = index.select(knownIsOne, size, known);
    }
  }
  return result;
}

FailureOr<TensorValue> NodeLowering::elementwise(ArrayRef<TensorValue *> inputs,
                                                 Type elementType,
                                                 ElementBody body,
                                                 bool mappable) {
  FailureOr<Dimensions> dims = broadcastDims(inputs);
  if (failed(dims))
    return failure();
  return emitElementwise(*dims, inputs, elementType, body, mappable);
}

TensorValue NodeLowering::elementwiseOver(ArrayRef<Index> dims,
                                          ArrayRef<TensorValue *> inputs,
                                          Type elementType, ElementBody body,
                                          bool mappable) {
  for (auto [position, input] : llvm::enumerate(inputs)) {
    int64_t lead = int64_t(dims.size()) - input->rank();
    bool fits = lead >= 0;
    for (int64_t i = 0; fits && i < input->rank(); ++i) {
      using Predicate = arith::CmpIPredicate;
      Index size = input->dims[i], wanted = dims[lead + i];
      if (index.equal(size, wanted) || index.constantValue(size) == 1)
        continue;
      Index isOne = index.compare(Predicate::eq, size, index.constant(1));
      fits = index.require(
          index.maximum(isOne, index.compare(Predicate::eq, size, wanted)),
          "a tensor does not broadcast to the shape it is combined with");
    }
    if (fits)
      continue;
    error() << "operand " << position
            << " does not broadcast to the shape of the result";
    return wrap(empty(dims, getStorageType(elementType)), Dimensions(dims),
                elementType);
  }
  return emitElementwise(dims, inputs, elementType, body, mappable);
}

/// The value of every element, where a constant has just one.
static Attribute getSplat(const TensorValue &value) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(value.constant);
  if (dense && dense.isSplat())
    return dense.getSplatValue<Attribute>();
  return nullptr;
}

TensorValue NodeLowering::emitElementwise(ArrayRef<Index> dims,
                                          ArrayRef<TensorValue *> inputs,
                                          Type elementType, ElementBody body,
                                          bool mappable) {
  int64_t rank = dims.size();
  Type storage = getStorageType(elementType);
  bool sameShapes = llvm::all_of(inputs, [&](TensorValue *input) {
    if (input->rank() != rank)
      return false;
    for (int64_t i = 0; i < rank; ++i)
      if (!index.equal(input->dims[i], dims[i]))
        return false;
    return true;
  });
  Dimensions resultDims(dims);
  if (mappable && sameShapes) {
    SmallVector<Value> operands;
    for (TensorValue *input : inputs)
      operands.push_back(tensor(*input));
    return wrap(body(builder, operands), resultDims, elementType);
  }

  // Each operand is a scalar constant, a loop operand with an affine map, or,
  // where a dimension may be 1 at run time, read by computed coordinates.
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  struct Source {
    Attribute splat;
    Value computed;
    SmallVector<Value> strides;
    unsigned position = 0;
  };
  SmallVector<Source> sources;
  MLIRContext *mlirContext = builder.getContext();
  for (TensorValue *input : inputs) {
    Source source;
    source.splat = getSplat(*input);
    SmallVector<AffineExpr> expressions;
    bool computed = false;
    int64_t lead = rank - input->rank();
    for (int64_t i = 0; i < input->rank(); ++i) {
      if (index.equal(input->dims[i], dims[lead + i])) {
        expressions.push_back(getAffineDimExpr(lead + i, mlirContext));
      } else {
        expressions.push_back(getAffineConstantExpr(0, mlirContext));
        computed |= index.constantValue(input->dims[i]) != 1;
      }
    }
    if (source.splat) {
      // Stays a scalar.
    } else if (computed) {
      source.computed = tensor(*input);
      for (int64_t i = 0; i < input->rank(); ++i)
        source.strides.push_back(index.value(index.compare(
            arith::CmpIPredicate::ne, input->dims[i], index.constant(1))));
    } else {
      source.position = operands.size();
      operands.push_back(tensor(*input));
      maps.push_back(AffineMap::get(rank, 0, expressions, mlirContext));
    }
    sources.push_back(std::move(source));
  }
  maps.push_back(builder.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto loop = linalg::GenericOp::create(
      builder, TypeRange{tensorType(dims, storage)}, operands,
      ValueRange{empty(dims, storage)}, maps, iterators,
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder inner(location, nested);
        SmallVector<Value> scalars;
        for (Source &source : sources) {
          if (source.splat) {
            scalars.push_back(arith::ConstantOp::create(
                inner, llvm::cast<TypedAttr>(source.splat)));
          } else if (source.computed) {
            SmallVector<Value> coordinates;
            int64_t lead = rank - source.strides.size();
            for (auto [i, stride] : llvm::enumerate(source.strides))
              coordinates.push_back(arith::MulIOp::create(
                  inner, linalg::IndexOp::create(inner, lead + i), stride));
            scalars.push_back(
                tensor::ExtractOp::create(inner, source.computed, coordinates));
          } else {
            scalars.push_back(arguments[source.position]);
          }
        }
        linalg::YieldOp::create(inner, body(inner, scalars));
      });
  return wrap(loop.getResult(0), resultDims, elementType);
}

TensorValue NodeLowering::generate(Dimensions dims, Type elementType,
                                   ElementBody body) {
  int64_t rank = dims.size();
  Type storage = getStorageType(elementType);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  auto loop = linalg::GenericOp::create(
      builder, TypeRange{tensorType(dims, storage)}, ValueRange{},
      ValueRange{empty(dims, storage)},
      ArrayRef<AffineMap>{builder.getMultiDimIdentityMap(rank)}, iterators,
      [&](OpBuilder &nested, Location location, ValueRange) {
        ImplicitLocOpBuilder inner(location, nested);
        SmallVector<Value> coordinates;
        for (int64_t i = 0; i < rank; ++i)
          coordinates.push_back(linalg::IndexOp::create(inner, i));
        linalg::YieldOp::create(inner, body(inner, coordinates));
      });
  return wrap(loop.getResult(0), std::move(dims), elementType);
}

TensorValue NodeLowering::reduce(TensorValue &value, ArrayRef<int64_t> axes,
                                 bool keepDims, Value initial, ElementBody map,
                                 ElementBody combine) {
  int64_t rank = value.rank();
  MLIRContext *mlirContext = builder.getContext();
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Dimensions kept, reduced;
  SmallVector<AffineExpr> expressions;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(axes, i)) {
      iterators[i] = utils::IteratorType::reduction;
      kept.push_back(index.constant(1));
      continue;
    }
    expressions.push_back(getAffineDimExpr(i, mlirContext));
    reduced.push_back(value.dims[i]);
    kept.push_back(value.dims[i]);
  }
  Value accumulator = fill(reduced, initial);
  auto loop = linalg::GenericOp::create(
      builder, TypeRange{accumulator.getType()}, ValueRange{tensor(value)},
      ValueRange{accumulator},
      ArrayRef<AffineMap>{builder.getMultiDimIdentityMap(rank),
                          AffineMap::get(rank, 0, expressions, mlirContext)},
      iterators,
      [&](OpBuilder &nested, Location location, ValueRange arguments) {
        ImplicitLocOpBuilder inner(location, nested);
        Value element = map(inner, arguments.take_front());
        linalg::YieldOp::create(inner, combine(inner, {element, arguments[1]}));
      });
  TensorValue result = wrap(loop.getResult(0), reduced, initial.getType());
  return keepDims ? reshape(result, kept) : result;
}

TensorValue NodeLowering::sum(TensorValue &value, ArrayRef<int64_t> axes,
                              bool keepDims, ElementBody map) {
  Type type = getComputeType(value.storageType());
  bool isFloat = isa<FloatType>(type);
  return reduce(
      value, axes, keepDims, zero(type),
      [&](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        if (!isFloat)
          return map(inner, operands);
        return map(inner, {convertFloat(inner, operands[0], type)});
      },
      [&](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        if (isFloat)
          return arith::AddFOp::create(inner, operands[0], operands[1]);
        return arith::AddIOp::create(inner, operands[0], operands[1]);
      });
}

TensorValue NodeLowering::broadcastTo(TensorValue &value, Dimensions dims) {
  bool same = value.rank() == int64_t(dims.size());
  for (size_t i = 0; same && i < dims.size(); ++i)
    same = index.equal(value.dims[i], dims[i]);
  if (same)
    return value;
  return elementwiseOver(
      dims, {&value}, value.elementType,
      [](ImplicitLocOpBuilder &, ValueRange operands) { return operands[0]; });
}

TensorValue NodeLowering::cast(TensorValue &value, Type elementType,
                               bool saturate) {
  if (value.elementType == elementType)
    return value;
  Type from = value.elementType;
  // Exporters write the bounds of ranges as float constants.
  if (value.constant && isa<FloatType>(from) && elementType.isInteger(64) &&
      value.constant.getNumElements() == 1) {
    std::optional<ConstantReader> reader = ConstantReader::get(
        value.constant,
        llvm::cast<RankedTensorType>(value.constant.getShapedType()));
    double number = reader ? reader->at<double>(0) : 0.5;
    if (std::abs(number) < double(1 << 24) && number == std::trunc(number))
      return fromElements({index.constant(int64_t(number))}, value.dims,
                          elementType);
  }
  bool bothIntegers = isa<IntegerType>(from) && isa<IntegerType>(elementType);
  if (value.elements && bothIntegers) {
    unsigned width = elementType.getIntOrFloatBitWidth();
    bool keepsValues = width >= 32 && !elementType.isUnsignedInteger();
    SmallVector<Index> elements;
    bool known = true;
    for (Index element : *value.elements) {
      if (width == 1) {
        elements.push_back(index.compare(arith::CmpIPredicate::ne, element,
                                         index.constant(0)));
      } else if (keepsValues || (from.isInteger(1) && width >= 8)) {
        elements.push_back(element);
      } else if (std::optional<int64_t> constant =
                     index.constantValue(element)) {
        APInt wrapped = APInt(64, *constant).trunc(width);
        elements.push_back(index.constant(elementType.isUnsignedInteger()
                                              ? wrapped.zext(64).getSExtValue()
                                              : wrapped.getSExtValue()));
      } else {
        known = false;
      }
    }
    if (known)
      return fromElements(elements, value.dims, elementType);
  }
  return elementwiseOver(
      value.dims, {&value}, elementType,
      [&](ImplicitLocOpBuilder &inner, ValueRange operands) -> Value {
        return castScalar(inner, operands[0], from, elementType, saturate);
      });
}
