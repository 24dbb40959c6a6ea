//===- CommandLine.cpp - The command hgf-compile ------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Driver/Driver.h"
#include "hgf/Pipeline/Phases.h"
#include "hgf/Target/CPU/Encoding.h"
#include "hgf/Target/CPU/InstructionLevel.h"
#include "hgf/Target/NVVM/Chip.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// The process's options (llvm::cl) are not used: linking in process resets
/// them, and the libraries below register hundreds.
static constexpr const char *helpText =
    R"(usage: hgf-compile MODEL -o OUTPUT [options]
       hgf-compile --describe [--target=TRIPLE] [--cpu=NAME]

Compiles a model (.onnx, .mlir, .mlirbc) ahead of time.

  -o FILE                     the output; its suffix says its kind: .so .a .o .ll
                              .s .mlir .mlirbc, anything else an executable
  --emit=KIND                 exe, static-exe (needs no library on the target),
                              shared, static (a library), object, llvm, asm, mlir
                              or bytecode, whatever the suffix
  --target=TRIPLE             x86_64-linux-gnu or aarch64-linux-gnu; for Android
                              x86_64-linux-android or aarch64-linux-android,
                              objects only; default: this machine's
  --sysroot=DIR               where the target's C library is for executables;
                              default: / with Debian's cross compilers
  --cpu=NAME                  portable (default; kernels are chosen at load),
                              native, or an LLVM CPU name
  --gpu=CHIPS                 for NVIDIA GPUs: sm_75 and newer, several separated by
                              commas; the binary needs nothing but the driver
  --gpu-fallback              with --gpu: the binary can also run on the CPU, with
                              weights of its own (--device=cpu)
  --encoding=NAME             how weights lie in memory: auto (default; what is
                              fastest), planes2, rowplanes2 (AArch64), or
                              trits3in5 (needs a CPU with AVX-512 VBMI)
  --level=NAME                for tests: kernels of one instruction level, with
                              or without a CPU that has it
  --dot-lowering=portable     for tests: levels' kernels in instructions that
                              every CPU of the target has
  --prefill-from=N            for tests: so many tokens and more take the kernels
                              for many tokens, whatever the level's table says
  --dim=NAME=VALUE            fixes a symbolic dimension; may be repeated
  --weights=embed|side        weights in the binary, or in a file beside it
  --closed-gate-bound=X       deletes corrections whose every |tanh g| is below X
  --gate-threshold=X          a token's dynamic gate below X counts as closed, and
                              saves its work; --report bounds the error
  --correction=keep|int8      stores corrections as they are (default), or as int8
                              with one scale per rank; --report has the error
  --head=f16|int8|keep        how the large float matrix that makes the output is
                              stored (default f16), and with it an embedding that
                              shares it; --report has the error
  --compile-from=PHASE        the input is what the phase before PHASE wrote
  --compile-to=PHASE          stops after PHASE; with --emit=mlir or bytecode
  --dump-phases-to=DIR        writes DIR/1.legalization.mlir and so on
  --describe                  compiles nothing: which kernels and encodings binaries
                              for --target and --cpu hold
  --report[=json]             prints what became of each linear
  --report-missed-ternary     says at each near miss which condition failed
  --timing                    prints where the time went
  --help                      prints this text
)";

namespace {

/// Walks the command line. After an error `message` is the sentence to print.
class Parser {
public:
  Parser(int argc, char **argv) : arguments(argv + 1, argv + argc) {}

  bool parse(hgf::CompileOptions &options) {
    while (position < arguments.size()) {
      StringRef argument = arguments[position++];
      if (!argument.starts_with("-") || argument == "-") {
        if (!options.input.empty())
          return fail("expected one model but got '" + options.input +
                      "' and '" + argument.str() + "'");
        options.input = argument.str();
      } else if (!parseOption(argument, options)) {
        return false;
      }
    }
    return help || check(options);
  }

