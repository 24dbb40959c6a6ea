//===- Driver.h - From a model file to a binary -*- C++ -*- -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DRIVER_DRIVER_H
#define HGF_DRIVER_DRIVER_H

#include "hgf/Codegen/Codegen.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace hgf {

/// What the compiler writes.
enum class EmitKind {
  Executable,
  StaticExecutable,
  Shared,
  Static,
  Object,
  LLVM,
  Assembly,
  MLIR,
  Bytecode
};

/// How a report is printed.
enum class ReportKind { None, Table, JSON };

/// One compilation.
struct CompileOptions {
  std::string input;
  std::string output;
  /// Empty: chosen by the output's suffix.
  std::optional<EmitKind> emit;
  CodegenTarget target;
  /// Chips of NVIDIA GPUs, e.g. "sm_80"; empty: the model runs on the CPU.
  std::vector<std::string> gpus;
  /// The binary can also run on the CPU.
  bool gpuFallback = false;
  /// Of the weights: a name, or "auto".
  std::string encoding = "auto";
  /// For developers: one instruction level for all kernels; empty: the CPU's.
  std::string level;
  /// For developers: the levels' schedules in instructions of any CPU.
  bool portableDots = false;
  /// For developers: the tokens from which on layers take the prefill form; 0:
  /// what the level's table says.
  int64_t prefillFrom = 0;
  /// NAME=VALUE pairs that fix symbolic dimensions.
  std::vector<std::string> dimensions;
  /// Weights in a file beside the binary instead of inside it.
  bool sideWeights = false;
  /// For programs that hold several models.
  ModelSymbols symbols;
  /// Names of phases; empty: the first and the last.
  std::string compileFrom;
  std::string compileTo;
  std::string dumpPhasesTo;
  ReportKind report = ReportKind::None;
  bool reportMissedTernary = false;
  bool timing = false;
  /// Compile nothing and say what the target offers.
  bool describe = false;
  double closedGateBound = 0.0;
  /// Dynamic gates below it count as closed.
  double gateThreshold = 0.0;
  /// How the large float matrix that makes the output is stored: f16, int8 or
  /// keep.
  std::string head = "f16";
  /// Store the factors of corrections as int8 with one scale per rank.
  bool int8Corrections = false;
  /// Holds one folder of prebuilt runtime archives per triple.
  std::string runtimeDirectory;
};

/// Everything the driver reads or makes, for the context of a compilation.
void registerDriverDialects(mlir::DialectRegistry &registry);

/// Reads an .onnx, .mlir or .mlirbc file; `options` gives its path and the
/// lengths of symbolic dimensions. Errors go to the context's diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> loadModel(mlir::MLIRContext &context,
                                            const CompileOptions &options);

/// Runs the phases that `options` ask for, and writes the output and the dumps.
/// The report goes to `report`. Errors go to the context's diagnostics.
mlir::LogicalResult compile(mlir::ModuleOp module,
                            const CompileOptions &options,
                            llvm::raw_ostream &report);

/// Runs the phases that `options` ask for and writes nothing: tools that look
/// at what a phase made, e.g. the packed layers of a model, go on from there.
mlir::LogicalResult runPhases(mlir::ModuleOp module,
                              const CompileOptions &options);

/// Says which instruction levels and encodings a binary for the target, the CPU
/// and the level of `options` may hold. Errors go to the context's diagnostics.
mlir::LogicalResult describeTarget(mlir::MLIRContext &context,
                                   const CompileOptions &options,
                                   llvm::raw_ostream &stream);

/// The folder of prebuilt runtime archives that belongs to the program
/// `argument0`: lib/hgf beside its bin.
std::string findRuntimeDirectory(const char *argument0);

/// The command hgf-compile. Returns its exit status: 0 done, 1 bad or
/// unsupported input, 2 wrong usage.
int compileMain(int argc, char **argv);

} // namespace hgf

#endif // HGF_DRIVER_DRIVER_H
