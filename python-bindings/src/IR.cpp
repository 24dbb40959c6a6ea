//===- IR.cpp - hgf.ir: modules, parsed, transformed and printed --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bindings.h"
#include "hgf/Pipeline/Phases.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using hgf::python::Context;
using hgf::python::Diagnostics;
using hgf::python::Error;
using hgf::python::Module;

static Module parseModule(const std::string &text, const std::string &name) {
  Module result{std::make_shared<Context>(), nullptr};
  Diagnostics diagnostics(*result.context);
  ParserConfig configuration(&result.context->context);
  result.module = parseSourceString<ModuleOp>(text, configuration, name);
  if (!result.module)
    diagnostics.raise("'" + name + "' is not a module");
  return result;
}

static Module loadModule(const std::string &path,
                         const std::vector<std::string> &dimensions) {
  hgf::CompileOptions options;
  options.input = path;
  options.dimensions = dimensions;
  Module result{std::make_shared<Context>(), nullptr};
  Diagnostics diagnostics(*result.context);
  result.module = hgf::loadModel(result.context->context, options);
  if (!result.module)
    diagnostics.raise("cannot read '" + path + "'");
  return result;
}

static Module cloneModule(Module &self) {
  std::lock_guard<std::mutex> guard(self.context->lock);
  return {self.context, self.module->clone()};
}

static std::string printModule(Module &self) {
  std::lock_guard<std::mutex> guard(self.context->lock);
  std::string text;
  llvm::raw_string_ostream stream(text);
  self.module->print(stream);
  return text;
}

static std::string writeBytecode(Module &self) {
  std::lock_guard<std::mutex> guard(self.context->lock);
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (failed(writeBytecodeToFile(*self.module, stream)))
    throw Error("the module cannot be written as bytecode");
  return bytes;
}

static void verifyModule(Module &self) {
  std::lock_guard<std::mutex> guard(self.context->lock);
  Diagnostics diagnostics(*self.context);
  if (failed(mlir::verify(*self.module)))
    diagnostics.raise("the module is not valid");
}

static void registerPassesOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    registerAllPasses();
    hgf::registerPipelines();
  });
}

/// What the pipeline's parser says, without its picture of the place.
static std::string getSentence(StringRef text) {
  auto [before, after] = text.split("error: ");
  return (after.empty() ? before : after).split('\n').first.str();
}

static std::vector<std::string> runPipeline(Module &self,
                                            const std::string &text) {
  registerPassesOnce();
  std::lock_guard<std::mutex> guard(self.context->lock);
  Diagnostics diagnostics(*self.context);
  StringRef pipeline = StringRef(text).trim();
  if (pipeline.consume_front("builtin.module("))
    if (!pipeline.consume_back(")"))
      throw Error("expected ')' at the end of the pipeline '" + text + "'");
  PassManager manager(&self.context->context, ModuleOp::getOperationName(),
                      OpPassManager::Nesting::Implicit);
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (failed(parsePassPipeline(pipeline, manager, stream)))
    diagnostics.raise("pipeline '" + text + "': " + getSentence(message));
  // A pass that fails leaves the module half done: the caller keeps the old.
  OwningOpRef<ModuleOp> result = self.module->clone();
  if (failed(manager.run(*result)))
    diagnostics.raise("the pipeline '" + text + "' failed");
  self.module = std::move(result);
  return diagnostics.messages;
}

static std::vector<std::string> getPhases() {
  std::vector<std::string> names;
  for (const hgf::Phase &phase : hgf::getCPUPhases())
    names.push_back(phase.name.str());
  return names;
}

void hgf::python::bindIR(nb::module_ &package) {
  using Release = nb::call_guard<nb::gil_scoped_release>;
  nb::class_<Module>(package, "Module")
      .def("clone", &cloneModule, Release())
      .def("print", &printModule, Release())
      .def("verify", &verifyModule, Release())
      .def("run", &runPipeline, nb::arg("pipeline"), Release())
      .def("bytecode", [](Module &self) {
        std::string bytes;
        {
          nb::gil_scoped_release release;
          bytes = writeBytecode(self);
        }
        return nb::bytes(bytes.data(), bytes.size());
      });
  package.def("parse", &parseModule, nb::arg("text"), nb::arg("name"),
              Release());
  package.def("load", &loadModule, nb::arg("path"), nb::arg("dimensions"),
              Release());
  package.def("phases", &getPhases);
}
