//===- BackboneKernel.cpp - The ternary product of a block of rows -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Backbone.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;
/// Activations of a chunk: so many that the totals and the weights of the chunk
/// and of the next one fit into the first-level cache, too.
static constexpr int64_t chunkInputBytes = 24576;

/// A vector of codes lies in one group.
static int64_t getVectorBytes(const KernelBuilder &k) {
  int64_t bytes = k.level.vectorBytes;
  return k.key.granularity == Granularity::Group ? std::min(bytes, k.key.group)
                                                 : bytes;
}

/// Several tokens of 8 bits, where the level multiplies matrices.
static bool usesMatrices(const KernelBuilder &k) {
  return k.key.tokens > 1 && !k.level.matrixBlocks.empty() &&
         k.key.quantization != Quantization::None &&
         k.key.granularity != Granularity::Group &&
         k.key.encoding->keepsLanes();
}

Backbone::Backbone(KernelBuilder &k)
    : k(k), encoding(*k.key.encoding), tokens(k.key.tokens),
      blockRows(encoding.getBlockRows()), bundleRows(encoding.getBundleRows()),
      bundleBytes(encoding.getBundleBytes()), vectorBytes(getVectorBytes(k)),
      blockBytes(encoding.getBlockBytes()),
      partCount(encoding.getPartCount(vectorBytes)),
      groups(isGrouped() ? encoding.getBlockColumns() / k.key.group : 1),
      matrices(usesMatrices(k)),
      mixed(!isFloat() && !isGrouped() && encoding.canMix()),
      mix(k.level.widens() ? Encoding::Mix::Multiples : Encoding::Mix::Rows),
      codes(k.vector(vectorBytes, k.i8())) {
  const TokenBlock &block = k.level.getTokenBlock(tokens, matrices);
  tileRows = block.rows;
  tileTokens = block.together;
  tileTotals = tileRows * tileTokens / (matrices ? 4 : 1);
  assert(tileRows % bundleRows == 0 && (!matrices || tileTokens == tokens));
  assert(blockRows == lanes && "epilogues take a row block as one vector");
  assert(!isGrouped() ||
         encoding.keepsGroups(k.key.group, isFloat() ? lanes : vectorBytes));
  accumulator = k.getAccumulator(vectorBytes);
  total = k.vector(vectorBytes / 4, isGrouped() ? k.f32() : k.i32());
  widens = k.level.widens() && !isGrouped();
  chunk = chunkInputBytes / encoding.getBlockColumns() / tokens;
  if (tileRows == blockRows)
    chunk = std::numeric_limits<int32_t>::max();
  if (widens) {
    int64_t steps = encoding.getBlockColumns() / vectorBytes;
    int64_t safeSteps = k.getSafeSteps();
    if (mixed)
      safeSteps /= Encoding::mixedFactor;
    chunk = std::min(chunk, safeSteps / steps);
  }
  chunk = std::max<int64_t>(chunk, 1);
  blocks = k.argument(BlockCount);
  inputBytes = k.multiply(blocks, encoding.getBlockColumns() *
                                      (isFloat() ? floatBytes : 1));
  rowBlockBytes = k.multiply(blocks, blockBytes);
}

void Backbone::build() {
  k.loop(k.argument(Begin), k.argument(End), 1, {},
         [&](Value rowBlock, ArrayRef<Value>) -> Values {
           Value weights = k.address(k.argument(WeightsPointer),
                                     k.multiply(rowBlock, rowBlockBytes));
           Values products = multiply(rowBlock, weights);
           emitEpilogue(k, rowBlock, products);
           return {};
         });
}

