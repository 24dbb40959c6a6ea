//===- ImportONNX.cpp - The importer's entry points -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Import/ONNX.h"

#include "Importer.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace hgf;

bool hgf::parseDimension(StringRef text, ONNXImportOptions &options) {
  auto [name, length] = text.rsplit('=');
  int64_t value = 0;
  if (name.empty() || length.getAsInteger(10, value))
    return false;
  options.dimensions.push_back({name.str(), value});
  return true;
}

FailureOr<OwningOpRef<ModuleOp>>
hgf::importONNX(const ONNXSource &source, MLIRContext &context,
                const ONNXImportOptions &options) {
  context.loadDialect<ONNXDialect, func::FuncDialect>();
  onnx::ImportContext import{
      context, source, options,
      FileLineColLoc::get(&context, source.name, /*line=*/0, /*column=*/0)};
  onnx::Model model;
  std::string reason;
  if (!onnx::readModel(source.bytes, model, reason))
    return import.error() << "expected an ONNX model but " << reason;
  FailureOr<OwningOpRef<ModuleOp>> module = onnx::buildModule(import, model);
  if (failed(module) || failed(verify(**module)))
    return failure();
  return module;
}

FailureOr<OwningOpRef<ModuleOp>>
hgf::importONNX(StringRef path, MLIRContext &context,
                const ONNXImportOptions &options) {
  Location location = FileLineColLoc::get(&context, path, 0, 0);
  if (llvm::sys::fs::is_directory(path))
    return emitError(location) << "expected a file but got a folder";
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return emitError(location)
           << "cannot read the model: " << buffer.getError().message();
  std::shared_ptr<llvm::MemoryBuffer> owner = std::move(*buffer);
  StringRef folder = llvm::sys::path::parent_path(path);
  return importONNX(ONNXSource{owner->getBuffer(), owner, path.str(),
                               folder.empty() ? "." : folder.str(),
                               owner->getBufferKind() ==
                                   llvm::MemoryBuffer::MemoryBuffer_MMap},
                    context, options);
}
