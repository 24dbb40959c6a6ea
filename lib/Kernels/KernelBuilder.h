//===- KernelBuilder.h - Emits the IR of one kernel -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_KERNELS_KERNELBUILDER_H
#define HGF_LIB_KERNELS_KERNELBUILDER_H

#include "hgf/Kernels/Kernels.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// Short names for the operations that kernels are made of. Addresses are
/// !llvm.ptr, offsets are in bytes and sizes in i64.
class KernelBuilder {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<mlir::Value>;
  using LoopBody =
      llvm::function_ref<Values(Value index, llvm::ArrayRef<Value> carried)>;

  /// Lanes of float32 vectors, and rows of a row block.
  static constexpr int64_t lanes = 8;

  KernelBuilder(mlir::LLVM::LLVMFuncOp function, const KernelKey &key);

  /// Steps into one int16 accumulator: codes of 3 fill it in two thirds of what
  /// ternary codes need.
  int64_t getSafeSteps() const {
    return key.levels == Levels::Ternary ? level.safeSteps
                                         : level.safeSteps * 2 / 3;
  }

  /// Of `hgf.dot_step` with vectors of `bytes` codes.
  mlir::VectorType getAccumulator(int64_t bytes) {
    switch (level.accumulator) {
    case Accumulator::Int16:
      return vector(bytes / 2, b.getI16Type());
    case Accumulator::Int16Single:
      return vector(bytes, b.getI16Type());
    case Accumulator::Int32:
      return vector(bytes / 4, i32());
    }
    llvm_unreachable("unknown accumulator");
  }

  Value argument(unsigned index) { return function.getArgument(index); }

  // Types.
  mlir::Type i8() { return b.getI8Type(); }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type f32() { return b.getF32Type(); }
  mlir::VectorType vector(int64_t size, mlir::Type element) {
    return mlir::VectorType::get({size}, element);
  }
  mlir::VectorType floats() { return vector(lanes, f32()); }
  mlir::VectorType ints() { return vector(lanes, i32()); }

  // Constants.
  Value size(int64_t value);
  Value integer(mlir::Type type, int64_t value);
  Value real(mlir::Type type, float value);

  // Integers.
  Value add(Value left, Value right);
  Value add(Value left, int64_t right);
  Value subtract(Value left, Value right);
  Value multiply(Value left, Value right);
  Value multiply(Value left, int64_t right);
  Value minimum(Value left, Value right);
  /// left / right of positive numbers, rounded up.
  Value divideUp(Value left, Value right);

  // Floats.
  Value addFloat(Value left, Value right);
  Value subtractFloat(Value left, Value right);
  Value multiplyFloat(Value left, Value right);
  Value divideFloat(Value left, Value right);
  /// left * right + sum, in one rounding where the level can.
  Value multiplyAdd(Value left, Value right, Value sum);
  Value toFloat(Value integers);
  /// Widens 8 elements of a factor to float32.
  Value widenFactor(Value elements, FactorType type);
  Value activate(Value value, Activation activation);
  Value sumOfLanes(Value vector);

  Value splat(Value scalar, int64_t size = lanes);
  /// The first or second halves of each 16 bytes of two vectors of bytes, side
  /// by side: what a product of matrices takes as two rows.
  Value joinHalves(Value first, Value second, int64_t half);

  // Memory.
  Value address(Value pointer, Value offset, int64_t constant = 0);
  Value address(Value pointer, int64_t constant);
  Value load(mlir::Type type, Value pointer, unsigned alignment);
  void store(Value value, Value pointer, unsigned alignment);
  Value stack(int64_t bytes);
  /// Asks for the line at `distance` bytes behind `pointer`, where the level
  /// prefetches at all.
  void prefetch(Value pointer, Value distance);
  void prefetch(Value pointer) { prefetch(pointer, size(level.prefetchBytes)); }
  Value loadFactor(Value pointer, FactorType type);
  /// The first `count` < 8 floats at `pointer`; zeros in the other lanes.
  Value loadPartial(Value pointer, Value count);
  void storePartial(Value value, Value pointer, Value count);

  /// for (index = begin; index < end; index += step), values carried along.
  Values loop(Value begin, Value end, int64_t step, llvm::ArrayRef<Value> init,
              LoopBody body) {
    return loop(begin, end, size(step), init, body);
  }
  Values loop(Value begin, Value end, Value step, llvm::ArrayRef<Value> init,
              LoopBody body);
  /// if (condition) then() else otherwise().
  Values branch(Value condition, mlir::TypeRange types,
                llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise);
  Value isLess(Value left, Value right);
  /// Whether one of `tokens` gates at `pointer` is not 0.
  Value isOpen(Value pointer, int64_t tokens);

  const KernelKey &key;
  const InstructionLevel &level;
  mlir::ImplicitLocOpBuilder b;

private:
  Value widenHalf(Value bits);

  mlir::LLVM::LLVMFuncOp function;
  /// In the entry block, because loops must not take the stack again.
  Value scratch;
};

void buildQuantize(KernelBuilder &k);
void buildPad(KernelBuilder &k);
void buildGate(KernelBuilder &k);
void buildCorrectionInput(KernelBuilder &k);
void buildBackbone(KernelBuilder &k);
void buildPrefill(KernelBuilder &k);
void buildFinish(KernelBuilder &k);
void buildHead(KernelBuilder &k);

/// Epilogue of one row block: `products` holds the ternary part of each token,
/// scaled, as vector<8xf32>; writes y.
void emitEpilogue(KernelBuilder &k, mlir::Value rowBlock,
                  llvm::SmallVector<mlir::Value> products);
/// Stores the rows of one row block of one token, or those that exist.
void emitStore(KernelBuilder &k, mlir::Value rowBlock, int64_t token,
               mlir::Value value);
/// The same to `target`, which is where the row block starts.
void emitStoreTo(KernelBuilder &k, mlir::Value rowBlock, mlir::Value target,
                 mlir::Value value);

} // namespace hgf

#endif // HGF_LIB_KERNELS_KERNELBUILDER_H
