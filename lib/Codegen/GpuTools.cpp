//===- GpuTools.cpp - NVIDIA's assembler and disassembler -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/GpuTools.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <memory>

using namespace hgf;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

static llvm::Error makeError(const Twine &sentence) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), sentence);
}

//===----------------------------------------------------------------------===//
// Finding programs
//===----------------------------------------------------------------------===//

namespace {

/// A program of NVIDIA's.
struct Tool {
  StringRef name;
  /// The environment variable that names it.
  const char *variable;
  /// PyPI's package.
  StringRef package;
};

} // namespace

static constexpr Tool ptxasTool = {"ptxas", "HGF_PTXAS", "nvidia-cuda-nvcc"};
static constexpr Tool nvdisasmTool = {"nvdisasm", "HGF_NVDISASM",
                                      "nvidia-cuda-nvdisasm"};

static StringRef getVariable(const char *name) {
  const char *value = std::getenv(name);
  return value ? value : "";
}

/// The program in `folder`; empty where there is none.
static std::string findIn(const Twine &folder, StringRef name) {
  llvm::SmallString<256> path;
  folder.toVector(path);
  llvm::sys::path::append(path, name);
  return llvm::sys::fs::can_execute(path) ? path.str().str() : "";
}

/// The program among the Python packages of a virtual environment.
static std::string findInEnvironment(StringRef environment, StringRef name) {
  if (environment.empty())
    return "";
  std::error_code error;
  llvm::sys::fs::directory_iterator end;
  for (llvm::sys::fs::directory_iterator python(environment + "/lib", error);
       !error && python != end; python.increment(error))
    // Packages for CUDA 12 and older have other folders and other names.
    for (StringRef toolkit : {"cu13", "cu14"}) {
      std::string path = findIn(
          python->path() + "/site-packages/nvidia/" + toolkit + "/bin", name);
      if (!path.empty())
        return path;
    }
  return "";
}

static Expected<std::string> findTool(const Tool &tool, StringRef given) {
  std::string advice =
      ("install PyPI's package " + tool.package + ", or a CUDA toolkit").str();
  StringRef variable = getVariable(tool.variable);
  StringRef named = given.empty() ? variable : given;
  if (!named.empty()) {
    if (llvm::sys::fs::can_execute(named))
      return named.str();
    return makeError(
        "expected the program " + tool.name + " at '" + named + "'" +
        (given.empty() ? Twine(", which the environment variable ") +
                             tool.variable + " names,"
                       : Twine("")) +
        " but found none; " + advice);
  }
  if (auto path = llvm::sys::findProgramByName(tool.name))
    return *path;
  for (const char *root : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"})
    if (StringRef folder = getVariable(root); !folder.empty())
      if (std::string path = findIn(folder + "/bin", tool.name); !path.empty())
        return path;
  if (std::string path = findIn("/usr/local/cuda/bin", tool.name);
      !path.empty())
    return path;
  for (StringRef environment :
       {getVariable("VIRTUAL_ENV"), StringRef(HGF_VIRTUAL_ENVIRONMENT)})
    if (std::string path = findInEnvironment(environment, tool.name);
        !path.empty())
      return path;
  return makeError("expected the program " + tool.name +
                   " in PATH, in the folder bin of CUDA_HOME or in a virtual "
                   "environment but found none; " +
                   advice + ", or name it by " + tool.variable);
}

Expected<std::string> hgf::findPtxas(const GpuTools &tools) {
  return findTool(ptxasTool, tools.ptxas);
}

Expected<std::string> hgf::findNvdisasm(const GpuTools &tools) {
  return findTool(nvdisasmTool, tools.nvdisasm);
}

//===----------------------------------------------------------------------===//
// Running programs
//===----------------------------------------------------------------------===//

namespace {

/// A file that goes with this object.
class TemporaryFile {
public:
  static Expected<std::unique_ptr<TemporaryFile>> make(StringRef suffix,
                                                       StringRef content = "") {
    auto file = std::make_unique<TemporaryFile>();
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("hgf-gpu", suffix, file->path))
      return makeError("cannot make a temporary file: " + error.message());
    file->remover.setFile(file->path);
    if (content.empty())
      return file;
    std::error_code error;
    llvm::raw_fd_ostream stream(file->path, error);
    if (!error) {
      stream << content;
      stream.close();
      error = stream.error();
      stream.clear_error();
    }
    if (error)
      return makeError("cannot write '" + file->path + "': " + error.message());
    return file;
  }

  StringRef getPath() const { return path; }

  std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }

private:
  llvm::SmallString<128> path;
  llvm::FileRemover remover;
};

} // namespace

/// What a failed program says, as part of a sentence: without the name of our
/// temporary file.
static std::string quoteErrors(StringRef text, StringRef path) {
  std::string errors;
  for (StringRef line : llvm::split(text, '\n')) {
    line = line.trim();
    if (line.contains("error") || line.contains("fatal"))
      errors += (errors.empty() ? "" : "; ") + line.str();
  }
  if (errors.empty())
    errors = text.trim().str();
  for (size_t at; (at = errors.find(path)) != std::string::npos;)
    errors.replace(at, path.size(), "the PTX");
  return errors.empty() ? "nothing" : errors;
}

