//===- Descriptor.h - The constant that the runtime reads -*- C++ -*- ---===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_DESCRIPTOR_H
#define HGF_LIB_CODEGEN_DESCRIPTOR_H

#include "GpuProgram.h"

#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class Module;
} // namespace llvm

namespace hgf {

/// The weights file beside the binary; an empty name where there is none.
struct SideFile {
  std::string name;
  uint64_t size = 0;
  uint64_t checksum = 0;
};

/// What a GPU model's descriptor says beyond a CPU model's.
struct GpuPart {
  const GpuProgram *program = nullptr;
  /// The symbol of the first embedded byte of all weights; empty where there
  /// are none.
  std::string weights;
  uint64_t weightsSize = 0;
  /// The symbol of the same model's descriptor for the CPU, or empty.
  std::string fallback;
};

/// Adds the model's descriptor (lib/Runtime/ModelDescriptor.h) to `output` as
/// the constant `symbol`, from the attributes of `module`: hgf.inputs,
/// hgf.outputs, onnx.metadata and hgf.report. `gpu` is null for a model that
/// runs on the CPU. Fails where the entry functions
/// are missing.
mlir::LogicalResult emitDescriptor(mlir::ModuleOp module, llvm::Module &output,
                                   const SideFile &side, const GpuPart *gpu,
                                   llvm::StringRef symbol);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_DESCRIPTOR_H