  bool help = false;
  std::string message;

private:
  bool fail(const Twine &text) {
    message = text.str();
    return false;
  }

  bool parseOption(StringRef argument, hgf::CompileOptions &options) {
    if (argument == "-o") {
      if (position == arguments.size())
        return fail("expected a file name after -o");
      options.output = arguments[position++];
      return true;
    }
    auto [name, value] = argument.split('=');
    // One dash will do.
    name.consume_front("-");
    name.consume_front("-");
    bool hasValue = argument.contains('=');
    if (name == "help" || name == "h")
      return help = true;
    if (name == "report") {
      options.report =
          hasValue ? hgf::ReportKind::JSON : hgf::ReportKind::Table;
      return !hasValue || value == "json" ||
             fail("expected --report or --report=json but got '" + argument +
                  "'");
    }
    bool *flag =
        llvm::StringSwitch<bool *>(name)
            .Case("report-missed-ternary", &options.reportMissedTernary)
            .Case("timing", &options.timing)
            .Case("describe", &options.describe)
            .Case("gpu-fallback", &options.gpuFallback)
            .Default(nullptr);
    if (flag) {
      *flag = true;
      return !hasValue || fail("expected --" + name + " without a value");
    }
    std::string *text =
        llvm::StringSwitch<std::string *>(name)
            .Case("target", &options.target.triple)
            .Case("cpu", &options.target.cpu)
            .Case("sysroot", &options.target.sysroot)
            .Case("encoding", &options.encoding)
            .Case("level", &options.level)
            .Case("compile-from", &options.compileFrom)
            .Case("compile-to", &options.compileTo)
            .Case("dump-phases-to", &options.dumpPhasesTo)
            .Cases({"gpu", "dot-lowering", "prefill-from", "emit", "dim",
                    "weights", "closed-gate-bound", "gate-threshold",
                    "correction", "head"},
                   &other)
            .Default(nullptr);
    if (!text)
      return fail("unknown option '" + argument + "'; see hgf-compile --help");
    if (!hasValue) {
      if (position == arguments.size())
        return fail("expected a value after " + argument);
      value = arguments[position++];
    }
    *text = value.str();
    return text != &other || parseOther(name, value, options);
  }

  bool parseOther(StringRef name, StringRef value,
                  hgf::CompileOptions &options) {
    if (name == "emit") {
      using hgf::EmitKind;
      options.emit = llvm::StringSwitch<std::optional<EmitKind>>(value)
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
      return options.emit ||
             fail("expected --emit to be exe, static-exe, shared, static, "
                  "object, llvm, asm, mlir or bytecode but got '" +
                  value + "'");
    }
    if (name == "gpu")
      return parseChips(value, options.gpus);
    if (name == "dim") {
      auto [dimension, size] = value.split('=');
      int64_t number;
      if (dimension.empty() || size.getAsInteger(10, number) || number < 0)
        return fail("expected --dim=NAME=VALUE, with a number that is not "
                    "negative, but got '" +
                    value + "'");
      options.dimensions.push_back(value.str());
      return true;
    }
    if (name == "dot-lowering") {
      options.portableDots = value == "portable";
      return value == "portable" || value == "native" ||
             fail("expected --dot-lowering to be portable or native but got '" +
                  value + "'");
    }
    if (name == "prefill-from")
      return (!value.getAsInteger(10, options.prefillFrom) &&
              options.prefillFrom > 0) ||
             fail("expected --prefill-from to be a positive number but got '" +
                  value + "'");
    if (name == "weights") {
      options.sideWeights = value == "side";
      return value == "side" || value == "embed" ||
             fail("expected --weights to be embed or side but got '" + value +
                  "'");
    }
    if (name == "head") {
      options.head = value.str();
      return value == "f16" || value == "int8" || value == "keep" ||
             fail("expected --head to be f16, int8 or keep but got '" + value +
                  "'");
    }
    if (name == "correction") {
      options.int8Corrections = value == "int8";
      return value == "int8" || value == "keep" ||
             fail("expected --correction to be keep or int8 but got '" + value +
                  "'");
    }
    double &bound = name == "gate-threshold" ? options.gateThreshold
                                             : options.closedGateBound;
    // Written so that it refuses NaN, too.
    return (!value.getAsDouble(bound) && bound >= 0) ||
           fail("expected --" + name +
                " to be a number of at least 0 but got '" + value + "'");
  }

