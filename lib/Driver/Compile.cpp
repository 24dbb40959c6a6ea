//===- Compile.cpp - From a module to a binary --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Report.h"
#include "hgf/Driver/Driver.h"
#include "hgf/Import/ONNX.h"
#include "hgf/Pipeline/Phases.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Support/Timing.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;

void hgf::registerDriverDialects(DialectRegistry &registry) {
  registerPipelineDialects(registry);
  registerCodegenDialects(registry);
}

/// What bytecode asks for where it holds weights. Large files are mapped and
/// have more; small ones are copied.
static constexpr uint64_t bytecodeAlignment = 64;

OwningOpRef<ModuleOp> hgf::loadModel(MLIRContext &context,
                                     const CompileOptions &options) {
  StringRef path = options.input;
  Location location = FileLineColLoc::get(&context, path, 0, 0);
  StringRef suffix = llvm::sys::path::extension(path);
  if (suffix == ".onnx") {
    ONNXImportOptions import;
    for (StringRef dimension : options.dimensions)
      if (!parseDimension(dimension, import)) {
        emitError(location)
            << "expected NAME=VALUE but got '" << dimension << "'";
        return nullptr;
      }
    FailureOr<OwningOpRef<ModuleOp>> module = importONNX(path, context, import);
    return failed(module) ? nullptr : std::move(*module);
  }
  if (suffix != ".mlir" && suffix != ".mlirbc") {
    emitError(location) << "expected a model with suffix .onnx, .mlir or "
                           ".mlirbc but got '"
                        << path << "'";
    return nullptr;
  }
  // Mapped, and shared with the module's resources: nothing is copied.
  auto buffer = llvm::MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/suffix == ".mlir",
      /*IsVolatile=*/false, llvm::Align(bytecodeAlignment));
  if (!buffer) {
    emitError(location) << "cannot read '" << path
                        << "': " << buffer.getError().message();
    return nullptr;
  }
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, ParserConfig(&context));
}

namespace {

/// One compilation and its temporary files.
class Compilation {
public:
  Compilation(ModuleOp module, const hgf::CompileOptions &options,
              llvm::raw_ostream &report)
      : module(module), options(options), report(report),
        location(module.getLoc()) {
    timing.setEnabled(options.timing);
    scope = timing.getRootScope();
  }
  ~Compilation() {
    for (const std::string &path : temporaries)
      // A temporary that cannot be removed is no error of the compilation.
      (void)llvm::sys::fs::remove(path);
  }

  LogicalResult run() {
    hgf::EmitKind kind = *options.emit;
    bool complete = options.compileTo.empty();
    // First, so that a wrong target is an error whatever is written.
    auto machine = hgf::createTargetMachine(location, options.target);
    if (failed(machine) ||
        (isBinary(kind) &&
         failed(hgf::checkBinaryKind(location, getBinaryKind(kind),
                                     options.target))) ||
        (options.gpuFallback && failed(compileFallback(**machine))) ||
        failed(runPhases()))
      return failure();
    // Before the report, which says what the assembler made of the kernels.
    bool writesModule =
        kind == hgf::EmitKind::MLIR || kind == hgf::EmitKind::Bytecode;
    if (!options.gpus.empty() && !writesModule &&
        failed(hgf::assembleKernels(module)))
      return failure();
    if (options.report == hgf::ReportKind::Table)
      report << hgf::formatReportAsTable(module);
    else if (options.report == hgf::ReportKind::JSON)
      report << hgf::formatReportAsJSON(module) << '\n';
    if (writesModule)
      return writeModule(options.output, kind == hgf::EmitKind::Bytecode);
    if (!complete)
      return emitError(location)
             << "expected --emit=mlir or --emit=bytecode with --compile-to";
    return generate(kind, **machine);
  }

