//===- Header.cpp - The C header of a compiled library ------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Codegen.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// `text` as part of a macro's name.
static std::string getMacroName(StringRef text) {
  std::string name;
  for (char letter : text)
    name.push_back(llvm::isAlnum(letter) ? llvm::toUpper(letter) : '_');
  return name;
}

/// One macro per tensor: its index; a comment says what it is.
static void printTensors(llvm::raw_ostream &stream, StringRef kind,
                         ArrayAttr tensors) {
  if (!tensors)
    return;
  for (auto [index, attribute] : llvm::enumerate(tensors)) {
    auto tensor = cast<DictionaryAttr>(attribute);
    StringRef name = tensor.getAs<StringAttr>("name").getValue();
    // A name may hold anything, also the end of a comment.
    std::string shown;
    for (char letter : name)
      shown.push_back(llvm::isPrint(letter) && letter != '*' ? letter : '?');
    stream << "/* \"" << shown << "\": element type "
           << tensor.getAs<IntegerAttr>("dtype").getInt() << ", dims [";
    auto dims = tensor.getAs<DenseI64ArrayAttr>("dims").asArrayRef();
    llvm::interleaveComma(dims, stream, [&](int64_t dim) {
      if (dim < 0)
        stream << '?';
      else
        stream << dim;
    });
    stream << "] */\n#define HGF_" << kind << '_' << index << '_'
           << getMacroName(name) << ' ' << index << '\n';
  }
}

LogicalResult hgf::writeHeader(ModuleOp module, StringRef path) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return module.emitError()
           << "cannot write '" << path << "': " << error.message();
  std::string guard = getMacroName(llvm::sys::path::filename(path));
  stream
      << "/* Written by hgf-compile: the tensors of the model, by index. */\n"
      << "#ifndef HGF_MODEL_" << guard << "\n#define HGF_MODEL_" << guard
      << "\n\n#include \"hgf-c/Model.h\"\n\n"
      << "/* The model is `hgf_model`, for hgf_session_create(). */\n\n";
  printTensors(stream, "INPUT", module->getAttrOfType<ArrayAttr>("hgf.inputs"));
  stream << '\n';
  printTensors(stream, "OUTPUT",
               module->getAttrOfType<ArrayAttr>("hgf.outputs"));
  stream << "\n#endif\n";
  return success();
}
