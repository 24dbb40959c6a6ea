//===- Layer.h - A layer with random parameters -----------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_TEST_UNIT_KERNELSNVVM_LAYER_H
#define HGF_TEST_UNIT_KERNELSNVVM_LAYER_H

#include "Compile.h"

#include "hgf/GpuSim/GpuSim.h"

#include <random>

namespace hgf::test {

using Bytes = std::vector<uint8_t>;
using Floats = std::vector<float>;
using Doubles = std::vector<double>;

/// A plain layer: one scale per row, int8 activations.
GpuLinearKey makeKey(int64_t rows, int64_t columns, int64_t tokens = 1);

/// What it is asked to compute: activations of M tokens with an all-zero row,
/// extreme rows and exact ties.
struct Feed {
  int64_t tokens;
  /// Dense.
  Floats x, residual;
};

/// A layer with random parameters, as bytes of the blob's source and as
/// numbers.
class Layer {
public:
  explicit Layer(const GpuLinearKey &key);

  Feed makeFeed(int64_t tokens, unsigned seed) const;
  /// What the definition of `hgf.linear` gives for one token, in double after
  /// the codes.
  Doubles compute(const Feed &feed, int64_t token) const;
  /// Whether the result is one product of an exact integer and two scales.
  bool isExact() const;
  /// The very float32 results where isExact().
  Floats computeExactly(const Feed &feed, int64_t token) const;

  Bytes makeBlob() const;

  GpuLinearKey key;

private:
  const LinearParameters &parameters() const { return key.parameters; }
  int64_t weight(int64_t row, int64_t column) const {
    int64_t index = row * parameters().columns + column;
    CodeMeaning meaning = getCodeMeaning(parameters().levels);
    return meaning.factor * (codes[index / 4] >> 2 * (index % 4) & 3) -
           meaning.offset;
  }
  float scale(int64_t row, int64_t column) const;
  /// x of a token after the norm, in float32 all along, since codes hang on the
  /// last bit.
  Floats normalize(const Feed &feed, int64_t token) const;
  /// The codes, and a / 127.
  std::vector<int> quantize(const Floats &x, float &inputScale) const;
  Doubles correct(const Doubles &x) const;

  Bytes codes;
  Floats scales, gate, gateWeight, bias, norm, aScale, bScale;
  /// As numbers; b flat, segment by segment.
  Doubles a, b;
  Bytes aBytes, bBytes;
  float gateBias = 0;
};

double activate(double x, Activation activation);

/// The results and the reports of both launches.
struct Outcome {
  Floats y;
  gpusim::Report prologue, decode;
};

/// A simulated GPU with kernels.
class Machine {
public:
  explicit Machine(const Compiled &compiled);

  /// Runs the kernels of the layer, which has number `index` among them.
  Outcome run(const Layer &layer, size_t index, const Feed &feed,
              gpusim::LaunchOptions options = {});
  /// Runs, and expects the reference's results and no findings.
  Outcome expectRun(const Layer &layer, size_t index, int64_t tokens,
                    gpusim::LaunchOptions options = {});

private:
  /// Rows of floats, `stride` bytes apart.
  struct Rows {
    uint64_t address = 0;
    int64_t stride = 0;
  };
  Rows writeRows(const Floats &source, int64_t tokens, int64_t length,
                 bool aligned);

  const Compiled &compiled;
  gpusim::DeviceMemory memory;
  std::optional<gpusim::Module> module;
};

/// Compiles each layer and runs each on each number of tokens.
void expectLayers(llvm::ArrayRef<GpuLinearKey> keys,
                  llvm::ArrayRef<int64_t> tokens);

} // namespace hgf::test

#endif // HGF_TEST_UNIT_KERNELSNVVM_LAYER_H
