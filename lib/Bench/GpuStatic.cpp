//===- GpuStatic.cpp - Bounds of GPU kernels without a GPU ----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuStatic.h"

#include "GpuLayer.h"
#include "NaiveKernel.h"
#include "hgf/Codegen/SassLoops.h"

#include "hgf/Codegen/GpuTools.h"
#include "hgf/Codegen/Ptx.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <map>

using namespace mlir;
using namespace hgf;

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

namespace {

/// Of one dot product of bytes.
constexpr double dotMultiplyAdds = 4;

/// What ptxas made of a kernel.
struct AssembledKernel {
  KernelResources resources;
  SassFunction code;
  /// Its texts belong to `code`.
  SassLoop loop;
};

/// One line of the result.
struct GpuLine {
  std::string shape;
  int64_t tokens = 1;
  int64_t rank = 0;
  std::string gate;
  std::string scale;
  const Chip *chip = nullptr;
  std::string kernel;
  KernelResources resources;
  /// Of the loop, per weight.
  double instructions = 0;
  double naiveInstructions = 0;
  /// Of the whole kernel, per weight that the matrix has.
  InstructionMix executed;
  double occupancy = 0;
  GpuTraffic traffic;
  int64_t neededBytes = 0;
  /// With launches of their own for the correction.
  int64_t separateBytes = 0;
  int64_t weights = 1;

  double getMovedRatio() const {
    return static_cast<double>(traffic.movedBytes) /
           static_cast<double>(neededBytes);
  }
  double getMemoryTime() const {
    return computeMemoryTime(*chip, static_cast<double>(traffic.movedBytes) /
                                        static_cast<double>(weights));
  }
  double getArithmeticTime() const {
    return computeArithmeticTime(*chip, executed);
  }
  bool isMemoryBound() const { return getMemoryTime() >= getArithmeticTime(); }
};

} // namespace

static std::string formatAsJSON(const GpuLine &line) {
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
    json.attribute("chip", line.chip->name);
    json.attribute("kernel", line.kernel);
    number("sass_per_weight", line.instructions);
    number("naive_sass_per_weight", line.naiveInstructions);
    number("sector_efficiency", line.traffic.sectorEfficiency);
    json.attribute("bank_conflicts", line.traffic.bankConflicts);
    json.attribute("registers", line.resources.registers);
    json.attribute("spills", line.resources.getSpillBytes());
    number("occupancy", line.occupancy);
    json.attribute("bound", line.isMemoryBound() ? "memory" : "arithmetic");
    number("kernel_sass_per_weight", line.executed.total);
    number("memory_us_per_million", line.getMemoryTime());
    number("arithmetic_us_per_million", line.getArithmeticTime());
    json.attribute("device", line.chip->device.name);
    json.attribute("rank", line.rank);
    json.attribute("gate", line.gate);
    json.attribute("scale", line.scale);
    json.attribute("bytes_moved", line.traffic.movedBytes);
    json.attribute("bytes_needed", line.neededBytes);
    json.attribute("bytes_separate", line.separateBytes);
    number("moved_ratio", line.getMovedRatio());
  });
  return text;
}

static constexpr llvm::StringLiteral heading =
    R"(SASS/w: instructions of the loop for each weight; naive: of a kernel that shifts, masks and subtracts
sectors: bytes that loads ask for / bytes of their sectors; warps: resident / most that fit
us: per million weights, on the device named; moved: bytes / (weights + correction + x + y);
separate: the same with launches of their own for the correction

)";

/// A layer; a chip and its device; the rest.
static std::string formatLayer(StringRef shape, const Twine &tokens,
                               const Twine &rank, StringRef gate,
                               StringRef scale) {
  return llvm::formatv("{0,-12} {1,3} {2,4} {3,-6} {4,-6} ", shape,
                       tokens.str(), rank.str(), gate, scale);
}

