//===- Bench.cpp - The command hgf-bench ----------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Bench/Bench.h"

#include "CompiledModel.h"
#include "GpuMeasure.h"
#include "GpuStatic.h"
#include "Layers.h"
#include "Machine.h"
#include "Options.h"
#include "Report.h"
#include "Standalone.h"
#include "StaticBench.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace hgf;

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
  hgf_loaded_layers layers = {};
};

class Bench {
public:
  Bench(const BenchOptions &options, std::string runtimeDirectory)
      : options(options), runtimeDirectory(std::move(runtimeDirectory)),
        progress(countLines()) {
    registerDriverDialects(registry);
  }
  ~Bench() {
    writer.reset();
    if (!folder.empty())
      (void)llvm::sys::fs::remove(folder);
    hgf_free_buffer(&memory);
  }

  bool run() {
    if (options.forkJoin)
      for (int64_t threads : options.threads)
        runForkJoin(threads);
    if (options.shapes.empty() && options.model.empty())
      return true;
    // A program for elsewhere takes objects and the bytes of single layers.
    bool standalone = !options.standalone.empty();
    int64_t room = (standalone ? 1 : 2) * int64_t(hgf_memory_bytes);
    folder = makeTemporaryFolder(room);
    if (folder.empty())
      return fail("expected " + Twine(room >> 20) +
                  " MB of room for weights in TMPDIR, /tmp or /var/tmp");
    if (standalone)
      writer = std::make_unique<StandaloneWriter>(options, folder);
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
    return !writer || writeStandalone();
  }

  std::string json;

private:
  bool fail(const Twine &message) {
    progress.clear();
    llvm::errs() << "hgf-bench: " << message << '\n';
    return false;
  }

  void runForkJoin(int64_t threads) {
    hgf_statistics seconds = hgf_measure_fork_join(threads);
    char text[hgf_line_size];
    hgf_fork_join_line(threads, &seconds, options.json, text, sizeof text);
    llvm::outs() << text << '\n';
  }

  bool writeStandalone() {
    std::unique_ptr<MLIRContext> context = makeContext();
    progress.show(done, "linking");
    return succeeded(writer->write(*context, makeOptions(Variant())));
  }

  std::unique_ptr<MLIRContext> makeContext() {
    return makeReportingContext(
        registry, [&](const std::string &sentence) { fail(sentence); });
  }

  bool checkProcessor(const Variant &variant) {
    std::unique_ptr<MLIRContext> context = makeContext();
    Location location = UnknownLoc::get(context.get());
    CodegenTarget target = makeOptions(variant).target;
    return succeeded(createTargetMachine(location, target)) &&
           (!writer || succeeded(checkBinaryKind(
                           location, BinaryKind::StaticExecutable, target)));
  }

  CompileOptions makeOptions(const Variant &variant) const {
    CompileOptions result;
    result.target.triple = options.target;
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
    if (tokens >= hgf_many_tokens)
      return {"cache"};
    return {"dram", "cache"};
  }

  /// Lines per layer.
  int64_t countLayerLines() const {
    if (!options.standalone.empty())
      return 1;
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
    hgf_loaded_layers &layers = loaded.layers;
    hgf_divide_layers(&layers, layer.getBytes());
    if (!streams)
      layers.chunks = 1;
    progress.show(done, layer.getName() + ": compiling");
    OwningOpRef<ModuleOp> module =
        repeatLayer(layer, layers.layers, layers.layers * layers.chunks);
    CompileOptions compile = makeOptions(variant);
    compile.compileFrom = "tiling";
    loaded.model = CompiledModel::make(*module, compile, folder);
    if (!loaded.model)
      return false;
    if (streams && !loaded.model->canMoveWeights())
      return fail("the library has no symbol hgf_weights_base");
    loaded.model->describe(layers);
    return reserve(layers.chunks * hgf_chunk_bytes(&layers));
  }

  /// Makes room for the read limit.
  bool reserve(uint64_t bytes) {
    return hgf_reserve_buffer(&memory, bytes + hgf_read_slack) ||
           fail("there is no room for the read limit's memory");
  }

