//===- GpuMeasure.cpp - Layers measured on a GPU --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuMeasure.h"

#include "GpuDevice.h"
#include "GpuLayer.h"
#include "GpuStep.h"

#include "hgf/Codegen/Ptx.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

extern "C" {
#include "Device.h"
#include "Rounds.h"
}

using namespace mlir;
using namespace hgf;
using llvm::Error;
using llvm::Expected;

/// What the layers' weights and what is copied take together: many times what
/// any GPU's cache holds. The simulated GPU has no cache.
static constexpr uint64_t gpuBytes = uint64_t(1) << 30;
static constexpr uint64_t leastBytes = uint64_t(1) << 26;
static constexpr uint64_t simulatedCopyBytes = uint64_t(1) << 16;
/// A batch of runs takes so long at least, so that starting it does not count.
static constexpr double batchSeconds = 0.01;
static constexpr int leastRounds = 5;
/// Steps of a model between two copies.
static constexpr int64_t stepsPerRound = 50;
/// A graph of more launches takes long to prepare.
static constexpr uint64_t mostLayers = 2048;

static constexpr int64_t copyThreads = 256;
static constexpr int64_t copyBytesPerThread = 16;
static constexpr char copyKernelName[] = "hgf_copy";
/// Each thread copies 16 bytes.
static constexpr char copyKernel[] = R"(
llvm.func @hgf_copy(%x: !llvm.ptr<1> {llvm.noalias, llvm.readonly},
                    %y: !llvm.ptr<1> {llvm.noalias})
    attributes {nvvm.kernel} {
  %block = nvvm.read.ptx.sreg.ctaid.x : i32
  %size = nvvm.read.ptx.sreg.ntid.x : i32
  %thread = nvvm.read.ptx.sreg.tid.x : i32
  %first = llvm.mul %block, %size : i32
  %number = llvm.add %first, %thread : i32
  %from = llvm.getelementptr %x[%number]
    : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
  %to = llvm.getelementptr %y[%number]
    : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, vector<4xi32>
  %value = llvm.load %from {alignment = 16 : i64}
    : !llvm.ptr<1> -> vector<4xi32>
  llvm.store %value, %to {alignment = 16 : i64}
    : vector<4xi32>, !llvm.ptr<1>
  llvm.return
}
)";

namespace {

/// A recorded sequence of launches, and what one run of it moves.
struct GpuWork {
  CUgraphExec graph = nullptr;
  double bytes = 0;
  /// Runs of one batch.
  int64_t repeats = 1;
};

/// What was measured of one layer.
struct GpuResult {
  /// Of one layer.
  hgf_statistics seconds;
  double copyRate = 0;
  /// The layer's rate over that of copying, the median of the rounds'.
  double ratio = 0;
  int rounds = 0;
};

class GpuMeasure {
public:
  GpuMeasure(const BenchOptions &options, const std::string &runtimeDirectory)
      : options(options), runtimeDirectory(runtimeDirectory) {
    registerDriverDialects(registry);
    registerGpuDialects(registry);
  }

  bool run() {
    hgf_device named;
    hgf_device_parse(options.device.c_str(), &named);
    simulated = named.kind == hgf_device_sim;
    Expected<std::unique_ptr<GpuDevice>> opened =
        GpuDevice::open(simulated, named.number);
    if (!opened)
      return fail(llvm::toString(opened.takeError()));
    device = std::move(*opened);
    if (!reserve() || !prepareCopy())
      return false;
    if (!options.model.empty())
      return runStep();
    if (!options.json)
      printHeading();
    return forEachGpuLine(options,
                          [&](const LayerShape &shape, int64_t tokens) {
                            return runLine(shape, tokens);
                          });
  }

private:
  bool fail(const Twine &message) {
    llvm::errs() << "hgf-bench: " << message << '\n';
    return false;
  }
  bool fail(Error error) { return fail(llvm::toString(std::move(error))); }

