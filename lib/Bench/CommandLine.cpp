//===- CommandLine.cpp - The options of hgf-bench -------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "hgf/Target/CPU/Encoding.h"
#include "hgf/Target/CPU/InstructionLevel.h"
#include "hgf/Target/NVVM/Chip.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

#include <thread>

// The runtime's names of devices; what the program of --standalone can hold.
extern "C" {
#include "Device.h"
#include "StandaloneOptions.h"
}

using namespace hgf;
using llvm::StringRef;
using llvm::Twine;

const char *const hgf::benchHelp =
    R"(usage: hgf-bench --shape=NxK[,NxK...] | --preset=NAME | --model=M.onnx [options]

Measures the kernels that hgf-compile emits against what this machine can do:
reading memory and multiply-adds, both measured in the same rounds.

  --shape=NxK[,...]           layers of N outputs and K inputs
  --preset=NAME               the layers of bitnet-2b, bitnet-3b, bitnet-large,
                              trilm-3.9b, falcon-e-1b or llama3-8b-1.58
  --model=M.onnx              the different layers of a model, and one whole step
  --tokens=1,4,256            tokens per call
  --threads=1,2               default: one, and as many as there are CPUs
  --rank=0,32                 ranks of the correction (f16); default 0
  --gate=KIND[,...]           none, static, input or output (both dynamic): the
                              gate of corrections; default none
  --correction=keep[,int8]    how the correction's factors are stored
  --scale=KIND[,...]          tensor (default), row, or columns per group
  --activations=int8|float    default int8
  --encoding=NAME[,...]       auto (default: the compiler's choice) or an encoding
  --cpu=NAME[,...]            native (default; portable with --standalone),
                              portable, or an LLVM CPU name
  --level=NAME[,...]          an instruction level instead of the CPU's best, e.g. avx2
  --residency=dram[,cache]    default: both up to 32 tokens, cache from there on
  --dim=NAME=VALUE            fixes a symbolic dimension of the model
  --seconds=X                 time of each measurement; default 0.5
  --fork-join                 what it costs to start and join the threads
  --json                      one JSON object per line
  --plot=FILE.svg|FILE.png    draws the layers under the machine's limits
  --static                    measures nothing: cycles of the kernels' inner loops
                              by llvm-mca; needs no machine of the target
  --gpu                       measures kernels for few tokens on an NVIDIA GPU
                              against a kernel that copies; with --model one step
                              of the model, with CUDA graphs and without
  --gpu=CHIP[,...]            with --static: such kernels for chips, e.g. sm_80:
                              instructions by ptxas, traffic by simulation; needs
                              no GPU. --gpu alone: all chips that are known
  --device=gpu[:N]|sim        with --gpu: the GPU, by number, or a simulated one
  --bandwidth=GB/s[@GHz]      with --static: what one core reads, and its clock;
                              default: by CPU
  --standalone=FILE           measures nothing here, but writes one static program
                              that does, to be copied to another machine
  --target=TRIPLE             the machine of --static or --standalone, e.g.
                              aarch64-linux-gnu; default: this one
  --help                      prints this text
)";

namespace {

struct Preset {
  llvm::StringLiteral name;
  llvm::StringLiteral shapes;
};

} // namespace

static constexpr Preset presets[] = {
    {"bitnet-2b", "2560x2560,640x2560,6912x2560,2560x6912"},
    {"bitnet-3b", "3200x3200,8640x3200,3200x8640"},
    {"bitnet-large", "1536x1536,4096x1536,1536x4096"},
    {"trilm-3.9b", "3072x3072,9216x3072,3072x9216"},
    {"falcon-e-1b", "2048x2048,256x2048,9216x2048,2048x9216"},
    {"llama3-8b-1.58", "4096x4096,1024x4096,14336x4096,4096x14336"},
};

/// What --static looks at by default: small, wide and deep layers of bitnet-2b
/// and, with inputs that not all blocks divide, of bitnet-3b.
static constexpr llvm::StringLiteral staticShapes =
    "2560x2560,6912x2560,2560x6912,3200x3200,8640x3200";

