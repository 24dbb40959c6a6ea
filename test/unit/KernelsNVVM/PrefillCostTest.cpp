//===- PrefillCostTest.cpp - What prefill costs, and that bugs show -----===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

using namespace hgf;
using namespace hgf::gpusim;
using namespace hgf::test;
using llvm::StringRef;

static LaunchOptions makeCounting() {
  LaunchOptions options;
  options.stats = true;
  return options;
}

static std::vector<GpuLinearKey> makeKeys() {
  std::vector<GpuLinearKey> keys;
  for (int64_t tokens : {16, 32, 64})
    for (int64_t columns : {640, 2560})
      // Rows of the output begin with a sector, see Machine::run().
      keys.push_back(makeKey(126, columns, tokens));
  keys.push_back(makeKey(126, 2560, 64));
  keys.back().parameters.granularity = Granularity::Group;
  keys.back().parameters.group = 128;
  keys.push_back(makeKey(126, 2560, 64));
  keys.back().parameters.a = keys.back().parameters.b = FactorType::F16;
  keys.back().parameters.rank = 32;
  return keys;
}

TEST(PrefillCost, SharedMemoryHasNoConflicts) {
  std::vector<GpuLinearKey> keys = makeKeys();
  Compiled compiled = compile(keys);
  Machine machine(compiled);
  for (auto [index, key] : llvm::enumerate(keys)) {
    Outcome run =
        machine.expectRun(Layer(key), index, key.tokens, makeCounting());
    uint64_t reads = 0;
    for (const InstructionCounts &counts : run.decode.instructions) {
      StringRef text = counts.text;
      // Eight lanes at a time where each has 16 bytes.
      bool isWide = text.contains(".v4") || text.contains(", 16");
      EXPECT_EQ(counts.wavefronts, counts.sharedRequests * (isWide ? 4 : 1))
          << text.str();
      reads += text.starts_with("ld.shared") ? counts.sharedRequests : 0;
    }
    EXPECT_GT(reads, 0u);
  }
}

TEST(PrefillCost, SectorsAreUsedWhole) {
  std::vector<GpuLinearKey> keys = makeKeys();
  Compiled compiled = compile(keys);
  Machine machine(compiled);
  for (auto [index, key] : llvm::enumerate(keys)) {
    Outcome run =
        machine.expectRun(Layer(key), index, key.tokens, makeCounting());
    // Of weights, activations and results, which are all that grows with the
    // matrix and the tokens. A row of ten chunks is shared by two units.
    uint64_t bytes = 0, sectors = 0;
    for (const InstructionCounts &counts : run.decode.instructions) {
      StringRef text = counts.text;
      bool isCopy = text.contains("cp.async") && text.contains(", 16");
      if (!isCopy && !text.contains("ld.global.nc.v4.b32") &&
          !text.contains("st.global"))
        continue;
      bytes += counts.globalBytes;
      sectors += counts.sectors;
    }
    if (key.parameters.columns % 256 == 0)
      EXPECT_GE(bytes, 0.98 * 32 * sectors) << key.getDecodeName();
    EXPECT_GT(sectors, 0u);
  }
}

//===----------------------------------------------------------------------===//
// Mutants
//===----------------------------------------------------------------------===//

namespace {

/// A change of the text of a kernel which makes it wrong.
struct Mutant {
  const char *name;
  std::function<bool(std::string &text)> apply;
};

} // namespace

/// Replaces the `number`th occurrence after `start`.
static bool replace(std::string &text, StringRef from, StringRef to,
                    StringRef start = "", unsigned number = 0) {
  size_t place = text.find(start.str());
  for (unsigned count = 0; place != text.npos && count <= number; ++count)
    place = text.find(from.str(), place + (count > 0));
  if (place == text.npos)
    return false;
  text.replace(place, from.size(), to.str());
  return true;
}