  std::unique_ptr<MLIRContext> makeContext() {
    auto context = makeReportingContext(
        registry, [&](const std::string &sentence) { fail(sentence); });
    context->loadAllAvailableDialects();
    return context;
  }

  /// Finds the memory that all layers share.
  bool reserve() {
    poolBytes = simulated ? 2 * simulatedCopyBytes : gpuBytes;
    for (auto [rows, columns] : options.shapes)
      for (const std::string &scale : options.scales)
        for (int64_t rank : options.ranks) {
          LayerShape shape;
          shape.rows = rows;
          shape.columns = columns;
          shape.rank = rank;
          shape.gate = "input";
          shape.scale = scale;
          auto parameters = makeGpuKey(shape, 1).parameters;
          uint64_t bytes = computeGpuWeightLayout(parameters).byteCount;
          poolBytes = std::max(poolBytes, llvm::alignTo(bytes, 512));
        }
    for (;; poolBytes /= 2) {
      Expected<CUdeviceptr> memory =
          device->allocate(poolBytes, GpuOperands::fill);
      if (!memory)
        return fail(memory.takeError());
      pool = *memory;
      if (pool)
        return true;
      if (poolBytes / 2 < leastBytes)
        return fail("expected " + Twine(poolBytes >> 20) +
                    " MB of free memory on the GPU");
    }
  }

  Expected<CUfunction> loadKernel(Operation *module, const std::string &name) {
    FailureOr<std::string> ptx = emitPtx(module, device->getChip());
    if (failed(ptx))
      return llvm::createStringError("the kernel " + name +
                                     " cannot be compiled");
    Expected<CUmodule> loaded = device->load(*ptx);
    if (!loaded)
      return loaded.takeError();
    return device->find(*loaded, name);
  }

  bool prepareCopy() {
    std::unique_ptr<MLIRContext> context = makeContext();
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(copyKernel, context.get());
    Expected<CUfunction> kernel = loadKernel(*module, copyKernelName);
    if (!kernel)
      return fail(kernel.takeError());
    uint64_t half = simulated ? simulatedCopyBytes : poolBytes / 2;
    uint64_t blocks = half / (copyThreads * copyBytesPerThread);
    uint64_t from = pool, to = pool + half;
    void *arguments[] = {&from, &to};
    Expected<CUgraphExec> graph = device->record([&] {
      return device->launch(*kernel, blocks, 1, copyThreads, arguments);
    });
    if (!graph)
      return fail(graph.takeError());
    copy.graph = *graph;
    copy.bytes = 2.0 * blocks * copyThreads * copyBytesPerThread;
    return calibrate(copy);
  }

  /// Chooses how many runs make a batch.
  bool calibrate(GpuWork &work) {
    for (bool warm : {false, true}) {
      Expected<double> seconds = device->time(work.graph, 1);
      if (!seconds)
        return fail(seconds.takeError());
      if (warm && !simulated)
        work.repeats = std::clamp<int64_t>(batchSeconds / *seconds, 1, 10000);
    }
    return true;
  }

  bool runLine(const LayerShape &shape, int64_t tokens) {
    std::unique_ptr<MLIRContext> context = makeContext();
    GpuLayer layer = makeGpuLayer(*context, shape, tokens);
    if (!layer.module)
      return false;
    FailureOr<std::string> ptx = emitPtx(layer.getKernels(), device->getChip());
    if (failed(ptx))
      return false;
    GpuOperands operands(layer);
    GpuWork work;
    if (Error error = prepareLayers(layer, *ptx, operands, work))
      return fail(std::move(error));
    GpuResult result;
    if (!calibrate(work) || !measure(work, result))
      return false;
    print(layer, result);
    return true;
  }