/// What --gpu looks at by default: the layers of all presets.
static constexpr llvm::StringLiteral gpuShapes =
    "2560x2560,640x2560,6912x2560,2560x6912,3200x3200,8640x3200,3200x8640,"
    "1536x1536,4096x1536,1536x4096,3072x3072,9216x3072,3072x9216,2048x2048,"
    "256x2048,9216x2048,2048x9216,4096x4096,1024x4096,14336x4096,4096x14336";

/// More than any model has, and little enough that bytes fit their types.
static constexpr int64_t longestSide = 1 << 20;

/// The kernels for few tokens take so many at once.
static constexpr int64_t mostGpuTokens = 8;

static std::string parseShapes(StringRef text, BenchOptions &options) {
  for (StringRef shape : llvm::split(text, ',')) {
    auto [rowText, columnText] = shape.split('x');
    int64_t rows, columns;
    if (rowText.getAsInteger(10, rows) ||
        columnText.getAsInteger(10, columns) || rows < 1 || columns < 1 ||
        rows > longestSide || columns > longestSide)
      return ("expected shapes like 6912x2560, each side from 1 to 1048576, "
              "but "
              "got '" +
              shape + "'")
          .str();
    options.shapes.emplace_back(rows, columns);
  }
  return "";
}

static std::string parsePreset(StringRef name, BenchOptions &options) {
  std::string names;
  for (const Preset &preset : presets) {
    if (preset.name == name)
      return parseShapes(preset.shapes, options);
    names += (names.empty() ? "" : ", ") + preset.name.str();
  }
  return ("expected --preset to be one of " + names + " but got '" + name + "'")
      .str();
}

static std::string parseNumbers(StringRef name, StringRef text, int64_t least,
                                int64_t most, std::vector<int64_t> &numbers) {
  numbers.clear();
  for (StringRef part : llvm::split(text, ',')) {
    int64_t number;
    if (part.getAsInteger(10, number) || number < least || number > most)
      return ("expected --" + name + " to be numbers from " + Twine(least) +
              " to " + Twine(most) + ", separated by commas, but got '" + text +
              "'")
          .str();
    numbers.push_back(number);
  }
  return "";
}

/// Words separated by commas, each for which `isKnown` holds.
static std::string parseWords(StringRef name, StringRef text,
                              StringRef expected,
                              llvm::function_ref<bool(StringRef)> isKnown,
                              std::vector<std::string> &words) {
  words.clear();
  for (StringRef part : llvm::split(text, ',')) {
    if (!isKnown(part))
      return ("expected --" + name + " to be " + expected + " but got '" +
              part + "'")
          .str();
    words.push_back(part.str());
  }
  return "";
}

static bool isScale(StringRef text) {
  int64_t group;
  return text == "tensor" || text == "row" ||
         (!text.getAsInteger(10, group) &&
          llvm::is_contained({32, 64, 128, 256}, group));
}

/// The names of the levels that this machine's architecture has.
static std::string listLevels() {
  std::string names;
  for (const InstructionLevel *level : getInstructionLevels(
           llvm::Triple(llvm::Triple::normalize(LLVM_DEFAULT_TARGET_TRIPLE))
               .getArch()))
    names += (names.empty() ? "" : ", ") + level->name.str();
  return names;
}

/// Gigabytes per second of one core, and its clock in GHz after '@'.
static std::string parseBandwidth(StringRef text, BenchOptions &options) {
  auto [rate, clock] = text.split('@');
  auto isGood = [](StringRef part, double &number) {
    return !part.getAsDouble(number) && number > 0 && number <= 10000;
  };
  if (isGood(rate, options.gigabytesPerSecond) &&
      (!text.contains('@') || isGood(clock, options.gigahertz)))
    return "";
  return ("expected --bandwidth to be GB/s of one core, with @GHz if its clock "
          "is to be another, e.g. 4.3@2.4, but got '" +
          text + "'")
      .str();
}

