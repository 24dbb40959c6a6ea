//===- Launch.cpp - Modules, kernels and grids ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "Parser.h"
#include "llvm/ADT/STLExtras.h"

using namespace hgf::gpusim;
using llvm::StringRef;

/// What a block may have on sm_90, without what the guards take.
static constexpr uint64_t kMaximumShared = 227 * 1024;
static constexpr uint64_t kMaximumThreads = 1024;

llvm::Expected<Module> Module::parse(DeviceMemory &memory, StringRef ptx) {
  llvm::Expected<Program> program = Parser(memory, ptx).run();
  if (!program)
    return program.takeError();
  Module module;
  module.memory = &memory;
  module.program = std::make_shared<const Program>(std::move(*program));
  return module;
}

llvm::Expected<Kernel> Module::getKernel(StringRef name) const {
  for (const Function &function : program->functions) {
    if (function.name != name)
      continue;
    Kernel kernel;
    kernel.program = program;
    kernel.function = &function;
    kernel.memory = memory;
    return kernel;
  }
  return llvm::createStringError("there is no kernel '" + name + "'");
}

llvm::SmallVector<std::string> Module::getKernelNames() const {
  llvm::SmallVector<std::string> names;
  for (const Function &function : program->functions)
    names.push_back(function.name);
  return names;
}

uint64_t Module::getVariable(StringRef name) const {
  auto known = program->variables.find(name);
  return known == program->variables.end() ||
                 known->second.space == Space::Shared
             ? 0
             : known->second.address;
}

std::vector<std::string> hgf::gpusim::getOpcodeNames() {
  std::vector<std::string> names;
  for (const auto &entry : getOpcodes())
    names.push_back(entry.getKey().str());
  llvm::sort(names);
  return names;
}

StringRef Kernel::getName() const { return function->name; }

llvm::SmallVector<uint32_t> Kernel::getParameterSizes() const {
  llvm::SmallVector<uint32_t> sizes;
  for (const Parameter &parameter : function->parameters)
    sizes.push_back(parameter.size);
  return sizes;
}

static uint64_t countStaticShared(const Function &function) {
  uint64_t bytes = 0;
  for (SharedRange range : function.sharedRanges)
    bytes += range.end - range.begin;
  return bytes;
}

uint64_t Kernel::getStaticSharedBytes() const {
  return countStaticShared(*function);
}

void Launch::add(Defect defect, unsigned line, Dimensions blockIndex,
                 Dimensions thread, const llvm::Twine &message) {
  for (Finding &finding : report.findings)
    if (finding.defect == defect && finding.line == line) {
      ++finding.occurrences;
      return;
    }
  report.findings.push_back(
      {defect, message.str(), function.name, line, blockIndex, thread});
}

/// What the driver would refuse; empty when nothing.
static std::string refusal(const Launch &launch, size_t parameterCount) {
  const Function &function = launch.function;
  uint64_t threads = launch.blockSize.count();
  if (!threads || threads > kMaximumThreads)
    return "a block has 1 to 1024 threads";
  if (!launch.grid.count())
    return "the grid has no blocks";
  if (function.requiredThreads && threads != function.requiredThreads)
    return "the block's size is not that of .reqntid";
  if (function.maximumThreads && threads > function.maximumThreads)
    return "the block is larger than .maxntid";
  if (parameterCount != function.parameters.size())
    return "the kernel takes " + std::to_string(function.parameters.size()) +
           " parameters";
  if (launch.dynamicShared + countStaticShared(function) > kMaximumShared)
    return "more than 227 KiB of shared memory";
  return "";
}

static void runBlocks(Launch &launch) {
  std::vector<uint64_t> order(launch.grid.count());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), launch.random);
  for (uint64_t number : order) {
    Dimensions index = {uint32_t(number % launch.grid.x),
                        uint32_t(number / launch.grid.x % launch.grid.y),
                        uint32_t(number / launch.grid.x / launch.grid.y)};
    if (!Block(launch, index).run() || launch.stopped)
      return;
  }
}

static void collectCounts(Launch &launch) {
  for (auto [counts, instruction, text] :
       llvm::zip(launch.counts, launch.function.instructions,
                 launch.function.texts)) {
    if (!counts.warps)
      continue;
    counts.line = instruction.line;
    counts.text = text.empty() ? "exit" : text;
    launch.report.instructions.push_back(counts);
  }
  for (const auto &[address, use] : launch.buffers)
    launch.report.buffers.push_back(use.counts);
}

Report Kernel::launch(Dimensions grid, Dimensions block, uint32_t dynamicShared,
                      llvm::ArrayRef<const void *> parameters,
                      const LaunchOptions &options) const {
  Launch launch(*program, *function, *memory, options);
  launch.grid = grid;
  launch.blockSize = block;
  launch.dynamicShared = dynamicShared;
  launch.sharedBytes = function->sharedBytes + dynamicShared;
  std::string refused = refusal(launch, parameters.size());
  if (!refused.empty()) {
    launch.add(Defect::Launch, 0, {0, 0, 0}, {0, 0, 0}, refused);
    return std::move(launch.report);
  }
  launch.parameters.resize(function->parameterBytes);
  launch.parameterStates.assign(function->parameterBytes,
                                ByteState::Initialised);
  for (auto [parameter, value] : llvm::zip(function->parameters, parameters))
    memcpy(&launch.parameters[parameter.offset], value, parameter.size);
  launch.counts.resize(function->instructions.size());
  runBlocks(launch);
  if (options.stats)
    collectCounts(launch);
  return std::move(launch.report);
}
