//===- KernelBuilder.cpp - Emits the IR of one kernel -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "hgf/Kernels/Activations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

KernelBuilder::KernelBuilder(LLVM::LLVMFuncOp function, const KernelKey &key)
    : key(key), level(key.getLevel()),
      b(function.getLoc(), OpBuilder::atBlockBegin(&function.front())),
      function(function) {}

Value KernelBuilder::size(int64_t value) {
  return integer(b.getI64Type(), value);
}

Value KernelBuilder::integer(Type type, int64_t value) {
  TypedAttr attribute = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value KernelBuilder::real(Type type, float value) {
  TypedAttr attribute = b.getF32FloatAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value KernelBuilder::add(Value left, Value right) {
  return b.createOrFold<arith::AddIOp>(left, right);
}
Value KernelBuilder::add(Value left, int64_t right) {
  return right == 0 ? left : add(left, size(right));
}
Value KernelBuilder::subtract(Value left, Value right) {
  return arith::SubIOp::create(b, left, right);
}
Value KernelBuilder::multiply(Value left, Value right) {
  return b.createOrFold<arith::MulIOp>(left, right);
}
Value KernelBuilder::multiply(Value left, int64_t right) {
  return multiply(left, size(right));
}
Value KernelBuilder::minimum(Value left, Value right) {
  return arith::MinSIOp::create(b, left, right);
}
Value KernelBuilder::divideUp(Value left, Value right) {
  return arith::CeilDivUIOp::create(b, left, right);
}
Value KernelBuilder::addFloat(Value left, Value right) {
  return arith::AddFOp::create(b, left, right);
}
Value KernelBuilder::subtractFloat(Value left, Value right) {
  return arith::SubFOp::create(b, left, right);
}
Value KernelBuilder::multiplyFloat(Value left, Value right) {
  return arith::MulFOp::create(b, left, right);
}
Value KernelBuilder::divideFloat(Value left, Value right) {
  return arith::DivFOp::create(b, left, right);
}

Value KernelBuilder::multiplyAdd(Value left, Value right, Value sum) {
  // Without the instruction math.fma would be a call per lane.
  if (level.fusedMultiplyAdd && !key.portable)
    return math::FmaOp::create(b, left, right, sum);
  return addFloat(multiplyFloat(left, right), sum);
}

Value KernelBuilder::toFloat(Value integers) {
  Type type = f32();
  if (auto vector = dyn_cast<VectorType>(integers.getType()))
    type = vector.clone(type);
  return arith::SIToFPOp::create(b, type, integers);
}

/// float16 to float32 in integer arithmetic: exact, subnormals included.
Value KernelBuilder::widenHalf(Value bits) {
  Value wide = arith::ExtUIOp::create(b, ints(), bits);
  Value magnitude =
      arith::AndIOp::create(b, wide, integer(ints(), 0x7fff)).getResult();
  Value shifted =
      arith::ShLIOp::create(b, magnitude, integer(ints(), 13)).getResult();
  // The exponent's bias differs by 112.
  Value finite = multiplyFloat(arith::BitcastOp::create(b, floats(), shifted),
                               real(floats(), 0x1p112f));
  Value infinite = arith::CmpIOp::create(b, arith::CmpIPredicate::uge,
                                         magnitude, integer(ints(), 0x7c00));
  Value special = arith::OrIOp::create(b, shifted, integer(ints(), 0x7f800000));
  Value unsignedBits = arith::SelectOp::create(
      b, infinite, special, arith::BitcastOp::create(b, ints(), finite));
  Value sign = arith::ShLIOp::create(
      b, arith::AndIOp::create(b, wide, integer(ints(), 0x8000)),
      integer(ints(), 16));
  return arith::BitcastOp::create(b, floats(),
                                  arith::OrIOp::create(b, unsignedBits, sign));
}

Value KernelBuilder::widenFactor(Value elements, FactorType type) {
  switch (type) {
  case FactorType::F32:
  case FactorType::None:
    return elements;
  case FactorType::I8:
    return toFloat(arith::ExtSIOp::create(b, ints(), elements));
  case FactorType::BF16: {
    Value wide = arith::ExtUIOp::create(b, ints(), elements);
    return arith::BitcastOp::create(
        b, floats(), arith::ShLIOp::create(b, wide, integer(ints(), 16)));
  }
  case FactorType::F16:
    if (!level.halfConversion || key.portable)
      return widenHalf(elements);
    return arith::ExtFOp::create(
        b, TypeRange(floats()),
        arith::BitcastOp::create(b, vector(lanes, b.getF16Type()), elements)
            ->getResults());
  }
  llvm_unreachable("unknown factor type");
}

Value KernelBuilder::loadFactor(Value pointer, FactorType type) {
  int64_t bytes = getElementBytes(type);
  Type element = type == FactorType::F32 ? f32() : b.getIntegerType(8 * bytes);
  return widenFactor(load(vector(lanes, element), pointer, bytes * lanes),
                     type);
}

Value KernelBuilder::activate(Value value, Activation activation) {
  return emitActivation(b, value, activation);
}

Value KernelBuilder::sumOfLanes(Value vector) {
  // In any order: float sums of a kernel are not bound to one.
  return vector::ReductionOp::create(b, vector::CombiningKind::ADD, vector,
                                     arith::FastMathFlags::reassoc);
}

Value KernelBuilder::splat(Value scalar, int64_t size) {
  return vector::BroadcastOp::create(b, vector(size, scalar.getType()), scalar);
}

Value KernelBuilder::joinHalves(Value first, Value second, int64_t half) {
  constexpr int64_t bytes = 8;
  int64_t size = cast<VectorType>(first.getType()).getNumElements();
  SmallVector<int64_t> mask;
  for (int64_t start = half * bytes; start < size; start += 2 * bytes)
    for (int64_t source : {int64_t(0), size})
      for (int64_t byte = 0; byte < bytes; ++byte)
        mask.push_back(source + start + byte);
  return vector::ShuffleOp::create(b, first, second, mask);
}

Value KernelBuilder::address(Value pointer, Value offset, int64_t constant) {
  auto type = LLVM::LLVMPointerType::get(b.getContext());
  Value moved = LLVM::GEPOp::create(b, type, i8(), pointer,
                                    ArrayRef<LLVM::GEPArg>{offset});
  return address(moved, constant);
}

Value KernelBuilder::address(Value pointer, int64_t constant) {
  if (constant == 0)
    return pointer;
  auto type = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::GEPOp::create(b, type, i8(), pointer,
                             ArrayRef<LLVM::GEPArg>{int32_t(constant)});
}

Value KernelBuilder::load(Type type, Value pointer, unsigned alignment) {
  return LLVM::LoadOp::create(b, type, pointer, alignment);
}

void KernelBuilder::store(Value value, Value pointer, unsigned alignment) {
  LLVM::StoreOp::create(b, value, pointer, alignment);
}

Value KernelBuilder::stack(int64_t bytes) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.front());
  return LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(b.getContext()),
                                i8(), size(bytes), /*alignment=*/64);
}

