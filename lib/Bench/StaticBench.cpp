//===- StaticBench.cpp - Estimates without a machine ----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StaticBench.h"

#include "AssemblyLoops.h"
#include "Layers.h"
#include "Mca.h"

#include "hgf/Target/CPU/InstructionLevel.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Target/TargetMachine.h"

#include <map>

using namespace mlir;
using namespace hgf;

//===----------------------------------------------------------------------===//
// Processors
//===----------------------------------------------------------------------===//

namespace {

/// A machine that a CPU is found in.
struct Processor {
  llvm::StringLiteral cpu;
  double gigahertz;
  /// What the memory moves at most, by its maker's data sheet, and how many
  /// cores share it. No program reaches it, so that a loop which is bound by
  /// memory even then surely is.
  double gigabytesPerSecond;
  int cores;
};

} // namespace

// Channels times bytes times transfers per second of the memory that the
// makers' data sheets name.
// clang-format off
static constexpr Processor processors[] = {
    {"cortex-a53",     1.4,   3.6,   4}, // Raspberry Pi 3B+: LPDDR2-900, 32 bits
    {"cortex-a55",     1.8,   6.4,   4}, // Rockchip RK3566: LPDDR4-1600, 32 bits
    {"cortex-a72",     1.8,   12.8,  4}, // Raspberry Pi 4: LPDDR4-3200, 32 bits
    {"cortex-a76",     2.4,   17.1,  4}, // Raspberry Pi 5: LPDDR4X-4267, 32 bits
    {"neoverse-n1",    2.5,   204.8, 64}, // AWS Graviton 2: 8 DDR4-3200
    {"neoverse-v1",    2.6,   307.2, 64}, // AWS Graviton 3: 8 DDR5-4800
    {"neoverse-v2",    2.8,   537.6, 96}, // AWS Graviton 4: 12 DDR5-5600
    {"neoverse-n2",    2.75,  409.6, 128}, // Alibaba Yitian 710: 8 of 2 DDR5-3200
    {"apple-m1",       3.2,   68.3,  8}, // M1: LPDDR4X-4267, 128 bits
    {"haswell",        2.3,   68.3,  18}, // Xeon E5-2699 v3: 4 DDR4-2133
    {"skylake-avx512", 2.5,   128.0, 28}, // Xeon Platinum 8180: 6 DDR4-2666
    {"cascadelake",    2.7,   140.8, 28}, // Xeon Platinum 8280: 6 DDR4-2933
    {"icelake-server", 2.3,   204.8, 40}, // Xeon Platinum 8380: 8 DDR4-3200
    {"sapphirerapids", 2.0,   307.2, 56}, // Xeon Platinum 8480+: 8 DDR5-4800
    {"alderlake",      3.2,   76.8,  16}, // Core i9-12900K: 2 DDR5-4800
    {"znver2",         2.25,  204.8, 64}, // EPYC 7742: 8 DDR4-3200
    {"znver3",         2.45,  204.8, 64}, // EPYC 7763: 8 DDR4-3200
    {"znver4",         2.4,   460.8, 96}, // EPYC 9654: 12 DDR5-4800
    {"znver5",         2.7,   576.0, 128}, // EPYC 9755: 12 DDR5-6000
};
// clang-format on

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

namespace {

/// A processor, and all that is the same for each of its lines.
struct StaticTarget {
  CompileOptions compile;
  llvm::Triple::ArchType architecture;
  McaTarget mca;
  const InstructionLevel *level = nullptr;
  std::string model;
  double gigahertz = 0;
  double gigabytesPerSecond = 0;

  bool hasOwnModel() const { return model == mca.cpu; }
};

/// What llvm-mca says of one loop.
struct LoopCost {
  double cycles = 0;
  /// Of its dot products alone.
  double dotCycles = 0;
};

/// One line of the result. A thousand weights are those of one token in the
/// form for many tokens, which goes over the same weights for each few, and of
/// all tokens of the kernel in the other.
struct StaticLine {
  std::string shape;
  int64_t tokens = 1;
  /// Tokens that one pass over the weights in memory serves.
  int64_t sharingTokens = 1;
  /// Tokens that a weight's cycles are for.
  int64_t countedTokens = 1;
  std::string scale;
  std::string kernel;
  std::string encoding;
  double bytesPerWeight = 0;
  double cyclesPerMac = 0;
  double instructionsPerMac = 0;
  double peakRatio = 0;

