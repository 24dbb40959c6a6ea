//===- ImportFuzzer.cpp - Any bytes as an ONNX model ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model is imported, inlined and folded, or gets exactly one error.
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "hgf/Import/ONNX.h"
#include "hgf/Passes/Legalization/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include <cstdlib>

using namespace mlir;

/// libMLIR.so is not instrumented: containers that cross its border look as if
/// they overflowed.
extern "C" const char *__asan_default_options() {
  return "detect_container_overflow=0:detect_leaks=0:allocator_may_return_null="
         "1";
}

static bool runPasses(ModuleOp module) {
  PassManager manager(module.getContext(), ModuleOp::getOperationName());
  hgf::ONNXInlineFunctionsOptions functions;
  functions.keepLayers = false;
  functions.maxNodes = 2000;
  hgf::ONNXFoldConstantsOptions constants;
  constants.maxBytes = 1 << 16;
  manager.addPass(hgf::createONNXInlineFunctions(functions));
  manager.addPass(hgf::createONNXFoldConstants(constants));
  return succeeded(manager.run(module));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A context keeps every name that it has seen: it is renewed now and then.
  static std::unique_ptr<MLIRContext> context;
  static int runs = 0;
  if (runs++ % 256 == 0) {
    context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
    context->loadDialect<func::FuncDialect, hgf::ONNXDialect>();
  }
  int errors = 0;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    errors += diagnostic.getSeverity() == DiagnosticSeverity::Error;
  });
  hgf::ONNXSource source{StringRef(reinterpret_cast<const char *>(data), size),
                         nullptr, "fuzz", ""};
  auto module = hgf::importONNX(source, *context);
  bool isGood = succeeded(module) && runPasses(**module);
  if (errors != (isGood ? 0 : 1))
    abort();
  return 0;
}
