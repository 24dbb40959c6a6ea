//===- KernelCalls.h - Calls of kernels, in one variant or several -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_KERNELCALLS_H
#define HGF_PASSES_CPU_KERNELCALLS_H

#include "hgf/Kernels/Kernels.h"

namespace hgf {

/// Calls kernels of a module. With one instruction level a call is direct;
/// with several it goes through a pointer that `hgf_initialize` fills at load.
class KernelCalls {
public:
  KernelCalls(mlir::ModuleOp module,
              llvm::ArrayRef<const InstructionLevel *> levels, bool portable,
              int64_t prefillFrom)
      : module(module), levels(levels), portable(portable),
        prefillFrom(prefillFrom) {}

  /// Calls the kernel of `key`, whose level is ignored.
  void call(mlir::OpBuilder &builder, mlir::Location location, KernelKey key,
            mlir::ValueRange arguments);

  /// The least and the greatest crossover of the levels.
  std::pair<int64_t, int64_t> getCrossoverRange() const;
  /// From how many tokens on Prefill is faster than Backbone: an i64, which is
  /// a constant unless levels differ.
  mlir::Value getCrossover(mlir::OpBuilder &builder, mlir::Location location);

  /// Adds `hgf_initialize(weights, level)` of lib/Runtime/ModelDescriptor.h:
  /// it fills the pointers and says which level runs.
  void emitInitialize();

  llvm::ArrayRef<const InstructionLevel *> getLevels() const { return levels; }

private:
  /// A pointer and the variants that it may hold, one per level.
  struct Dispatch {
    mlir::LLVM::GlobalOp pointer;
    llvm::SmallVector<mlir::LLVM::LLVMFuncOp> variants;
  };

  Dispatch &getDispatch(KernelKey key);
  mlir::LLVM::GlobalOp makeText(llvm::StringRef symbol, llvm::StringRef text);
  /// The `hgf_level` of lib/Runtime/ModelDescriptor.h for the level at `index`.
  mlir::LLVM::GlobalOp makeLevel(size_t index);

  mlir::ModuleOp module;
  llvm::SmallVector<const InstructionLevel *> levels;
  /// All in instructions of the least level.
  bool portable;
  /// Replaces the crossover of every level; 0: does not.
  int64_t prefillFrom;
  /// The crossover of the level that runs, where levels differ.
  mlir::LLVM::GlobalOp crossover;
  llvm::MapVector<mlir::StringAttr, Dispatch> dispatches;
};

} // namespace hgf

#endif // HGF_PASSES_CPU_KERNELCALLS_H
