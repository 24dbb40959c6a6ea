//===- CostTest.cpp - What the kernels cost, as far as it is known ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "hgf/Codegen/GpuTools.h"

#include <gtest/gtest.h>
#include <map>

using namespace hgf;
using namespace hgf::gpusim;
using namespace hgf::test;
using llvm::StringRef;

static GpuLinearKey makeCorrected(int64_t rows, int64_t columns,
                                  int64_t tokens) {
  GpuLinearKey key = makeKey(rows, columns, tokens);
  key.parameters.a = key.parameters.b = FactorType::F16;
  key.parameters.rank = 32;
  key.parameters.gateKind = GateKind::Static;
  key.correctionActivation = Activation::SiLU;
  return key;
}

/// Sectors that vector loads touch: those of weights and of activations.
static uint64_t countSectors(const Report &report) {
  uint64_t sectors = 0;
  for (const InstructionCounts &counts : report.instructions)
    if (StringRef(counts.text).contains("ld.global.nc.v4.b32"))
      sectors += counts.sectors;
  return sectors;
}

/// Every sector of 32 bytes that weights and activations come in is used whole.
TEST(Cost, SectorsAreUsedWhole) {
  std::vector<GpuLinearKey> keys;
  for (int64_t columns : {640, 1280, 2560, 3200, 6912, 8640})
    for (int64_t tokens : {1, 2, 8})
      keys.push_back(makeKey(64, columns, tokens));
  Compiled compiled = compile(keys);
  Machine machine(compiled);
  LaunchOptions options;
  options.stats = true;
  for (auto [index, key] : llvm::enumerate(keys)) {
    Outcome run = machine.expectRun(Layer(key), index, key.tokens, options);
    WordLayout layout(key.parameters.columns);
    int64_t warps =
        compiled.decodes[index].blocks * compiled.decodes[index].threads / 32;
    // Lanes that share activations read them once.
    int64_t bytes = 64 * layout.getRowBytes() +
                    warps * key.tokens * layout.getPaddedColumns();
    EXPECT_LE(0.98 * 32 * countSectors(run.decode), bytes)
        << key.getDecodeName();
    EXPECT_GE(32 * countSectors(run.decode), uint64_t(bytes));
  }
}

TEST(Cost, SharedMemoryHasNoConflicts) {
  std::vector<GpuLinearKey> keys;
  for (GateKind gate : {GateKind::SigmoidInput, GateKind::SigmoidOutput}) {
    GpuLinearKey key = makeCorrected(64, 2560, 2);
    key.parameters.norm = true;
    key.parameters.normEpsilon = 0x1p-17f;
    key.parameters.gateKind = gate;
    keys.push_back(key);
  }
  Compiled compiled = compile(keys);
  Machine machine(compiled);
  LaunchOptions options;
  options.stats = true;
  for (auto [index, key] : llvm::enumerate(keys)) {
    Outcome run = machine.expectRun(Layer(key), index, 2, options);
    for (const Report &report : {run.prologue, run.decode})
      EXPECT_EQ(report.getTotals().wavefronts,
                report.getTotals().sharedRequests);
  }
}

//===----------------------------------------------------------------------===//
// What ptxas says
//===----------------------------------------------------------------------===//

/// Says why where NVIDIA's programs are not here.
static bool hasTools() {
  llvm::Expected<std::string> ptxas = findPtxas(), nvdisasm = findNvdisasm();
  bool both = bool(ptxas) && bool(nvdisasm);
  for (auto *tool : {&ptxas, &nvdisasm})
    if (!*tool)
      llvm::errs() << llvm::toString(tool->takeError()) << '\n';
  return both;
}

namespace {

struct Assembled {
  int64_t registers = 0, spills = 0, instructions = 0;
  /// Loads of 16 bytes before the first dot product.
  int64_t loadsAhead = 0;
};

} // namespace

static std::map<std::string, Assembled> assemble(const Compiled &compiled,
                                                 StringRef chip) {
  std::map<std::string, Assembled> result;
  llvm::Expected<AssembledImage> image = hgf::assemble(compiled.ptx, chip);
  if (!image) {
    ADD_FAILURE() << llvm::toString(image.takeError());
    return result;
  }
  for (const KernelResources &kernel : image->kernels) {
    result[kernel.name].registers = kernel.registers;
    result[kernel.name].spills = kernel.getSpillBytes();
  }
  auto functions = disassemble(image->cubin);
  if (!functions) {
    ADD_FAILURE() << llvm::toString(functions.takeError());
    return result;
  }
  for (const SassFunction &function : *functions) {
    Assembled &kernel = result[function.name];
    bool multiplies = false;
    for (const SassInstruction &instruction : function.instructions) {
      StringRef opcode = instruction.opcode;
      multiplies |= opcode.starts_with("IDP.4A");
      kernel.loadsAhead += !multiplies && opcode.starts_with("LDG.E.128");
      kernel.instructions += opcode != "NOP";
    }
  }
  return result;
}

