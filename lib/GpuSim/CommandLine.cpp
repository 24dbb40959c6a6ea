//===- CommandLine.cpp - hgf-ptx-sim --------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/GpuSim/GpuSim.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace hgf::gpusim;
using llvm::StringRef;

static constexpr char kHelp[] = R"(usage: hgf-ptx-sim FILE.ptx [OPTION...]
Executes one kernel of a PTX module without a GPU, and reports defects: accesses out of bounds or misaligned, reads of
what nobody has written, races in shared memory, barriers and shuffles that lanes do not reach together.
Status: 0 when there are none, 1 when there are, 2 when the module or the options cannot be understood.

  --kernel=NAME         the kernel; not needed where there is only one
  --grid=X[,Y[,Z]]      blocks (1)
  --block=X[,Y[,Z]]     threads of a block (32)
  --shared=BYTES        dynamic shared memory (0)
Parameters, in the kernel's order:
  --buffer=BYTES|FILE   a pointer to uninitialised bytes, or to the bytes of a file
  --zeros=BYTES         a pointer to zeros
  --int=VALUE           an integer of the parameter's width
  --float=VALUE         a float, or a double where the parameter is one
Other options:
  --save=N:FILE         writes the buffer of parameter N (from 0) to a file afterwards
  --seed=N              orders blocks and warps (0)
  --max-steps=N         warp instructions after which a launch counts as endless
  --no-check            looks for bounds and alignment only, which is faster
  --stats=json          prints counts of instructions, sectors and wavefronts with the findings
  --list-opcodes        prints the opcodes that are understood
  --help                prints this
)";

namespace {

/// One parameter as it was asked for.
struct Argument {
  enum Kind { Buffer, Zeros, Integer, Float };
  Kind kind;
  StringRef text;
};

struct Options {
  StringRef file, kernel;
  Dimensions grid, block = {32, 1, 1};
  uint32_t shared = 0;
  std::vector<Argument> arguments;
  std::vector<std::pair<unsigned, StringRef>> saves;
  LaunchOptions launch;
};

} // namespace

static bool parseDimensions(StringRef text, Dimensions &result) {
  llvm::SmallVector<StringRef, 3> parts;
  text.split(parts, ',');
  uint32_t *values[] = {&result.x, &result.y, &result.z};
  if (parts.size() > 3)
    return false;
  result = {};
  for (auto [part, value] : llvm::zip(parts, values))
    if (part.getAsInteger(10, *value))
      return false;
  return true;
}

static bool parseSave(StringRef text, Options &options) {
  auto [number, file] = text.split(':');
  unsigned index;
  if (file.empty() || number.getAsInteger(10, index))
    return false;
  options.saves.push_back({index, file});
  return true;
}

static bool parseArgument(StringRef name, StringRef value, Options &options) {
  constexpr std::pair<const char *, Argument::Kind> kinds[] = {
      {"--buffer", Argument::Buffer},
      {"--zeros", Argument::Zeros},
      {"--int", Argument::Integer},
      {"--float", Argument::Float}};
  for (auto [known, kind] : kinds)
    if (name == known) {
      options.arguments.push_back({kind, value});
      return !value.empty();
    }
  return false;
}

static bool parseOption(StringRef text, Options &options) {
  auto [name, value] = text.split('=');
  if (!text.starts_with("-")) {
    bool first = options.file.empty();
    options.file = text;
    return first;
  }
  if (name == "--kernel")
    return !(options.kernel = value).empty();
  if (name == "--grid")
    return parseDimensions(value, options.grid);
  if (name == "--block")
    return parseDimensions(value, options.block);
  if (name == "--shared")
    return !value.getAsInteger(10, options.shared);
  if (name == "--save")
    return parseSave(value, options);
  if (name == "--seed")
    return !value.getAsInteger(10, options.launch.seed);
  if (name == "--max-steps")
    return !value.getAsInteger(10, options.launch.maximumSteps);
  if (text == "--no-check")
    return !(options.launch.check = false);
  if (text == "--stats=json")
    return options.launch.stats = true;
  return parseArgument(name, value, options);
}

static llvm::Expected<uint64_t> makeBuffer(DeviceMemory &memory,
                                           const Argument &argument) {
  uint64_t bytes = 0, address = 0;
  bool isCount = !argument.text.getAsInteger(10, bytes);
  if (isCount) {
    address = memory.allocate(bytes);
    if (argument.kind == Argument::Zeros)
      memory.fill(address, 0, bytes);
  } else if (argument.kind == Argument::Buffer) {
    auto file = llvm::MemoryBuffer::getFile(argument.text, false, false);
    if (!file)
      return llvm::createStringError(argument.text + ": " +
                                     file.getError().message());
    address = memory.allocate((*file)->getBufferSize());
    memory.write(address, (*file)->getBufferStart(), (*file)->getBufferSize());
  }
  if (!address)
    return llvm::createStringError("no buffer of '" + argument.text + "'");
  return address;
}

