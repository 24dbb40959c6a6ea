//===- GpuBuilder.cpp - Emits the IR of one GPU kernel ----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

static constexpr unsigned sharedSpace = 3;
static constexpr int64_t wordBytes = 4;

GpuBuilder::GpuBuilder(gpu::GPUFuncOp function, int64_t threads)
    : b(function.getLoc(),
        OpBuilder::atBlockBegin(&function.getBody().front())),
      function(function), threads(threads) {
  assert(threads % warpLanes == 0 && "blocks are of whole warps");
}

Value GpuBuilder::thread() { return NVVM::ThreadIdXOp::create(b, i32()); }
Value GpuBuilder::lane() { return bitAnd(thread(), warpLanes - 1); }
Value GpuBuilder::warp() {
  return shiftRight(thread(), llvm::Log2_64(warpLanes));
}
Value GpuBuilder::blockX() { return NVVM::BlockIdXOp::create(b, i32()); }
Value GpuBuilder::blockY() { return NVVM::BlockIdYOp::create(b, i32()); }

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Value GpuBuilder::integer(Type type, int64_t value) {
  TypedAttr attribute = b.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value GpuBuilder::real(Type type, float value) {
  TypedAttr attribute = b.getF32FloatAttr(value);
  if (auto vector = dyn_cast<VectorType>(type))
    attribute = DenseElementsAttr::get(vector, Attribute(attribute));
  return arith::ConstantOp::create(b, attribute);
}

Value GpuBuilder::add(Value left, Value right) {
  return b.createOrFold<arith::AddIOp>(left, right);
}
Value GpuBuilder::add(Value left, int64_t right) {
  return right == 0 ? left : add(left, integer(left.getType(), right));
}
Value GpuBuilder::subtract(Value left, Value right) {
  return b.createOrFold<arith::SubIOp>(left, right);
}
Value GpuBuilder::multiply(Value left, Value right) {
  return b.createOrFold<arith::MulIOp>(left, right);
}
Value GpuBuilder::multiply(Value left, int64_t right) {
  return right == 1 ? left : multiply(left, integer(left.getType(), right));
}
Value GpuBuilder::bitAnd(Value left, int64_t right) {
  return b.createOrFold<arith::AndIOp>(left, integer(left.getType(), right));
}
Value GpuBuilder::bitAnd(Value left, Value right) {
  return arith::AndIOp::create(b, left, right);
}
Value GpuBuilder::bitOr(Value left, Value right) {
  return arith::OrIOp::create(b, left, right);
}
Value GpuBuilder::shiftLeft(Value left, int64_t right) {
  return right == 0
             ? left
             : arith::ShLIOp::create(b, left, integer(left.getType(), right));
}
Value GpuBuilder::shiftRight(Value left, int64_t right) {
  return right == 0
             ? left
             : arith::ShRUIOp::create(b, left, integer(left.getType(), right));
}
Value GpuBuilder::shiftRightSigned(Value left, int64_t right) {
  return right == 0
             ? left
             : arith::ShRSIOp::create(b, left, integer(left.getType(), right));
}
Value GpuBuilder::minimum(Value left, Value right) {
  return arith::MinSIOp::create(b, left, right);
}
Value GpuBuilder::minimum(Value left, int64_t right) {
  return minimum(left, integer(left.getType(), right));
}
Value GpuBuilder::isLess(Value left, Value right) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, left, right);
}
Value GpuBuilder::isEqual(Value left, int64_t right) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, left,
                               integer(left.getType(), right));
}
Value GpuBuilder::both(Value left, Value right) {
  return arith::AndIOp::create(b, left, right);
}
Value GpuBuilder::select(Value condition, Value yes, Value no) {
  return arith::SelectOp::create(b, condition, yes, no);
}
Value GpuBuilder::toWide(Value number) {
  return arith::ExtSIOp::create(b, b.getI64Type(), number);
}
Value GpuBuilder::toNarrow(Value number) {
  return arith::TruncIOp::create(b, i32(), number);
}

Value GpuBuilder::addFloat(Value left, Value right) {
  return arith::AddFOp::create(b, left, right);
}
Value GpuBuilder::subtractFloat(Value left, Value right) {
  return arith::SubFOp::create(b, left, right);
}
Value GpuBuilder::multiplyFloat(Value left, Value right) {
  return arith::MulFOp::create(b, left, right);
}
Value GpuBuilder::divideFloat(Value left, Value right) {
  return arith::DivFOp::create(b, left, right);
}
Value GpuBuilder::multiplyAdd(Value left, Value right, Value sum) {
  return math::FmaOp::create(b, left, right, sum);
}
Value GpuBuilder::maximum(Value left, Value right) {
  return arith::MaxNumFOp::create(b, left, right);
}
Value GpuBuilder::absolute(Value value) {
  return math::AbsFOp::create(b, value);
}

