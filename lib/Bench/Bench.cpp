//===- Bench.cpp - The command hgf-bench ----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Bench/Bench.h"

#include "Layers.h"
#include "Options.h"
#include "Report.h"
#include "Session.h"
#include "StaticBench.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace hgf;

/// Distinct weights from which on no cache helps.
static constexpr int64_t memoryBytes = 512 << 20;
/// Weights that stay in the caches of the machines users have.
static constexpr int64_t cacheBytes = 8 << 20;
/// Each layer takes time to compile, and these hide what a call costs.
static constexpr int64_t mostLayers = 16;
/// From here on reading weights takes no time worth measuring beside computing.
static constexpr int64_t manyTokens = 32;

namespace {

/// What of the compiler's options is compared.
struct Variant {
  std::string processor;
  std::string level;
  std::string encoding;
  std::string correction;
};

/// A library of equal layers.
struct LoadedLayers {
  std::unique_ptr<CompiledModel> model;
  /// Of one layer.
  int64_t bytes = 0;
  /// Layers of code, and how often their weights fit the library's.
  int64_t layers = 1;
  int64_t chunks = 1;

  int64_t getChunkBytes() const { return bytes * layers; }
};

class Bench {
public:
  Bench(const BenchOptions &options, std::string runtimeDirectory)
      : options(options), runtimeDirectory(std::move(runtimeDirectory)),
        progress(countLines()) {
    registerDriverDialects(registry);
  }
  ~Bench() {
    if (!folder.empty())
      (void)llvm::sys::fs::remove(folder);
  }

  bool run() {
    if (options.forkJoin)
      for (int64_t threads : options.threads)
        llvm::outs() << formatForkJoin(threads, measureForkJoin(threads),
                                       options.json)
                     << '\n';
    if (options.shapes.empty() && options.model.empty())
      return true;
    folder = makeTemporaryFolder(2 * memoryBytes);
    if (folder.empty())
      return fail("expected " + Twine(2 * memoryBytes >> 20) +
                  " MB of room for weights in TMPDIR, /tmp or /var/tmp");
    Variant variant;
    for (const std::string &processor : options.processors)
      for (const std::string &level : options.levels)
        for (const std::string &encoding : options.encodings)
          for (const std::string &correction : options.corrections) {
            variant = {processor, level, encoding, correction};
            // First, so that a wrong name is one error.
            if (!checkProcessor(variant))
              return false;
            if (!(options.model.empty() ? runShapes(variant)
                                        : runModel(variant)))
              return false;
          }
    return true;
  }

  std::string json;

private:
  bool fail(const Twine &message) {
    progress.clear();
    llvm::errs() << "hgf-bench: " << message << '\n';
    return false;
  }

  std::unique_ptr<MLIRContext> makeContext() {
    auto context = std::make_unique<MLIRContext>(
        registry, MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
        fail("error: " + diagnostic.str());
      return success();
    });
    return context;
  }

  bool checkProcessor(const Variant &variant) {
    std::unique_ptr<MLIRContext> context = makeContext();
    return succeeded(createTargetMachine(UnknownLoc::get(context.get()),
                                         makeOptions(variant).target));
  }

  CompileOptions makeOptions(const Variant &variant) const {
    CompileOptions result;
    result.target.cpu = variant.processor;
    result.level = variant.level;
    result.encoding = variant.encoding;
    result.int8Corrections = variant.correction == "int8";
    result.dimensions = options.dimensions;
    result.runtimeDirectory = runtimeDirectory;
    return result;
  }

  SmallVector<std::string> getResidencies(int64_t tokens) const {
    if (!options.residencies.empty())
      return llvm::to_vector(ArrayRef(options.residencies));
    if (tokens >= manyTokens)
      return {"cache"};
    return {"dram", "cache"};
  }

  /// Lines per layer.
  int64_t countLayerLines() const {
    int64_t lines = 0;
    for (int64_t tokens : options.tokens)
      lines += getResidencies(tokens).size() * options.threads.size();
    return lines;
  }

