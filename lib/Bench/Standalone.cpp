//===- Standalone.cpp - A program that measures elsewhere -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Standalone.h"

#include "CompiledModel.h"

#include "hgf/Codegen/ConstantBuilder.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Target/TargetMachine.h"

// The program's half is C.
extern "C" {
#include "StandaloneTable.h"
}

using namespace mlir;
using namespace hgf;

/// lib/Runtime/ModelDescriptor.h: the side file's first bytes.
static constexpr uint64_t sideHeaderBytes = 64;

StandaloneWriter::~StandaloneWriter() {
  for (const std::string &object : objects)
    (void)llvm::sys::fs::remove(object);
}

size_t StandaloneWriter::findPacked(const PackedLayer &layer) {
  WeightsOp weights = layer.weights;
  ArrayRef<char> bytes = cast<DenseResourceElementsAttr>(weights.getBytesAttr())
                             .getRawHandle()
                             .getBlob()
                             ->getData();
  StringRef text(bytes.data(), bytes.size());
  for (size_t index = 0; index < packed.size(); ++index)
    if (packed[index] == text)
      return index;
  packed.push_back(text.str());
  return packed.size() - 1;
}

LogicalResult StandaloneWriter::compileLayer(const PackedLayer &layer,
                                             CompileOptions compileOptions,
                                             const Row &row) {
  hgf_loaded_layers layers = {};
  hgf_divide_layers(&layers, layer.getBytes());
  OwningOpRef<ModuleOp> module =
      repeatLayer(layer, layers.layers, layers.layers);
  SmallString<128> path(folder);
  llvm::sys::path::append(path, row.symbols.model + ".o");
  compileOptions.compileFrom = "tiling";
  compileOptions.emit = EmitKind::Object;
  compileOptions.output = path.str().str();
  compileOptions.sideWeights = true;
  compileOptions.symbols = row.symbols;
  objects.push_back(compileOptions.output);
  bool compiled = succeeded(compile(*module, compileOptions, llvm::nulls()));
  // The program makes the weights itself, of one layer's.
  std::string side = compileOptions.output + ".weights";
  uint64_t sideBytes = 0;
  bool known = !llvm::sys::fs::file_size(side, sideBytes);
  SmallString<128> header(path);
  llvm::sys::path::replace_extension(header, "h");
  for (const std::string &file : {side, header.str().str()})
    (void)llvm::sys::fs::remove(file);
  if (!compiled)
    return failure();
  uint64_t expected = sideHeaderBytes +
                      (layers.layers - 1) * layers.byte_count +
                      layer.getBytes();
  if (!known || sideBytes != expected)
    return emitError(module->getLoc())
           << "expected " << expected << " bytes of weights for "
           << layer.getName() << " but the compiler wrote " << sideBytes;
  return success();
}

FailureOr<int64_t> StandaloneWriter::findRow(const PackedLayer &layer,
                                             const CompileOptions &compile) {
  Row row;
  row.shape = layer.getName();
  row.gate = layer.gate;
  row.correction = compile.int8Corrections ? "int8" : "keep";
  row.scale = layer.scale;
  row.encoding = layer.encoding;
  row.kernel = layer.kernel;
  row.processor = compile.target.cpu;
  row.level = getFixedLevel(compile);
  row.rows = layer.rows;
  row.columns = layer.columns;
  row.rank = layer.rank;
  row.isFloat = layer.isFloat;
  std::string key;
  for (const std::string &part :
       {row.shape, std::to_string(row.rank), row.gate, row.correction,
        row.scale, row.kernel, row.processor, compile.level})
    key += part + ' ';
  auto [place, isNew] = known.try_emplace(key, rows.size());
  if (!isNew)
    return place->second;
  row.symbols.model = "hgf_model_" + std::to_string(rows.size());
  row.symbols.weightsSlot = row.symbols.model + "_weights";
  row.packed = findPacked(layer);
  rows.push_back(row);
  if (failed(compileLayer(layer, compile, row)))
    return failure();
  return place->second;
}

LogicalResult StandaloneWriter::add(const PackedLayer &layer,
                                    const PackedLayer *plain,
                                    const CompileOptions &compile,
                                    ArrayRef<StringRef> residencies) {
  FailureOr<int64_t> index = findRow(layer, compile);
  if (failed(index))
    return failure();
  for (StringRef residency : residencies)
    rows[*index].residencies |=
        residency == "dram" ? hgf_from_dram : hgf_from_cache;
  if (!plain)
    return success();
  FailureOr<int64_t> beside = findRow(*plain, compile);
  if (failed(beside))
    return failure();
  rows[*index].beside = *beside;
  return success();
}

void StandaloneWriter::buildTable(llvm::Module &module) const {
  ConstantBuilder builder(module);
  auto declare = [&](const std::string &name) -> llvm::Constant * {
    auto *variable = new llvm::GlobalVariable(
        module, builder.pointer, /*isConstant=*/false,
        llvm::GlobalValue::ExternalLinkage, nullptr, name);
    variable->setDSOLocal(true);
    return variable;
  };
  auto numbers = [&](ArrayRef<int64_t> values) {
    return builder.array(llvm::map_to_vector(
        values, [&](int64_t value) { return builder.i64(value); }));
  };
  SmallVector<llvm::Constant *> bytes;
  for (const std::string &layer : packed)
    bytes.push_back(builder.global(llvm::ConstantDataArray::getString(
        builder.context, layer, /*AddNull=*/false)));
  SmallVector<llvm::Constant *> table;
  for (const Row &row : rows)
    table.push_back(builder.structure(
        {builder.string(row.shape), builder.string(row.gate),
         builder.string(row.correction), builder.string(row.scale),
         builder.string(row.encoding), builder.string(row.kernel),
         builder.string(row.processor),
         row.level.empty() ? builder.null : builder.string(row.level),
         declare(row.symbols.model), declare(row.symbols.weightsSlot),
         bytes[row.packed], builder.i64(packed[row.packed].size()),
         builder.i64(row.rows), builder.i64(row.columns), builder.i64(row.rank),
         builder.i64(row.isFloat), builder.i64(row.residencies),
         builder.i64(row.beside)}));
  int64_t residencies = 0;
  for (StringRef residency : options.residencies)
    residencies |= residency == "dram" ? hgf_from_dram : hgf_from_cache;
  llvm::Constant *value = builder.structure(
      {builder.string(options.commandLine), builder.i64(table.size()),
       builder.array(table), builder.i64(options.tokens.size()),
       numbers(options.tokens), builder.i64(options.threads.size()),
       numbers(options.threads), builder.i64(residencies),
       llvm::ConstantFP::get(llvm::Type::getDoubleTy(builder.context),
                             options.seconds)});
  new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::ExternalLinkage, value,
                           "hgf_standalone");
}

LogicalResult StandaloneWriter::write(MLIRContext &context,
                                      const CompileOptions &compile) {
  Location location = UnknownLoc::get(&context);
  CodegenTarget target = compile.target;
  target.cpu = "portable";
  auto machine = createTargetMachine(location, target);
  if (failed(machine))
    return failure();
  llvm::LLVMContext llvmContext;
  llvm::Module module("hgf-standalone", llvmContext);
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  buildTable(module);
  objects.push_back(folder + "/table.o");
  if (failed(emitFile(module, **machine, location, objects.back(),
                      /*assembly=*/false)))
    return failure();
  return link(location, BinaryKind::StaticExecutable, target, objects,
              compile.runtimeDirectory, options.standalone, "libhgf_bench.a");
}
