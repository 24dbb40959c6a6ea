//===- TensorMath.h - Small linalg builders ---------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_TILING_DECOMPOSEHGF_TENSORMATH_H
#define HGF_PASSES_TILING_DECOMPOSEHGF_TENSORMATH_H

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace hgf {

/// Makes linalg operations at one place, sizes given as OpFoldResults.
class TensorMath {
public:
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location,
                                              mlir::ValueRange)>;

  TensorMath(mlir::RewriterBase &rewriter, mlir::Location location)
      : rewriter(rewriter), location(location) {}

  /// Sizes of a ranked tensor.
  llvm::SmallVector<mlir::OpFoldResult> sizes(mlir::Value tensor) {
    return mlir::tensor::getMixedSizes(rewriter, location, tensor);
  }

  /// A tensor of `sizes` filled with `value` (an attribute of its elements).
  mlir::Value filled(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     mlir::TypedAttr value);

  /// One element of the result for each point of `sizes`; `maps` give where
  /// each input is read. `body` sees the inputs' elements.
  mlir::Value map(llvm::ArrayRef<mlir::OpFoldResult> sizes,
                  mlir::Type elementType, mlir::ValueRange inputs,
                  llvm::ArrayRef<mlir::AffineMap> maps, Body body);

  /// A reduction over the trailing `reduced` loops of the iteration space,
  /// starting from `start`; `sizes` are those of the parallel loops, which are
  /// the result's. `body` sees the inputs' elements, then the accumulator.
  mlir::Value reduce(llvm::ArrayRef<mlir::OpFoldResult> sizes, unsigned reduced,
                     mlir::TypedAttr start, mlir::ValueRange inputs,
                     llvm::ArrayRef<mlir::AffineMap> maps, Body body);

  /// The map of `loops` loops that keeps `kept` of them.
  mlir::AffineMap project(unsigned loops, llvm::ArrayRef<unsigned> kept);
  /// The map that keeps the first `count` of `loops` loops.
  mlir::AffineMap leading(unsigned loops, unsigned count);

  /// Where a contraction over one more loop reads its tensor of `rank`: the
  /// last dimension runs over that loop.
  mlir::AffineMap contracted(unsigned rank);

  mlir::FloatAttr f32(float value) { return rewriter.getF32FloatAttr(value); }

  mlir::RewriterBase &rewriter;
  mlir::Location location;
};

/// A float constant beside the elements of a body.
mlir::Value constantF32(mlir::OpBuilder &builder, mlir::Location location,
                        float value);

/// `value` as f32: extends f16 and bf16, converts i8.
mlir::Value toF32(mlir::OpBuilder &builder, mlir::Location location,
                  mlir::Value value);

/// 1 / (1 + exp(-x)) of one element.
mlir::Value buildSigmoid(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::Value x);

/// One element through an activation.
mlir::Value buildActivation(mlir::OpBuilder &builder, mlir::Location location,
                            Activation kind, mlir::Value x);

/// `sizes` with the last one replaced.
llvm::SmallVector<mlir::OpFoldResult>
withLast(llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::OpFoldResult last);

/// Patterns for (differential) attention.
void populateDecomposeAttentionPatterns(mlir::RewritePatternSet &patterns);
/// Patterns for the attention that a kernel computes.
void populateDecomposeFlashAttentionPatterns(mlir::RewritePatternSet &patterns);
/// Patterns for the parts of a layer.
void populateDecomposeLayerPatterns(mlir::RewritePatternSet &patterns);
/// Patterns for normalization and elementwise activations.
void populateDecomposeElementwisePatterns(mlir::RewritePatternSet &patterns);
/// Patterns for the fused layer and the cache, which a compilation keeps.
void populateDecomposeFusedPatterns(mlir::RewritePatternSet &patterns);
/// Patterns for fused layers that pack-weights found no kernel for.
void populateDecomposeMissedPatterns(mlir::RewritePatternSet &patterns);

} // namespace hgf

#endif // HGF_PASSES_TILING_DECOMPOSEHGF_TENSORMATH_H