  double getCoreCycles() const { return 1000 * cyclesPerMac * countedTokens; }
  double getMemoryCycles(const StaticTarget &target) const {
    double bytesPerCycle = target.gigabytesPerSecond / target.gigahertz;
    return 1000 * bytesPerWeight / bytesPerCycle * countedTokens /
           sharingTokens;
  }
  bool isCoreBound(const StaticTarget &target) const {
    return getCoreCycles() >= getMemoryCycles(target);
  }
};

} // namespace

static std::string formatAsJSON(const StaticLine &line,
                                const StaticTarget &target) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::json::OStream json(stream);
  auto number = [&](StringRef name, double value) {
    json.attributeBegin(name);
    json.rawValue([&](raw_ostream &stream) {
      // More digits would be noise.
      stream << llvm::format("%.4g", value);
    });
    json.attributeEnd();
  };
  json.object([&] {
    json.attribute("shape", line.shape);
    json.attribute("tokens", line.tokens);
    json.attribute("cpu", target.mca.cpu);
    json.attribute("level", target.level->name);
    json.attribute("model", target.model);
    json.attribute("kernel", line.kernel);
    json.attribute("encoding", line.encoding);
    json.attribute("scale", line.scale);
    number("cycles_per_kweight", line.getCoreCycles());
    number("cycles_per_kmac", 1000 * line.cyclesPerMac);
    number("instructions_per_kweight",
           1000 * line.instructionsPerMac * line.countedTokens);
    number("peak_ratio", line.peakRatio);
    number("bytes_per_weight", line.bytesPerWeight);
    number("gb_s_per_core", target.gigabytesPerSecond);
    number("ghz", target.gigahertz);
    number("memory_cycles_per_kweight", line.getMemoryCycles(target));
    number("cycles_bound",
           std::max(line.getCoreCycles(), line.getMemoryCycles(target)));
    json.attribute("bound", line.isCoreBound(target) ? "core" : "memory");
  });
  return text;
}

static std::string formatHeading(const StaticTarget &target) {
  return llvm::formatv(
      "cpu: {0}, level {1}, {2:F2} GB/s per core at {3:F2} GHz; scheduling "
      "model: {4}\ncycles: per 1000 weights, by llvm-mca for the core, by "
      "GB/s for memory; peak: cycles of the dot products alone / cycles\n\n"
      "{5,-12} {6,4} {7,-50} {8,8} {9,8} {10,8} {11,6} {12,7}",
      target.mca.cpu, target.level->name, target.gigabytesPerSecond,
      target.gigahertz,
      target.hasOwnModel() ? "its own"
                           : target.model + "'s, since LLVM has none of its "
                                            "own",
      "shape", "tok", "kernel", "core", "memory", "per kmac", "peak", "B/w");
}

