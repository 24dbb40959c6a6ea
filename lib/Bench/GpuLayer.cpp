//===- GpuLayer.cpp - A layer's kernels for GPUs --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuLayer.h"

#include "hgf/GpuSim/GpuSim.h"
#include "hgf/Passes/GPU/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t sectorBytes = 32;

gpu::GPUModuleOp GpuLayer::getKernels() const {
  return *module.get().getOps<gpu::GPUModuleOp>().begin();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

GpuLinearKey hgf::makeGpuKey(const LayerShape &shape, int64_t tokens) {
  GpuLinearKey key;
  LinearParameters &parameters = key.parameters;
  parameters.rows = shape.rows;
  parameters.columns = shape.columns;
  if (shape.scale == "row") {
    parameters.granularity = Granularity::Row;
  } else if (shape.scale != "tensor") {
    parameters.granularity = Granularity::Group;
    (void)StringRef(shape.scale).getAsInteger(10, parameters.group);
  }
  if (shape.rank > 0) {
    parameters.a = parameters.b = FactorType::F16;
    parameters.rank = shape.rank;
    parameters.gateKind = llvm::StringSwitch<GateKind>(shape.gate)
                              .Case("static", GateKind::Static)
                              .Case("input", GateKind::SigmoidInput)
                              .Case("output", GateKind::SigmoidOutput)
                              .Default(GateKind::Open);
  }
  if (!shape.isFloat)
    key.quantization = Quantization::Reciprocal;
  key.alignedInput = shape.columns % 4 == 0;
  // The kernels exist for these numbers.
  while (key.tokens < 8 && key.tokens < tokens)
    key.tokens *= 2;
  return key;
}

void hgf::registerGpuDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                  math::MathDialect, NVVM::NVVMDialect, scf::SCFDialect,
                  vector::VectorDialect>();
}

static GpuLaunch describeLaunch(const GpuKernel &kernel, int64_t tokens) {
  GpuLaunch launch;
  launch.kernel = const_cast<GpuKernel &>(kernel).function.getName().str();
  launch.threads = kernel.threads;
  launch.blocks = kernel.blocks;
  launch.tokenBlocks = llvm::divideCeil(tokens, kernel.tokens);
  return launch;
}

bool hgf::forEachGpuLine(
    const BenchOptions &options,
    llvm::function_ref<bool(const LayerShape &, int64_t)> run) {
  for (auto [rows, columns] : options.shapes)
    for (const std::string &scale : options.scales)
      for (int64_t rank : options.ranks)
        for (const std::string &gate : options.gates)
          for (int64_t tokens : options.tokens) {
            // Gates belong to corrections.
            if (rank == 0 && gate != options.gates.front())
              continue;
            LayerShape shape;
            shape.rows = rows;
            shape.columns = columns;
            shape.rank = rank;
            shape.gate = rank ? gate : "none";
            shape.scale = scale;
            if (!run(shape, tokens))
              return false;
          }
  return true;
}

