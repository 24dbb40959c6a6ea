//===- Bindings.h - Parts of the extension module -*- C++ -*- -----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PYTHON_BINDINGS_H
#define HGF_PYTHON_BINDINGS_H

#include "hgf/Driver/Driver.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <memory>
#include <mutex>
#include <nanobind/nanobind.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace hgf::python {

/// Python's hgf.Error: a sentence of the compiler or of the runtime.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A context that several modules share. Its lock is taken after the GIL was
/// given up, never the other way round.
struct Context {
  Context();
  mlir::MLIRContext context;
  std::mutex lock;
};

/// Python's hgf.ir.Module.
struct Module {
  std::shared_ptr<Context> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Collects what a context says, from construction to destruction.
class Diagnostics {
public:
  explicit Diagnostics(Context &context);
  /// Throws the errors so far, or `otherwise` where there is none.
  [[noreturn]] void raise(const std::string &otherwise) const;

  std::vector<std::string> errors;
  /// Warnings and remarks.
  std::vector<std::string> messages;

private:
  mlir::ScopedDiagnosticHandler handler;
};

void bindCompiler(nanobind::module_ &package);
void bindIR(nanobind::module_ &package);
void bindSession(nanobind::module_ &package);

} // namespace hgf::python

#endif // HGF_PYTHON_BINDINGS_H
