//===- Mca.cpp - Cycles of instructions by llvm-mca -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mca.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <memory>

using namespace hgf;
using llvm::StringRef;

/// Iterations of a block with so many instructions: filling and draining the
/// pipeline is to be a few thousandths of the whole, in little time.
static int64_t chooseIterations(int64_t instructions) {
  return std::clamp<int64_t>(100000 / std::max<int64_t>(instructions, 1), 50,
                             500);
}

/// llvm-mca of the LLVM that this program is linked with: another version has
/// other models.
static const std::string version = std::to_string(LLVM_VERSION_MAJOR);

static std::string findProgram() {
  for (const std::string &name :
       {"llvm-mca-" + version, std::string("llvm-mca")})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}

/// The text of a file; empty if it cannot be read.
static std::string readFile(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// What llvm-mca says went wrong: its errors and the instruction they are
/// about.
static std::string findErrors(StringRef text) {
  std::string errors;
  for (StringRef line : llvm::split(text, '\n'))
    if (line.contains("error:") || line.starts_with("note: instruction:"))
      errors += (errors.empty() ? "" : "; ") + line.trim().str();
  std::replace(errors.begin(), errors.end(), '\t', ' ');
  return errors.empty() ? text.trim().str() : errors;
}

/// Reads llvm-mca's JSON.
static bool readCycles(StringRef text, size_t count, int64_t iterations,
                       std::vector<double> &cycles) {
  cycles.clear();
  // Warnings may come before.
  llvm::Expected<llvm::json::Value> value =
      llvm::json::parse(text.drop_front(std::min(text.find('{'), text.size())));
  if (!value) {
    llvm::consumeError(value.takeError());
    return false;
  }
  const llvm::json::Object *root = value->getAsObject();
  const llvm::json::Array *regions =
      root ? root->getArray("CodeRegions") : nullptr;
  if (!regions)
    return false;
  for (const llvm::json::Value &region : *regions) {
    const llvm::json::Object *object = region.getAsObject();
    const llvm::json::Object *summary =
        object ? object->getObject("SummaryView") : nullptr;
    std::optional<double> total =
        summary ? summary->getNumber("TotalCycles") : std::nullopt;
    if (!total || *total <= 0)
      return false;
    cycles.push_back(*total / static_cast<double>(iterations));
  }
  return cycles.size() == count;
}

std::string hgf::analyzeBlocks(const McaTarget &target,
                               llvm::ArrayRef<std::string> blocks,
                               std::vector<double> &cycles) {
  std::string program = findProgram();
  if (program.empty())
    return "expected the program llvm-mca-" + version +
           " in PATH but found none; install Debian's package llvm-" + version;
  llvm::SmallString<128> paths[3];
  std::vector<std::unique_ptr<llvm::FileRemover>> removers;
  constexpr StringRef suffixes[] = {"s", "json", "txt"};
  for (auto [path, suffix] : llvm::zip_equal(paths, suffixes)) {
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("hgf-mca", suffix, path))
      return "cannot make a temporary file: " + error.message();
    removers.push_back(std::make_unique<llvm::FileRemover>(path));
  }
  std::error_code error;
  {
    llvm::raw_fd_ostream stream(paths[0], error);
    for (auto [index, block] : llvm::enumerate(blocks))
      stream << "# LLVM-MCA-BEGIN block" << index << '\n'
             << block << "\n# LLVM-MCA-END\n";
  }
  if (error)
    return "cannot write '" + paths[0].str().str() + "': " + error.message();
  std::string triple = "--mtriple=" + target.triple;
  std::string cpu = "--mcpu=" + target.cpu;
  std::string features = "--mattr=" + target.features;
  int64_t longest = 0;
  for (const std::string &block : blocks)
    longest = std::max<int64_t>(longest, llvm::count(block, '\n'));
  int64_t iterations = chooseIterations(longest);
  std::string count = "--iterations=" + std::to_string(iterations);
  StringRef arguments[] = {program,
                           "--json",
                           "--instruction-info=0",
                           "--resource-pressure=0",
                           triple,
                           cpu,
                           features,
                           count,
                           paths[0]};
  std::optional<StringRef> redirects[] = {StringRef(""), paths[1].str(),
                                          paths[2].str()};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(program, arguments, std::nullopt,
                                         redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &problem);
  if (status == 0 &&
      readCycles(readFile(paths[1]), blocks.size(), iterations, cycles))
    return "";
  if (problem.empty())
    problem = findErrors(readFile(paths[2]));
  return "expected cycles for " + target.cpu + " from " + program +
         " but it said: " + (problem.empty() ? "nothing" : problem);
}

/// CPUs that scheduling models were written for: many share one, and LLVM does
/// not say whose it is.
static constexpr StringRef modelCpus[] = {
    // AArch64.
    "a64fx", "ampere1", "ampere1b", "apple-a7", "cortex-a510", "cortex-a53",
    "cortex-a55", "cortex-a57", "exynos-m3", "exynos-m4", "exynos-m5", "falkor",
    "kryo", "neoverse-n1", "neoverse-n2", "neoverse-n3", "neoverse-v1",
    "neoverse-v2", "neoverse-v3", "oryon-1", "thunderx", "thunderx2t99",
    "thunderx3t110", "tsv110",
    // x86-64.
    "alderlake", "bdver2", "bonnell", "broadwell", "btver2", "haswell",
    "icelake-server", "lunarlake", "sandybridge", "sapphirerapids",
    "silvermont", "skylake", "skylake-avx512", "znver1", "znver2", "znver3",
    "znver4", "znver5"};

std::string hgf::findSchedulingModel(const llvm::MCSubtargetInfo &subtarget) {
  const llvm::MCSchedModel *model = &subtarget.getSchedModel();
  if (!model->hasInstrSchedModel())
    return "";
  // The first CPU in the alphabet, unless another one is known to be meant.
  std::string found;
  for (const llvm::SubtargetSubTypeKV &row :
       subtarget.getAllProcessorDescriptions()) {
    if (row.SchedModel != model)
      continue;
    if (llvm::is_contained(modelCpus, StringRef(row.Key)))
      return row.Key;
    if (found.empty())
      found = row.Key;
  }
  return found;
}
