//===- Simulator.cpp - A simulated GPU behind the driver's functions ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Simulator.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace hgf::gpusim;
using llvm::StringRef;

thread_local unsigned hgf::gpusim::recordingStreams = 0;
thread_local std::vector<CUcontext> hgf::gpusim::contexts;

Simulator &Simulator::get() {
  // Never destroyed: sessions may be freed while the process ends.
  static Simulator *simulator = new Simulator();
  return *simulator;
}

static StringRef getVariable(const char *name) {
  const char *text = getenv(name);
  return text ? text : "";
}

void Simulator::configure() {
  isInitialised = true;
  chip = 90;
  StringRef chipText = getVariable("HGF_GPUSIM_CHIP");
  if (!chipText.empty() && (chipText.getAsInteger(10, chip) || chip < 50)) {
    llvm::errs() << "gpusim: expected a chip like 80 in HGF_GPUSIM_CHIP but "
                    "got '"
                 << chipText << "'\n";
    chip = 90;
  }
  options = LaunchOptions();
  if (getVariable("HGF_GPUSIM_SEED").getAsInteger(10, options.seed))
    options.seed = 0;
  options.check = getVariable("HGF_GPUSIM_CHECK") != "0";
  statsFile = getVariable("HGF_GPUSIM_STATS").str();
  traceFile = getVariable("HGF_GPUSIM_TRACE").str();
  isLate = getVariable("HGF_GPUSIM_LATE") == "1";
  options.stats = !statsFile.empty();
}

bool Simulator::isPinned(const void *address) const {
  const char *byte = static_cast<const char *>(address);
  auto after = hostMemory.upper_bound(byte);
  if (after == hostMemory.begin())
    return false;
  auto [begin, size] = *std::prev(after);
  return byte < begin + size;
}

static void appendLine(const std::string &path, StringRef line) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error, llvm::sys::fs::OF_Append);
  if (error)
    llvm::errs() << "gpusim: cannot write '" << path << "': " << error.message()
                 << "\n";
  else
    stream << line << "\n";
}

static llvm::json::Array toJson(Dimensions dimensions) {
  return llvm::json::Array{dimensions.x, dimensions.y, dimensions.z};
}

CUresult Simulator::report(const Report &report, StringRef kernel,
                           Dimensions grid, Dimensions block,
                           unsigned sharedBytes) {
  if (!statsFile.empty()) {
    InstructionCounts totals = report.getTotals();
    llvm::json::Value line =
        llvm::json::Object{{"kernel", kernel},
                           {"grid", toJson(grid)},
                           {"block", toJson(block)},
                           {"dynamicSharedBytes", sharedBytes},
                           {"instructions", totals.warps},
                           {"globalRequests", totals.requests},
                           {"globalBytes", totals.globalBytes},
                           {"globalSectors", totals.sectors},
                           {"sharedRequests", totals.sharedRequests},
                           {"sharedWavefronts", totals.wavefronts}};
    appendLine(statsFile, llvm::formatv("{0}", line).str());
  }
  report.print(llvm::errs());
  return report.isClean() ? CUDA_SUCCESS : CUDA_ERROR_LAUNCH_FAILED;
}

Call::Call(const char *function)
    : simulator(Simulator::get()), guard(simulator.lock) {
  if (!simulator.traceFile.empty())
    appendLine(simulator.traceFile, function);
}

CUresult Call::needContext() const {
  if (!simulator.isInitialised)
    return CUDA_ERROR_NOT_INITIALIZED;
  return contexts.empty() || !contexts.back()->users
             ? CUDA_ERROR_INVALID_CONTEXT
             : CUDA_SUCCESS;
}

CUresult Call::needContextOutsideOfRecording() const {
  CUresult result = needContext();
  return result == CUDA_SUCCESS && recordingStreams
             ? CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
             : result;
}

CUresult CUstream_st::add(Action action) {
  if (graph)
    graph->actions.push_back(std::move(action));
  else if (Simulator::get().isLate)
    waiting.push_back(std::move(action));
  else
    return action();
  return CUDA_SUCCESS;
}

CUresult CUstream_st::finish() {
  std::vector<Action> actions = std::move(waiting);
  waiting.clear();
  for (const Action &action : actions)
    if (CUresult result = action())
      return result;
  return CUDA_SUCCESS;
}
