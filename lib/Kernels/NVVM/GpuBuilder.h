//===- GpuBuilder.h - Emits the IR of one GPU kernel ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_NVVM_GPUBUILDER_H
#define HGF_LIB_KERNELS_NVVM_GPUBUILDER_H

#include "hgf/Target/NVVM/WeightLayout.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// Short names for the operations that GPU kernels are made of. Addresses are
/// !llvm.ptr<1>, indices i32, offsets in bytes, i32 or i64.
class GpuBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody =
      llvm::function_ref<Values(Value index, llvm::ArrayRef<Value> carried)>;
  using Combine = llvm::function_ref<Value(Value left, Value right)>;

  static constexpr int64_t warpLanes = 32;

  /// `threads` per block, whole warps.
  GpuBuilder(mlir::gpu::GPUFuncOp function, int64_t threads);

  int64_t getWarps() const { return threads / warpLanes; }
  Value argument(unsigned index) { return function.getArgument(index); }

  // Types.
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type f32() { return b.getF32Type(); }
  mlir::VectorType vector(int64_t size, mlir::Type element) {
    return mlir::VectorType::get({size}, element);
  }

  // Where a thread stands, i32.
  Value thread();
  Value lane();
  Value warp();
  Value blockX();
  Value blockY();

  // Constants. `type` may be a vector.
  Value integer(mlir::Type type, int64_t value);
  Value integer(int64_t value) { return integer(i32(), value); }
  Value real(mlir::Type type, float value);
  Value real(float value) { return real(f32(), value); }

  // Integers.
  Value add(Value left, Value right);
  Value add(Value left, int64_t right);
  Value subtract(Value left, Value right);
  Value multiply(Value left, Value right);
  Value multiply(Value left, int64_t right);
  Value bitAnd(Value left, int64_t right);
  Value bitAnd(Value left, Value right);
  Value bitOr(Value left, Value right);
  Value shiftLeft(Value left, int64_t right);
  /// Of unsigned numbers.
  Value shiftRight(Value left, int64_t right);
  Value shiftRightSigned(Value left, int64_t right);
  Value minimum(Value left, Value right);
  Value minimum(Value left, int64_t right);
  Value isLess(Value left, Value right);
  Value isLess(Value left, int64_t right) {
    return isLess(left, integer(left.getType(), right));
  }
  Value isEqual(Value left, int64_t right);
  Value both(Value left, Value right);
  Value select(Value condition, Value yes, Value no);
  Value toWide(Value number);
  Value toNarrow(Value number);

  // Floats, scalars or vectors.
  Value addFloat(Value left, Value right);
  Value subtractFloat(Value left, Value right);
  Value multiplyFloat(Value left, Value right);
  Value divideFloat(Value left, Value right);
  /// left * right + sum in one rounding.
  Value multiplyAdd(Value left, Value right, Value sum);
  Value maximum(Value left, Value right);
  Value absolute(Value value);
  Value toFloat(Value integers);
  Value bits(mlir::Type type, Value value);
  Value splat(Value scalar, int64_t size);
  Value element(Value vector, int64_t index);
  Value replaceElement(Value vector, Value element, int64_t index);
  /// The dot product of four unsigned and four signed bytes, added to `sum`.
  Value dotBytes(Value unsignedBytes, Value signedBytes, Value sum);
  /// The sum of four signed bytes, added to `sum`.
  Value sumBytes(Value signedBytes, Value sum);

  // Memory.
  Value address(Value pointer, Value offset, int64_t constant = 0);
  Value address(Value pointer, int64_t constant);
  /// pointer + index * bytes, in 64 bits where the product needs them.
  Value addressOf(Value pointer, Value index, int64_t bytes);
  Value load(mlir::Type type, Value pointer, unsigned alignment);
  Value loadFloat(Value pointer) { return load(f32(), pointer, 4); }
  void store(Value value, Value pointer, unsigned alignment);
  /// `size` elements of a factor as stored; a scalar where size is 1.
  Value loadFactorBits(Value pointer, FactorType type, int64_t size);
  /// The same as float32.
  Value widenFactor(Value bits, FactorType type);

  // Control.
  /// for (index = begin; index < end; index += step), values carried along.
  Values loop(Value begin, Value end, int64_t step, llvm::ArrayRef<Value> init,
              LoopBody body);
  /// Keeps the compilers from unrolling the loop that has `result`: the kernel
  /// has done so where it pays, and knows how many registers there are.
  void keepLoop(Value result);
  /// if (condition) then() else otherwise().
  Values branch(Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  void branch(Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise = nullptr);

  // Within a warp or a block.
  /// The value of the lane whose number differs in the bits of `offset`.
  Value shuffle(Value value, int64_t offset);
  /// Combines `value` over `lanes` neighbouring lanes, a power of two; all get
  /// the result.
  Value reduceLanes(Value value, int64_t lanes, Combine combine);
  /// Combines each of `values` over the block's threads, which all come here
  /// and get the results.
  Values reduceBlock(llvm::ArrayRef<Value> values,
                     llvm::ArrayRef<Combine> combine);
  void barrier();
  /// Shared memory of `words` 32-bit words for each of whose uses there is one
  /// call: no two calls get the same.
  Value getShared(int64_t words);

  /// Makes the shared memory that getShared() gave out, and returns.
  void finish();

  mlir::ImplicitLocOpBuilder b;

private:
  std::string getSharedName();

  mlir::gpu::GPUFuncOp function;
  int64_t threads;
  int64_t sharedWords = 0;
};

} // namespace hgf

#endif // HGF_LIB_KERNELS_NVVM_GPUBUILDER_H