  /// One or several chips, separated by commas.
  bool parseChips(StringRef value, std::vector<std::string> &gpus) {
    SmallVector<StringRef> chips;
    value.split(chips, ',');
    for (StringRef chip : chips) {
      if (!hgf::findChip(chip))
        return fail("expected --gpu to be a list of " + hgf::listChips() +
                    ", separated by commas, but got '" + value + "'");
      if (!llvm::is_contained(gpus, chip))
        gpus.push_back(chip.str());
    }
    return true;
  }

  bool check(hgf::CompileOptions &options) {
    if (options.gpuFallback && options.gpus.empty())
      return fail("expected --gpu=CHIPS with --gpu-fallback");
    // The report speaks of the first.
    llvm::sort(options.gpus, [](const std::string &left,
                                const std::string &right) {
      return hgf::findChip(left)->capability < hgf::findChip(right)->capability;
    });
    if (!options.gpus.empty() && options.describe)
      return fail("expected --describe without --gpu: it is about CPUs; "
                  "--report says what became of a model for a GPU");
    if (!options.gpus.empty() && !options.gpuFallback &&
        options.encoding != "auto")
      return fail("expected no --encoding with --gpu: GPUs have one of their "
                  "own; with --gpu-fallback it is that of the CPU version");
    if (!options.gpus.empty() &&
        options.emit == hgf::EmitKind::StaticExecutable)
      return fail("expected --emit=exe with --gpu: a static executable cannot "
                  "load the GPU's driver");
    if (options.gpuFallback &&
        !(options.compileFrom.empty() && options.compileTo.empty()))
      return fail("expected neither --compile-from nor --compile-to with "
                  "--gpu-fallback: the whole model is compiled twice");
    if (options.gpuFallback)
      options.symbols.fallback = options.symbols.model + "_cpu";
    if (options.input.empty() && !options.describe)
      return fail("expected a model; see hgf-compile --help");
    if (options.output.empty() && !options.describe)
      return fail("expected -o FILE; see hgf-compile --help");
    if (options.encoding != "auto" && !hgf::findEncoding(options.encoding))
      return fail("expected --encoding to be auto" + hgf::listEncodings() +
                  " but got '" + options.encoding + "'");
    if (!options.level.empty() && !hgf::findInstructionLevel(options.level))
      return fail("expected --level to be " + getLevelNames() + " but got '" +
                  options.level + "'");
    ArrayRef<hgf::Phase> phases =
        options.gpus.empty() ? hgf::getCPUPhases() : hgf::getGPUPhases();
    for (StringRef name :
         {StringRef(options.compileFrom), StringRef(options.compileTo)}) {
      if (name.empty() || hgf::findPhase(phases, name))
        continue;
      std::string names;
      for (const hgf::Phase &phase : phases)
        names += (names.empty() ? "" : ", ") + phase.name.str();
      return fail("expected a phase (" + names + ") but got '" + name + "'");
    }
    if (!options.compileFrom.empty() && !options.compileTo.empty() &&
        *hgf::findPhase(phases, options.compileFrom) >
            *hgf::findPhase(phases, options.compileTo))
      return fail("expected --compile-from to name a phase that does not "
                  "follow the one of --compile-to");
    if (!options.emit)
      options.emit = getKindOfSuffix(llvm::sys::path::extension(options.output),
                                     /*partial=*/!options.compileTo.empty());
    bool writesModule = options.emit == hgf::EmitKind::MLIR ||
                        options.emit == hgf::EmitKind::Bytecode;
    return options.compileTo.empty() || writesModule ||
           fail("expected --emit=mlir or --emit=bytecode with --compile-to");
  }