GpuLayer hgf::makeGpuLayer(MLIRContext &context, const LayerShape &shape,
                           int64_t tokens) {
  context.loadAllAvailableDialects();
  GpuLayer layer;
  layer.shape = shape;
  layer.tokens = tokens;
  layer.key = makeGpuKey(shape, tokens);
  Location location = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  OpBuilder builder(module->getBodyRegion());
  auto kernels = gpu::GPUModuleOp::create(builder, location, "kernels");
  if (needsPrologue(layer.key))
    layer.prologue =
        describeLaunch(getOrBuildPrologue(kernels, layer.key), tokens);
  layer.decode = describeLaunch(getOrBuildDecode(kernels, layer.key), tokens);
  PassManager manager(&context);
  buildKernelLoweringPipeline(manager);
  if (succeeded(manager.run(*module)))
    layer.module = std::move(module);
  return layer;
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

GpuOperands::GpuOperands(const GpuLayer &layer)
    : inputStride(llvm::alignTo(layer.shape.columns * floatBytes, 16)),
      outputStride(layer.shape.rows * floatBytes), tokens(layer.tokens) {
  inputBytes = static_cast<int64_t>(tokens * inputStride);
  outputBytes = static_cast<int64_t>(tokens * outputStride);
  blobBytes = computeGpuWeightLayout(layer.key.parameters).byteCount;
  scratchBytes = layer.tokens * computeGpuScratch(layer.key).tokenBytes;
}

llvm::SmallVector<void *> GpuOperands::getPrologueArguments() {
  llvm::SmallVector<void *> arguments(prologueArgumentCount);
  arguments[PrologueInput] = &input;
  arguments[PrologueInputStride] = &inputStride;
  arguments[PrologueWeights] = &weights;
  arguments[PrologueScratch] = &scratch;
  return arguments;
}

llvm::SmallVector<void *> GpuOperands::getDecodeArguments() {
  llvm::SmallVector<void *> arguments(decodeArgumentCount);
  arguments[DecodeInput] = &input;
  arguments[DecodeInputStride] = &inputStride;
  arguments[DecodeWeights] = &weights;
  arguments[DecodeScratch] = &scratch;
  arguments[DecodeResidual] = &none;
  arguments[DecodeResidualStride] = &none;
  arguments[DecodeOutput] = &output;
  arguments[DecodeOutputStride] = &outputStride;
  arguments[DecodeTokens] = &tokens;
  return arguments;
}

//===----------------------------------------------------------------------===//
// Traffic
//===----------------------------------------------------------------------===//

namespace {

/// A GPU with the buffers of one layer.
class SimulatedLayer {
public:
  SimulatedLayer(const GpuLayer &layer, GpuTraffic &traffic)
      : layer(layer), traffic(traffic), operands(layer) {}

  std::string run(StringRef ptx) {
    llvm::Expected<gpusim::Module> parsed = gpusim::Module::parse(memory, ptx);
    if (!parsed)
      return "expected PTX that the simulator reads but got an error: " +
             llvm::toString(parsed.takeError());
    operands.input = memory.allocate(operands.inputBytes);
    operands.weights = memory.allocate(operands.blobBytes);
    operands.scratch = memory.allocate(operands.scratchBytes);
    operands.output = memory.allocate(operands.outputBytes);
    memory.fill(operands.input, GpuOperands::fill, operands.inputBytes);
    memory.fill(operands.weights, GpuOperands::fill, operands.blobBytes);
    std::string problem;
    if (!layer.prologue.kernel.empty())
      problem =
          launch(*parsed, layer.prologue, operands.getPrologueArguments());
    if (!problem.empty())
      return problem;
    return launch(*parsed, layer.decode, operands.getDecodeArguments());
  }

private:
  std::string launch(const gpusim::Module &module, const GpuLaunch &launch,
                     llvm::ArrayRef<void *> arguments) {
    llvm::Expected<gpusim::Kernel> kernel = module.getKernel(launch.kernel);
    if (!kernel)
      return llvm::toString(kernel.takeError());
    gpusim::LaunchOptions options;
    options.check = false;
    options.stats = true;
    gpusim::Report report = kernel->launch(
        {uint32_t(launch.blocks), uint32_t(launch.tokenBlocks), 1},
        {uint32_t(launch.threads), 1, 1}, 0,
        llvm::SmallVector<const void *>(arguments), options);
    if (!report.isClean()) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      report.print(stream);
      return "the simulator finds a defect: " + StringRef(text).trim().str();
    }
    int64_t asked = 0, touched = 0;
    uint64_t dots = 0;
    for (const gpusim::InstructionCounts &counts : report.instructions) {
      traffic.bankConflicts += counts.conflicts;
      if (StringRef(counts.text).contains("dp4a"))
        dots += counts.threads;
      if (!StringRef(counts.text).contains("ld."))
        continue;
      // Lanes that read the same bytes get them with one request.
      int64_t bytes = counts.sectors * sectorBytes;
      asked += std::min<int64_t>(counts.globalBytes, bytes);
      touched += bytes;
    }
    // The last launch is the one that multiplies.
    traffic.threadDots =
        static_cast<double>(dots) / static_cast<double>(launch.getThreads());
    traffic.sectorEfficiency =
        touched ? static_cast<double>(asked) / static_cast<double>(touched) : 1;
    for (const gpusim::BufferCounts &counts : report.buffers)
      traffic.movedBytes += counts.distinctSectors * sectorBytes;
    return "";
  }

  const GpuLayer &layer;
  GpuTraffic &traffic;
  gpusim::DeviceMemory memory;
  GpuOperands operands;
};

} // namespace

std::string hgf::simulateGpuLayer(const GpuLayer &layer, StringRef ptx,
                                  GpuTraffic &traffic) {
  traffic = GpuTraffic();
  return SimulatedLayer(layer, traffic).run(ptx);
}

int64_t hgf::countNeededBytes(const GpuLayer &layer) {
  return computeGpuWeightLayout(layer.key.parameters).byteCount +
         layer.tokens * (layer.shape.columns + layer.shape.rows) * floatBytes;
}

int64_t hgf::countSeparateCorrectionBytes(const GpuLayer &layer) {
  const LinearParameters &parameters = layer.key.parameters;
  if (!parameters.hasCorrection())
    return 0;
  LinearParameters without = parameters;
  without.a = without.b = FactorType::None;
  without.rank = 0;
  without.gateKind = GateKind::Open;
  int64_t factors = computeGpuWeightLayout(parameters).byteCount -
                    computeGpuWeightLayout(without).byteCount;
  // A launch reads x and writes h, one reads h and writes z, one reads z and y
  // and writes y; a dynamic gate reads x or y once more.
  int64_t perToken =
      parameters.columns + 2 * parameters.rank + 4 * parameters.rows;
  if (layer.key.gatesInput())
    perToken += parameters.columns;
  if (layer.key.gatesOutput())
    perToken += parameters.rows;
  return factors + layer.tokens * perToken * floatBytes;
}
