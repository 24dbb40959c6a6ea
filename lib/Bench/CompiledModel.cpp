//===- CompiledModel.cpp - A shared library made and loaded ---------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompiledModel.h"

#include "hgf/Target/CPU/InstructionLevel.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

using namespace mlir;
using namespace hgf;

template <typename Function>
static bool find(void *library, const char *name, Function &function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function;
}

static bool findFunctions(void *library, hgf_model_functions &api) {
  return find(library, "hgf_session_create", api.create) &&
         find(library, "hgf_session_free", api.free) &&
         find(library, "hgf_session_error", api.error) &&
         find(library, "hgf_session_level", api.level) &&
         find(library, "hgf_session_bind_input", api.bind_input) &&
         find(library, "hgf_session_bind_output", api.bind_output) &&
         find(library, "hgf_session_run", api.run) &&
         find(library, "hgf_session_reset", api.reset) &&
         find(library, "hgf_tensor_count", api.tensor_count) &&
         find(library, "hgf_tensor_dtype", api.tensor_dtype) &&
         find(library, "hgf_tensor_rank", api.tensor_rank) &&
         find(library, "hgf_tensor_dims", api.tensor_dims) &&
         find(library, "hgf_tensor_dim_name", api.tensor_dim_name) &&
         find(library, "hgf_tensor_state", api.tensor_state) &&
         find(library, "hgf_dtype_size", api.dtype_size);
}

/// The address of a symbol that the library `path` keeps to itself; null where
/// it has none. `model` is where its symbol hgf_model was loaded to.
static void *findPrivateSymbol(StringRef path, const void *model,
                               StringRef name) {
  auto file = llvm::object::ObjectFile::createObjectFile(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return nullptr;
  }
  std::optional<uint64_t> wanted, known;
  for (llvm::object::SymbolRef symbol : file->getBinary()->symbols()) {
    auto found = symbol.getName();
    auto address = symbol.getAddress();
    if (found && address && *found == name)
      wanted = *address;
    if (found && address && *found == "hgf_model")
      known = *address;
    llvm::consumeError(found.takeError());
    llvm::consumeError(address.takeError());
  }
  if (!wanted || !known)
    return nullptr;
  // What is constant is the descriptor; what is wanted lies beside it.
  return static_cast<char *>(const_cast<void *>(model)) +
         static_cast<int64_t>(*wanted - *known);
}

/// Writes `path` to its disk and forgets what memory holds of it: reading it
/// then is what the first user of a model does, and no writing disturbs anyone
/// later.
static void makeCold(const std::string &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return;
  // Where the system cannot, the file stays as it is.
  (void)fsync(file);
  (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
}

std::unique_ptr<CompiledModel> CompiledModel::make(ModuleOp module,
                                                   CompileOptions options,
                                                   StringRef folder,
                                                   const char *device) {
  Location location = module.getLoc();
  // A name of its own for each: the loader knows libraries by their names.
  static int count = 0;
  SmallString<128> path(folder);
  llvm::sys::path::append(path, "bench" + Twine(count++) + ".so");
  options.output = path.str().str();
  options.emit = EmitKind::Shared;
  options.sideWeights = true;
  std::string side = options.output + ".weights";
  SmallString<128> header(path);
  llvm::sys::path::replace_extension(header, "h");

  std::unique_ptr<CompiledModel> result(new CompiledModel);
  std::string problem;
  bool compiled = succeeded(compile(module, options, llvm::nulls()));
  if (compiled) {
    uint64_t bytes = 0;
    if (!llvm::sys::fs::file_size(side, bytes))
      result->weightBytes = bytes - 64;
    makeCold(side);
    result->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!result->library)
      problem = dlerror();
    else if (!findFunctions(result->library, result->api) ||
             !find(result->library, "hgf_model", result->model))
      problem = "the library lacks a function of the C interface";
    else
      result->keep(device, problem);
    if (result->keeper) {
      // lib/Codegen/Weights.cpp gives it this name.
      result->weightsSlot = static_cast<const char **>(
          findPrivateSymbol(path, result->model, "hgf_weights_base"));
      if (result->weightsSlot)
        result->weights = *result->weightsSlot;
    }
  }
  // A file that was not made need not be removed.
  for (const std::string &file : {options.output, side, header.str().str()})
    (void)llvm::sys::fs::remove(file);
  if (!compiled)
    return nullptr;
  if (!problem.empty()) {
    emitError(location) << "cannot load what was compiled: " << problem;
    return nullptr;
  }
  result->level = getFixedLevel(options);
  if (result->level.empty())
    result->level = result->api.level(result->keeper);
  return result;
}

std::string hgf::getFixedLevel(const CompileOptions &options) {
  if (!options.level.empty())
    return options.level;
  // With one level there is nothing to choose at load.
  auto levels =
      selectInstructionLevels(getTriple(options.target), options.target.cpu);
  return levels.size() == 1 ? levels.front()->name.str() : "";
}

CompiledModel::~CompiledModel() {
  if (keeper)
    api.free(keeper);
  if (library)
    dlclose(library);
}

void CompiledModel::describe(hgf_loaded_layers &layers) const {
  layers.functions = &api;
  layers.model = model;
  layers.weights_slot = weightsSlot;
  layers.weights = weights;
}

void CompiledModel::keep(const char *device, std::string &error) {
  hgf_session_options options = {};
  options.size = sizeof options;
  options.threads = 1;
  options.device = device;
  char text[512];
  if (api.create(model, &options, &keeper, text, sizeof text))
    error = text;
}

std::string hgf::makeTemporaryFolder(uint64_t bytes) {
  const char *wish = getenv("TMPDIR");
  for (StringRef parent : {StringRef(wish ? wish : "/tmp"),
                           StringRef("/var/tmp"), StringRef("/dev/shm")}) {
    auto space = llvm::sys::fs::disk_space(parent);
    if (!space || space->available < bytes)
      continue;
    SmallString<128> folder;
    if (!llvm::sys::fs::createUniqueDirectory(parent + "/hgf-bench", folder))
      return folder.str().str();
  }
  return "";
}
