//===- TensorMath.cpp - Small linalg builders --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMath.h"

using namespace mlir;
using namespace hgf;

Value TensorMath::filled(ArrayRef<OpFoldResult> sizes, TypedAttr value) {
  Value empty =
      tensor::EmptyOp::create(rewriter, location, sizes, value.getType());
  Value element = arith::ConstantOp::create(rewriter, location, value);
  return linalg::FillOp::create(rewriter, location, element, empty)
      .getResult(0);
}

/// Builds the generic and its terminator.
static Value buildGeneric(TensorMath &math, Value init, ValueRange inputs,
                          ArrayRef<AffineMap> maps,
                          ArrayRef<utils::IteratorType> iterators,
                          TensorMath::Body body) {
  return linalg::GenericOp::create(
             math.rewriter, math.location, TypeRange{init.getType()}, inputs,
             ValueRange{init}, maps, iterators,
             [&](OpBuilder &builder, Location location, ValueRange elements) {
               linalg::YieldOp::create(builder, location,
                                       body(builder, location, elements));
             })
      .getResult(0);
}

Value TensorMath::map(ArrayRef<OpFoldResult> sizes, Type elementType,
                      ValueRange inputs, ArrayRef<AffineMap> maps, Body body) {
  Value init = tensor::EmptyOp::create(rewriter, location, sizes, elementType);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(rewriter.getMultiDimIdentityMap(sizes.size()));
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return buildGeneric(*this, init, inputs, allMaps, iterators, body);
}

Value TensorMath::reduce(ArrayRef<OpFoldResult> sizes, unsigned reduced,
                         TypedAttr start, ValueRange inputs,
                         ArrayRef<AffineMap> maps, Body body) {
  unsigned loops = sizes.size() + reduced;
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(leading(loops, sizes.size()));
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  std::fill(iterators.begin() + sizes.size(), iterators.end(),
            utils::IteratorType::reduction);
  return buildGeneric(*this, filled(sizes, start), inputs, allMaps, iterators,
                      body);
}

AffineMap TensorMath::project(unsigned loops, ArrayRef<unsigned> kept) {
  SmallVector<AffineExpr> results;
  for (unsigned loop : kept)
    results.push_back(rewriter.getAffineDimExpr(loop));
  return AffineMap::get(loops, 0, results, rewriter.getContext());
}

AffineMap TensorMath::leading(unsigned loops, unsigned count) {
  return project(loops, llvm::to_vector(llvm::seq(count)));
}

AffineMap TensorMath::contracted(unsigned rank) {
  SmallVector<unsigned> loops = llvm::to_vector(llvm::seq(rank - 1));
  loops.push_back(rank);
  return project(rank + 1, loops);
}

Value hgf::constantF32(OpBuilder &builder, Location location, float value) {
  return arith::ConstantOp::create(builder, location,
                                   builder.getF32FloatAttr(value));
}

Value hgf::toF32(OpBuilder &builder, Location location, Value value) {
  Type f32 = builder.getF32Type();
  if (value.getType() == f32)
    return value;
  if (isa<IntegerType>(value.getType()))
    return arith::SIToFPOp::create(builder, location, f32, value);
  return arith::ExtFOp::create(builder, location, f32, value);
}

Value hgf::buildSigmoid(OpBuilder &builder, Location location, Value x) {
  Value one = constantF32(builder, location, 1.0f);
  Value negated = arith::NegFOp::create(builder, location, x);
  Value power = math::ExpOp::create(builder, location, negated);
  Value sum = arith::AddFOp::create(builder, location, one, power);
  return arith::DivFOp::create(builder, location, one, sum);
}

SmallVector<OpFoldResult> hgf::withLast(ArrayRef<OpFoldResult> sizes,
                                        OpFoldResult last) {
  SmallVector<OpFoldResult> result(sizes);
  result.back() = last;
  return result;
}

Value hgf::buildActivation(OpBuilder &b, Location l, Activation kind, Value x) {
  auto scaled = [&](Value value, float factor) -> Value {
    return arith::MulFOp::create(b, l, value, constantF32(b, l, factor));
  };
  auto halfOnePlus = [&](Value value) -> Value {
    Value sum = arith::AddFOp::create(b, l, value, constantF32(b, l, 1.0f));
    return scaled(arith::MulFOp::create(b, l, x, sum), 0.5f);
  };
  switch (kind) {
  case Activation::Identity:
    return x;
  case Activation::SiLU:
    return arith::MulFOp::create(b, l, x, buildSigmoid(b, l, x));
  case Activation::Sigmoid:
    return buildSigmoid(b, l, x);
  case Activation::Tanh:
    return math::TanhOp::create(b, l, x);
  case Activation::ReLU:
  case Activation::ReLUSquared: {
    Value positive =
        arith::MaximumFOp::create(b, l, x, constantF32(b, l, 0.0f));
    if (kind == Activation::ReLU)
      return positive;
    return arith::MulFOp::create(b, l, positive, positive);
  }
  case Activation::GELU:
    return halfOnePlus(math::ErfOp::create(b, l, scaled(x, 0.70710678f)));
  case Activation::GELUTanh: {
    Value square = arith::MulFOp::create(b, l, x, x);
    Value cube = arith::MulFOp::create(b, l, square, x);
    Value inner = arith::AddFOp::create(b, l, x, scaled(cube, 0.044715f));
    return halfOnePlus(math::TanhOp::create(b, l, scaled(inner, 0.79788456f)));
  }
  }
  llvm_unreachable("unknown activation");
}
