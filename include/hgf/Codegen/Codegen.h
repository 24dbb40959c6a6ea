//===- Codegen.h - From the LLVM dialect to binaries -*- C++ -*- --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_CODEGEN_CODEGEN_H
#define HGF_CODEGEN_CODEGEN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallString.h"

namespace llvm {
class LLVMContext;
class Module;
class TargetMachine;
} // namespace llvm

namespace hgf {

/// Makes what code generation needs known to `registry`: translations to LLVM
/// IR. Call before the context is made.
void registerCodegenDialects(mlir::DialectRegistry &registry);

/// The processor that code is generated for.
struct CodegenTarget {
  /// LLVM triple, e.g. "aarch64-linux-gnu"; empty: the machine that compiles.
  std::string triple;
  /// LLVM CPU name, "native", or "portable".
  std::string cpu = "portable";
  /// The folder that stands for "/" when the target's C library is looked for;
  /// empty: this machine's, with Debian's cross compilers.
  std::string sysroot;
};

/// A target machine with position independent code, or an error about the
/// triple or the CPU at `location`.
mlir::FailureOr<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(mlir::Location location, const CodegenTarget &target);

/// The normalised triple that `target` means.
std::string getTriple(const CodegenTarget &target);

/// Translates the PTX of a module that the gpu phase has lowered to machine
/// code for the chips it was made for, and keeps the oldest chip's PTX for all
/// chips that are newer. Without NVIDIA's assembler the PTX stays, with a
/// warning. What the assembler says of the kernels goes to the module's
/// attribute hgf.gpu_resources.
mlir::LogicalResult assembleKernels(mlir::ModuleOp module);

/// Where the constants go that do not pass through LLVM (`hgf.bytes`).
struct WeightsFiles {
  /// The object file; not made where there are no such constants.
  std::string object;
  /// The side file; empty: the constants are embedded.
  std::string side;
};

/// What a compiled model is called, for programs that hold several.
struct ModelSymbols {
  /// The descriptor.
  std::string model = "hgf_model";
  /// Where the code keeps the address of a side file's weights; empty: other
  /// objects do not see it.
  std::string weightsSlot;
  /// Of a GPU model: the descriptor of the same model for the CPU; empty: there
  /// is none.
  std::string fallback;
  /// Stands before the symbols of embedded weights.
  std::string weightsPrefix;
  /// The side file's name is the output's with this behind it.
  std::string sideSuffix = ".weights";
};

/// Translates `module` (LLVM dialect), adds the model's descriptor, and writes
/// the weights to one of `files`. A `portable` binary holds variants of hot
/// functions and chooses at load.
std::unique_ptr<llvm::Module>
translateModel(mlir::ModuleOp module, llvm::LLVMContext &context,
               llvm::TargetMachine &machine, const WeightsFiles &files,
               bool portable, const ModelSymbols &symbols = {});

/// Runs LLVM's O3 pipeline.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Writes an object file, or assembly text, to `path`.
mlir::LogicalResult emitFile(llvm::Module &module, llvm::TargetMachine &machine,
                             mlir::Location location, llvm::StringRef path,
                             bool assembly);

/// Writes the C header that goes with a library: an index for each tensor's
/// name.
mlir::LogicalResult writeHeader(mlir::ModuleOp module, llvm::StringRef path);

/// The kinds of binaries. `Static` is a library.
enum class BinaryKind { Executable, StaticExecutable, Shared, Static, Object };

/// Fails where `target` has no binaries of that kind.
mlir::LogicalResult checkBinaryKind(mlir::Location location, BinaryKind kind,
                                    const CodegenTarget &target);

/// Joins `objects` and the runtime to the binary `path`. `runtimeDirectory`
/// holds one folder of prebuilt archives per triple; executables take their
/// function main from `mainArchive`.
mlir::LogicalResult link(mlir::Location location, BinaryKind kind,
                         const CodegenTarget &target,
                         llvm::ArrayRef<std::string> objects,
                         llvm::StringRef runtimeDirectory, llvm::StringRef path,
                         llvm::StringRef mainArchive = "libhgf_main.a");

} // namespace hgf

#endif // HGF_CODEGEN_CODEGEN_H
