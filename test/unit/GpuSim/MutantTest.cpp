//===- MutantTest.cpp - Whole kernels, and bugs planted in them ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A planted bug must be caught under every seed: by a finding, or by values
// that differ from plain C++ where the kernel is valid but computes something
// else.
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "llvm/Support/MemoryBuffer.h"
#include <optional>

using namespace hgf::gpusim;

namespace {

struct Outcome {
  Report report;
  bool right = false;
};

using Runner = Outcome (*)(const std::string &ptx, uint64_t seed);

struct Mutant {
  const char *name, *text, *replacement;
  /// None: the values are wrong.
  std::optional<Defect> defect;
};

std::string readInput(const std::string &name) {
  auto file = llvm::MemoryBuffer::getFile(HGF_GPUSIM_INPUTS "/" + name);
  EXPECT_TRUE(bool(file)) << name;
  return file ? (*file)->getBuffer().str() : "";
}

template <class T>
uint64_t upload(DeviceMemory &memory, const std::vector<T> &values) {
  uint64_t address = memory.allocate(values.size() * sizeof(T));
  memory.write(address, values.data(), values.size() * sizeof(T));
  return address;
}

template <class T>
std::vector<T> download(const DeviceMemory &memory, uint64_t address,
                        size_t count) {
  std::vector<T> values(count);
  memory.read(address, values.data(), count * sizeof(T));
  return values;
}

Report launch(DeviceMemory &memory, const std::string &ptx, const char *kernel,
              Dimensions grid, Dimensions block,
              llvm::ArrayRef<const void *> parameters, uint64_t seed) {
  LaunchOptions options;
  options.seed = seed;
  options.maximumSteps = 1000000;
  Module module = llvm::cantFail(Module::parse(memory, ptx));
  return llvm::cantFail(module.getKernel(kernel))
      .launch(grid, block, 0, parameters, options);
}

Outcome runReduce(const std::string &ptx, uint64_t seed) {
  // The last block has 100 of its 512 integers.
  constexpr uint32_t count = 1124, blocks = 3;
  DeviceMemory memory;
  std::vector<uint32_t> values(count), sums(blocks, 0);
  std::mt19937 random(1);
  for (uint32_t index = 0; index < count; ++index)
    sums[index / 512] += values[index] = random();
  uint64_t input = upload(memory, values), output = memory.allocate(4 * blocks);
  const void *parameters[] = {&input, &output, &count};
  Report report = launch(memory, ptx, "reduce", {blocks, 1, 1}, {128, 1, 1},
                         parameters, seed);
  return {report, download<uint32_t>(memory, output, blocks) == sums};
}

Outcome runTile(const std::string &ptx, uint64_t seed) {
  constexpr uint32_t size = 160;
  DeviceMemory memory;
  std::vector<int8_t> a(16 * size), b(16 * size);
  std::mt19937 random(2);
  for (std::vector<int8_t> *matrix : {&a, &b})
    for (int8_t &element : *matrix)
      element = int8_t(random());
  std::vector<int32_t> c(256, 0);
  for (int row = 0; row < 16; ++row)
    for (int column = 0; column < 16; ++column)
      for (uint32_t k = 0; k < size; ++k)
        c[16 * row + column] += a[row * size + k] * b[column * size + k];
  uint64_t left = upload(memory, a), right = upload(memory, b),
           out = memory.allocate(1024);
  const void *parameters[] = {&left, &right, &out, &size};
  Report report =
      launch(memory, ptx, "tile", {1, 1, 1}, {64, 1, 1}, parameters, seed);
  return {report, download<int32_t>(memory, out, 256) == c};
}

Outcome runGemv(const std::string &ptx, uint64_t seed) {
  // Seven rows on two blocks of four warps: the last warp has none.
  constexpr uint32_t columns = 1040, rows = 7;
  DeviceMemory memory;
  std::mt19937 random(4);
  std::vector<uint32_t> words(rows * columns / 16);
  std::vector<int8_t> x(columns);
  std::vector<float> scales(rows), y(rows);
  for (int8_t &element : x)
    element = int8_t(random());
  for (uint32_t row = 0; row < rows; ++row) {
    int32_t sum = 0;
    for (uint32_t column = 0; column < columns; ++column) {
      uint32_t code = random() % 3, q = column / 4 % 4;
      words[(row * columns + column) / 16] |= code
                                              << (2 * q + 8 * (column % 4));
      sum += (int(code) - 1) * x[column];
    }
    scales[row] = 0.25f * (row + 1);
    y[row] = float(sum) * scales[row];
  }
  uint64_t w = upload(memory, words), activations = upload(memory, x),
           s = upload(memory, scales), out = memory.allocate(4 * rows);
  const void *parameters[] = {&w, &activations, &s, &out, &columns, &rows};
  Report report =
      launch(memory, ptx, "gemv", {2, 1, 1}, {128, 1, 1}, parameters, seed);
  return {report, download<float>(memory, out, rows) == y};
}

void expectRight(const std::string &input, Runner run) {
  std::string ptx = readInput(input);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Outcome outcome = run(ptx, seed);
    EXPECT_TRUE(outcome.right) << input;
    EXPECT_TRUE(outcome.report.isClean()) << describe(outcome.report);
  }
}

