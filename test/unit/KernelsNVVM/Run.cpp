//===- Run.cpp - Layers in the simulator --------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Layer.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace hgf;
using namespace hgf::gpusim;
using namespace hgf::test;

static constexpr uint8_t garbage = 0xa5;

GpuLinearKey hgf::test::makeKey(int64_t rows, int64_t columns, int64_t tokens) {
  GpuLinearKey key;
  key.parameters.rows = rows;
  key.parameters.columns = columns;
  key.parameters.granularity = Granularity::Row;
  key.quantization = Quantization::Reciprocal;
  key.alignedInput = true;
  key.tokens = tokens;
  return key;
}

static std::string describe(const Report &report) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  report.print(stream);
  return text;
}

Machine::Machine(const Compiled &compiled) : compiled(compiled) {
  llvm::Expected<Module> parsed = Module::parse(memory, compiled.ptx);
  if (!parsed)
    ADD_FAILURE() << llvm::toString(parsed.takeError());
  else
    module = *parsed;
}

Machine::Rows Machine::writeRows(const Floats &source, int64_t tokens,
                                 int64_t length, bool aligned) {
  Rows rows;
  // One float of padding where nothing is promised, at the start too.
  rows.stride = aligned ? llvm::alignTo(length * 4, 16) + 16 : length * 4 + 4;
  int64_t start = aligned ? 16 : 4;
  // Nothing behind the last row.
  rows.address =
      memory.allocate(start + (tokens - 1) * rows.stride + length * 4) + start;
  for (int64_t token = 0; token < tokens; ++token)
    memory.write(rows.address + token * rows.stride, &source[token * length],
                 length * 4);
  return rows;
}

Outcome Machine::run(const Layer &layer, size_t index, const Feed &feed,
                     LaunchOptions options) {
  Outcome result;
  if (!module)
    return result;
  const GpuLinearKey &key = layer.key;
  int64_t rows = key.parameters.rows, tokens = feed.tokens;
  Bytes blob = layer.makeBlob();
  uint64_t weights = memory.allocate(blob.size());
  memory.write(weights, blob.data(), blob.size());
  Rows x = writeRows(feed.x, tokens, key.parameters.columns, key.alignedInput);
  uint64_t scratch = memory.allocate(
      std::max<int64_t>(1, tokens * computeGpuScratch(key).tokenBytes));
  Rows residual;
  if (key.residual)
    residual = writeRows(feed.residual, tokens, rows, false);
  // Tokens that do not exist keep their garbage.
  int64_t stride = rows * 4 + 8, spare = key.tokens;
  uint64_t output = memory.allocate((tokens + spare) * stride);
  memory.fill(output, garbage, (tokens + spare) * stride);

  auto launch = [&](const Launch &launch,
                    llvm::ArrayRef<const void *> arguments) {
    uint32_t groups = llvm::divideCeil(tokens, launch.tokens);
    return llvm::cantFail(module->getKernel(launch.name))
        .launch({uint32_t(launch.blocks), groups, 1},
                {uint32_t(launch.threads), 1, 1}, 0, arguments, options);
  };
  if (needsPrologue(key))
    result.prologue = launch(compiled.prologues[index],
                             {&x.address, &x.stride, &weights, &scratch});
  result.decode =
      launch(compiled.decodes[index],
             {&x.address, &x.stride, &weights, &scratch, &residual.address,
              &residual.stride, &output, &stride, &tokens});

  Bytes bytes((tokens + spare) * stride);
  memory.read(output, bytes.data(), bytes.size());
  for (int64_t token = 0; token < tokens + spare; ++token) {
    const uint8_t *row = &bytes[token * stride];
    int64_t written = token < tokens ? rows * 4 : 0;
    if (written) {
      result.y.resize(result.y.size() + rows);
      std::memcpy(&result.y[token * rows], row, written);
    }
    for (int64_t byte = written; byte < stride; ++byte)
      EXPECT_EQ(row[byte], garbage) << "behind the rows of token " << token;
  }
  return result;
}

Outcome Machine::expectRun(const Layer &layer, size_t index, int64_t tokens,
                           LaunchOptions options) {
  Feed feed = layer.makeFeed(tokens, tokens + 7);
  Outcome result = run(layer, index, feed, options);
  std::string name = layer.key.getDecodeName();
  EXPECT_TRUE(result.prologue.isClean()) << name << describe(result.prologue);
  EXPECT_TRUE(result.decode.isClean()) << name << describe(result.decode);
  int64_t rows = layer.key.parameters.rows;
  if (int64_t(result.y.size()) != tokens * rows)
    return result;
  for (int64_t token = 0; token < tokens; ++token) {
    const float *y = &result.y[token * rows];
    if (layer.isExact()) {
      Floats exact = layer.computeExactly(feed, token);
      EXPECT_EQ(Floats(y, y + rows), exact) << name << " token " << token;
      continue;
    }
    Doubles expected = layer.compute(feed, token);
    double magnitude = 1e-3, error = 0;
    for (int64_t row = 0; row < rows; ++row) {
      magnitude = std::max(magnitude, std::abs(expected[row]));
      error = std::max(error, std::abs(expected[row] - y[row]));
      EXPECT_FALSE(std::isnan(y[row])) << name << " row " << row;
    }
    EXPECT_LE(error, 4e-6 * magnitude) << name << " token " << token;
  }
  return result;
}

void hgf::test::expectLayers(llvm::ArrayRef<GpuLinearKey> keys,
                             llvm::ArrayRef<int64_t> tokens) {
  Compiled compiled = compile(keys);
  Machine machine(compiled);
  for (auto [index, key] : llvm::enumerate(keys)) {
    Layer layer(key);
    for (int64_t count : tokens) {
      LaunchOptions options;
      options.seed = index + count;
      machine.expectRun(layer, index, count, options);
    }
  }
}
