//===- Descriptor.h - The constant that the runtime reads -*- C++ -*- ---===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_CODEGEN_DESCRIPTOR_H
#define HGF_LIB_CODEGEN_DESCRIPTOR_H

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

/// Adds the model's descriptor (lib/Runtime/ModelDescriptor.h) to `output` as
/// the constant `symbol`, from the attributes of `module`: hgf.inputs,
/// hgf.outputs, onnx.metadata and hgf.report. Fails where the entry functions
/// are missing.
mlir::LogicalResult emitDescriptor(mlir::ModuleOp module, llvm::Module &output,
                                   const SideFile &side,
                                   llvm::StringRef symbol);

} // namespace hgf

#endif // HGF_LIB_CODEGEN_DESCRIPTOR_H