static std::string formatTitles() {
  return formatLayer("shape", "tok", "rank", "gate", "scale") +
         llvm::formatv("{0,-6} {1,-15} {2,6} {3,6} {4,7} {5,9} {6,9} {7,6} "
                       "{8,5} {9,9} {10,9} {11,6} {12,8}",
                       "chip", "device", "SASS/w", "naive", "sectors",
                       "conflicts", "registers", "spills", "warps", "memory us",
                       "arith. us", "moved", "separate")
             .str();
}

static std::string formatAsText(const GpuLine &line) {
  return formatLayer(line.shape, Twine(line.tokens), Twine(line.rank),
                     line.gate, line.scale) +
         llvm::formatv(
             "{0,-6} {1,-15} {2,6:F2} {3,6:F2} {4,7:F3} {5,9} {6,9} {7,6} "
             "{8,5:F2} {9,9:F4} {10,9:F4} {11,6:F3} {12,8:F3}  bound by {13}",
             line.chip->name, line.chip->device.name, line.instructions,
             line.naiveInstructions, line.traffic.sectorEfficiency,
             line.traffic.bankConflicts, line.resources.registers,
             line.resources.getSpillBytes(), line.occupancy,
             line.getMemoryTime(), line.getArithmeticTime(),
             line.getMovedRatio(),
             static_cast<double>(line.separateBytes) /
                 static_cast<double>(line.neededBytes),
             line.isMemoryBound() ? "memory" : "arithmetic")
             .str();
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

namespace {

class GpuStatic {
public:
  explicit GpuStatic(const BenchOptions &options) : options(options) {
    registerDriverDialects(registry);
    registerGpuDialects(registry);
  }

  bool run() {
    // Said at once, and not after the first kernel.
    for (auto *find : {&findPtxas, &findNvdisasm})
      if (llvm::Expected<std::string> program = (*find)(GpuTools()); !program)
        return fail(llvm::toString(program.takeError()));
    if (!options.json)
      llvm::outs() << heading << formatTitles() << '\n';
    for (const std::string &name : options.chips)
      if (!forEachGpuLine(options,
                          [&](const LayerShape &shape, int64_t tokens) {
                            return runLine(*findChip(name), shape, tokens);
                          }))
        return false;
    return true;
  }

private:
  bool fail(const Twine &message) {
    llvm::errs() << "hgf-bench: " << message << '\n';
    return false;
  }

  bool runLine(const Chip &chip, const LayerShape &shape, int64_t tokens) {
    std::unique_ptr<MLIRContext> context = makeReportingContext(
        registry, [&](const std::string &sentence) { fail(sentence); });
    GpuLayer layer = makeGpuLayer(*context, shape, tokens);
    if (!layer.module)
      return false;
    FailureOr<std::string> ptx = emitPtx(layer.getKernels(), chip);
    if (failed(ptx))
      return false;
    GpuLine line;
    line.shape = shape.getName();
    line.tokens = tokens;
    line.rank = shape.rank;
    line.gate = shape.gate;
    line.scale = shape.scale;
    line.chip = &chip;
    line.kernel = layer.decode.kernel;
    line.weights = shape.rows * shape.columns;
    line.neededBytes = countNeededBytes(layer);
    int64_t blockTokens = layer.key.tokens;
    AssembledKernel assembled;
    if (!inspect(*ptx, layer.decode.kernel, chip, assembled) ||
        !simulate(layer, *ptx, line.traffic) ||
        !countNaive(chip, shape.columns, blockTokens, line.naiveInstructions))
      return false;
    line.resources = assembled.resources;
    line.instructions = assembled.loop.getMix(blockTokens).total;
    // Of all threads, those included that have nothing to multiply.
    InstructionMix executed =
        countExecuted(assembled.code, assembled.loop,
                      dotMultiplyAdds * line.traffic.threadDots);
    double threadsPerWeight = static_cast<double>(layer.decode.getThreads()) /
                              static_cast<double>(line.weights);
    line.executed = {executed.total * threadsPerWeight,
                     executed.logic * threadsPerWeight,
                     executed.products * threadsPerWeight};
    line.occupancy =
        computeOccupancy(chip, {layer.decode.threads, line.resources.registers,
                                line.resources.sharedBytes});
    if (!countSeparate(layer, chip, line))
      return false;
    llvm::outs() << (options.json ? formatAsJSON(line) : formatAsText(line))
                 << '\n';
    llvm::outs().flush();
    return true;
  }

  /// Assembles and reads the kernel `name` of `ptx`.
  bool inspect(StringRef ptx, StringRef name, const Chip &chip,
               AssembledKernel &result) {
    llvm::Expected<AssembledImage> image = assemble(ptx, chip.name);
    if (!image)
      return fail(llvm::toString(image.takeError()));
    const KernelResources *resources = image->find(name);
    llvm::Expected<std::vector<SassFunction>> functions =
        disassemble(image->cubin);
    if (!functions)
      return fail(llvm::toString(functions.takeError()));
    auto function = llvm::find_if(*functions, [&](const SassFunction &other) {
      return other.name == name;
    });
    if (!resources || function == functions->end())
      return fail("expected the kernel " + name +
                  " in what ptxas wrote but found none");
    result.resources = *resources;
    result.code = std::move(*function);
    std::optional<SassLoop> loop = findSassLoop(result.code);
    if (!loop)
      return fail("expected dot products in the kernel " + name +
                  " but found none");
    result.loop = *loop;
    return true;
  }

  bool simulate(const GpuLayer &layer, StringRef ptx, GpuTraffic &traffic) {
    // Most kernels are the same for all chips but for the first lines.
    StringRef body =
        ptx.drop_front(std::min(ptx.find("\n.address_size"), ptx.size()));
    auto [known, isNew] = traffics.try_emplace(
        std::to_string(layer.tokens) + body.str(), GpuTraffic());
    if (isNew) {
      std::string problem = simulateGpuLayer(layer, ptx, known->second);
      if (!problem.empty())
        return fail(problem);
    }
    traffic = known->second;
    return true;
  }

  bool countNaive(const Chip &chip, int64_t columns, int64_t tokens,
                  double &instructions) {
    auto [known, isNew] = naive.try_emplace({&chip, columns, tokens}, 0);
    if (isNew) {
      std::unique_ptr<MLIRContext> context = makeReportingContext(
          registry, [&](const std::string &sentence) { fail(sentence); });
      OwningOpRef<ModuleOp> module = makeNaiveKernel(*context, columns, tokens);
      if (!module)
        return false;
      FailureOr<std::string> ptx = emitPtx(*module, chip);
      AssembledKernel assembled;
      if (failed(ptx) || !inspect(*ptx, naiveKernelName, chip, assembled))
        return false;
      known->second = assembled.loop.getMix(tokens).total;
    }
    instructions = known->second;
    return true;
  }

  /// What the layer moves without its correction, and the correction alone.
  bool countSeparate(const GpuLayer &layer, const Chip &chip, GpuLine &line) {
    line.separateBytes = line.traffic.movedBytes;
    if (layer.shape.rank == 0)
      return true;
    std::unique_ptr<MLIRContext> context = makeReportingContext(
        registry, [&](const std::string &sentence) { fail(sentence); });
    LayerShape shape = layer.shape;
    shape.rank = 0;
    shape.gate = "none";
    GpuLayer plain = makeGpuLayer(*context, shape, layer.tokens);
    if (!plain.module)
      return false;
    FailureOr<std::string> ptx = emitPtx(plain.getKernels(), chip);
    GpuTraffic traffic;
    if (failed(ptx) || !simulate(plain, *ptx, traffic))
      return false;
    line.separateBytes =
        traffic.movedBytes + countSeparateCorrectionBytes(layer);
    return true;
  }

  const BenchOptions &options;
  DialectRegistry registry;
  /// By tokens and PTX.
  std::map<std::string, GpuTraffic> traffics;
  std::map<std::tuple<const Chip *, int64_t, int64_t>, double> naive;
};

} // namespace

bool hgf::runGpuStatic(const BenchOptions &options) {
  return GpuStatic(options).run();
}