/// Runs `program` and returns what it writes to standard output, and in
/// `messages` what it writes beside.
static Expected<std::string> runTool(const Tool &tool, StringRef program,
                                     llvm::ArrayRef<StringRef> arguments,
                                     StringRef input, StringRef task,
                                     std::string *messages = nullptr) {
  auto output = TemporaryFile::make("txt");
  if (!output)
    return output.takeError();
  auto errors = TemporaryFile::make("txt");
  if (!errors)
    return errors.takeError();
  llvm::SmallVector<StringRef> all = {program};
  all.append(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(""), (*output)->getPath(),
                                          (*errors)->getPath()};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(program, all, std::nullopt, redirects,
                                         /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &problem);
  std::string said = (*errors)->read();
  if (status != 0)
    return makeError(tool.name + " cannot " + task + ": " +
                     (problem.empty() ? quoteErrors(said, input) : problem));
  if (messages)
    *messages = said;
  return (*output)->read();
}

const KernelResources *AssembledImage::find(StringRef name) const {
  for (const KernelResources &kernel : kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

Expected<AssembledImage> hgf::assemble(StringRef ptx, StringRef chip,
                                       const GpuTools &tools) {
  Expected<std::string> program = findPtxas(tools);
  if (!program)
    return program.takeError();
  auto input = TemporaryFile::make("ptx", ptx);
  if (!input)
    return input.takeError();
  auto output = TemporaryFile::make("cubin");
  if (!output)
    return output.takeError();
  std::string architecture = ("--gpu-name=" + chip).str();
  AssembledImage image;
  std::string messages;
  Expected<std::string> done =
      runTool(ptxasTool, *program,
              {"--verbose", architecture, "--output-file", (*output)->getPath(),
               (*input)->getPath()},
              (*input)->getPath(), ("assemble for " + chip).str(), &messages);
  if (!done)
    return done.takeError();
  image.cubin = (*output)->read();
  image.kernels = parseResources(messages);
  return image;
}

Expected<std::vector<SassFunction>> hgf::disassemble(StringRef cubin,
                                                     const GpuTools &tools) {
  Expected<std::string> program = findNvdisasm(tools);
  if (!program)
    return program.takeError();
  auto input = TemporaryFile::make("cubin", cubin);
  if (!input)
    return input.takeError();
  Expected<std::string> text =
      runTool(nvdisasmTool, *program, {"--print-code", (*input)->getPath()},
              (*input)->getPath(), "read the binary");
  if (!text)
    return text.takeError();
  return parseSass(*text);
}

//===----------------------------------------------------------------------===//
// Reading what programs write
//===----------------------------------------------------------------------===//

/// The number in front of `unit`, e.g. of " bytes smem"; 0 where there is none.
static int64_t findNumber(StringRef line, StringRef unit) {
  StringRef before = line.take_front(line.find(unit));
  if (before.size() == line.size())
    return 0;
  int64_t number = 0;
  size_t begin = before.find_last_not_of("0123456789");
  (void)before.drop_front(begin + 1).getAsInteger(10, number);
  return number;
}

std::vector<KernelResources> hgf::parseResources(StringRef text) {
  std::vector<KernelResources> kernels;
  // The same lines stand for other functions, too.
  bool isKernel = false;
  for (StringRef line : llvm::split(text, '\n')) {
    if (line.contains("Compiling entry function '")) {
      kernels.emplace_back();
      kernels.back().name = line.split('\'').second.split('\'').first.str();
      isKernel = true;
      continue;
    }
    if (size_t at = line.find("Function properties for ");
        at != StringRef::npos)
      isKernel = !kernels.empty() &&
                 line.drop_front(at).ends_with(" " + kernels.back().name);
    if (!isKernel)
      continue;
    KernelResources &kernel = kernels.back();
    if (line.contains(" bytes stack frame")) {
      kernel.stackBytes = findNumber(line, " bytes stack frame");
      kernel.spillStoreBytes = findNumber(line, " bytes spill stores");
      kernel.spillLoadBytes = findNumber(line, " bytes spill loads");
    } else if (line.contains("Used ")) {
      kernel.registers = findNumber(line, " registers");
      kernel.sharedBytes = findNumber(line, " bytes smem");
    }
  }
  return kernels;
}

StringRef SassInstruction::getBaseOpcode() const {
  return StringRef(opcode).split('.').first;
}

std::optional<size_t>
SassFunction::getTarget(const SassInstruction &instruction) const {
  auto label = labels.find(instruction.label);
  if (label == labels.end())
    return std::nullopt;
  return label->second;
}

/// Reads e.g. "/*01b0*/ @!P0 BRA `(.L_x_0) ;".
static bool parseInstruction(StringRef line, SassInstruction &instruction) {
  if (!line.consume_front("/*"))
    return false;
  auto [address, rest] = line.split("*/");
  if (address.getAsInteger(16, instruction.address))
    return false;
  StringRef text = rest.split(';').first.trim();
  // Data, in sections that hold no code.
  if (text.empty() || text.starts_with("."))
    return false;
  instruction.text = text.str();
  if (text.starts_with("@"))
    text = text.split(' ').second.ltrim();
  instruction.opcode = text.take_until(llvm::isSpace).str();
  if (size_t at = text.find("`("); at != StringRef::npos)
    instruction.label = text.drop_front(at + 2).split(')').first.str();
  return true;
}

std::vector<SassFunction> hgf::parseSass(StringRef text) {
  std::vector<SassFunction> functions;
  for (StringRef line : llvm::split(text, '\n')) {
    line = line.trim();
    // Code of a function is in a section of its own.
    if (line.consume_back(":")) {
      if (StringRef name = line; name.consume_front(".text.")) {
        functions.emplace_back();
        functions.back().name = name.str();
      } else if (!functions.empty()) {
        SassFunction &function = functions.back();
        function.labels[line.str()] = function.instructions.size();
      }
      continue;
    }
    SassInstruction instruction;
    if (!functions.empty() && parseInstruction(line, instruction))
      functions.back().instructions.push_back(std::move(instruction));
  }
  return functions;
}
