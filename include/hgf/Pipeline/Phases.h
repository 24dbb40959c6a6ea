//===- Phases.h - The pipeline as a table -----------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PIPELINE_PHASES_H
#define HGF_PIPELINE_PHASES_H

#include "hgf/Pipeline/Options.h"
#include "mlir/Pass/PassManager.h"

namespace hgf {

/// One row of the pipeline's table. From it come `hgf-compile --compile-to`,
/// `--dump-phases-to`, `hgf-opt --hgf-phase-<name>` and docs/Pipeline.md.
struct Phase {
  /// What the user types, e.g. "legalization".
  llvm::StringLiteral name;
  /// One sentence: what goes in, what comes out.
  llvm::StringLiteral summary;
  /// Appends the phase's passes.
  void (*build)(mlir::OpPassManager &, const PipelineOptions &);
  /// Names of dialects, or of single operations, that must be gone after it.
  llvm::ArrayRef<llvm::StringLiteral> goneAfterwards;
};

/// The phases of a compilation for a CPU, in order.
llvm::ArrayRef<Phase> getCPUPhases();

/// The phases of a compilation for NVIDIA GPUs, in order.
llvm::ArrayRef<Phase> getGPUPhases();

/// Prints both tables in Markdown: name, summary, what must be gone.
void printPhases(llvm::raw_ostream &os);

/// Index of the phase called `name`, or std::nullopt.
std::optional<size_t> findPhase(llvm::ArrayRef<Phase> phases,
                                llvm::StringRef name);

/// The first operation below `root` that must be gone after `phase`, and the
/// entry of `goneAfterwards` that says so; null if the contract holds.
std::pair<mlir::Operation *, llvm::StringRef>
findLeftover(mlir::Operation *root, const Phase &phase);

/// Appends phase `phase` and the verification of its contract.
void appendPhase(const Phase &phase, mlir::OpPassManager &manager,
                 const PipelineOptions &options);

/// Appends every phase from `first` to `last`, both included.
void buildPhases(llvm::ArrayRef<Phase> phases, size_t first, size_t last,
                 mlir::OpPassManager &manager, const PipelineOptions &options);

/// Registers every HGF pass, `--hgf-phase-<name>` and `--hgf-pipeline`.
void registerPipelines();

/// Registers the dialects that any phase reads or makes, with their interface
/// implementations.
void registerPipelineDialects(mlir::DialectRegistry &registry);

} // namespace hgf

#endif // HGF_PIPELINE_PHASES_H