  /// Records the launches of as many layers, with weights of their own, as the
  /// memory holds.
  Error prepareLayers(const GpuLayer &layer, const std::string &ptx,
                      GpuOperands &operands, GpuWork &work) {
    Expected<CUmodule> module = device->load(ptx);
    if (!module)
      return module.takeError();
    Expected<CUfunction> decode = device->find(*module, layer.decode.kernel);
    if (!decode)
      return decode.takeError();
    CUfunction prologue = nullptr;
    if (!layer.prologue.kernel.empty()) {
      Expected<CUfunction> found = device->find(*module, layer.prologue.kernel);
      if (!found)
        return found.takeError();
      prologue = *found;
    }
    for (auto [address, bytes] :
         {std::make_pair(&operands.input, operands.inputBytes),
          std::make_pair(&operands.scratch, operands.scratchBytes),
          std::make_pair(&operands.output, operands.outputBytes)}) {
      Expected<CUdeviceptr> memory =
          device->allocate(std::max<int64_t>(bytes, 16), GpuOperands::fill);
      if (!memory)
        return memory.takeError();
      if (!*memory)
        return llvm::createStringError(
            "the GPU has no memory left for activations");
      *address = *memory;
    }
    uint64_t stride = llvm::alignTo(operands.blobBytes, 256);
    layers =
        simulated ? 1 : std::clamp<uint64_t>(poolBytes / stride, 1, mostLayers);
    Expected<CUgraphExec> graph = device->record([&]() -> Error {
      for (uint64_t index = 0; index < layers; ++index) {
        operands.weights = pool + index * stride;
        if (prologue)
          if (Error error = device->launch(
                  prologue, layer.prologue.blocks, layer.prologue.tokenBlocks,
                  layer.prologue.threads, operands.getPrologueArguments()))
            return error;
        if (Error error = device->launch(
                *decode, layer.decode.blocks, layer.decode.tokenBlocks,
                layer.decode.threads, operands.getDecodeArguments()))
          return error;
      }
      return Error::success();
    });
    if (!graph)
      return graph.takeError();
    work.graph = *graph;
    work.bytes = static_cast<double>(countNeededBytes(layer)) *
                 static_cast<double>(layers);
    return Error::success();
  }

  bool measure(const GpuWork &work, GpuResult &result) {
    std::vector<double> seconds, copyRates, ratios;
    double spent = 0;
    while (seconds.empty() || (!simulated && (spent < options.seconds ||
                                              seconds.size() < leastRounds))) {
      Expected<double> copied = device->time(copy.graph, copy.repeats);
      if (!copied)
        return fail(copied.takeError());
      Expected<double> took = device->time(work.graph, work.repeats);
      if (!took)
        return fail(took.takeError());
      double copyRate = copy.bytes * copy.repeats / *copied;
      copyRates.push_back(copyRate);
      ratios.push_back(work.bytes * work.repeats / *took / copyRate);
      seconds.push_back(*took / work.repeats / layers);
      spent += *copied + *took;
    }
    auto compute = [](std::vector<double> &values) {
      return hgf_compute_statistics(values.data(), values.size());
    };
    result.rounds = seconds.size();
    result.seconds = compute(seconds);
    result.copyRate = compute(copyRates).median;
    result.ratio = compute(ratios).median;
    return true;
  }

  void printHeading() {
    llvm::outs() << llvm::formatv(
        "GPU: {0}, kernels for {1}{2}\nGB/s: bytes of weights, correction, x "
        "and y, each once; ratio: of a kernel that copies, in the same "
        "rounds\n\n{3,-12} {4,3} {5,4} {6,-6} {7,-6} {8,9} {9,9} {10,9} {11,6} "
        "{12,6}\n",
        device->getName(), device->getChip().name,
        simulated ? "; it is simulated, so times are the simulator's" : "",
        "shape", "tok", "rank", "gate", "scale", "us", "GB/s", "copy", "ratio",
        "spread");
  }