Value GpuBuilder::toFloat(Value integers) {
  Type type = f32();
  if (auto vector = dyn_cast<VectorType>(integers.getType()))
    type = vector.clone(type);
  return arith::SIToFPOp::create(b, type, integers);
}

Value GpuBuilder::bits(Type type, Value value) {
  return arith::BitcastOp::create(b, type, value);
}

Value GpuBuilder::splat(Value scalar, int64_t size) {
  if (size == 1)
    return scalar;
  return vector::BroadcastOp::create(b, vector(size, scalar.getType()), scalar);
}

Value GpuBuilder::element(Value vector, int64_t index) {
  if (!isa<VectorType>(vector.getType()))
    return vector;
  return vector::ExtractOp::create(b, vector, index);
}

Value GpuBuilder::replaceElement(Value vector, Value element, int64_t index) {
  return vector::InsertOp::create(b, element, vector, index);
}

/// What nvvm's dot products take.
static Value toBytes(GpuBuilder &k, Value word) {
  return LLVM::BitcastOp::create(k.b, k.vector(4, k.b.getI8Type()), word);
}

Value GpuBuilder::dotBytes(Value unsignedBytes, Value signedBytes, Value sum) {
  return NVVM::DotAccumulate4WayOp::create(
      b, i32(), toBytes(*this, unsignedBytes),
      NVVM::DotAccumulateType::UNSIGNED, toBytes(*this, signedBytes),
      NVVM::DotAccumulateType::SIGNED, sum);
}

Value GpuBuilder::sumBytes(Value signedBytes, Value sum) {
  return dotBytes(integer(0x01010101), signedBytes, sum);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value GpuBuilder::address(Value pointer, Value offset, int64_t constant) {
  Value moved = LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(),
                                    pointer, ArrayRef<LLVM::GEPArg>{offset});
  return address(moved, constant);
}

Value GpuBuilder::address(Value pointer, int64_t constant) {
  if (constant == 0)
    return pointer;
  return LLVM::GEPOp::create(b, pointer.getType(), b.getI8Type(), pointer,
                             ArrayRef<LLVM::GEPArg>{LLVM::GEPArg(constant)});
}

Value GpuBuilder::addressOf(Value pointer, Value index, int64_t bytes) {
  return address(pointer, multiply(toWide(index), bytes));
}

Value GpuBuilder::load(Type type, Value pointer, unsigned alignment) {
  return LLVM::LoadOp::create(b, type, pointer, alignment);
}

void GpuBuilder::store(Value value, Value pointer, unsigned alignment) {
  LLVM::StoreOp::create(b, value, pointer, alignment);
}

Value GpuBuilder::loadFactorBits(Value pointer, FactorType type, int64_t size) {
  int64_t bytes = getElementBytes(type);
  Type element = b.getIntegerType(8 * bytes);
  if (type == FactorType::F32)
    element = f32();
  if (type == FactorType::F16)
    element = b.getF16Type();
  return load(size == 1 ? element : vector(size, element), pointer,
              bytes * size);
}

