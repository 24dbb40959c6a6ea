//===- LinearKernels.h - Kernels of a ternary layer on a GPU -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_KERNELS_NVVM_LINEARKERNELS_H
#define HGF_KERNELS_NVVM_LINEARKERNELS_H

#include "hgf/Target/NVVM/WeightLayout.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace hgf {

/// What decides the code of a layer's kernels. A layer is two launches: the
/// prologue, which computes what each token needs once, and the kernel that
/// multiplies, which reads it from the layer's scratch.
struct GpuLinearKey {
  LinearParameters parameters;
  Quantization quantization = Quantization::None;
  Activation correctionActivation = Activation::Identity;
  CorrectionInput correctionInput = CorrectionInput::Original;
  Activation activation = Activation::Identity;
  bool residual = false;
  /// x and the bytes from one of its tokens to the next are multiples of 16.
  bool alignedInput = false;
  /// Tokens that one block of the decode kernel takes: 1, 2, 4 or 8.
  int64_t tokens = 1;

  bool isFloat() const { return quantization == Quantization::None; }
  bool isGrouped() const {
    return parameters.granularity == Granularity::Group;
  }
  /// A row's product is one exact integer before it is scaled.
  bool isExact() const { return !isFloat() && !isGrouped(); }
  /// The correction reads q a / 127.
  bool correctsQuantized() const {
    return !isFloat() && correctionInput == CorrectionInput::Quantized;
  }
  bool gatesInput() const {
    return parameters.gateKind == GateKind::SigmoidInput;
  }
  bool gatesOutput() const {
    return parameters.gateKind == GateKind::SigmoidOutput;
  }

  /// Symbols that equal keys share and no others. Prologues do not depend on
  /// what only the second kernel does.
  std::string getPrologueName() const;
  std::string getDecodeName() const;
};

/// Where the parts of one token's scratch start, in bytes; token t's begins at
/// t * tokenBytes. Parts that a layer lacks take no room.
struct GpuScratch {
  /// int8 codes in the order of the columns, zeros up to the padded columns; or
  /// x in float32, likewise, where activations are float and the kernel cannot
  /// take x as it comes.
  int64_t inputs = 0;
  /// int32 sum of the codes; with groups one for each 16 columns, those of the
  /// padding too.
  int64_t sums = 0;
  /// float32 a / 127.
  int64_t inputScale = 0;
  /// float32 h, per rank; with an int8 B times its scale.
  int64_t correction = 0;
  /// float32 alpha, where it is dynamic; 0 below the threshold.
  int64_t gate = 0;
  /// int32 blocks that have finished, where the gate reads the output. The
  /// prologue sets it to 0.
  int64_t counter = 0;
  int64_t tokenBytes = 0;

  static constexpr int64_t alignment = 64;
};
GpuScratch computeGpuScratch(const GpuLinearKey &key);

/// Whether the decode kernel reads float activations from the scratch: there
/// they are normalized, aligned, and padded to whole chunks.
bool hasPaddedInput(const GpuLinearKey &key);

/// Whether the layer has a prologue at all: float activations that the kernel
/// takes as they come, without correction and dynamic gate, have none.
bool needsPrologue(const GpuLinearKey &key);

/// Pointers are !llvm.ptr<1>, numbers i64.
enum PrologueArgument : unsigned {
  /// x in float32: its first token.
  PrologueInput,
  /// Bytes from one token to the next.
  PrologueInputStride,
  /// The layer's blob.
  PrologueWeights,
  /// A multiple of 16.
  PrologueScratch,
  prologueArgumentCount
};

/// Pointers are !llvm.ptr<1>, numbers i64. Pointers that a key does not need
/// are not read. The output overlaps no other argument, but it may be the
/// residual itself where the gate does not read the output.
enum DecodeArgument : unsigned {
  /// x in float32, which is read where activations are float and
  /// !hasPaddedInput().
  DecodeInput,
  DecodeInputStride,
  DecodeWeights,
  DecodeScratch,
  DecodeResidual,
  DecodeResidualStride,
  DecodeOutput,
  DecodeOutputStride,
  /// The number of tokens, M.
  DecodeTokens,
  decodeArgumentCount
};

/// A kernel and how to launch it on M tokens: blocks of (threads, 1, 1) in a
/// grid of (blocks, ceil(M / tokens), 1).
struct GpuKernel {
  mlir::gpu::GPUFuncOp function;
  int64_t threads = 0;
  int64_t blocks = 0;
  int64_t tokens = 1;
};

/// The kernels of `key`: found in `module` by name, or built into it. Bodies
/// hold scf, arith, math, llvm and nvvm operations; see
/// buildKernelLoweringPipeline() of the gpu phase.
GpuKernel getOrBuildPrologue(mlir::gpu::GPUModuleOp module,
                             const GpuLinearKey &key);
GpuKernel getOrBuildDecode(mlir::gpu::GPUModuleOp module,
                           const GpuLinearKey &key);

} // namespace hgf

#endif // HGF_KERNELS_NVVM_LINEARKERNELS_H
