//===- ProcessorDetection.h - What the processor can do -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_CPU_PROCESSORDETECTION_H
#define HGF_PASSES_CPU_PROCESSORDETECTION_H

#include "hgf/Target/CPU/InstructionLevel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <map>

namespace hgf {

/// Emits what asks the processor, and the operating system, at run time: on x86
/// `cpuid` and `xgetbv`, on AArch64 the auxiliary vector by `getauxval`.
class ProcessorDetection {
public:
  using Value = mlir::Value;

  ProcessorDetection(mlir::ModuleOp module, mlir::ImplicitLocOpBuilder &b)
      : module(module), b(b) {}

  /// Whether the processor has everything that `level` asks for, as i1.
  Value emit(const InstructionLevel &level);

private:
  Value constant(uint32_t value);
  /// Whether all bits of `mask` are set.
  Value test(Value word, uint32_t mask);
  Value getWord(const InstructionLevel &level, const ProcessorBit &bit);
  /// The four words of one leaf; zeros where the processor lacks it.
  llvm::ArrayRef<Value> getLeaf(int32_t leaf, int32_t subleaf = 0);
  /// XCR0; 0 where it cannot be read.
  Value getSavedState();
  /// The low bits of an entry of the auxiliary vector; 0 where there is none.
  Value getAuxiliary(int32_t entry);
  llvm::SmallVector<Value> emitAssembly(llvm::StringRef text,
                                        llvm::StringRef constraints,
                                        int64_t results,
                                        mlir::ValueRange operands);

  mlir::ModuleOp module;
  mlir::ImplicitLocOpBuilder &b;
  /// By leaf and subleaf.
  std::map<std::pair<int32_t, int32_t>, llvm::SmallVector<Value>> leaves;
  std::map<int32_t, Value> auxiliaries;
  Value savedState;
};

} // namespace hgf

#endif // HGF_PASSES_CPU_PROCESSORDETECTION_H