/// The value of a parameter, as its bits.
static llvm::Expected<uint64_t>
makeValue(DeviceMemory &memory, const Argument &argument, uint32_t size) {
  if (argument.kind != Argument::Integer && argument.kind != Argument::Float) {
    if (size != 8)
      return llvm::createStringError("a buffer needs a parameter of 8 bytes");
    return makeBuffer(memory, argument);
  }
  uint64_t bits = 0;
  if (argument.kind == Argument::Integer) {
    int64_t value;
    if (argument.text.getAsInteger(0, value) || size > 8)
      return llvm::createStringError("no integer: '" + argument.text + "'");
    return uint64_t(value);
  }
  double value;
  if (argument.text.getAsDouble(value) || (size != 4 && size != 8))
    return llvm::createStringError("no float: '" + argument.text + "'");
  auto narrow = float(value);
  memcpy(&bits, size == 4 ? static_cast<void *>(&narrow) : &value, size);
  return bits;
}

static llvm::Expected<Kernel> loadKernel(DeviceMemory &memory,
                                         const Options &options) {
  auto file = llvm::MemoryBuffer::getFile(options.file);
  if (!file)
    return llvm::createStringError(options.file + ": " +
                                   file.getError().message());
  llvm::Expected<Module> module = Module::parse(memory, (*file)->getBuffer());
  if (!module)
    return llvm::createStringError(options.file + ": " +
                                   llvm::toString(module.takeError()));
  llvm::SmallVector<std::string> names = module->getKernelNames();
  if (!options.kernel.empty())
    return module->getKernel(options.kernel);
  if (names.size() == 1)
    return module->getKernel(names[0]);
  return llvm::createStringError("--kernel=NAME is needed, one of: " +
                                 llvm::join(names, ", "));
}

static llvm::Error save(const DeviceMemory &memory, uint64_t address,
                        StringRef path) {
  const Buffer *buffer = const_cast<DeviceMemory &>(memory).find(address);
  if (!buffer || buffer->address != address)
    return llvm::createStringError("--save needs the number of a buffer");
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (error)
    return llvm::createStringError(path + ": " + error.message());
  stream.write(reinterpret_cast<const char *>(buffer->bytes.data()),
               buffer->bytes.size());
  return llvm::Error::success();
}

static llvm::Expected<Report> simulate(const Options &options) {
  DeviceMemory memory;
  llvm::Expected<Kernel> kernel = loadKernel(memory, options);
  if (!kernel)
    return kernel.takeError();
  llvm::SmallVector<uint32_t> sizes = kernel->getParameterSizes();
  if (sizes.size() != options.arguments.size())
    return llvm::createStringError(kernel->getName() + " takes " +
                                   llvm::Twine(sizes.size()) + " parameters");
  std::vector<uint64_t> values(sizes.size());
  std::vector<const void *> parameters;
  for (auto [value, size, argument] :
       llvm::zip(values, sizes, options.arguments)) {
    llvm::Expected<uint64_t> made = makeValue(memory, argument, size);
    if (!made)
      return made.takeError();
    value = *made;
    parameters.push_back(&value);
  }
  Report report = kernel->launch(options.grid, options.block, options.shared,
                                 parameters, options.launch);
  for (auto [index, path] : options.saves)
    if (llvm::Error error =
            save(memory, index < values.size() ? values[index] : 0, path))
      return std::move(error);
  return report;
}

int hgf::gpusim::ptxSimMain(int argc, char **argv) {
  Options options;
  for (StringRef text : llvm::ArrayRef<char *>(argv, argc).drop_front()) {
    if (text == "--help") {
      llvm::outs() << kHelp;
      return 0;
    }
    if (text == "--list-opcodes") {
      llvm::outs() << llvm::join(getOpcodeNames(), "\n") << "\n";
      return 0;
    }
    if (!parseOption(text, options)) {
      llvm::errs() << "hgf-ptx-sim: cannot understand '" << text
                   << "'; --help lists the options\n";
      return 2;
    }
  }
  if (options.file.empty()) {
    llvm::errs() << "hgf-ptx-sim: expected a file; --help lists the options\n";
    return 2;
  }
  llvm::Expected<Report> report = simulate(options);
  if (!report) {
    llvm::errs() << "hgf-ptx-sim: " << llvm::toString(report.takeError())
                 << "\n";
    return 2;
  }
  report->print(llvm::errs());
  if (options.launch.stats)
    report->printJson(llvm::outs());
  return report->isClean() ? 0 : 1;
}
