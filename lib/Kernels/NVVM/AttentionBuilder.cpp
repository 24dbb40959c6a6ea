//===- AttentionBuilder.cpp - Emits attention for GPUs --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionBuilder.h"

#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace hgf;

/// Bytes of four floats, as the memory has to be aligned for them.
static constexpr int64_t fourBytes = 16;
/// More floats than any memory has: addresses are computed here, so that the
/// sizes of what holds the tensors do not matter.
static constexpr int64_t allFloats = int64_t(1) << 48;

AttentionBuilder::AttentionBuilder(FlashAttentionOp op)
    : b(op.getLoc(), OpBuilder(op)), op(op), plan(op) {
  query.push_back(getTensor(op.getQuery()));
  key.push_back(getTensor(op.getKey()));
  if (op.isDifferential()) {
    query.push_back(getTensor(op.getQuery2()));
    key.push_back(getTensor(op.getKey2()));
  }
  value = getTensor(op.getValue());
  init = getTensor(op.getInit());
  if (op.getMask())
    mask = getTensor(op.getMask());
  queries = init.sizes[2];
  keys = key[0].sizes[2];
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

Value AttentionBuilder::real(float value) {
  return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
}

Value AttentionBuilder::minusInfinity() {
  return real(-std::numeric_limits<float>::infinity());
}

Value AttentionBuilder::zeros() {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(four(), b.getF32FloatAttr(0).getValue()));
}

Value AttentionBuilder::addFloat(Value left, Value right) {
  return arith::AddFOp::create(b, left, right);
}
Value AttentionBuilder::multiplyFloat(Value left, Value right) {
  return arith::MulFOp::create(b, left, right);
}
Value AttentionBuilder::multiplyAdd(Value left, Value right, Value sum) {
  return math::FmaOp::create(b, left, right, sum);
}
Value AttentionBuilder::larger(Value left, Value right) {
  return arith::MaxNumFOp::create(b, left, right);
}
Value AttentionBuilder::splat(Value scalar) {
  return vector::BroadcastOp::create(b, four(), scalar);
}
Value AttentionBuilder::element(Value vector, int64_t position) {
  return vector::ExtractOp::create(b, vector, position);
}
Value AttentionBuilder::join(ArrayRef<Value> elements) {
  return vector::FromElementsOp::create(b, four(), elements);
}

Value AttentionBuilder::power(Value score, Value maximum) {
  Value nothing = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum,
                                        minusInfinity());
  Value base = arith::SelectOp::create(b, nothing, real(0), maximum);
  // The power of two is an instruction, which is right to two units in the last
  // place. A score is multiplied after the subtraction only: the lowest one
  // must not become infinite, which would be no key at all.
  Value exponent =
      multiplyFloat(arith::SubFOp::create(b, score, base), real(1.44269504f));
  return LLVM::CallIntrinsicOp::create(
             b, b.getF32Type(), b.getStringAttr("llvm.nvvm.ex2.approx.ftz"),
             exponent)
      .getResult(0);
}

Value AttentionBuilder::quotient(Value numerator, Value sum) {
  Value nothing =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, real(0));
  Value result = arith::DivFOp::create(b, numerator, sum);
  return arith::SelectOp::create(b, nothing, real(0), result);
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

