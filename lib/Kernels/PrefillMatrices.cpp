//===- PrefillMatrices.cpp - Many tokens, products of matrices --*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefill.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

namespace {

/// The panel is [column / 8][row / 2][row % 2][column % 8], the totals
/// [token / 2][row / 2][row % 2][token % 2]. The last token of an odd number is
/// its own neighbour; nothing reads the second one's totals.
class PrefillMatrices : public Prefill {
public:
  explicit PrefillMatrices(KernelBuilder &k)
      : Prefill(k, matrixColumns, /*rowsPerVector=*/2, k.level.panelVectors) {
    assert(vectorBytes == 2 * matrixColumns && groupTokens % 2 == 0 &&
           !k.level.widens() && "see the level's table");
  }

private:
  static constexpr int64_t matrixColumns = 8;

  Value totalsOf(Value pair) {
    return k.address(totals, k.multiply(pair, vectors * vectorBytes));
  }

  /// Pairs of bundles are pairs of rows: joined as they are packed, which costs
  /// a fraction of joining their codes.
  void emitPanel(Value rowBlock, Value block, Value count) override {
    int64_t rowBlocks = panelRows / lanes;
    k.loop(k.size(0), k.size(rowBlocks), 1, {},
           [&](Value offset, ArrayRef<Value>) -> Values {
             Value clamped = clampRowBlock(rowBlock, offset);
             Value target =
                 k.address(panel, k.multiply(offset, lanes / rowsPerVector *
                                                         vectorBytes));
             k.loop(k.size(0), count, 1, {},
                    [&](Value index, ArrayRef<Value>) -> Values {
                      emitBlock(getPacked(clamped, k.add(block, index)),
                                k.address(target,
                                          k.multiply(index, blockPanelBytes)));
                      return {};
                    });
             return {};
           });
  }

  void emitBlock(Value packed, Value target) {
    int64_t bundleBytes = encoding.getBundleBytes();
    for (int64_t bundle = 0; bundle < encoding.getBundleCount(); bundle += 2) {
      Value first = k.address(packed, bundle * bundleBytes);
      k.prefetch(first);
      k.prefetch(k.address(first, bundleBytes));
      auto load = [&](int64_t offset) {
        return k.load(codes, k.address(first, offset),
                      encoding.getAlignment(vectorBytes));
      };
      for (int64_t part = 0; part < encoding.getPartCount(vectorBytes); ++part)
        for (int64_t half : {0, 1})
          encoding.emitUnpack(
              k.b, k.b.getLoc(), vectorBytes, part,
              [&](int64_t offset) {
                return k.joinHalves(load(offset), load(bundleBytes + offset),
                                    half);
              },
              [&](const Encoding::Codes &unpacked) {
                storeCodes(unpacked.codes, target,
                           unpacked.column + half * matrixColumns,
                           unpacked.row * encoding.getBundleCount() / 2 +
                               bundle / 2);
              });
    }
  }

  void emitGroup(int64_t size, Value token, Value, Value block,
                 Value count) override {
    int64_t blockColumns = encoding.getBlockColumns();
    Value firstColumn = k.multiply(block, blockColumns);
    Values inputs;
    for (int64_t i = 0, count = llvm::alignTo(size, 2); i < count; ++i)
      inputs.push_back(
          getInput(k.add(token, std::min(i, size - 1)), firstColumn));
    Value sums =
        totalsOf(arith::ShRUIOp::create(k.b, token, k.size(1)).getResult());
    int64_t sumCount = inputs.size() / 2 * vectors;
    Values init(sumCount);
    forEachTotal(sums, sumCount, [&](Value pointer, int64_t index) {
      init[index] = k.load(total, pointer, vectorBytes);
    });
    Value steps = k.multiply(count, blockColumns / stepColumns);
    Values results = emitSteps(steps, inputs, init);
    forEachTotal(sums, sumCount, [&](Value pointer, int64_t index) {
      k.store(results[index], pointer, vectorBytes);
    });
  }

  /// The innermost loop: accumulators[pair of tokens][pair of rows].
  Values emitSteps(Value steps, ArrayRef<Value> inputs, ArrayRef<Value> init) {
    static_assert(unrolledSteps == 2, "the halves of a vector of activations");
    return k.loop(
        k.size(0), steps, unrolledSteps, init,
        [&](Value step, ArrayRef<Value> carried) {
          Values accumulators(carried);
          Value column = k.address(panel, k.multiply(step, stepBytes));
          Value offset = k.multiply(step, stepColumns);
          Values x;
          for (Value input : inputs)
            x.push_back(k.load(codes, k.address(input, offset), vectorBytes));
          for (int64_t half = 0; half < unrolledSteps; ++half) {
            Values pairs;
            for (size_t token = 0; token < inputs.size(); token += 2)
              pairs.push_back(k.joinHalves(x[token], x[token + 1], half));
            for (int64_t v = 0; v < vectors; ++v) {
              Value weights = loadCodes(column, half, v);
              for (size_t pair = 0; pair < pairs.size(); ++pair) {
                Value &sum = accumulators[pair * vectors + v];
                sum = DotStepOp::create(k.b, total, sum, weights, pairs[pair],
                                        /*signed_codes=*/false,
                                        /*matrix=*/true);
              }
            }
          }
          return accumulators;
        });
  }

  Value loadTotals(Value token, Value index) override {
    Value pair = arith::ShRUIOp::create(k.b, token, k.size(1));
    Value isSecond =
        isEqual(arith::AndIOp::create(k.b, token, k.size(1)), k.size(1));
    constexpr int64_t both = 2 * lanes;
    Value tokens =
        k.load(k.vector(both, k.i32()),
               k.address(totalsOf(pair), k.multiply(index, both * floatBytes)),
               vectorBytes);
    Values each;
    for (int64_t lane : {0, 1}) {
      SmallVector<int64_t> mask;
      for (int64_t row = 0; row < lanes; ++row)
        mask.push_back(2 * row + lane);
      each.push_back(shuffle(tokens, tokens, mask));
    }
    return arith::SelectOp::create(k.b, isSecond, each[1], each[0]);
  }
};

} // namespace

void hgf::buildPrefillMatrices(KernelBuilder &k) { PrefillMatrices(k).build(); }
