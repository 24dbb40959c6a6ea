//===- Compiler.cpp - Compilation in process ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bindings.h"
#include "hgf/Pipeline/Phases.h"
#include "hgf/Target/CPU/Encoding.h"
#include "hgf/Target/NVVM/Chip.h"

#include "llvm/ADT/StringSwitch.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace mlir;
using hgf::python::Diagnostics;
using hgf::python::Error;
using hgf::python::Module;

static hgf::EmitKind getKind(StringRef name) {
  using hgf::EmitKind;
  auto kind = llvm::StringSwitch<std::optional<EmitKind>>(name)
                  .Case("exe", EmitKind::Executable)
                  .Case("static-exe", EmitKind::StaticExecutable)
                  .Case("shared", EmitKind::Shared)
                  .Case("static", EmitKind::Static)
                  .Case("object", EmitKind::Object)
                  .Case("llvm", EmitKind::LLVM)
                  .Case("asm", EmitKind::Assembly)
                  .Case("mlir", EmitKind::MLIR)
                  .Case("bytecode", EmitKind::Bytecode)
                  .Default(std::nullopt);
  if (!kind)
    throw Error("expected emit to be exe, static-exe, shared, static, object, "
                "llvm, asm, mlir or bytecode but got '" +
                name.str() + "'");
  return *kind;
}

static void checkPhase(ArrayRef<hgf::Phase> phases, const std::string &name) {
  if (!name.empty() && !hgf::findPhase(phases, name))
    throw Error("there is no phase '" + name + "'; see hgf.ir.phases()");
}

/// lld keeps its state in globals: one compilation at a time.
static std::mutex &getCompilerLock() {
  static std::mutex lock;
  return lock;
}

static std::vector<std::string> compileModule(
    Module &source, const std::string &output, const std::string &emit,
    const std::string &target, const std::string &cpu,
    const std::vector<std::string> &gpus,
    const std::vector<std::string> &dimensions, bool sideWeights,
    double closedGateBound, double gateThreshold, const std::string &encoding,
    const std::string &head, bool int8Corrections, bool reportMissedTernary,
    const std::string &compileFrom, const std::string &compileTo,
    const std::string &dumpPhasesTo, const std::string &runtimeDirectory) {
  hgf::CompileOptions options;
  options.output = output;
  options.emit = getKind(emit);
  options.target.triple = target;
  options.target.cpu = cpu;
  for (const std::string &chip : gpus)
    if (!hgf::findChip(chip))
      throw Error("expected gpu to be chips of " + hgf::listChips() +
                  " but got '" + chip + "'");
  options.gpus = gpus;
  options.dimensions = dimensions;
  options.sideWeights = sideWeights;
  options.closedGateBound = closedGateBound;
  options.gateThreshold = gateThreshold;
  if (encoding != "auto" && !hgf::findEncoding(encoding))
    throw Error("expected encoding to be auto" + hgf::listEncodings() +
                " but got '" + encoding + "'");
  options.encoding = encoding;
  options.head = head;
  options.int8Corrections = int8Corrections;
  options.reportMissedTernary = reportMissedTernary;
  ArrayRef<hgf::Phase> phases =
      gpus.empty() ? hgf::getCPUPhases() : hgf::getGPUPhases();
  checkPhase(phases, compileFrom);
  checkPhase(phases, compileTo);
  options.compileFrom = compileFrom;
  options.compileTo = compileTo;
  options.dumpPhasesTo = dumpPhasesTo;
  options.runtimeDirectory = runtimeDirectory;

  std::lock_guard<std::mutex> oneAtATime(getCompilerLock());
  std::lock_guard<std::mutex> guard(source.context->lock);
  Diagnostics diagnostics(*source.context);
  OwningOpRef<ModuleOp> module = source.module->clone();
  if (failed(hgf::compile(*module, options, llvm::nulls())))
    diagnostics.raise("the compilation failed");
  return diagnostics.messages;
}

void hgf::python::bindCompiler(nb::module_ &package) {
  package.def("compile", &compileModule, nb::arg("source"), nb::kw_only(),
              nb::arg("output"), nb::arg("emit"), nb::arg("target"),
              nb::arg("cpu"), nb::arg("gpus"), nb::arg("dimensions"),
              nb::arg("side_weights"), nb::arg("closed_gate_bound"),
              nb::arg("gate_threshold"), nb::arg("encoding"), nb::arg("head"),
              nb::arg("int8_corrections"), nb::arg("report_missed_ternary"),
              nb::arg("compile_from"), nb::arg("compile_to"),
              nb::arg("dump_phases_to"), nb::arg("runtime_directory"),
              nb::call_guard<nb::gil_scoped_release>());
}