  void print(const GpuLayer &layer, const GpuResult &result) {
    double rate = static_cast<double>(countNeededBytes(layer)) /
                  result.seconds.median / 1e9;
    if (!options.json) {
      llvm::outs() << llvm::formatv(
          "{0,-12} {1,3} {2,4} {3,-6} {4,-6} {5,9:F2} {6,9:F1} {7,9:F1} "
          "{8,6:F2} {9,5:F0}%\n",
          layer.shape.getName(), layer.tokens, layer.shape.rank,
          layer.shape.gate, layer.shape.scale, 1e6 * result.seconds.median,
          rate, result.copyRate / 1e9, result.ratio,
          100 * result.seconds.spread);
      llvm::outs().flush();
      return;
    }
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
      json.attribute("shape", layer.shape.getName());
      json.attribute("tokens", layer.tokens);
      json.attribute("rank", layer.shape.rank);
      json.attribute("gate", layer.shape.gate);
      json.attribute("scale", layer.shape.scale);
      json.attribute("gpu", device->getName());
      json.attribute("simulated", simulated);
      json.attribute("chip", device->getChip().name);
      json.attribute("kernel", layer.decode.kernel);
      number("us", 1e6 * result.seconds.median);
      number("gb_s", rate);
      number("copy_gb_s", result.copyRate / 1e9);
      number("copy_ratio", result.ratio);
      number("spread", result.seconds.spread);
      json.attribute("rounds", result.rounds);
    });
    llvm::outs() << text << '\n';
    llvm::outs().flush();
  }

  /// One step of the model, with CUDA graphs and without, in turns.
  bool runStep() {
    std::unique_ptr<MLIRContext> context = makeContext();
    Expected<std::unique_ptr<GpuStep>> step =
        GpuStep::make(*context, options, device->getChip(), runtimeDirectory);
    if (!step)
      return fail(step.takeError());
    std::vector<double> times[2], ratios;
    double spent = 0;
    while (ratios.empty() || (!simulated && (spent < options.seconds ||
                                             ratios.size() < leastRounds))) {
      Expected<double> copied = device->time(copy.graph, copy.repeats);
      if (!copied)
        return fail(copied.takeError());
      spent += *copied;
      for (bool graphs : {true, false}) {
        if (Error error = (*step)->open(graphs))
          return fail(std::move(error));
        Expected<double> took = (*step)->time(simulated ? 2 : stepsPerRound);
        if (!took)
          return fail(took.takeError());
        times[graphs].push_back(*took);
        spent += *took * stepsPerRound;
      }
      double copyRate = copy.bytes * copy.repeats / *copied;
      ratios.push_back(static_cast<double>((*step)->getWeightBytes()) /
                       times[true].back() / copyRate);
    }
    auto median = [](std::vector<double> &values) {
      return hgf_compute_statistics(values.data(), values.size()).median;
    };
    double with = 1e6 * median(times[true]);
    double without = 1e6 * median(times[false]);
    uint64_t bytes = (*step)->getWeightBytes();
    if (options.json)
      llvm::outs() << llvm::json::Value(llvm::json::Object{
                          {"shape", "step"},
                          {"model", options.model},
                          {"gpu", device->getName()},
                          {"simulated", simulated},
                          {"chip", StringRef(device->getChip().name)},
                          {"us", with},
                          {"us_without_graph", without},
                          {"weight_bytes", static_cast<int64_t>(bytes)},
                          {"copy_ratio", median(ratios)},
                          {"rounds", static_cast<int64_t>(ratios.size())}})
                   << '\n';
    else
      llvm::outs() << llvm::formatv(
          "GPU: {0}{1}\none step of {2}: {3:F1} us, without a graph {4:F1} us; "
          "its {5:F2} MB of weights come at {6:F2} of the rate at which a "
          "kernel copies\n",
          device->getName(),
          simulated ? "; it is simulated, so times are the simulator's" : "",
          options.model, with, without, static_cast<double>(bytes) / 1e6,
          median(ratios));
    return true;
  }

  const BenchOptions &options;
  const std::string &runtimeDirectory;
  DialectRegistry registry;
  std::unique_ptr<GpuDevice> device;
  bool simulated = false;
  uint64_t pool = 0, poolBytes = 0;
  uint64_t layers = 1;
  GpuWork copy;
};

} // namespace

bool hgf::runGpuMeasure(const BenchOptions &options,
                        const std::string &runtimeDirectory) {
  return GpuMeasure(options, runtimeDirectory).run();
}