Value GpuBuilder::widenFactor(Value bits, FactorType type) {
  auto resize = [&](Type element) -> Type {
    if (auto vector = dyn_cast<VectorType>(bits.getType()))
      return vector.clone(element);
    return element;
  };
  switch (type) {
  case FactorType::None:
  case FactorType::F32:
    return bits;
  case FactorType::F16:
    return arith::ExtFOp::create(b, resize(f32()), bits);
  case FactorType::BF16: {
    Type wide = resize(i32());
    Value high = arith::ShLIOp::create(b, arith::ExtUIOp::create(b, wide, bits),
                                       integer(wide, 16));
    return this->bits(resize(f32()), high);
  }
  case FactorType::I8:
    return toFloat(arith::ExtSIOp::create(b, resize(i32()), bits));
  }
  llvm_unreachable("unknown factor type");
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

GpuBuilder::Values GpuBuilder::loop(Value begin, Value end, int64_t step,
                                    ArrayRef<Value> init, LoopBody body) {
  auto loop =
      scf::ForOp::create(b, begin, end, integer(begin.getType(), step), init,
                         [&](OpBuilder &builder, Location location, Value index,
                             ValueRange carried) {
                           OpBuilder::InsertionGuard guard(b);
                           b.setInsertionPoint(builder.getInsertionBlock(),
                                               builder.getInsertionPoint());
                           Values results = body(index, Values(carried));
                           scf::YieldOp::create(b, results);
                         });
  return Values(loop.getResults());
}

void GpuBuilder::keepLoop(Value result) {
  auto disable = LLVM::LoopUnrollAttr::get(
      b.getContext(), /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation =
      LLVM::LoopAnnotationAttr::get(b.getContext(), {}, {}, {}, disable, {}, {},
                                    {}, {}, {}, {}, {}, {}, {}, {}, {});
  result.getDefiningOp<scf::ForOp>()->setAttr("llvm.loop_annotation",
                                              annotation);
}

GpuBuilder::Values GpuBuilder::branch(Value condition, TypeRange types,
                                      llvm::function_ref<Values()> then,
                                      llvm::function_ref<Values()> otherwise) {
  auto choice = scf::IfOp::create(b, types, condition, true);
  auto fill = [&](Block *block, llvm::function_ref<Values()> body) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(block);
    Values results = body();
    if (!types.empty())
      scf::YieldOp::create(b, results);
  };
  fill(choice.thenBlock(), then);
  fill(choice.elseBlock(), otherwise);
  return Values(choice.getResults());
}

void GpuBuilder::branch(Value condition, llvm::function_ref<void()> then,
                        llvm::function_ref<void()> otherwise) {
  branch(
      condition, TypeRange(),
      [&]() -> Values {
        then();
        return {};
      },
      [&]() -> Values {
        if (otherwise)
          otherwise();
        return {};
      });
}

//===----------------------------------------------------------------------===//
// Threads together
//===----------------------------------------------------------------------===//

Value GpuBuilder::shuffle(Value value, int64_t offset) {
  return NVVM::ShflOp::create(b, value.getType(), integer(-1), value,
                              integer(offset), integer(warpLanes - 1),
                              NVVM::ShflKind::bfly, UnitAttr());
}

Value GpuBuilder::reduceLanes(Value value, int64_t lanes, Combine combine) {
  for (int64_t offset = lanes / 2; offset > 0; offset /= 2)
    value = combine(value, shuffle(value, offset));
  return value;
}

GpuBuilder::Values GpuBuilder::reduceBlock(ArrayRef<Value> values,
                                           ArrayRef<Combine> combine) {
  int64_t warps = getWarps();
  Values results;
  for (auto [value, function] : llvm::zip_equal(values, combine))
    results.push_back(reduceLanes(value, warpLanes, function));
  if (warps == 1)
    return results;
  assert(llvm::isPowerOf2_64(warps) && warps <= warpLanes &&
         "one warp's lanes take one value of each warp");
  Value shared = getShared(warps * values.size());
  branch(isEqual(lane(), 0), [&] {
    for (auto [index, result] : llvm::enumerate(results))
      store(result,
            address(shared, multiply(warp(), wordBytes),
                    index * warps * wordBytes),
            wordBytes);
  });
  barrier();
  Value place = multiply(bitAnd(thread(), warps - 1), wordBytes);
  for (auto [index, result] : llvm::enumerate(results)) {
    Value part =
        load(result.getType(),
             address(shared, place, index * warps * wordBytes), wordBytes);
    result = reduceLanes(part, warps, combine[index]);
  }
  return results;
}

void GpuBuilder::barrier() { NVVM::Barrier0Op::create(b); }

std::string GpuBuilder::getSharedName() {
  return (function.getName() + "_shared").str();
}

Value GpuBuilder::getShared(int64_t words) {
  auto type = LLVM::LLVMPointerType::get(b.getContext(), sharedSpace);
  Value start = LLVM::AddressOfOp::create(b, type, getSharedName());
  Value result = address(start, sharedWords * wordBytes);
  sharedWords += words;
  return result;
}

void GpuBuilder::finish() {
  gpu::ReturnOp::create(b);
  if (sharedWords == 0)
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(function);
  LLVM::GlobalOp::create(b, LLVM::LLVMArrayType::get(i32(), sharedWords),
                         /*isConstant=*/false, LLVM::Linkage::Internal,
                         getSharedName(), Attribute(), /*alignment=*/16,
                         sharedSpace);
}