  int64_t countLines() const {
    int64_t layers = 0;
    for (int64_t rank : options.ranks)
      layers += rank ? options.gates.size() * options.corrections.size() : 1;
    return layers * options.shapes.size() * options.scales.size() *
           options.encodings.size() * options.processors.size() *
           options.levels.size() * countLayerLines();
  }

  bool runShapes(const Variant &variant) {
    for (auto [rows, columns] : options.shapes)
      for (const std::string &scale : options.scales)
        for (int64_t rank : options.ranks)
          for (const std::string &gate : options.gates) {
            // Gates and kinds of storage are those of corrections.
            if (rank == 0 &&
                (gate != options.gates.front() ||
                 variant.correction != options.corrections.front()))
              continue;
            LayerShape shape;
            shape.rows = rows;
            shape.columns = columns;
            shape.rank = rank;
            shape.gate = rank ? gate : "none";
            shape.scale = scale;
            shape.isFloat = options.isFloat;
            if (!runShape(shape, variant))
              return false;
          }
    return true;
  }

  bool runShape(const LayerShape &shape, const Variant &variant) {
    Variant dram = variant, cache = variant;
    if (variant.encoding == "auto") {
      CompileOptions compile = makeOptions(variant);
      dram.encoding = chooseEncodingName(shape, compile, Residency::Memory);
      cache.encoding = chooseEncodingName(shape, compile, Residency::Cache);
    }
    if (dram.encoding == cache.encoding)
      return runShape(shape, dram, {"dram", "cache"});
    return runShape(shape, dram, {"dram"}) && runShape(shape, cache, {"cache"});
  }

  bool runShape(const LayerShape &shape, const Variant &variant,
                ArrayRef<StringRef> residencies) {
    std::unique_ptr<MLIRContext> context = makeContext();
    OwningOpRef<ModuleOp> module, plainModule;
    SmallVector<PackedLayer> layers = pack(*context, shape, variant, module);
    if (layers.empty())
      return false;
    if (shape.rank == 0)
      return runLayer(layers.front(), nullptr, variant, residencies);
    // What the correction costs is measured beside the layer without it.
    LayerShape plain = shape;
    plain.rank = 0;
    plain.gate = "none";
    SmallVector<PackedLayer> plainLayers =
        pack(*context, plain, variant, plainModule);
    return !plainLayers.empty() &&
           runLayer(layers.front(), &plainLayers.front(), variant, residencies);
  }

  /// Packs one layer into `module`; none after an error.
  SmallVector<PackedLayer> pack(MLIRContext &context, const LayerShape &shape,
                                const Variant &variant,
                                OwningOpRef<ModuleOp> &module) {
    CompileOptions compile = makeOptions(variant);
    compile.compileFrom = compile.compileTo = "packing";
    progress.show(done, shape.getName() + ": packing");
    module = makeLayerModule(context, shape);
    if (!module || failed(runPhases(*module, compile)))
      return {};
    SmallVector<PackedLayer> layers = findPackedLayers(*module);
    if (layers.empty())
      fail("the layer " + shape.getName() +
           " has no kernel: " + explainNoKernel(*module));
    return layers;
  }

  /// Compiles `layer`: code for a few layers, which fit the cache together,
  /// that runs over the weights of as many as it takes to fit none.
  bool load(const PackedLayer &layer, const Variant &variant, bool streams,
            LoadedLayers &loaded) {
    loaded.bytes = llvm::alignTo(layer.getBytes(), 64);
    loaded.layers =
        std::clamp<int64_t>(cacheBytes / loaded.bytes, 1, mostLayers);
    loaded.chunks =
        streams ? llvm::divideCeil(memoryBytes, loaded.getChunkBytes()) : 1;
    progress.show(done, layer.getName() + ": compiling");
    OwningOpRef<ModuleOp> module =
        repeatLayer(layer, loaded.layers, loaded.layers * loaded.chunks);
    CompileOptions compile = makeOptions(variant);
    compile.compileFrom = "tiling";
    loaded.model = CompiledModel::make(*module, compile, folder);
    if (!loaded.model)
      return false;
    if (streams && !loaded.model->canMoveWeights())
      return fail("the library has no symbol hgf_weights_base");
    return memory.reserve(loaded.chunks * loaded.getChunkBytes() + (1 << 20)) ||
           fail("there is no room for the read limit's memory");
  }