/// Exchanges two registers of the first list after `opcode`, counted from 0.
static bool exchange(std::string &text, StringRef opcode, unsigned list,
                     unsigned left, unsigned right) {
  size_t begin = text.find(opcode.str());
  for (unsigned count = 0; begin != text.npos && count <= list; ++count)
    begin = text.find('{', begin + 1);
  if (begin == text.npos)
    return false;
  size_t end = text.find('}', begin);
  llvm::SmallVector<StringRef> parts;
  std::string names = text.substr(begin + 1, end - begin - 1);
  StringRef(names).split(parts, ", ");
  std::swap(parts[left], parts[right]);
  text.replace(begin + 1, end - begin - 1, llvm::join(parts, ", "));
  return true;
}

/// Sends the copies of the loop where those before it went.
static bool copyToOneStage(std::string &text) {
  constexpr char copy[] = "cp.async.cg.shared.global [";
  size_t first = text.find(copy), loop = text.find("cp.async.commit_group");
  size_t place = text.find(copy, loop);
  if (first == text.npos || place == text.npos)
    return false;
  auto target = [&](size_t begin) {
    begin += sizeof(copy) - 1;
    return text.substr(begin, text.find(']', begin) - begin);
  };
  text.replace(place + sizeof(copy) - 1, target(place).size(), target(first));
  return true;
}

TEST(PrefillMutants, AreCaught) {
  constexpr char mma[] = "mma.sync.aligned.m16n8k32";
  constexpr char entry[] = ".entry hgf_prefill";
  Mutant mutants[] = {
      {"none", [](std::string &) { return true; }},
      {"no wait for the copies",
       [&](std::string &text) {
         return replace(text, "cp.async.wait_group \t0;", "", entry);
       }},
      {"no barrier",
       [&](std::string &text) {
         return replace(text, "bar.sync", "//", entry);
       }},
      {"a stage too late",
       [&](std::string &text) {
         return replace(text, "cp.async.wait_group \t0;",
                        "cp.async.wait_group \t1;", entry);
       }},
      {"rows of the first matrix exchanged",
       [&](std::string &text) { return exchange(text, mma, 1, 0, 1); }},
      {"columns of the second matrix exchanged",
       [&](std::string &text) { return exchange(text, mma, 2, 0, 1); }},
      {"signed as unsigned",
       [&](std::string &text) { return replace(text, ".u8.s8.", ".u8.u8."); }},
      {"another shift of codes",
       [&](std::string &text) {
         return replace(text, ", 4;", ", 2;", "cp.async.commit_group", 0);
       }},
      {"one buffer", copyToOneStage},
      {"tokens that do not exist",
       [&](std::string &text) {
         return replace(text, ", 16, 0,", ", 16, 16,", entry, 1);
       }},
      {"rows that do not exist",
       [&](std::string &text) {
         return replace(text, "min.s32", "max.s32", entry);
       }},
      {"another token's activations",
       [&](std::string &text) {
         return replace(text, "+2048];", "+4096];", "ld.shared.v4");
       }},
  };
  GpuLinearKey key = makeKey(70, 800, 32);
  Compiled original = compile({key});
  Layer layer(key);
  constexpr int64_t tokens = 40;
  Feed feed = layer.makeFeed(tokens, 5);
  for (const Mutant &mutant : mutants) {
    Compiled changed = original;
    ASSERT_TRUE(mutant.apply(changed.ptx)) << mutant.name;
    unsigned caught = 0;
    constexpr unsigned seeds = 3;
    for (unsigned seed = 0; seed < seeds; ++seed) {
      LaunchOptions options;
      options.seed = seed;
      Machine machine(changed);
      Outcome run = machine.run(layer, 0, feed, options);
      bool isRight = run.decode.isClean();
      for (int64_t token = 0; isRight && token < tokens; ++token) {
        const float *y = &run.y[token * key.parameters.rows];
        isRight = Floats(y, y + key.parameters.rows) ==
                  layer.computeExactly(feed, token);
      }
      caught += !isRight;
    }
    EXPECT_EQ(caught, mutant.name == StringRef("none") ? 0 : seeds)
        << mutant.name;
  }
}
