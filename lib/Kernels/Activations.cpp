//===- Activations.cpp - Elementwise activations ----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Kernels/Activations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace hgf;

Value hgf::emitActivation(ImplicitLocOpBuilder &b, Value value,
                          Activation activation) {
  Type type = value.getType();
  auto real = [&](Type type, float constant) -> Value {
    TypedAttr attribute = b.getF32FloatAttr(constant);
    if (auto vector = dyn_cast<VectorType>(type))
      attribute = DenseElementsAttr::get(vector, Attribute(attribute));
    return arith::ConstantOp::create(b, attribute);
  };
  auto addFloat = [&](Value left, Value right) -> Value {
    return arith::AddFOp::create(b, left, right);
  };
  auto multiplyFloat = [&](Value left, Value right) -> Value {
    return arith::MulFOp::create(b, left, right);
  };
  auto sigmoid = [&]() -> Value {
    Value negative = arith::NegFOp::create(b, value);
    Value exponential = math::ExpOp::create(b, negative);
    return arith::DivFOp::create(b, real(type, 1),
                                 addFloat(exponential, real(type, 1)));
  };
  switch (activation) {
  case Activation::Identity:
    return value;
  case Activation::SiLU:
    return multiplyFloat(value, sigmoid());
  case Activation::ReLU:
    return arith::MaximumFOp::create(b, value, real(type, 0));
  case Activation::ReLUSquared: {
    Value positive = arith::MaximumFOp::create(b, value, real(type, 0));
    return multiplyFloat(positive, positive);
  }
  case Activation::GELU: {
    Value erf = math::ErfOp::create(
        b, multiplyFloat(value, real(type, 0.70710678118654752f)));
    return multiplyFloat(multiplyFloat(value, real(type, 0.5f)),
                         addFloat(erf, real(type, 1)));
  }
  case Activation::GELUTanh: {
    Value cube = multiplyFloat(multiplyFloat(value, value), value);
    Value inner = multiplyFloat(
        real(type, 0.79788456080286536f),
        addFloat(value, multiplyFloat(real(type, 0.044715f), cube)));
    Value tanh = math::TanhOp::create(b, inner);
    return multiplyFloat(multiplyFloat(value, real(type, 0.5f)),
                         addFloat(tanh, real(type, 1)));
  }
  case Activation::Sigmoid:
    return sigmoid();
  case Activation::Tanh:
    return math::TanhOp::create(b, value);
  }
  llvm_unreachable("unknown activation");
}
