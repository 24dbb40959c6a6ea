//===- Bindings.cpp - The extension module ------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bindings.h"

#include "llvm/ADT/StringExtras.h"

namespace nb = nanobind;
using namespace mlir;

static const DialectRegistry &getRegistry() {
  static const DialectRegistry registry = [] {
    DialectRegistry registry;
    hgf::registerDriverDialects(registry);
    return registry;
  }();
  return registry;
}

hgf::python::Context::Context()
    : context(getRegistry(), MLIRContext::Threading::DISABLED) {}

/// The same words as hgf-compile's: a place in a file where a person wrote the
/// text, the node's name where there is one, else the file that was read.
static std::string format(Diagnostic &diagnostic) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  Location location = diagnostic.getLocation();
  if (auto file = dyn_cast<FileLineColLoc>(location)) {
    StringRef name = file.getFilename().getValue();
    if (file.getLine())
      stream << name << ':' << file.getLine() << ':' << file.getColumn()
             << ": ";
    else if (!StringRef(diagnostic.str()).contains(name))
      stream << name << ": ";
  }
  if (auto name = dyn_cast<NameLoc>(location))
    if (!StringRef(diagnostic.str()).contains(name.getName().getValue()))
      stream << "node '" << name.getName().getValue() << "': ";
  stream << diagnostic;
  return text;
}

hgf::python::Diagnostics::Diagnostics(Context &context)
    : handler(&context.context, [this](Diagnostic &diagnostic) {
        bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
        (isError ? errors : messages).push_back(format(diagnostic));
        return success();
      }) {}

void hgf::python::Diagnostics::raise(const std::string &otherwise) const {
  throw Error(errors.empty() ? otherwise : llvm::join(errors, "\n"));
}

NB_MODULE(_hgf, package) {
  // An interpreter that ends with models alive is no fault of the extension.
  nb::set_leak_warnings(false);
  nb::exception<hgf::python::Error>(package, "Error", PyExc_RuntimeError);
  hgf::python::bindIR(package);
  hgf::python::bindCompiler(package);
  hgf::python::bindSession(package);
}
