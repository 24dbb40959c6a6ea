//===- LayerLowering.h - The calls of one layer -----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_LAYERLOWERING_H
#define HGF_PASSES_CPU_LAYERLOWERING_H

#include "KernelCalls.h"
#include "hgf/Kernels/Scratch.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {

/// Emits the calls of one layer.
class LayerLowering {
public:
  LayerLowering(LinearOp op, KernelCalls &calls);

  /// Emits all calls in front of the layer; `weights` is its blob.
  void emit(mlir::LLVM::GlobalOp weights);

private:
  using Value = mlir::Value;

  /// A tensor of one layer: its first element, and bytes from token to token.
  struct Tokens {
    Value pointer;
    Value stride;
  };

  bool isFloat() { return op.getQuantization() == Quantization::None; }
  int64_t getPaddedColumns() const {
    return encoding.getBlockCount(parameters.columns) *
           encoding.getBlockColumns();
  }
  int64_t getRowBlocks() const {
    return encoding.getRowBlockCount(parameters.rows);
  }

  Value number(int64_t value) {
    return mlir::arith::ConstantIntOp::create(b, value, 64);
  }
  Value toNumber(Value index) {
    return b.createOrFold<mlir::arith::IndexCastOp>(b.getI64Type(), index);
  }
  Value multiply(Value left, Value right) {
    return b.createOrFold<mlir::arith::MulIOp>(left, right);
  }
  Value multiply(Value left, int64_t right) {
    return multiply(left, number(right));
  }
  Value add(Value left, Value right) {
    return b.createOrFold<mlir::arith::AddIOp>(left, right);
  }
  Value address(Value pointer, Value offset) {
    return mlir::LLVM::GEPOp::create(
        b, pointerType, b.getI8Type(), pointer,
        llvm::ArrayRef<mlir::LLVM::GEPArg>{offset});
  }
  /// `bytes` per token behind `pointer`.
  Value address(Value pointer, Value token, int64_t bytes) {
    return address(pointer, multiply(token, bytes));
  }
  Value part(int64_t offset) { return address(base, number(offset)); }

  void countTokens();
  Tokens getTokens(Value value);
  void placeScratch();

  KernelKey makeKey(KernelKind kind);
  /// What Backbone and Finish share.
  KernelKey makeEpilogueKey(KernelKind kind);

  /// Calls body(index) for [0, count), on threads in pieces of `grain`.
  void forEach(Value count, int64_t grain,
               llvm::function_ref<void(Value)> body);
  /// Calls body(begin, end) for pieces of all row blocks, on threads.
  void forEachPiece(int64_t rowBlocks,
                    llvm::function_ref<void(Value, Value)> body);

  /// x after the norm, where there is one, of one token.
  Value getInput(Value token);
  /// Quantized or padded activations, and gates that read x.
  void emitTokens();
  void emitGate(Value token, Value source, int64_t length);
  int64_t getRankBlocks() const {
    return parameters.getPaddedRank() / LinearParameters::rankBlock;
  }
  /// Rank blocks of one token that are worth a thread.
  int64_t getRankBlockGrain() const;
  /// One rank block of one token of phi(x A^t): tokens * rank blocks in all.
  void emitRankBlock(Value index);
  /// `count` tokens where the kernel does not know how many.
  void callRows(const KernelKey &key, Value token, Value begin, Value end,
                Value count = {});
  /// The gate needs the row, which all threads have written by now.
  void emitFinish();

  // LayerBackbone.cpp: which kernels compute the ternary product.
  KernelKey makeBackboneKey();
  void emitBackbone();
  /// A few tokens: straight from the stream of weights.
  int64_t getPieceRowBlocks(int64_t tokenCount) const;
  void emitDecode(const KernelKey &key);
  /// Many tokens: with unpacked panels of rows.
  void emitPrefill(const KernelKey &key);
  /// The epilogue of tokens [first, last) after Prefill.
  void emitEpilogue(const KernelKey &key, Value first, Value last, Value begin,
                    Value end);
  /// Numbers of tokens that this layer has kernels for, ending in 1. Groups of
  /// float activations close an accumulation so often that several tokens at
  /// once gain nothing.
  llvm::ArrayRef<TokenBlock> getTokenBlocks() const;
  /// Covers all tokens with the blocks of tokens that kernels exist for.
  void emitTokenBlocks(KernelKey key, Value begin, Value end);
  /// Whether a known number of tokens has a block of this size.
  bool emitsBlock(int64_t block, bool largest) const;

  LinearOp op;
  KernelCalls &calls;
  mlir::ImplicitLocOpBuilder b;
  PackedType packed;
  const Encoding &encoding;
  LinearParameters parameters;
  WeightLayout layout;
  Scratch scratch;
  mlir::Type pointerType;
  Value null;
  /// The layer's blob.
  Value base;
  Value tokens;
  /// -1 where it is dynamic.
  int64_t knownTokens = -1;
  Tokens x, y, residual;
  Value inputs, sums, inputScales, correction, gates, normalized;
};

} // namespace hgf

#endif // HGF_PASSES_CPU_LAYERLOWERING_H
