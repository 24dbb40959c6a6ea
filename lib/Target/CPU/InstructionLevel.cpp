//===- InstructionLevel.cpp - What a CPU can do -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Target/CPU/InstructionLevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

using namespace hgf;
using llvm::StringRef;
using llvm::Triple;

// With 16 registers activations come from memory, one row at a time.
static constexpr TokenBlock blocks16[] = {
    {8, 1, 8}, {4, 1, 4}, {2, 4, 2}, {1, 8, 1}};
// The same without int16, whose additions hide more of a multiplication.
static constexpr TokenBlock blocks16VNNI[] = {
    {8, 1, 8}, {4, 2, 4}, {2, 4, 2}, {1, 8, 1}};
// With 32 registers.
static constexpr TokenBlock blocks32[] = {
    {8, 4, 4}, {4, 4, 4}, {2, 8, 2}, {1, 8, 1}};

// Accumulators of two registers each.
static constexpr TokenBlock blocksNEON[] = {
    {8, 4, 2}, {4, 4, 2}, {2, 4, 2}, {1, 8, 1}};
// Products of matrices: two rows and two tokens at least.
static constexpr TokenBlock blocksMatrix[] = {{8, 8, 8}, {4, 8, 4}, {2, 8, 2}};

// Leaf, subleaf, word, bit.
static constexpr ProcessorBit ssse3Bits[] = {{1, 0, 2, 9}};
// FMA, OSXSAVE, AVX, F16C, AVX2, BMI2.
static constexpr ProcessorBit avx2Bits[] = {{1, 0, 2, 12}, {1, 0, 2, 27},
                                            {1, 0, 2, 28}, {1, 0, 2, 29},
                                            {7, 0, 1, 5},  {7, 0, 1, 8}};
// The same, and AVX-VNNI.
static constexpr ProcessorBit avxvnniBits[] = {
    {1, 0, 2, 12}, {1, 0, 2, 27}, {1, 0, 2, 28}, {1, 0, 2, 29},
    {7, 0, 1, 5},  {7, 0, 1, 8},  {7, 1, 0, 4}};
// AVX2's, AVX-512 F, DQ, CD, BW, VL, VNNI.
static constexpr ProcessorBit avx512vnniBits[] = {
    {1, 0, 2, 12}, {1, 0, 2, 27}, {1, 0, 2, 28}, {1, 0, 2, 29},
    {7, 0, 1, 5},  {7, 0, 1, 8},  {7, 0, 1, 16}, {7, 0, 1, 17},
    {7, 0, 1, 28}, {7, 0, 1, 30}, {7, 0, 1, 31}, {7, 0, 2, 11}};
// The same, and VBMI.
static constexpr ProcessorBit avx512vbmiBits[] = {
    {1, 0, 2, 12}, {1, 0, 2, 27}, {1, 0, 2, 28}, {1, 0, 2, 29}, {7, 0, 1, 5},
    {7, 0, 1, 8},  {7, 0, 1, 16}, {7, 0, 1, 17}, {7, 0, 1, 28}, {7, 0, 1, 30},
    {7, 0, 1, 31}, {7, 0, 2, 11}, {7, 0, 2, 1}};
// Entries of Linux's auxiliary vector: AT_HWCAP has ASIMDHP, ASIMDDP and
// ASIMDFHM, AT_HWCAP2 I8MM.
static constexpr ProcessorBit dotprodBits[] = {{16, 0, 0, 20}};
static constexpr ProcessorBit i8mmBits[] = {
    {16, 0, 0, 10}, {16, 0, 0, 20}, {16, 0, 0, 23}, {26, 0, 0, 13}};
static constexpr int32_t savesVectors32 = 6;
static constexpr int32_t savesVectors64 = 0xe6;

#define AVX512VNNI "avx512f,avx512cd,avx512bw,avx512dq,avx512vl,avx512vnni"

/// A crossover: SSSE3 overwrites an operand, so that codes which several tokens
/// share must be copied for each; straight from the stream, they are made for
/// one use.
static constexpr int64_t never = std::numeric_limits<int64_t>::max();

// clang-format off
static constexpr InstructionLevel levels[] = {
    // name        general     architecture     features                   cpu          portable detection       saved           lowering                    vector accumulator               steps fma    f16    fmlal  prefetch tokens        matrices      panel crossover
    {"baseline",   "baseline", Triple::x86_64,  "",                        "",          true,  {},             0,              DotLowering::Portable,      16,    Accumulator::Int16,       64,   false, false, false, 4096,    blocks16,     {},           3, 4, 8},
    {"ssse3",      "baseline", Triple::x86_64,  "ssse3",                   "core2",     true,  ssse3Bits,      0,              DotLowering::SSSE3,         16,    Accumulator::Int16,       64,   false, false, false, 4096,    blocks16,     {},           4, 2, never},
    {"avx2",       "avx2",     Triple::x86_64,  "avx2,fma,f16c",           "x86-64-v3", true,  avx2Bits,       savesVectors32, DotLowering::AVX2,          32,    Accumulator::Int16,       64,   true,  true,  false, 4096,    blocks16,     {},           6, 2, 32},
    {"avxvnni",    "avx2",     Triple::x86_64,  "avx2,fma,f16c,avxvnni",   "x86-64-v3", true,  avxvnniBits,    savesVectors32, DotLowering::VNNI,          32,    Accumulator::Int32,       64,   true,  true,  false, 4096,    blocks16VNNI, {},           6, 2, 48},
    {"avx512vnni", "avx2",     Triple::x86_64,  AVX512VNNI,                "x86-64-v4", true,  avx512vnniBits, savesVectors64, DotLowering::VNNI,          64,    Accumulator::Int32,       64,   true,  true,  false, 4096,    blocks32,     {},           6, 4, 192},
    {"avx512vbmi", "avx2",     Triple::x86_64,  AVX512VNNI ",avx512vbmi",  "x86-64-v4", false, avx512vbmiBits, savesVectors64, DotLowering::VNNI,          64,    Accumulator::Int32,       64,   true,  true,  false, 8192,    blocks32,     {},           6, 4, 192},
    {"neon",       "neon",     Triple::aarch64, "neon",                    "",          true,  {},             0,              DotLowering::NEON,          16,    Accumulator::Int16Single, 128,  true,  true,  false, 2048,    blocksNEON,   {},           3, 4, 16},
    {"dotprod",    "neon",     Triple::aarch64, "neon,dotprod",            "",          true,  dotprodBits,    0,              DotLowering::DotProduct,    16,    Accumulator::Int32,       64,   true,  true,  false, 4096,    blocks32,     {},           4, 4, 128},
    {"i8mm",       "i8mm",     Triple::aarch64, "neon,dotprod,i8mm,fp16fml", "",          true,  i8mmBits,       0,              DotLowering::MatrixProduct, 16,    Accumulator::Int32,       64,   true,  true,  true,  4096,    blocks32,     blocksMatrix, 4, 8, 24},
};
// clang-format on
#undef AVX512VNNI

