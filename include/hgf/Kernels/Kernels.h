//===- Kernels.h - Functions that compute a layer -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_KERNELS_H
#define HGF_KERNELS_KERNELS_H

#include "hgf/Target/CPU/Encoding.h"
#include "hgf/Target/CPU/InstructionLevel.h"
#include "hgf/Target/CPU/WeightLayout.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace hgf {

/// The steps of a layer; each is one function per key.
enum class KernelKind {
  /// One token: absolute maximum, int8 codes, their sums per group.
  /// With a norm, x is normalized first and that row kept.
  /// (x, q, sums, scale, norm weight, epsilon, normalized x, columns, padded
  /// columns)
  Quantize,
  /// One token of float activations: copied or normalized, and padded with
  /// zeros. (x, padded x, norm weight, epsilon, columns, padded columns)
  Pad,
  /// One token: alpha = sigmoid(w.x + b), or 0 below a threshold.
  /// (x, w, b and threshold, alpha, length)
  Gate,
  /// One token, a range of rank blocks: h = phi(x A^t), or 0 where alpha is.
  /// (x or q, a, aScale, bScale, input scale, h, alpha, columns, begin, end)
  CorrectionInput,
  /// A block of tokens, a range of row blocks: the ternary product and the
  /// epilogue. Arguments: BackboneArgument.
  Backbone,
  /// At most `prefillTokens` tokens, a range of row blocks: the ternary product
  /// alone, in y. Arguments: BackboneArgument, then TokenCount.
  Prefill,
  /// The epilogue alone, on the ternary product that y holds: what follows
  /// Prefill, or a gate that reads the complete row. Arguments:
  /// BackboneArgument.
  Finish,
  /// A block of tokens, a range of row blocks of `hgf.head`. Arguments:
  /// HeadArgument.
  Head
};

/// Arguments of Backbone and Finish: pointers, then int64 numbers. Pointers
/// that a key does not need are not read.
enum BackboneArgument : unsigned {
  WeightsPointer,
  /// int8 codes or padded floats, one token after another.
  InputsPointer,
  /// int32, per token and group.
  SumsPointer,
  /// float32 a / 127, per token.
  InputScalesPointer,
  ScalesPointer,
  /// float32 h, per token padded rank values.
  CorrectionPointer,
  FactorPointer,
  SegmentTablePointer,
  /// One or per row, or per token where it is dynamic.
  GatePointer,
  BiasPointer,
  ResidualPointer,
  OutputPointer,
  pointerArgumentCount,
  /// Blocks of columns.
  BlockCount = pointerArgumentCount,
  Rows,
  PaddedRank,
  /// Bytes from one token to the next.
  OutputStride,
  ResidualStride,
  /// Row blocks.
  Begin,
  End,
  backboneArgumentCount,
  /// Prefill only.
  TokenCount = backboneArgumentCount,
  prefillArgumentCount
};

/// The most tokens that one call of Prefill takes: their totals of one panel of
/// rows are on the stack.
inline constexpr int64_t prefillTokens = 288;

/// Arguments of Head: pointers, then int64 numbers. Scales and bias are not
/// read where the key has none.
enum HeadArgument : unsigned {
  HeadWeights,
  HeadInputs,
  HeadScales,
  HeadBias,
  HeadOutput,
  headPointerCount,
  HeadColumns = headPointerCount,
  HeadRows,
  /// Bytes from one token to the next.
  HeadInputStride,
  HeadOutputStride,
  /// Row blocks.
  HeadBegin,
  HeadEnd,
  headArgumentCount
};

/// What decides the code of a kernel: equal keys share one function.
struct KernelKey {
  KernelKind kind;
  const InstructionLevel *level;
  /// The level's schedule in instructions that every CPU of the architecture
  /// has, so that it can be tested on any.
  bool portable = false;
  /// Backbone.
  const Encoding *encoding = nullptr;
  /// Tokens per call.
  int64_t tokens = 1;
  Granularity granularity = Granularity::Tensor;
  int64_t group = 0;
  Levels levels = Levels::Ternary;
  Quantization quantization = Quantization::None;
  /// A where the kind is CorrectionInput, the weight where it is Head, B
  /// otherwise.
  FactorType factor = FactorType::None;
  Activation correctionActivation = Activation::Identity;
  CorrectionInput correctionInput = CorrectionInput::Original;
  /// CorrectionInput: h is multiplied by one scale of B per rank.
  bool scaledOutput = false;
  GateKind gateKind = GateKind::Open;
  bool rowGate = false;
  /// The gate may be exactly 0, which saves reading the factor.
  bool mayBeClosed = false;
  /// Quantize and Pad: x goes through a norm.
  bool norm = false;
  bool segmented = false;
  bool bias = false;
  bool residual = false;
  Activation activation = Activation::Identity;
  /// The last row block is not full.
  bool partialRows = false;
  /// Head: nor is the last block of columns.
  bool partialColumns = false;

  /// The level whose code this is: kernels without dot products are shared.
  const InstructionLevel &getLevel() const;

  /// A symbol that equal keys share and no others.
  std::string getName() const;
};

/// The kernel of `key`: found in `module` by name, or built into it as an
/// internal llvm.func whose body holds scf, arith, vector, math and hgf
/// operations.
mlir::LLVM::LLVMFuncOp getOrBuildKernel(mlir::ModuleOp module,
                                        const KernelKey &key);

} // namespace hgf

#endif // HGF_KERNELS_KERNELS_H