Backbone::Values Backbone::multiply(Value rowBlock, Value weights) {
  if (isFloat())
    return scaleFloat(rowBlock, emitFloat(rowBlock, weights));
  return scale(rowBlock, tileRows == blockRows
                             ? emitWholeRows(rowBlock, weights)
                             : emitTiles(rowBlock, weights));
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

Value Backbone::scaleVector(Value rowBlock) {
  if (k.key.granularity == Granularity::Tensor)
    return k.splat(k.load(k.f32(), k.argument(ScalesPointer), 4));
  return k.load(k.floats(),
                k.address(k.argument(ScalesPointer),
                          k.multiply(rowBlock, blockRows * floatBytes)),
                32);
}

Value Backbone::inputScale(int64_t token) {
  return k.load(k.f32(),
                k.address(k.argument(InputScalesPointer), token * floatBytes),
                4);
}

Backbone::Values Backbone::scale(Value rowBlock, ArrayRef<Value> totals) {
  Values products;
  if (isGrouped()) {
    for (int64_t token = 0; token < tokens; ++token)
      products.push_back(
          k.multiplyFloat(totals[token], k.splat(inputScale(token))));
    return products;
  }
  Value scales = scaleVector(rowBlock);
  for (int64_t token = 0; token < tokens; ++token) {
    Value sums = k.splat(k.load(
        k.i32(), k.address(k.argument(SumsPointer), token * floatBytes), 4));
    Value dots = totals[token];
    if (mixed)
      dots = encoding.emitSeparate(k.b, k.b.getLoc(), mix, dots, sums);
    Value product = k.toFloat(
        removeOffset(dots, times(sums, getCodeMeaning(k.key.levels).offset)));
    Value factor = k.multiplyFloat(scales, k.splat(inputScale(token)));
    products.push_back(k.multiplyFloat(product, factor));
  }
  return products;
}

Value Backbone::times(Value value, int64_t factor) {
  return factor == 1 ? value
                     : arith::MulIOp::create(
                           k.b, value, k.integer(value.getType(), factor));
}

Value Backbone::removeOffset(Value totals, Value excess) {
  return k.subtract(times(totals, getCodeMeaning(k.key.levels).factor), excess);
}

Value Backbone::groupScales(Value rowBlock, Value block, Value row) {
  Value group = k.multiply(k.add(k.multiply(rowBlock, blocks), block), groups);
  Value index = k.add(k.multiply(group, blockRows), row);
  return k.address(k.argument(ScalesPointer), k.multiply(index, floatBytes));
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

Value Backbone::inputPointer(Value start, Value block, int64_t token) {
  Value offset = k.multiply(block, encoding.getBlockColumns() *
                                       (isFloat() ? floatBytes : 1));
  if (token)
    offset = k.add(offset, k.multiply(inputBytes, token));
  return k.address(start, offset);
}

Backbone::Values Backbone::emitChunk(Value rowBlock, Value row, Value pointer,
                                     Value inputs, Value first, Value last,
                                     Value prefetchDistance,
                                     ArrayRef<Value> totals) {
  Values start(totals);
  if (widens)
    start.assign(totals.size(), k.integer(accumulator, 0));
  Values parts =
      k.loop(first, last, 1, start, [&](Value block, ArrayRef<Value> carried) {
        Values sums(carried);
        Value rows = k.address(pointer, k.multiply(block, blockBytes));
        int64_t rowBytes = tileRows / bundleRows * bundleBytes;
        for (int64_t line = 0; line < rowBytes; line += 64)
          k.prefetch(k.address(rows, line), prefetchDistance);
        Values x;
        for (int64_t token = 0; token < tileTokens; ++token)
          x.push_back(inputPointer(inputs, block, token));
        if (isGrouped())
          emitGroupBlock(rows, x, groupScales(rowBlock, block, row), sums);
        else
          emitBlock(rows, x, sums);
        return sums;
      });
  if (!widens)
    return parts;
  for (auto [part, sum] : llvm::zip_equal(parts, totals))
    part = widen(sum, part);
  return parts;
}

Backbone::Values Backbone::emitWholeRows(Value rowBlock, Value weights) {
  Values totals(tileTotals,
                isGrouped() ? k.real(total, 0) : k.integer(total, 0));
  Value distance = k.size(k.level.prefetchBytes);
  Value inputs = k.argument(InputsPointer);
  Value zero = k.size(0);
  if (widens)
    totals = k.loop(zero, blocks, chunk, totals,
                    [&](Value first, ArrayRef<Value> carried) {
                      Value last = k.minimum(k.add(first, chunk), blocks);
                      return emitChunk(rowBlock, zero, weights, inputs, first,
                                       last, distance, carried);
                    });
  else
    totals = emitChunk(rowBlock, zero, weights, inputs, zero, blocks, distance,
                       totals);
  if (matrices)
    return reducePairs(totals);
  Values result;
  for (int64_t token = 0; token < tokens; ++token) {
    Values rows;
    for (int64_t row = 0; row < blockRows; ++row)
      rows.push_back(totals[row * tokens + token]);
    result.push_back(orderRows(reduce(rows)));
  }
  return result;
}

Backbone::Values Backbone::emitTiles(Value rowBlock, Value weights) {
  int64_t totalBytes = total.getNumElements() * 4;
  int64_t tilesPerRow = tokens / tileTokens;
  if (!memory) {
    memory = k.stack(blockRows * tokens * totalBytes);
    products = k.stack(blockRows * tokens * floatBytes);
    // Chunks of one length, so that none is too short to be worth its loads
    // and stores of totals.
    Value count = k.divideUp(blocks, k.size(chunk));
    chunkBlocks = k.divideUp(blocks, count);
  }
  Value zero = isGrouped() ? k.real(total, 0) : k.integer(total, 0);
  SmallVector<Type> totalTypes(tileTotals, total);
  // Every line is asked for one chunk ahead: long before it is needed, and
  // still in the cache by then.
  Value distance = k.multiply(chunkBlocks, blockBytes);
  auto emitTile = [&](Value tile, Value part, Value first, Value last) {
    Value index = k.add(k.multiply(tile, tilesPerRow), part);
    Value slots = k.address(memory, k.multiply(index, tileTotals * totalBytes));
    auto slot = [&](int64_t index) {
      return k.address(slots, index * totalBytes);
    };
    Value row = k.multiply(tile, tileRows);
    Value token = k.multiply(part, tileTokens);
    Values totals = k.branch(
        k.isLess(k.size(0), first), totalTypes,
        [&] {
          Values loaded;
          for (int64_t index = 0; index < tileTotals; ++index)
            loaded.push_back(k.load(total, slot(index), totalBytes));
          return loaded;
        },
        [&] { return Values(tileTotals, zero); });
    Value pointer =
        k.address(weights, k.multiply(row, bundleBytes / bundleRows));
    Value inputs =
        k.address(k.argument(InputsPointer), k.multiply(inputBytes, token));
    Values sums = emitChunk(rowBlock, row, pointer, inputs, first, last,
                            distance, totals);
    k.branch(
        k.isLess(last, blocks), {},
        [&] {
          for (auto [index, sum] : llvm::enumerate(sums))
            k.store(sum, slot(index), totalBytes);
          return Values();
        },
        [&] {
          storeProducts(row, token, sums);
          return Values();
        });
  };
  auto forEach = [&](int64_t count, llvm::function_ref<void(Value)> body) {
    k.loop(k.size(0), k.size(count), 1, {},
           [&](Value index, ArrayRef<Value>) -> Values {
             body(index);
             return {};
           });
  };
  k.loop(k.size(0), blocks, chunkBlocks, {},
         [&](Value first, ArrayRef<Value>) -> Values {
           Value last = k.minimum(k.add(first, chunkBlocks), blocks);
           forEach(blockRows / tileRows, [&](Value tile) {
             forEach(tilesPerRow,
                     [&](Value part) { emitTile(tile, part, first, last); });
           });
           return {};
         });
  Values result;
  VectorType type = k.vector(blockRows, total.getElementType());
  for (int64_t token = 0; token < tokens; ++token)
    result.push_back(orderRows(
        k.load(type, k.address(products, token * blockRows * floatBytes), 32)));
  return result;
}

void hgf::buildBackbone(KernelBuilder &k) { Backbone(k).build(); }