/// What goes with --gpu, and its defaults.
static std::string checkGpu(llvm::ArrayRef<StringRef> given,
                            BenchOptions &options) {
  std::string mode = options.isStatic ? "--static --gpu" : "--gpu";
  llvm::SmallVector<StringRef> known = {
      "gpu",  "shape",  "preset", "tokens",  "rank",  "gate", "scale",
      "json", "static", "device", "seconds", "model", "dim"};
  // Nothing is run.
  if (options.isStatic)
    known.truncate(known.size() - 4);
  for (StringRef name : given)
    if (!llvm::is_contained(known, name))
      return ("expected " + mode + " without --" + name +
              ": only what --shape, --preset, --tokens, --rank, --gate and "
              "--scale say is looked at")
          .str();
  if (!options.isStatic && !options.chips.empty())
    return "expected --static with --gpu=CHIP: a GPU on which kernels are "
           "measured says itself what it is";
  if (!llvm::is_contained(given, "tokens"))
    options.tokens = {1};
  for (int64_t tokens : options.tokens)
    if (tokens > mostGpuTokens)
      return ("expected --tokens to be numbers from 1 to " +
              Twine(mostGpuTokens) + " with " + mode +
              ", which looks at the kernels for few tokens, but got " +
              Twine(tokens))
          .str();
  if (options.chips.empty())
    for (const Chip &chip : getChips())
      options.chips.push_back(chip.name.str());
  if (options.gates.empty())
    options.gates = {"none"};
  if (options.shapes.empty() && options.model.empty())
    return parseShapes(gpuShapes, options);
  return "";
}

/// --static and measuring take different options: none is ignored. Sets what
/// is the default of --static.
static std::string checkStatic(llvm::ArrayRef<StringRef> given,
                               BenchOptions &options) {
  auto isGiven = [&](StringRef name) {
    return llvm::is_contained(given, name);
  };
  if (options.isGpu)
    return checkGpu(given, options);
  if (isGiven("device"))
    return "expected --gpu with --device, which names the GPU to measure on";
  if (!options.isStatic) {
    if (isGiven("target") && options.standalone.empty())
      return "expected --static or --standalone=FILE with --target: what is "
             "measured here is compiled for this machine";
    if (isGiven("bandwidth"))
      return "expected --static with --bandwidth: otherwise this machine's is "
             "measured";
    return "";
  }
  for (StringRef name :
       {"model", "threads", "rank", "gate", "correction", "activations",
        "residency", "dim", "seconds", "fork-join", "plot", "standalone"})
    if (isGiven(name))
      return ("expected --static without --" + name +
              ": nothing is run, and only the products of ternary weights with "
              "int8 activations are looked at")
          .str();
  if (!isGiven("tokens"))
    options.tokens = {1, 2, 4, 8, 256};
  if (options.shapes.empty())
    return parseShapes(staticShapes, options);
  return "";
}

static std::string parseOption(StringRef name, StringRef value,
                               BenchOptions &options) {
  if (name == "shape")
    return parseShapes(value, options);
  if (name == "preset")
    return parsePreset(value, options);
  if (name == "tokens")
    return parseNumbers(name, value, 1, 1 << 16, options.tokens);
  if (name == "threads")
    return parseNumbers(name, value, 1, 1024, options.threads);
  if (name == "rank")
    return parseNumbers(name, value, 0, 1024, options.ranks);
  if (name == "gate")
    return parseWords(
        name, value, "none, static, input or output",
        [](StringRef word) {
          return llvm::is_contained({"none", "static", "input", "output"},
                                    word);
        },
        options.gates);
  if (name == "scale")
    return parseWords(name, value, "tensor, row, 32, 64, 128 or 256", isScale,
                      options.scales);
  if (name == "encoding") {
    std::string names = "auto";
    for (const Encoding *encoding : getEncodings())
      names += ", " + encoding->getName().str();
    return parseWords(
        name, value, "one of " + names,
        [](StringRef word) { return word == "auto" || findEncoding(word); },
        options.encodings);
  }
  if (name == "residency")
    return parseWords(
        name, value, "dram or cache",
        [](StringRef word) { return word == "dram" || word == "cache"; },
        options.residencies);
  if (name == "cpu")
    return parseWords(
        name, value, "CPUs", [](StringRef word) { return !word.empty(); },
        options.processors);
  if (name == "level")
    return parseWords(
        name, value, "one of " + listLevels(),
        [](StringRef word) { return findInstructionLevel(word); },
        options.levels);
  if (name == "device") {
    hgf_device device;
    options.device = value.str();
    return hgf_device_parse(options.device.c_str(), &device) &&
                   (device.kind == hgf_device_gpu ||
                    device.kind == hgf_device_sim)
               ? ""
               : ("expected --device to be gpu, gpu:N or sim but got '" +
                  value + "'")
                     .str();
  }
  if (name == "gpu") {
    options.isGpu = true;
    return parseWords(
        name, value, "one of " + listChips(),
        [](StringRef word) { return findChip(word); }, options.chips);
  }
  if (name == "correction")
    return parseWords(
        name, value, "keep or int8",
        [](StringRef word) { return word == "keep" || word == "int8"; },
        options.corrections);
  if (name == "activations") {
    options.isFloat = value == "float";
    return value == "float" || value == "int8"
               ? ""
               : ("expected --activations to be int8 or float but got '" +
                  value + "'")
                     .str();
  }
  if (name == "seconds")
    return !value.getAsDouble(options.seconds) && options.seconds > 0 &&
                   options.seconds <= 3600
               ? ""
               : ("expected --seconds to be a number from 0 to 3600 but got '" +
                  value + "'")
                     .str();
  if (name == "plot") {
    options.plot = value.str();
    return value.ends_with(".svg") || value.ends_with(".png")
               ? ""
               : ("expected --plot to name a .svg or .png file but got '" +
                  value + "'")
                     .str();
  }
  if (name == "bandwidth")
    return parseBandwidth(value, options);
  if (name == "standalone")
    options.standalone = value.str();
  else if (name == "target")
    options.target = value.str();
  else if (name == "model")
    options.model = value.str();
  else if (name == "dim")
    options.dimensions.push_back(value.str());
  else
    return ("unknown option '--" + name + "'; see hgf-bench --help").str();
  return "";
}

