//===- ONNX.h - From an ONNX file to the onnx dialect -----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_IMPORT_ONNX_H
#define HGF_IMPORT_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace hgf {

struct ONNXImportOptions {
  /// Lengths of symbolic dimensions by name: wherever the file writes the name,
  /// the length stands in its place. A name that the main graph's inputs and
  /// outputs lack is an error.
  std::vector<std::pair<std::string, int64_t>> dimensions;
};

/// A file's content and what keeps it alive.
struct ONNXSource {
  /// The encoded ModelProto.
  llvm::StringRef bytes;
  /// Held as long as any constant of the module's context points into `bytes`.
  std::shared_ptr<const void> owner;
  /// Shown in diagnostics.
  std::string name;
  /// Folder that external data are read from; empty refuses external data.
  std::string folder;
  /// `bytes` are mapped from a file: memory of constants that are not needed
  /// any more is given back.
  bool isMapped = false;
};

/// Reads the model at `path` into a module of the onnx dialect (see the
/// dialect's description for its form). The file is mapped, and constants
/// longer than 64 bytes alias the mapping. Anything wrong with the file is one
/// error diagnostic that names the node.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::StringRef path, mlir::MLIRContext &context,
           const ONNXImportOptions &options = {});

/// The same for a model in memory.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(const ONNXSource &source, mlir::MLIRContext &context,
           const ONNXImportOptions &options = {});

/// Adds `text`, which reads NAME=LENGTH, to `options`. False if it reads
/// otherwise.
bool parseDimension(llvm::StringRef text, ONNXImportOptions &options);

/// Registers `--import-onnx` with mlir-translate's main. `dimensions` gives the
/// NAME=LENGTH pairs of the command line once it is parsed.
void registerONNXImport(std::function<std::vector<std::string>()> dimensions);

} // namespace hgf

#endif // HGF_IMPORT_ONNX_H