static std::string formatAsText(const StaticLine &line,
                                const StaticTarget &target) {
  StringRef kernel = line.kernel;
  kernel.consume_front("hgf_kernel_");
  return llvm::formatv(
      "{0,-12} {1,4} {2,-50} {3,8:F1} {4,8:F1} {5,8:F1} {6,6:F2} {7,7:F3}  "
      "bound by {8}",
      line.shape, line.tokens, kernel, line.getCoreCycles(),
      line.getMemoryCycles(target), 1000 * line.cyclesPerMac, line.peakRatio,
      line.bytesPerWeight, line.isCoreBound(target) ? "the core" : "memory");
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

namespace {

class StaticBench {
public:
  explicit StaticBench(const BenchOptions &options) : options(options) {
    registerDriverDialects(registry);
  }

  bool run() {
    for (const std::string &processor : options.processors)
      for (const std::string &level : options.levels) {
        StaticTarget target;
        if (!findTarget(processor, level, target))
          return false;
        if (!options.json)
          llvm::outs() << formatHeading(target) << '\n';
        for (auto [rows, columns] : options.shapes)
          for (const std::string &encoding : options.encodings)
            for (const std::string &scale : options.scales) {
              LayerShape shape;
              shape.rows = rows;
              shape.columns = columns;
              shape.scale = scale;
              target.compile.encoding = encoding;
              if (!runShape(shape, target))
                return false;
            }
        if (!options.json)
          llvm::outs() << '\n';
      }
    return true;
  }

private:
  bool fail(const Twine &message) {
    llvm::errs() << "hgf-bench: " << message << '\n';
    return false;
  }

  std::unique_ptr<MLIRContext> makeContext() {
    return makeReportingContext(
        registry, [&](const std::string &sentence) { fail(sentence); });
  }

  bool findTarget(const std::string &processor, const std::string &level,
                  StaticTarget &target) {
    target.compile.target.triple = options.target;
    target.compile.target.cpu = processor;
    target.compile.level = level;
    if (processor == "portable")
      return fail("expected --cpu to name CPUs with --static, e.g. "
                  "--cpu=cortex-a76, but got 'portable', which has no "
                  "scheduling model");
    std::unique_ptr<MLIRContext> context = makeContext();
    auto machine = createTargetMachine(UnknownLoc::get(context.get()),
                                       target.compile.target);
    if (failed(machine))
      return false;
    const llvm::Triple &triple = (*machine)->getTargetTriple();
    target.architecture = triple.getArch();
    auto levels = selectInstructionLevels(triple.str(), processor, level);
    if (levels.empty())
      return fail("expected --level to be one of " +
                  listLevels(target.architecture) + " for " +
                  triple.getArchName() + " but got '" + level + "'");
    target.level = levels.front();
    target.mca.triple = triple.str();
    target.mca.cpu = (*machine)->getTargetCPU().str();
    target.mca.features = (*machine)->getTargetFeatureString().str();
    // A level that was asked for may have instructions that the CPU lacks.
    for (StringRef feature :
         llvm::split(StringRef(target.level->features), ','))
      if (!feature.empty())
        target.mca.features +=
            (target.mca.features.empty() ? "+" : ",+") + feature.str();
    target.model = findSchedulingModel(*(*machine)->getMCSubtargetInfo());
    if (target.model.empty())
      return fail("expected --cpu to be a CPU with a scheduling model in LLVM "
                  "but '" +
                  target.mca.cpu + "' has none; name a similar one");
    return findRates(target);
  }

  static std::string listLevels(llvm::Triple::ArchType architecture) {
    std::string names;
    for (const InstructionLevel *level : getInstructionLevels(architecture))
      names += (names.empty() ? "" : ", ") + level->name.str();
    return names;
  }

  bool findRates(StaticTarget &target) {
    for (const Processor &row : processors)
      if (row.cpu == target.mca.cpu) {
        target.gigahertz = row.gigahertz;
        target.gigabytesPerSecond = row.gigabytesPerSecond / row.cores;
      }
    if (options.gigahertz > 0)
      target.gigahertz = options.gigahertz;
    if (options.gigabytesPerSecond > 0)
      target.gigabytesPerSecond = options.gigabytesPerSecond;
    if (target.gigahertz > 0 && target.gigabytesPerSecond > 0)
      return true;
    return fail("expected --bandwidth=GB/s@GHz, what one core of " +
                target.mca.cpu +
                " reads and its clock, e.g. 4.3@2.4: none is known for it");
  }

  bool runShape(const LayerShape &shape, const StaticTarget &target) {
    std::unique_ptr<MLIRContext> context = makeContext();
    CompileOptions compile = target.compile;
    // The weights of a model that is worth it fit no cache.
    if (compile.encoding == "auto")
      compile.encoding = chooseEncodingName(shape, compile, Residency::Memory);
    compile.compileFrom = compile.compileTo = "packing";
    OwningOpRef<ModuleOp> module = makeLayerModule(*context, shape);
    if (!module || failed(runPhases(*module, compile)))
      return false;
    SmallVector<PackedLayer> layers = findPackedLayers(*module);
    if (layers.empty())
      return fail("the layer " + shape.getName() +
                  " has no kernel: " + explainNoKernel(*module));
    StaticLine line;
    line.shape = shape.getName();
    line.scale = layers.front().scale;
    line.encoding = layers.front().encoding;
    line.bytesPerWeight = static_cast<double>(layers.front().getBytes()) /
                          shape.rows / shape.columns;
    std::string assembly;
    if (!emitAssembly(*module, compile, assembly))
      return false;
    for (int64_t tokens : options.tokens) {
      line.tokens = tokens;
      if (!runLine(assembly, target, line))
        return false;
    }
    return true;
  }

  /// Compiles `module`, which the packing phase wrote, by the driver.
  bool emitAssembly(ModuleOp module, CompileOptions compile,
                    std::string &assembly) {
    SmallString<128> path;
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("hgf-bench", "s", path))
      return fail("cannot make a temporary file: " + error.message());
    llvm::FileRemover remover(path);
    compile.compileFrom = "tiling";
    compile.compileTo = "";
    compile.emit = EmitKind::Assembly;
    compile.output = path.str().str();
    if (failed(hgf::compile(module, compile, llvm::nulls())))
      return false;
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return fail("cannot read '" + path.str() +
                  "': " + buffer.getError().message());
    assembly = (*buffer)->getBuffer().str();
    return true;
  }

  /// The function that a call with `line.tokens` tokens spends its time in.
  StringRef findKernel(StringRef assembly, const StaticTarget &target,
                       StaticLine &line) {
    if (line.tokens >= target.level->crossover) {
      line.sharingTokens = line.tokens;
      line.countedTokens = 1;
      std::vector<StringRef> names =
          findFunctions(assembly, "hgf_kernel_prefill_", "");
      return names.empty() ? "" : names.front();
    }
    // Many tokens are cut into the largest numbers that kernels exist for.
    for (const TokenBlock &block : target.level->tokenBlocks) {
      if (block.tokens > line.tokens)
        continue;
      line.sharingTokens = line.countedTokens = block.tokens;
      std::vector<StringRef> names =
          findFunctions(assembly, "hgf_kernel_linear_",
                        "_tokens" + std::to_string(block.tokens) + "_");
      if (!names.empty())
        return names.front();
    }
    return "";
  }

  bool runLine(StringRef assembly, const StaticTarget &target,
               StaticLine &line) {
    StringRef kernel = findKernel(assembly, target, line);
    std::string what = line.shape + " with " + std::to_string(line.tokens) +
                       " tokens on " + target.mca.cpu;
    if (kernel.empty())
      return fail("expected a kernel's function for " + what +
                  " in the assembly but found none; see what hgf-compile "
                  "--emit=asm writes");
    line.kernel = kernel.str();
    // Kernels of groups also sum activations up, by multiplying with ones.
    bool isGrouped = line.scale != "tensor" && line.scale != "row";
    std::optional<KernelLoop> loop =
        findKernelLoop(assembly, kernel, target.architecture, isGrouped);
    if (!loop)
      return fail("expected a loop with dot products in " + kernel + " for " +
                  what +
                  " but found none: short layers have no loop; try "
                  "more columns");
    LoopCost cost;
    if (!analyze(*loop, target, cost))
      return false;
    line.cyclesPerMac = cost.cycles / loop->multiplyAdds;
    line.instructionsPerMac =
        static_cast<double>(loop->instructions.size()) / loop->multiplyAdds;
    line.peakRatio = cost.dotCycles / cost.cycles;
    llvm::outs() << (options.json ? formatAsJSON(line, target)
                                  : formatAsText(line, target))
                 << '\n';
    llvm::outs().flush();
    return true;
  }

  bool analyze(const KernelLoop &loop, const StaticTarget &target,
               LoopCost &cost) {
    std::string text;
    for (const AssemblyInstruction &instruction : loop.instructions)
      text += instruction.text.str() + '\n';
    // Layers of several shapes have the same loops.
    auto [known, isNew] = costs.try_emplace(target.mca.cpu + ' ' +
                                            target.mca.features + ' ' + text);
    if (isNew) {
      // Enough that the accumulators wait for nothing.
      int64_t repeats = llvm::divideCeil(96, loop.dots.size());
      std::vector<double> cycles;
      std::string problem = analyzeBlocks(
          target.mca,
          {text, makeIndependentDots(loop, target.architecture, repeats)},
          cycles);
      if (!problem.empty())
        return fail(problem);
      known->second = {cycles[0], cycles[1] / repeats};
    }
    cost = known->second;
    return true;
  }

  const BenchOptions &options;
  DialectRegistry registry;
  /// By CPU and text of the loop.
  std::map<std::string, LoopCost> costs;
};

} // namespace

bool hgf::runStaticBench(const BenchOptions &options) {
  return StaticBench(options).run();
}