void expectCaught(const std::string &input, Runner run,
                  llvm::ArrayRef<Mutant> mutants) {
  for (const Mutant &mutant : mutants) {
    std::string ptx = readInput(input);
    size_t at = ptx.find(mutant.text);
    ASSERT_NE(at, std::string::npos) << mutant.name;
    ptx.replace(at, strlen(mutant.text), mutant.replacement);
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Outcome outcome = run(ptx, seed);
      if (mutant.defect)
        EXPECT_TRUE(outcome.report.has(*mutant.defect))
            << mutant.name << "\n"
            << describe(outcome.report);
      else
        EXPECT_FALSE(outcome.right) << mutant.name;
    }
  }
}

} // namespace

TEST(Mutant, ReduceIsRight) { expectRight("reduce.ptx", runReduce); }

TEST(Mutant, TileIsRight) { expectRight("tile.ptx", runTile); }

TEST(Mutant, GemvIsRight) { expectRight("gemv.ptx", runGemv); }

TEST(Mutant, OfReduce) {
  const Mutant mutants[] = {
      {"missing barrier", "bar.sync 0;", "", Defect::Race},
      {"divergent barrier", "bar.sync 0;", "@%first bar.sync 0;",
       Defect::Barrier},
      {"barrier behind a branch", "@!%inside bra SHUFFLE;",
       "@!%inside bra SHUFFLE; bar.sync 0;", Defect::Barrier},
      {"wrong shuffle offset", "%sum, 4, 31", "%sum, 3, 31", std::nullopt},
      {"mask without a lane", "%sum, 16, 31, -1", "%sum, 16, 31, 0x7fffffff",
       Defect::Membermask},
      {"lanes that do not come", "@!%inside bra SHUFFLE;", "@!%inside bra END;",
       Defect::Membermask},
      {"out of bounds in the tail", "setp.lt.u32 %inside, %index, %count;",
       "setp.lt.u32 %inside, %index, 1536;", Defect::OutOfBounds},
      {"tail one too long", "%index, %count;", "%index, 1128;",
       Defect::OutOfBounds},
      {"misaligned vector", "[%in];", "[%in+4];", Defect::Misaligned},
      {"uninitialised", "@%first st.shared.u32",
       "setp.eq.u32 %first, %tid, 0; @%first st.shared.u32",
       Defect::Uninitialised},
      {"beyond shared memory", "[partial+12]", "[partial+16]",
       Defect::OutOfBounds},
      {"no end", "@!%zero bra END;", "WAIT: bra WAIT;", Defect::StepLimit},
  };
  expectCaught("reduce.ptx", runReduce, mutants);
}

TEST(Mutant, OfTile) {
  const Mutant mutants[] = {
      {"missing barrier before reading", "bar.sync 0; // the stage",
       "// the stage", Defect::Race},
      {"missing barrier after reading", "bar.sync 0; // and has", "// and has",
       Defect::Race},
      {"missing wait", "cp.async.wait_group 1;", "", Defect::PendingCopy},
      {"wait for too little", "cp.async.wait_group 1;",
       "cp.async.wait_group 2;", Defect::PendingCopy},
      {"barrier before the wait", "cp.async.wait_group 1;\n  bar.sync 0;",
       "bar.sync 0;\n  cp.async.wait_group 1;", Defect::Race},
      {"single buffer", "xor.b32 %target, %stage, 1024;", "mov.b32 %target, 0;",
       Defect::PendingCopy},
      {"missing commit",
       "cp.async.commit_group;\nLOOP:", "LOOP:", Defect::PendingCopy},
      {"swapped operands of mma", "{%a0, %a1, %a2, %a3}, {%b0",
       "{%a0, %a2, %a1, %a3}, {%b0", std::nullopt},
      {"swapped halves of B", "{%b0, %b1}, {%c0", "{%b1, %b0}, {%c0",
       std::nullopt},
      {"swapped addresses of ldmatrix", "{%a0, %a1, %a2, %a3}, [",
       "{%a0, %a2, %a1, %a3}, [", std::nullopt},
      {"a copy is missing", "  cp.async.cg.shared.global [%to]",
       "  @%p cp.async.cg.shared.global [%to]", Defect::Uninitialised},
      {"copies beyond the end", "@%more cp.async", "cp.async",
       Defect::OutOfBounds},
      {"misaligned copy", "[%to], [%from], 16", "[%to], [%from+8], 16",
       Defect::Misaligned},
      {"mma of a part of the warp", "mma.sync",
       "setp.ne.u32 %p, %lane, 5; @%p mma.sync", Defect::Membermask},
  };
  expectCaught("tile.ptx", runTile, mutants);
}

TEST(Mutant, OfGemv) {
  const Mutant mutants[] = {
      {"no rows left out", "setp.ge.s32 \t%p1, %r3, %r8;",
       "setp.ge.s32 \t%p1, %r3, 8;", Defect::OutOfBounds},
      {"wrong mask of codes", "202116108", "202116107", std::nullopt},
      {"signed codes", "dp4a.u32.s32", "dp4a.s32.u32", std::nullopt},
      {"offset of a shuffle", "%r35, 4, 31", "%r35, 3, 31", std::nullopt},
  };
  expectCaught("gemv.ptx", runGemv, mutants);
}