std::string hgf::parseBenchOptions(int argc, char **argv,
                                   BenchOptions &options) {
  llvm::SmallVector<StringRef> given;
  options.commandLine = "hgf-bench";
  for (int index = 1; index < argc; ++index)
    options.commandLine += std::string(" ") + argv[index];
  for (int index = 1; index < argc; ++index) {
    StringRef argument = argv[index];
    auto [name, value] = argument.split('=');
    if (!name.consume_front("--"))
      return ("unknown argument '" + argument + "'; see hgf-bench --help")
          .str();
    given.push_back(name);
    bool *flag = llvm::StringSwitch<bool *>(name)
                     .Case("json", &options.json)
                     .Case("fork-join", &options.forkJoin)
                     .Case("static", &options.isStatic)
                     .Case("help", &options.help)
                     .Default(nullptr);
    if (flag) {
      if (argument.contains('='))
        return ("expected --" + name + " without a value").str();
      *flag = true;
      continue;
    }
    // All chips.
    if (argument == "--gpu") {
      options.isGpu = true;
      continue;
    }
    if (!argument.contains('=')) {
      if (index + 1 == argc)
        return ("expected a value after " + argument + "; see hgf-bench --help")
            .str();
      value = argv[++index];
    }
    std::string problem = parseOption(name, value, options);
    if (!problem.empty())
      return problem;
  }
  if (options.help)
    return "";
  if (std::string problem = checkStatic(given, options); !problem.empty())
    return problem;
  if (options.shapes.empty() && options.model.empty() && !options.forkJoin)
    return "expected --shape, --preset or --model; see hgf-bench --help";
  if (!options.shapes.empty() && !options.model.empty())
    return "expected either shapes or a model but got both";
  bool standalone = !options.standalone.empty();
  if (standalone && (options.shapes.empty() || options.json ||
                     options.forkJoin || !options.plot.empty()))
    return "expected --standalone to go with --shape or --preset, and without "
           "--json, --fork-join and --plot: the program has options of its own";
  if (standalone && std::max(options.tokens.size(), options.threads.size()) >
                        hgf_longest_list)
    return ("expected --tokens and --threads to be at most " +
            Twine(hgf_longest_list) + " numbers with --standalone")
        .str();
  if (options.processors.empty())
    options.processors = {standalone ? "portable" : "native"};
  // The program looks for itself how many CPUs there are.
  if (options.threads.empty() && !standalone) {
    options.threads = {1};
    if (int64_t all = std::thread::hardware_concurrency(); all > 1)
      options.threads.push_back(all);
  }
  if (options.gates.empty())
    options.gates = {"none"};
  return "";
}