AttentionBuilder::Values AttentionBuilder::loop(Value begin, Value end,
                                                Value step,
                                                ArrayRef<Value> init,
                                                LoopBody body) {
  auto loop = scf::ForOp::create(b, begin, end, step, init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values carried = llvm::to_vector_of<Value>(loop.getRegionIterArgs());
  Values next = body(loop.getInductionVar(), carried);
  // Without carried values the loop has its yield already.
  if (!init.empty())
    scf::YieldOp::create(b, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void AttentionBuilder::loop(Value begin, Value end, Value step,
                            llvm::function_ref<void(Value index)> body) {
  loop(begin, end, step, {}, [&](Value index, ArrayRef<Value>) -> Values {
    body(index);
    return {};
  });
}

void AttentionBuilder::branch(Value condition, llvm::function_ref<void()> then,
                              llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, condition, bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

Value AttentionBuilder::joinLanes(
    Value value, int64_t distance, int64_t count,
    llvm::function_ref<Value(Value, Value)> join) {
  for (int64_t offset = distance * count / 2; offset >= distance; offset /= 2)
    value = join(value, gpu::ShuffleOp::create(b, value, offset,
                                               FlashAttentionPlan::warpLanes,
                                               gpu::ShuffleMode::XOR)
                            .getShuffleResult());
  return value;
}

Value AttentionBuilder::addLanes(Value value, int64_t distance, int64_t count) {
  return joinLanes(value, distance, count, [&](Value left, Value right) {
    return addFloat(left, right);
  });
}

Value AttentionBuilder::largestOfLanes(Value value, int64_t distance,
                                       int64_t count) {
  return joinLanes(value, distance, count, [&](Value left, Value right) {
    return larger(left, right);
  });
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

StridedTensor AttentionBuilder::getTensor(Value memref) {
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  auto value = [&](OpFoldResult number) {
    return getValueOrCreateConstantIndexOp(b, b.getLoc(), number);
  };
  StridedTensor tensor;
  tensor.offset = value(metadata.getConstifiedMixedOffset());
  for (OpFoldResult size : metadata.getConstifiedMixedSizes())
    tensor.sizes.push_back(value(size));
  for (OpFoldResult stride : metadata.getConstifiedMixedStrides())
    tensor.strides.push_back(value(stride));
  OpFoldResult everything = index(allFloats);
  tensor.memory = memref::ReinterpretCastOp::create(
      b, MemRefType::get({ShapedType::kDynamic}, b.getF32Type()),
      metadata.getBaseBuffer(), /*offset=*/OpFoldResult(b.getIndexAttr(0)),
      ArrayRef<OpFoldResult>(everything),
      ArrayRef<OpFoldResult>(OpFoldResult(b.getIndexAttr(1))));
  return tensor;
}

Value AttentionBuilder::getScratch() {
  return memref::ViewOp::create(
      b, MemRefType::get({ShapedType::kDynamic}, b.getF32Type()),
      op.getScratch(), index(0), index(allFloats));
}

Value AttentionBuilder::getShared(ArrayRef<int64_t> shape) {
  auto function = op->getParentOfType<gpu::GPUFuncOp>();
  auto space = gpu::AddressSpaceAttr::get(
      b.getContext(), gpu::GPUDialect::getWorkgroupAddressSpace());
  Value memory = function.addWorkgroupAttribution(
      MemRefType::get(shape, b.getF32Type(), MemRefLayoutAttrInterface(),
                      space),
      b.getLoc());
  function.setWorkgroupAttributionAttr(
      function.getNumWorkgroupAttributions() - 1,
      b.getStringAttr(LLVM::LLVMDialect::getAlignAttrName()),
      b.getI64IntegerAttr(fourBytes));
  return memory;
}

Value AttentionBuilder::getRow(const StridedTensor &tensor,
                               ArrayRef<Value> indices) {
  Value row = tensor.offset;
  for (auto [index, stride] : llvm::zip(indices, tensor.strides))
    row = add(row, multiply(index, stride));
  return row;
}

Value AttentionBuilder::loadFour(const StridedTensor &tensor, Value row,
                                 Value first, int64_t length, bool whole,
                                 bool wide) {
  auto clamped = [&](Value position,
                     llvm::function_ref<Value(Value)> load) -> Value {
    if (whole)
      return load(position);
    Value inside = isLess(position, index(length));
    Value value = load(select(inside, position, index(0)));
    Value zero = isa<VectorType>(value.getType()) ? zeros() : real(0);
    return arith::SelectOp::create(b, inside, value, zero);
  };
  if (wide)
    return clamped(first, [&](Value position) -> Value {
      return vector::LoadOp::create(b, four(), tensor.memory,
                                    add(row, position), /*nontemporal=*/false,
                                    llvm::MaybeAlign(fourBytes));
    });
  Values elements;
  for (int64_t step = 0; step < 4; ++step)
    elements.push_back(clamped(add(first, step), [&](Value position) -> Value {
      Value address = add(row, multiply(position, tensor.strides.back()));
      return memref::LoadOp::create(b, tensor.memory, address);
    }));
  return join(elements);
}

Value AttentionBuilder::loadShared(Value memory, ArrayRef<Value> indices) {
  return vector::LoadOp::create(b, four(), memory, indices,
                                /*nontemporal=*/false,
                                llvm::MaybeAlign(fourBytes));
}

void AttentionBuilder::storeShared(Value four, Value memory,
                                   ArrayRef<Value> indices) {
  vector::StoreOp::create(b, four, memory, indices, /*nontemporal=*/false,
                          llvm::MaybeAlign(fourBytes));
}

AttentionBuilder::Mask AttentionBuilder::getMask(Value batch, Value head,
                                                 Value queryRow) {
  Mask result;
  if (!op.getMask())
    return result;
  ArrayRef<int64_t> shape = cast<MemRefType>(op.getMask().getType()).getShape();
  Value indices[] = {batch, head, queryRow};
  result.row = mask.offset;
  result.stride = index(0);
  result.shared = true;
  int64_t missing = 4 - static_cast<int64_t>(shape.size());
  for (auto [axis, size] : llvm::enumerate(shape)) {
    if (size == 1)
      continue;
    int64_t place = missing + axis;
    if (place == 3) {
      result.stride = mask.strides[axis];
      continue;
    }
    result.shared &= place != 1;
    result.row = add(result.row, multiply(indices[place], mask.strides[axis]));
  }
  return result;
}

Value AttentionBuilder::loadMask(const Mask &mask, Value key) {
  return memref::LoadOp::create(b, this->mask.memory,
                                add(mask.row, multiply(key, mask.stride)));
}

void AttentionBuilder::emitForms(ArrayRef<StridedTensor *> tensors,
                                 ArrayRef<Value> memrefs,
                                 llvm::function_ref<void(bool wide)> body) {
  Value wide = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (auto [tensor, memref] : llvm::zip_equal(tensors, memrefs)) {
    ArrayRef<int64_t> shape = cast<MemRefType>(memref.getType()).getShape();
    if (shape.back() % 4 != 0)
      return body(/*wide=*/false);
    wide = both(wide, isEqual(tensor->strides.back(), 1));
    wide = both(wide, isEqual(remainder(tensor->offset, 4), 0));
    for (auto [size, stride] : llvm::zip(shape.drop_back(), tensor->strides))
      if (size != 1)
        wide = both(wide, isEqual(remainder(stride, 4), 0));
    Value pointer = memref::ExtractAlignedPointerAsIndexOp::create(b, memref);
    wide = both(wide, isEqual(remainder(pointer, fourBytes), 0));
  }
  if (std::optional<int64_t> known = getConstantIntValue(wide))
    return body(*known != 0);
  branch(wide, [&] { body(true); }, [&] { body(false); });
}

Value AttentionBuilder::countVisible(Value queryRow) {
  if (!op.getCausal())
    return keys;
  Value seen = add(subtract(add(queryRow, keys), queries), 1);
  return maximum(seen, index(0));
}
