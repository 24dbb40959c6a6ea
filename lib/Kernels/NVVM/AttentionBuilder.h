//===- AttentionBuilder.h - Emits attention for GPUs ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_ATTENTIONBUILDER_H
#define HGF_LIB_KERNELS_NVVM_ATTENTIONBUILDER_H

#include "hgf/Kernels/NVVM/FlashAttention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// A tensor in global memory, as its elements' addresses are computed.
struct StridedTensor {
  /// All of memory from the tensor's base on, a memref of float32.
  mlir::Value memory;
  mlir::Value offset;
  /// Indices.
  llvm::SmallVector<mlir::Value> sizes, strides;
};

/// What the kernels of attention share. Numbers are indices, floats float32
/// or vectors of four.
class AttentionBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody =
      llvm::function_ref<Values(Value index, llvm::ArrayRef<Value> carried)>;

  explicit AttentionBuilder(FlashAttentionOp op);

  // Constants and types.
  mlir::VectorType four() { return mlir::VectorType::get({4}, b.getF32Type()); }
  Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, value);
  }
  Value real(float value);
  Value minusInfinity();
  Value zeros();

  // Numbers.
  Value add(Value left, Value right) {
    return b.createOrFold<mlir::arith::AddIOp>(left, right);
  }
  Value add(Value left, int64_t right) { return add(left, index(right)); }
  Value subtract(Value left, Value right) {
    return b.createOrFold<mlir::arith::SubIOp>(left, right);
  }
  Value multiply(Value left, Value right) {
    return b.createOrFold<mlir::arith::MulIOp>(left, right);
  }
  Value multiply(Value left, int64_t right) {
    return multiply(left, index(right));
  }
  Value divide(Value left, Value right) {
    return b.createOrFold<mlir::arith::DivUIOp>(left, right);
  }
  Value divide(Value left, int64_t right) { return divide(left, index(right)); }
  Value remainder(Value left, Value right) {
    return b.createOrFold<mlir::arith::RemUIOp>(left, right);
  }
  Value remainder(Value left, int64_t right) {
    return remainder(left, index(right));
  }
  /// `left` / `right`, rounded up.
  Value divideUp(Value left, int64_t right) {
    return divide(add(left, right - 1), right);
  }
  Value minimum(Value left, Value right) {
    return b.createOrFold<mlir::arith::MinSIOp>(left, right);
  }
  Value maximum(Value left, Value right) {
    return b.createOrFold<mlir::arith::MaxSIOp>(left, right);
  }
  Value isLess(Value left, Value right) {
    return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::slt,
                                               left, right);
  }
  Value isEqual(Value left, int64_t right) {
    return b.createOrFold<mlir::arith::CmpIOp>(mlir::arith::CmpIPredicate::eq,
                                               left, index(right));
  }
  Value both(Value left, Value right) {
    return b.createOrFold<mlir::arith::AndIOp>(left, right);
  }
  Value select(Value condition, Value yes, Value no) {
    return b.createOrFold<mlir::arith::SelectOp>(condition, yes, no);
  }

  // Floats.
  Value addFloat(Value left, Value right);
  Value multiplyFloat(Value left, Value right);
  Value multiplyAdd(Value left, Value right, Value sum);
  Value larger(Value left, Value right);
  Value splat(Value scalar);
  Value element(Value vector, int64_t position);
  /// The vector of four elements.
  Value join(llvm::ArrayRef<Value> elements);
  /// exp(score - maximum), where a maximum of -infinity, of nothing, counts
  /// as 0.
  Value power(Value score, Value maximum);
  /// numerator / sum, 0 where the sum is 0: nothing was seen.
  Value quotient(Value numerator, Value sum);

  // Where a thread stands.
  Value thread() { return mlir::gpu::ThreadIdOp::create(b, x); }
  Value blockX() { return mlir::gpu::BlockIdOp::create(b, x); }
  Value blockY() { return mlir::gpu::BlockIdOp::create(b, y); }
  Value blocksY() { return mlir::gpu::GridDimOp::create(b, y); }

  // Control.
  /// for (index = begin; index < end; index += step), values carried along.
  Values loop(Value begin, Value end, Value step, llvm::ArrayRef<Value> init,
              LoopBody body);
  void loop(Value begin, Value end, Value step,
            llvm::function_ref<void(Value index)> body);
  void branch(Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = nullptr);
  void barrier() { mlir::gpu::BarrierOp::create(b); }
  /// Joins the values of `count` lanes, `distance` apart; all of them get the
  /// result.
  Value joinLanes(Value value, int64_t distance, int64_t count,
                  llvm::function_ref<Value(Value, Value)> join);
  Value addLanes(Value value, int64_t distance, int64_t count);
  Value largestOfLanes(Value value, int64_t distance, int64_t count);

  // Memory.
  StridedTensor getTensor(Value memref);
  /// The scratch memory as floats.
  Value getScratch();
  /// Shared memory of `shape`, a memref whose rows may be read four by four.
  Value getShared(llvm::ArrayRef<int64_t> shape);
  /// The address of the first element of a row.
  Value getRow(const StridedTensor &tensor, llvm::ArrayRef<Value> indices);
  /// Four neighbouring elements of a row from `first` on; those from `length`
  /// on are zero. `whole`: none are.
  Value loadFour(const StridedTensor &tensor, Value row, Value first,
                 int64_t length, bool whole, bool wide);
  Value loadShared(Value memory, llvm::ArrayRef<Value> indices);
  void storeShared(Value four, Value memory, llvm::ArrayRef<Value> indices);
  /// The mask's summand for each query of a head; null without a mask.
  struct Mask {
    Value row, stride;
    /// Whether it is the same for all heads.
    bool shared;
  };
  Mask getMask(Value batch, Value head, Value queryRow);
  Value loadMask(const Mask &mask, Value key);

  /// Emits `body` for tensors that can be read four by four, and once more for
  /// others; which one it is, is known at run time.
  void emitForms(llvm::ArrayRef<StridedTensor *> tensors,
                 llvm::ArrayRef<Value> memrefs,
                 llvm::function_ref<void(bool wide)> body);

  /// How many keys a query sees: all, or those before its own place.
  Value countVisible(Value queryRow);

  mlir::ImplicitLocOpBuilder b;
  FlashAttentionOp op;
  const FlashAttentionPlan plan;
  /// By softmax.
  llvm::SmallVector<StridedTensor, 2> query, key;
  StridedTensor value, init;
  /// The number of queries and keys.
  Value queries, keys;

private:
  static constexpr mlir::gpu::Dimension x = mlir::gpu::Dimension::x;
  static constexpr mlir::gpu::Dimension y = mlir::gpu::Dimension::y;
  StridedTensor mask;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_ATTENTIONBUILDER_H
