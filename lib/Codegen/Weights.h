//===- Weights.h - Constant bytes past LLVM -*- C++ -*- -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_WEIGHTS_H
#define HGF_LIB_CODEGEN_WEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/TargetParser/Triple.h"

namespace llvm {
class Module;
} // namespace llvm

namespace hgf {

/// One constant: its symbol and where it lies, in bytes from the start of all.
struct WeightsBlob {
  std::string symbol;
  mlir::ElementsAttr bytes;
  uint64_t offset;
  uint64_t size;
};

/// All constants of a model, one after another, 64-byte aligned.
struct Weights {
  std::vector<WeightsBlob> blobs;
  uint64_t size = 0;
};

/// Puts `prefix` before the constants' symbols, in `module` too.
void renameWeights(Weights &weights, llvm::Module &module,
                   llvm::StringRef prefix);

/// The globals of `module` that have the attribute `hgf.bytes`.
Weights collectWeights(mlir::ModuleOp module);

/// Writes a relocatable object with one read-only section and a hidden symbol
/// per constant. From 1 GiB on, on x86-64, the section is one that 32-bit
/// displacements need not reach.
mlir::LogicalResult writeWeightsObject(const Weights &weights,
                                       const llvm::Triple &triple,
                                       mlir::Location location,
                                       llvm::StringRef path);

/// Writes the side file of --weights=side and returns its checksum.
mlir::FailureOr<uint64_t> writeWeightsFile(const Weights &weights,
                                           mlir::Location location,
                                           llvm::StringRef path);

/// Whether `weights` need a large section on `triple`.
bool needsLargeSection(const Weights &weights, const llvm::Triple &triple);

/// Makes `module` know the constants as hidden symbols of the weights object.
void declareEmbeddedWeights(const Weights &weights, llvm::Module &module,
                            const llvm::Triple &triple);

/// Makes `module` find the constants in the mapped side file: `hgf_initialize`
/// keeps its address. Made where there is no such function. Where `slot` is not
/// empty, it is the name under which other objects find the kept address.
void declareSideWeights(const Weights &weights, llvm::Module &module,
                        llvm::StringRef slot);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_WEIGHTS_H