  LogicalResult runPhases() {
    ArrayRef<hgf::Phase> phases =
        options.gpus.empty() ? hgf::getCPUPhases() : hgf::getGPUPhases();
    size_t first = 0, last = phases.size() - 1;
    if (!options.compileFrom.empty())
      first = *hgf::findPhase(phases, options.compileFrom);
    if (!options.compileTo.empty())
      last = *hgf::findPhase(phases, options.compileTo);
    // What an earlier phase removes was never there in what it wrote.
    for (const hgf::Phase &earlier : phases.take_front(first).take_back(1))
      if (Operation *leftover = hgf::findLeftover(module, earlier).first)
        return emitError(location)
               << "expected what the phase '" << earlier.name
               << "' wrote, because of --compile-from=" << options.compileFrom
               << ", but got a module with '" << leftover->getName()
               << "'; leave the option out to start with the first phase";
    hgf::PipelineOptions pipeline;
    pipeline.target = hgf::getTriple(options.target);
    pipeline.cpu = options.target.cpu;
    pipeline.gpus = options.gpus;
    pipeline.level = options.level;
    pipeline.encoding = options.encoding;
    pipeline.portableDots = options.portableDots;
    pipeline.prefillFrom = options.prefillFrom;
    pipeline.dimensions = options.dimensions;
    pipeline.closedGateBound = options.closedGateBound;
    pipeline.gateThreshold = options.gateThreshold;
    pipeline.head = options.head;
    pipeline.int8Corrections = options.int8Corrections;
    pipeline.reportMissedTernary = options.reportMissedTernary;
    for (size_t index = first; index <= last; ++index) {
      TimingScope phaseScope = scope.nest(phases[index].name);
      PassManager manager(module.getContext(), ModuleOp::getOperationName());
      manager.enableTiming(phaseScope);
      hgf::appendPhase(phases[index], manager, pipeline);
      if (failed(manager.run(module)))
        return failure();
      if (options.dumpPhasesTo.empty())
        continue;
      SmallString<128> path(options.dumpPhasesTo);
      llvm::sys::path::append(path, Twine(index + 1) + "." +
                                        phases[index].name + ".mlir");
      if (failed(writeModule(path, /*bytecode=*/false)))
        return failure();
    }
    return success();
  }

private:
  LogicalResult writeModule(StringRef path, bool bytecode) {
    std::string message;
    auto file = openOutputFile(path, &message);
    if (!file)
      return emitError(location) << message;
    if (bytecode) {
      if (failed(writeBytecodeToFile(module, file->os())))
        return failure();
    } else {
      // Not in local scope: that would leave out the resources.
      module->print(file->os());
      file->os() << '\n';
    }
    file->keep();
    return success();
  }

  /// A new temporary file's path; it is removed with the compilation.
  FailureOr<std::string> makeTemporary(StringRef suffix) {
    SmallString<128> path;
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("hgf", suffix, path))
      return emitError(location)
             << "cannot make a temporary file: " << error.message();
    temporaries.push_back(path.str().str());
    return temporaries.back();
  }

  /// Where the weights go.
  FailureOr<hgf::WeightsFiles> makeWeightsFiles() {
    FailureOr<std::string> object = makeTemporary("weights.o");
    if (failed(object))
      return failure();
    hgf::WeightsFiles files;
    files.object = *object;
    if (options.sideWeights)
      files.side = options.output + options.symbols.sideSuffix;
    return files;
  }

  /// The model as optimized LLVM IR; writes its weights.
  std::unique_ptr<llvm::Module> translate(llvm::LLVMContext &context,
                                          llvm::TargetMachine &machine,
                                          const hgf::WeightsFiles &files,
                                          TimingScope &codegenScope) {
    std::unique_ptr<llvm::Module> code =
        hgf::translateModel(module, context, machine, files,
                            options.target.cpu == "portable", options.symbols);
    if (!code)
      return nullptr;
    TimingScope optimizeScope = codegenScope.nest("optimization");
    hgf::optimize(*code, machine);
    return code;
  }

  /// Adds the objects of `code` and of the weights to `objects`.
  LogicalResult emitObjects(llvm::Module &code, llvm::TargetMachine &machine,
                            const hgf::WeightsFiles &files) {
    FailureOr<std::string> object = makeTemporary("o");
    if (failed(object) || failed(hgf::emitFile(code, machine, location, *object,
                                               /*assembly=*/false)))
      return failure();
    objects.push_back(*object);
    uint64_t weightBytes = 0;
    if (!llvm::sys::fs::file_size(files.object, weightBytes) && weightBytes)
      objects.push_back(files.object);
    return success();
  }

