//===- Layers.h - Modules of many equal layers ------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_LAYERS_H
#define HGF_LIB_BENCH_LAYERS_H

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Driver/Driver.h"

#include "hgf/Target/CPU/EncodingChoice.h"
#include <functional>

namespace hgf {

/// A context whose errors go to `report` as sentences; all else is dropped.
std::unique_ptr<mlir::MLIRContext>
makeReportingContext(const mlir::DialectRegistry &registry,
                     std::function<void(const std::string &)> report);

/// What a layer of the benchmark looks like.
struct LayerShape {
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t rank = 0;
  /// none, static, input or output.
  std::string gate = "none";
  /// tensor, row, or columns per group as a number.
  std::string scale = "tensor";
  bool isFloat = false;

  std::string getName() const;
};

/// A packed layer inside the module that it was packed in.
struct PackedLayer {
  LinearOp linear;
  WeightsOp weights;
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t rank = 0;
  std::string gate;
  std::string scale;
  std::string encoding;
  std::string kernel;
  bool isFloat = false;

  std::string getName() const;
  int64_t getBytes() const;
};

/// A module with one `hgf.linear` of random ternary weights, as the fusion
/// phase leaves it.
mlir::OwningOpRef<mlir::ModuleOp> makeLayerModule(mlir::MLIRContext &context,
                                                  const LayerShape &shape);

/// The different packed layers of `module`, which the packing phase wrote.
llvm::SmallVector<PackedLayer> findPackedLayers(mlir::ModuleOp module);

/// Why `module`, which the packing phase wrote, has a layer without a kernel.
std::string explainNoKernel(mlir::ModuleOp module);

/// The encoding that the compiler would choose for `shape` if the whole model
/// lay in `residency`: it cannot know that from the one layer that is packed
/// here. "auto" where the target has no kernels, which the compiler explains.
std::string chooseEncodingName(const LayerShape &shape,
                               const CompileOptions &options,
                               Residency residency);

/// A module, as the packing phase leaves it, that applies `count` layers like
/// `layer` to one input. The binary holds `blobs` blobs of equal size, one
/// after another, of which the code reads the first `count`. Here they share
/// the bytes of `layer`, which has to outlive the module.
mlir::OwningOpRef<mlir::ModuleOp> repeatLayer(const PackedLayer &layer,
                                              int64_t count, int64_t blobs);

} // namespace hgf

#endif // HGF_LIB_BENCH_LAYERS_H