  /// Measures one layer, as far as its weights may lie in `residencies`, beside
  /// `plain`, if that is given.
  bool runLayer(const PackedLayer &layer, const PackedLayer *plain,
                const Variant &variant, ArrayRef<StringRef> residencies) {
    auto getWanted = [&](int64_t tokens) {
      SmallVector<std::string> wanted = getResidencies(tokens);
      llvm::erase_if(wanted, [&](const std::string &residency) {
        return !llvm::is_contained(residencies, residency);
      });
      return wanted;
    };
    bool any = false, streams = false;
    for (int64_t tokens : options.tokens) {
      any |= !getWanted(tokens).empty();
      streams |= llvm::is_contained(getWanted(tokens), "dram");
    }
    if (!any)
      return true;
    LoadedLayers loaded, beside;
    if (!load(layer, variant, streams, loaded) ||
        (plain && !load(*plain, variant, streams, beside)))
      return false;
    BenchLine line;
    line.shape = layer.getName();
    line.rank = layer.rank;
    line.gate = layer.gate;
    line.correction = variant.correction;
    line.scale = layer.scale;
    line.encoding = layer.encoding;
    line.kernel = layer.kernel;
    line.processor = variant.processor;
    for (int64_t tokens : options.tokens)
      for (const std::string &residency : getWanted(tokens))
        for (int64_t threads : options.threads) {
          line.tokens = tokens;
          line.threads = threads;
          line.residency = residency;
          line.macs = static_cast<double>(layer.rows) * layer.columns * tokens;
          if (!runLine(loaded, plain ? &beside : nullptr, line, layer.isFloat,
                       /*isLayer=*/true))
            return false;
        }
    return true;
  }

  /// Measures one line and prints it.
  bool runLine(const LoadedLayers &loaded, const LoadedLayers *beside,
               BenchLine &line, bool isFloat, bool isLayer) {
    progress.show(done, line.shape + ": " + std::to_string(line.tokens) +
                            " tokens, " + std::to_string(line.threads) +
                            " threads, " + line.residency);
    bool streams = line.residency == "dram";
    line.layers = loaded.layers;
    line.chunks = streams ? loaded.chunks : 1;
    line.bytes = loaded.bytes;
    Session session(*loaded.model, line.threads);
    bool good = session.bind(line.tokens, isLayer);
    Task task;
    auto call = [&] {
      return session.run(line.chunks, loaded.getChunkBytes(),
                         /*fresh=*/!isLayer);
    };
    task.run = call;
    std::unique_ptr<Session> plain;
    int64_t plainChunks = 1;
    auto callPlain = [&] {
      return plain->run(plainChunks, beside->getChunkBytes(), /*fresh=*/false);
    };
    if (beside) {
      plain = std::make_unique<Session>(*beside->model, line.threads);
      good &= plain->bind(line.tokens, isLayer);
      plainChunks = streams ? beside->chunks : 1;
      task.runBeside = callPlain;
    }
    task.bytes = line.bytes * line.layers * line.chunks;
    task.multiplyAdds = line.macs * line.layers * line.chunks;
    task.threads = line.threads;
    line.level = loaded.model->getLevel();
    task.loop = &findDotLoop(line.level, isFloat);
    line.loop = task.loop->name;
    task.memory = &memory;
    task.seconds = options.seconds;
    line.measurement = Measurement();
    if (!good || !measure(task, line.measurement))
      return fail("the model failed: " + session.getError());
    if (beside) {
      // From the ratio of calls to that of layers.
      double layers = static_cast<double>(line.layers) * line.chunks;
      line.timeRatio =
          line.measurement.besideRatio * beside->layers * plainChunks / layers;
      line.byteRatio = static_cast<double>(loaded.bytes) / beside->bytes;
    }
    print(line);
    return true;
  }

