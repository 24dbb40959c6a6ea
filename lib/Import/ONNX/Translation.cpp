//===- Translation.cpp - --import-onnx ------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Tools/mlir-translate/Translation.h"
#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "hgf/Import/ONNX.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace hgf;

void hgf::registerONNXImport(
    std::function<std::vector<std::string>()> dimensions) {
  static TranslateToMLIRRegistration registration(
      "import-onnx", "read an ONNX model into the onnx dialect",
      [dimensions](const std::shared_ptr<llvm::SourceMgr> &sources,
                   MLIRContext *context) -> OwningOpRef<Operation *> {
        ONNXImportOptions options;
        for (const std::string &text : dimensions())
          if (!parseDimension(text, options)) {
            emitError(UnknownLoc::get(context))
                << "expected --dim NAME=LENGTH but got '" << text << "'";
            return {};
          }
        const llvm::MemoryBuffer *buffer =
            sources->getMemoryBuffer(sources->getMainFileID());
        StringRef path = buffer->getBufferIdentifier();
        StringRef folder = llvm::sys::path::parent_path(path);
        FailureOr<OwningOpRef<ModuleOp>> module =
            importONNX(ONNXSource{buffer->getBuffer(), sources, path.str(),
                                  folder.empty() ? "." : folder.str()},
                       *context, options);
        if (failed(module))
          return {};
        return OwningOpRef<Operation *>(module->release().getOperation());
      },
      [](DialectRegistry &registry) {
        registry.insert<ONNXDialect, func::FuncDialect>();
      });
}