llvm::SmallVector<const InstructionLevel *>
hgf::getInstructionLevels(Triple::ArchType architecture) {
  llvm::SmallVector<const InstructionLevel *> result;
  for (const InstructionLevel &level : levels)
    if (level.architecture == architecture)
      result.push_back(&level);
  return result;
}

const TokenBlock &InstructionLevel::getTokenBlock(int64_t tokens,
                                                  bool matrices) const {
  for (const TokenBlock &block : matrices ? matrixBlocks : tokenBlocks)
    if (block.tokens == tokens)
      return block;
  llvm_unreachable("no kernel for that number of tokens");
}

const InstructionLevel *hgf::findInstructionLevel(StringRef name) {
  for (const InstructionLevel &level : levels)
    if (level.name == name)
      return &level;
  return nullptr;
}

/// Whether `subtarget` has every feature of `level`.
static bool hasFeatures(const llvm::MCSubtargetInfo &subtarget,
                        const InstructionLevel &level) {
  for (StringRef feature : llvm::split(StringRef(level.features), ','))
    if (!feature.empty() && !subtarget.checkFeatures(("+" + feature).str()))
      return false;
  return true;
}

llvm::SmallVector<const InstructionLevel *>
hgf::selectInstructionLevels(StringRef tripleText, StringRef cpu,
                             StringRef name) {
  Triple triple(tripleText.empty() ? llvm::sys::getDefaultTargetTriple()
                                   : Triple::normalize(tripleText));
  llvm::SmallVector<const InstructionLevel *> all =
      getInstructionLevels(triple.getArch());
  llvm::SmallVector<const InstructionLevel *> result;
  if (!name.empty()) {
    llvm::copy_if(
        all, std::back_inserter(result),
        [&](const InstructionLevel *level) { return level->name == name; });
    return result;
  }
  if (cpu.empty() || cpu == "portable") {
    llvm::copy_if(
        all, std::back_inserter(result),
        [](const InstructionLevel *level) { return level->portable; });
    return result;
  }
  if (all.empty())
    return result;
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargetMCs();
  std::string error, features;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return result;
  if (cpu == "native") {
    cpu = llvm::sys::getHostCPUName();
    // A virtual machine may hide features that the CPU's name promises.
    for (const auto &feature : llvm::sys::getHostCPUFeatures())
      features += (features.empty() ? "" : ",") +
                  std::string(feature.getValue() ? "+" : "-") +
                  feature.getKey().str();
  }
  // Asked for a CPU that it does not know, LLVM writes to the terminal; code
  // generation says so in an error.
  std::unique_ptr<llvm::MCSubtargetInfo> generic(
      target->createMCSubtargetInfo(triple, "", ""));
  if (generic && !generic->isCPUStringValid(cpu)) {
    result.push_back(all.front());
    return result;
  }
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, cpu, features));
  const InstructionLevel *best = all.front();
  for (const InstructionLevel *level : all)
    if (subtarget && hasFeatures(*subtarget, *level))
      best = level;
  result.push_back(best);
  return result;
}

std::string hgf::listFeatures(const InstructionLevel &level,
                              const InstructionLevel *other) {
  llvm::SmallVector<StringRef> features, known;
  StringRef(level.features).split(features, ',', -1, /*KeepEmpty=*/false);
  if (other)
    StringRef(other->features).split(known, ',', -1, /*KeepEmpty=*/false);
  llvm::erase_if(features, [&](StringRef feature) {
    return llvm::is_contained(known, feature);
  });
  return llvm::join(features, ", ");
}

std::string hgf::explainLevel(llvm::ArrayRef<const InstructionLevel *> levels,
                              size_t index) {
  if (levels.size() == 1)
    return "the only one in this binary";
  std::string text = "the last of ";
  for (const InstructionLevel *level : levels)
    text += (level == levels.front() ? "" : ", ") + level->name.str();
  text += " that this processor and operating system support";
  for (const InstructionLevel *level : levels.drop_front(index + 1))
    text += ("; " + level->name + " needs ").str() +
            listFeatures(*level, levels[index]);
  return text;
}