void KernelBuilder::prefetch(Value pointer, Value distance) {
  if (level.prefetchBytes == 0)
    return;
  LLVM::Prefetch::create(b, address(pointer, distance), /*rw=*/0,
                         /*hint=*/3, /*cache=*/1);
}

Value KernelBuilder::loadPartial(Value pointer, Value count) {
  if (!scratch)
    scratch = stack(4 * lanes);
  store(real(floats(), 0), scratch, 4 * lanes);
  loop(size(0), count, 1, {}, [&](Value i, ArrayRef<Value>) -> Values {
    Value offset = multiply(i, 4);
    store(load(f32(), address(pointer, offset), 4), address(scratch, offset),
          4);
    return {};
  });
  return load(floats(), scratch, 4 * lanes);
}

void KernelBuilder::storePartial(Value value, Value pointer, Value count) {
  if (!scratch)
    scratch = stack(4 * lanes);
  store(value, scratch, 4 * lanes);
  loop(size(0), count, 1, {}, [&](Value i, ArrayRef<Value>) -> Values {
    Value offset = multiply(i, 4);
    store(load(f32(), address(scratch, offset), 4), address(pointer, offset),
          4);
    return {};
  });
}

KernelBuilder::Values KernelBuilder::loop(Value begin, Value end, Value step,
                                          ArrayRef<Value> init, LoopBody body) {
  auto loop =
      scf::ForOp::create(b, begin, end, step, init,
                         [&](OpBuilder &inner, Location location, Value index,
                             ValueRange carried) {
                           OpBuilder::InsertionGuard guard(b);
                           b.setInsertionPoint(inner.getInsertionBlock(),
                                               inner.getInsertionPoint());
                           Values results = body(index, Values(carried));
                           scf::YieldOp::create(b, results);
                         });
  return Values(loop.getResults());
}

KernelBuilder::Values
KernelBuilder::branch(Value condition, TypeRange types,
                      llvm::function_ref<Values()> then,
                      llvm::function_ref<Values()> otherwise) {
  auto branch = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
  auto fill = [&](Block *block, llvm::function_ref<Values()> body) {
    OpBuilder::InsertionGuard guard(b);
    if (!block->empty())
      block->getTerminator()->erase();
    b.setInsertionPointToEnd(block);
    Values results = body();
    scf::YieldOp::create(b, results);
  };
  fill(branch.thenBlock(), then);
  fill(branch.elseBlock(), otherwise);
  return Values(branch.getResults());
}

Value KernelBuilder::isLess(Value left, Value right) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left, right);
}

Value KernelBuilder::isOpen(Value pointer, int64_t tokens) {
  Value result;
  for (int64_t token = 0; token < tokens; ++token) {
    Value alpha = load(f32(), address(pointer, token * 4), 4);
    Value open = arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, alpha,
                                       real(f32(), 0));
    result = result ? arith::OrIOp::create(b, result, open).getResult() : open;
  }
  return result;
}