  /// Measures one layer, as far as its weights may lie in `residencies`, beside
  /// `plain`, if that is given.
  bool runLayer(const PackedLayer &layer, const PackedLayer *plain,
                const Variant &variant, ArrayRef<StringRef> residencies) {
    if (writer)
      return addToProgram(layer, plain, variant, residencies);
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
    std::string name = layer.getName();
    hgf_line line = {};
    line.shape = name.c_str();
    line.rank = layer.rank;
    line.gate = layer.gate.c_str();
    line.correction = variant.correction.c_str();
    line.scale = layer.scale.c_str();
    line.encoding = layer.encoding.c_str();
    line.kernel = layer.kernel.c_str();
    line.processor = variant.processor.c_str();
    for (int64_t tokens : options.tokens)
      for (const std::string &residency : getWanted(tokens))
        for (int64_t threads : options.threads) {
          line.tokens = tokens;
          line.threads = threads;
          line.residency = residency.c_str();
          line.multiply_adds =
              static_cast<double>(layer.rows) * layer.columns * tokens;
          if (!runLine(loaded, plain ? &beside : nullptr, line, layer.isFloat,
                       /*isLayer=*/true))
            return false;
        }
    return true;
  }

  /// As runLayer, for a program that measures elsewhere.
  bool addToProgram(const PackedLayer &layer, const PackedLayer *plain,
                    const Variant &variant, ArrayRef<StringRef> residencies) {
    progress.show(done++, layer.getName() + ": compiling");
    return succeeded(
        writer->add(layer, plain, makeOptions(variant), residencies));
  }

  /// Measures one line and prints it.
  bool runLine(const LoadedLayers &loaded, const LoadedLayers *beside,
               hgf_line &line, bool isFloat, bool isLayer) {
    progress.show(done, std::string(line.shape) + ": " +
                            std::to_string(line.tokens) + " tokens, " +
                            std::to_string(line.threads) + " threads, " +
                            line.residency);
    hgf_layer_task task = {};
    task.layers = &loaded.layers;
    task.beside = beside ? &beside->layers : nullptr;
    task.is_layer = isLayer;
    task.is_float = isFloat;
    task.memory = memory.data;
    task.seconds = options.seconds;
    line.level = loaded.model->getLevel().c_str();
    line.measurement = {};
    char error[600];
    if (!hgf_measure_layers(&task, &line, error, sizeof error))
      return fail(error);
    print(line);
    return true;
  }

  void print(const hgf_line &line) {
    ++done;
    progress.clear();
    char text[hgf_line_size];
    if (!options.json && !headed) {
      char machine[256];
      hgf_heading(hgf_machine_name(machine, sizeof machine), text, sizeof text);
      llvm::outs() << text;
    }
    headed = true;
    hgf_line_as_json(&line, text, sizeof text);
    json += std::string(text) + "\n";
    if (!options.json)
      hgf_line_as_text(&line, text, sizeof text);
    llvm::outs() << text << '\n';
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
    hgf_loaded_layers &layers = loaded.layers;
    loaded.model->describe(layers);
    layers.byte_count = std::max<int64_t>(loaded.model->getWeightBytes(), 4096);
    layers.layers = layers.chunks = 1;
    std::string name = llvm::sys::path::filename(options.model).str();
    hgf_line line = {};
    line.shape = "step";
    line.gate = line.scale = line.encoding = "mixed";
    line.correction = variant.correction.c_str();
    line.kernel = name.c_str();
    line.processor = variant.processor.c_str();
    line.residency = layers.byte_count > 4 * hgf_cache_bytes ? "dram" : "cache";
    if (!reserve(layers.byte_count))
      return false;
    for (int64_t tokens : options.tokens)
      for (int64_t threads : options.threads) {
        line.tokens = tokens;
        line.threads = threads;
        line.multiply_adds = weights * tokens;
        if (!runLine(loaded, nullptr, line, isFloat, /*isLayer=*/false))
          return false;
      }
    return true;
  }

  const BenchOptions &options;
  std::string runtimeDirectory;
  DialectRegistry registry;
  std::string folder;
  std::unique_ptr<StandaloneWriter> writer;
  hgf_read_buffer memory = {};
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
  if (options.isStatic && options.isGpu)
    return runGpuStatic(options) ? 0 : 1;
  std::string runtimeDirectory = findRuntimeDirectory(argv[0]);
  if (options.isGpu)
    return runGpuMeasure(options, runtimeDirectory) ? 0 : 1;
  if (options.isStatic)
    return runStaticBench(options) ? 0 : 1;
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