  /// Compiles the model a second time, for the CPU, into further objects: a GPU
  /// model's descriptor points to the other one.
  LogicalResult compileFallback(llvm::TargetMachine &machine) {
    TimingScope fallbackScope = scope.nest("fallback");
    OwningOpRef<ModuleOp> again = hgf::loadModel(*module.getContext(), options);
    if (!again)
      return failure();
    hgf::CompileOptions cpu = options;
    cpu.gpus.clear();
    cpu.gpuFallback = cpu.timing = false;
    cpu.dumpPhasesTo.clear();
    cpu.symbols.model = options.symbols.fallback;
    cpu.symbols.fallback.clear();
    cpu.symbols.weightsPrefix = options.symbols.fallback + "_";
    cpu.symbols.sideSuffix = ".cpu.weights";
    Compilation part(*again, cpu, llvm::nulls());
    llvm::LLVMContext context;
    FailureOr<hgf::WeightsFiles> files = part.makeWeightsFiles();
    if (failed(files) || failed(part.runPhases()))
      return failure();
    std::unique_ptr<llvm::Module> code =
        part.translate(context, machine, *files, fallbackScope);
    if (!code || failed(part.emitObjects(*code, machine, *files)))
      return failure();
    uint64_t bytes = 0;
    // Where there are no weights there is no file.
    (void)llvm::sys::fs::file_size(
        files->side.empty() ? files->object : files->side, bytes);
    module->setAttr("hgf.fallback_bytes",
                    Builder(module.getContext()).getI64IntegerAttr(bytes));
    llvm::append_range(objects, part.objects);
    llvm::append_range(temporaries, part.temporaries);
    part.temporaries.clear();
    return success();
  }

  LogicalResult generate(hgf::EmitKind kind, llvm::TargetMachine &machine) {
    TimingScope codegenScope = scope.nest("code generation");
    FailureOr<hgf::WeightsFiles> files = makeWeightsFiles();
    if (failed(files))
      return failure();
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> code =
        translate(context, machine, *files, codegenScope);
    if (!code)
      return failure();
    if (kind == hgf::EmitKind::LLVM) {
      std::string message;
      auto file = openOutputFile(options.output, &message);
      if (!file)
        return emitError(location) << message;
      code->print(file->os(), nullptr);
      file->keep();
      return success();
    }
    TimingScope emitScope = codegenScope.nest("object emission");
    if (kind == hgf::EmitKind::Assembly)
      return hgf::emitFile(*code, machine, location, options.output,
                           /*assembly=*/true);
    if (failed(emitObjects(*code, machine, *files)))
      return failure();
    emitScope.stop();
    TimingScope linkScope = codegenScope.nest("link");
    if (kind != hgf::EmitKind::Executable &&
        kind != hgf::EmitKind::StaticExecutable) {
      SmallString<128> header(options.output);
      llvm::sys::path::replace_extension(header, "h");
      if (failed(hgf::writeHeader(module, header)))
        return failure();
    }
    return hgf::link(location, getBinaryKind(kind), options.target, objects,
                     options.runtimeDirectory, options.output);
  }

  static bool isBinary(hgf::EmitKind kind) {
    using hgf::EmitKind;
    return !llvm::is_contained({EmitKind::LLVM, EmitKind::Assembly,
                                EmitKind::MLIR, EmitKind::Bytecode},
                               kind);
  }

  static hgf::BinaryKind getBinaryKind(hgf::EmitKind kind) {
    switch (kind) {
    case hgf::EmitKind::Shared:
      return hgf::BinaryKind::Shared;
    case hgf::EmitKind::Static:
      return hgf::BinaryKind::Static;
    case hgf::EmitKind::Object:
      return hgf::BinaryKind::Object;
    case hgf::EmitKind::StaticExecutable:
      return hgf::BinaryKind::StaticExecutable;
    default:
      return hgf::BinaryKind::Executable;
    }
  }

  ModuleOp module;
  const hgf::CompileOptions &options;
  llvm::raw_ostream &report;
  Location location;
  DefaultTimingManager timing;
  TimingScope scope;
  std::vector<std::string> temporaries;
  /// What is linked.
  std::vector<std::string> objects;
};

} // namespace

LogicalResult hgf::compile(ModuleOp module, const CompileOptions &options,
                           llvm::raw_ostream &report) {
  return Compilation(module, options, report).run();
}

LogicalResult hgf::runPhases(ModuleOp module, const CompileOptions &options) {
  return Compilation(module, options, llvm::nulls()).runPhases();
}