  void print(const BenchLine &line) {
    ++done;
    progress.clear();
    std::string text = formatAsJSON(line);
    json += text + "\n";
    if (!options.json && !headed)
      llvm::outs() << formatHeading(getProcessorName());
    headed = true;
    llvm::outs() << (options.json ? text : formatAsText(line)) << '\n';
    llvm::outs().flush();
  }

  bool runModel(const Variant &variant) {
    std::unique_ptr<MLIRContext> context = makeContext();
    CompileOptions compile = makeOptions(variant);
    compile.input = options.model;
    compile.compileTo = "packing";
    progress.show(done, options.model + ": packing");
    OwningOpRef<ModuleOp> module = loadModel(*context, compile);
    if (!module || failed(runPhases(*module, compile)))
      return false;
    SmallVector<PackedLayer> layers = findPackedLayers(*module);
    progress.expect(layers.size() * countLayerLines() +
                    options.tokens.size() * options.threads.size());
    for (const PackedLayer &layer : layers)
      if (!runLayer(layer, nullptr, variant, {"dram", "cache"}))
        return false;
    return runStep(*module, variant);
  }

  /// Measures a whole call of `module`, which the packing phase wrote.
  bool runStep(ModuleOp module, const Variant &variant) {
    double weights = 0;
    bool isFloat = true;
    module.walk([&](LinearOp op) {
      auto type = dyn_cast<PackedType>(op.getWeight().getType());
      if (!type)
        return;
      weights += static_cast<double>(type.getRows()) * type.getColumns();
      isFloat &= op.getQuantization() == Quantization::None;
    });
    CompileOptions compile = makeOptions(variant);
    compile.compileFrom = "tiling";
    progress.show(done, "step: compiling");
    LoadedLayers loaded;
    loaded.model = CompiledModel::make(module, compile, folder);
    if (!loaded.model)
      return false;
    loaded.bytes = std::max<int64_t>(loaded.model->getWeightBytes(), 4096);
    BenchLine line;
    line.shape = "step";
    line.gate = line.scale = line.encoding = "mixed";
    line.correction = variant.correction;
    line.kernel = llvm::sys::path::filename(options.model).str();
    line.processor = variant.processor;
    line.residency = loaded.bytes > 4 * cacheBytes ? "dram" : "cache";
    if (!memory.reserve(loaded.bytes + (1 << 20)))
      return fail("there is no room for the read limit's memory");
    for (int64_t tokens : options.tokens)
      for (int64_t threads : options.threads) {
        line.tokens = tokens;
        line.threads = threads;
        line.macs = weights * tokens;
        if (!runLine(loaded, nullptr, line, isFloat, /*isLayer=*/false))
          return false;
      }
    return true;
  }

  const BenchOptions &options;
  std::string runtimeDirectory;
  DialectRegistry registry;
  std::string folder;
  ReadBuffer memory;
  int64_t done = 0;
  bool headed = false;
  Progress progress;
};

} // namespace

int hgf::benchMain(int argc, char **argv) {
  BenchOptions options;
  std::string problem = parseBenchOptions(argc, argv, options);
  if (!problem.empty()) {
    llvm::errs() << "hgf-bench: " << problem << '\n';
    return 2;
  }
  if (options.help) {
    llvm::outs() << benchHelp;
    return 0;
  }
  if (options.isStatic)
    return runStaticBench(options) ? 0 : 1;
  std::string runtimeDirectory = findRuntimeDirectory(argv[0]);
  Bench bench(options, runtimeDirectory);
  if (!bench.run())
    return 1;
  if (options.plot.empty())
    return 0;
  problem = plot(bench.json, options.plot, runtimeDirectory + "/plot-bench");
  if (problem.empty())
    return 0;
  llvm::errs() << "hgf-bench: " << problem << '\n';
  return 1;
}