TEST(Cost, PrefillDoesNotSpill) {
  if (!hasTools())
    GTEST_SKIP() << "ptxas or nvdisasm is not here";
  std::vector<GpuLinearKey> keys;
  for (int64_t tokens : {16, 32, 64})
    keys.push_back(makeCorrected(2560, 2560, tokens));
  keys.back().activation = Activation::SiLU;
  keys.back().residual = true;
  for (int64_t group : {32, 128}) {
    keys.push_back(makeKey(2560, 2560, 64));
    keys.back().parameters.granularity = Granularity::Group;
    keys.back().parameters.group = group;
  }
  keys.push_back(makeCorrected(2500, 2600, 64));
  keys.back().parameters.b = FactorType::F32;
  keys.push_back(makeCorrected(2500, 2600, 64));
  keys.back().parameters.segments = {1500, 1000};
  keys.back().parameters.segmentRanks = {19, 13};
  Compiled compiled = compile(keys);
  for (StringRef chip : {"sm_80", "sm_90"})
    for (auto &[name, kernel] : assemble(compiled, chip))
      EXPECT_EQ(kernel.spills, 0) << name << " on " << chip.str();
}

TEST(Cost, NothingSpills) {
  if (!hasTools())
    GTEST_SKIP() << "ptxas or nvdisasm is not here";
  std::vector<GpuLinearKey> keys;
  for (int64_t tokens : {1, 2, 4, 8})
    for (int64_t columns : {640, 6912, 20480})
      keys.push_back(makeCorrected(2560, columns, tokens));
  for (int64_t tokens : {1, 8}) {
    keys.push_back(makeCorrected(2560, 2560, tokens));
    keys.back().parameters.granularity = Granularity::Group;
    keys.back().parameters.group = 64;
    keys.push_back(makeCorrected(2560, 2560, tokens));
    keys.back().quantization = Quantization::None;
    keys.push_back(makeCorrected(2560, 2560, tokens));
    keys.back().parameters.gateKind = GateKind::SigmoidOutput;
  }
  Compiled compiled = compile(keys);
  for (StringRef chip : {"sm_80", "sm_90"})
    for (auto &[name, kernel] : assemble(compiled, chip)) {
      EXPECT_EQ(kernel.spills, 0) << name;
      EXPECT_LE(kernel.registers, name.find("tokens8") == name.npos ? 96 : 160)
          << name;
    }
}

TEST(Cost, FewInstructionsPerWeight) {
  if (!hasTools())
    GTEST_SKIP() << "ptxas or nvdisasm is not here";
  // What more steps of 64 weights in two rows cost, as long as there is no
  // loop; and how many of them are in flight.
  struct Case {
    int64_t tokens, less, more;
    double most;
    int64_t inFlight;
  };
  const Case cases[] = {{1, 3, 7, 0.6, 4},
                        {2, 3, 7, 0.9, 4},
                        {4, 2, 4, 1.7, 4},
                        {8, 1, 2, 3.1, 2}};
  std::vector<GpuLinearKey> keys;
  for (const Case &test : cases)
    for (int64_t steps : {test.less, test.more})
      keys.push_back(makeKey(2560, steps * 2048, test.tokens));
  Compiled compiled = compile(keys);
  for (StringRef chip : {"sm_80", "sm_90"}) {
    auto kernels = assemble(compiled, chip);
    for (auto [index, test] : llvm::enumerate(cases)) {
      const Assembled &less = kernels[keys[2 * index].getDecodeName()],
                      &more = kernels[keys[2 * index + 1].getDecodeName()];
      double cost = double(more.instructions - less.instructions) /
                    (128 * (test.more - test.less));
      EXPECT_LE(cost, test.most) << test.tokens << " on " << chip.str();
      EXPECT_GE(more.loadsAhead, 2 * test.inFlight)
          << test.tokens << " on " << chip.str();
      RecordProperty(chip.str() + "_" + std::to_string(test.tokens),
                     std::to_string(cost));
    }
  }
}