  static std::string getLevelNames() {
    std::string names;
    for (llvm::Triple::ArchType architecture :
         {llvm::Triple::x86_64, llvm::Triple::aarch64})
      for (const auto *level : hgf::getInstructionLevels(architecture))
        names += (names.empty() ? "" : ", ") + level->name.str();
    return names;
  }

  static hgf::EmitKind getKindOfSuffix(StringRef suffix, bool partial) {
    using hgf::EmitKind;
    return llvm::StringSwitch<EmitKind>(suffix)
        .Case(".so", EmitKind::Shared)
        .Case(".a", EmitKind::Static)
        .Case(".o", EmitKind::Object)
        .Case(".ll", EmitKind::LLVM)
        .Case(".s", EmitKind::Assembly)
        .Case(".mlir", EmitKind::MLIR)
        .Case(".mlirbc", EmitKind::Bytecode)
        .Default(partial ? EmitKind::MLIR : EmitKind::Executable);
  }

  std::vector<std::string> arguments;
  size_t position = 0;
  /// Value of an option that needs more than to be kept.
  std::string other;
};

} // namespace

/// Prints diagnostics as "hgf-compile: error: sentence". Where in a file is
/// said for text that a person wrote, and a node's name where there is one.
static void printDiagnostic(Diagnostic &diagnostic) {
  llvm::raw_ostream &stream = llvm::errs();
  Location location = diagnostic.getLocation();
  if (auto file = dyn_cast<FileLineColLoc>(location); file && file.getLine())
    stream << file.getFilename().getValue() << ':' << file.getLine() << ':'
           << file.getColumn() << ": ";
  else
    stream << "hgf-compile: ";
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    stream << "error: ";
    break;
  case DiagnosticSeverity::Warning:
    stream << "warning: ";
    break;
  default:
    stream << "remark: ";
  }
  if (auto name = dyn_cast<NameLoc>(location))
    if (!StringRef(diagnostic.str()).contains(name.getName().getValue()))
      stream << "node '" << name.getName().getValue() << "': ";
  stream << diagnostic << '\n';
}

std::string hgf::findRuntimeDirectory(const char *argument0) {
  // The runtime lies beside the compiler: bin/hgf-compile, lib/hgf/TRIPLE.
  SmallString<128> directory(llvm::sys::path::parent_path(
      llvm::sys::path::parent_path(llvm::sys::fs::getMainExecutable(
          argument0, reinterpret_cast<void *>(&compileMain)))));
  llvm::sys::path::append(directory, "lib", "hgf");
  return directory.str().str();
}

int hgf::compileMain(int argc, char **argv) {
  CompileOptions options;
  Parser parser(argc, argv);
  if (!parser.parse(options)) {
    llvm::errs() << "hgf-compile: " << parser.message << '\n';
    return 2;
  }
  if (parser.help) {
    llvm::outs() << helpText;
    return 0;
  }
  options.runtimeDirectory = findRuntimeDirectory(argv[0]);
  if (!options.dumpPhasesTo.empty())
    if (std::error_code error =
            llvm::sys::fs::create_directories(options.dumpPhasesTo)) {
      llvm::errs() << "hgf-compile: cannot make '" << options.dumpPhasesTo
                   << "': " << error.message() << '\n';
      return 1;
    }

  DialectRegistry registry;
  registerDriverDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    printDiagnostic(diagnostic);
    return success();
  });
  if (options.describe)
    return failed(describeTarget(context, options, llvm::outs()));
  OwningOpRef<ModuleOp> module = loadModel(context, options);
  if (!module || failed(compile(*module, options, llvm::outs())))
    return 1;
  return 0;
}
