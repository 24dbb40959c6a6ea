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

Backbone::Backbone(KernelBuilder &k)
    : k(k), encoding(*k.key.encoding), tokens(k.key.tokens),
      blockRows(encoding.getBlockRows()), rowBytes(encoding.getRowBytes()),
      vectorBytes(getVectorBytes(k)), blockBytes(blockRows * rowBytes),
      partCount(encoding.getPartCount(vectorBytes)),
      groups(isGrouped() ? encoding.getBlockColumns() / k.key.group : 1),
      tileRows(k.level.getTokenBlock(tokens).rows),
      tileTokens(k.level.getTokenBlock(tokens).together),
      codes(k.vector(vectorBytes, k.i8())) {
  assert(blockRows == lanes && "epilogues take a row block as one vector");
  assert(!isGrouped() ||
         encoding.keepsGroups(k.key.group, isFloat() ? lanes : vectorBytes));
  bool pairs = k.level.accumulator == Accumulator::Int16;
  accumulator = pairs ? k.vector(vectorBytes / 2, k.b.getI16Type())
                      : k.vector(vectorBytes / 4, k.i32());
  total = k.vector(vectorBytes / 4, isGrouped() ? k.f32() : k.i32());
  widens = pairs && !isGrouped();
  chunk = chunkInputBytes / encoding.getBlockColumns() / tokens;
  if (tileRows == blockRows)
    chunk = std::numeric_limits<int32_t>::max();
  if (widens) {
    int64_t steps = encoding.getBlockColumns() / vectorBytes;
    chunk = std::min(chunk, k.getSafeSteps() / steps);
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
    Value product = k.toFloat(removeOffset(
        totals[token], times(sums, getCodeMeaning(k.key.levels).offset)));
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

Value Backbone::loadInput(Value input, int64_t column) {
  return k.load(codes, k.address(input, column), vectorBytes);
}

Value Backbone::dot(Value accumulator, Value codes, Value x) {
  return DotStepOp::create(k.b, accumulator.getType(), accumulator, codes, x);
}

Value Backbone::widen(Value sum, Value part) {
  return DotWidenOp::create(k.b, sum.getType(), sum, part);
}

SmallVector<Backbone::Unpacked> Backbone::unpack(Value row, int64_t part) {
  SmallVector<Unpacked> result;
  auto load = [&](int64_t offset) {
    return k.load(codes, k.address(row, offset),
                  encoding.getAlignment(vectorBytes));
  };
  encoding.emitUnpack(
      k.b, k.b.getLoc(), vectorBytes, part, load,
      [&](Value codes, int64_t column) { result.push_back({codes, column}); });
  return result;
}

void Backbone::emitBlock(Value rows, ArrayRef<Value> inputs,
                         MutableArrayRef<Value> accumulators) {
  for (int64_t part = 0; part < partCount; ++part) {
    // One token goes row by row, as weights come, with its activations in
    // registers; several tokens go column by column, so that one load of
    // activations serves all rows.
    SmallVector<SmallVector<Unpacked>> unpacked;
    llvm::DenseMap<int64_t, Value> loaded;
    for (int64_t row = 0; row < tileRows; ++row) {
      unpacked.push_back(unpack(k.address(rows, row * rowBytes), part));
      if (tileTokens > 1)
        continue;
      for (const Unpacked &step : unpacked[row]) {
        Value &x = loaded[step.column];
        if (!x)
          x = loadInput(inputs[0], step.column);
        accumulators[row] = dot(accumulators[row], step.codes, x);
      }
    }
    if (tileTokens == 1)
      continue;
    for (size_t index = 0; index < unpacked[0].size(); ++index)
      for (int64_t token = 0; token < tileTokens; ++token) {
        Value x = loadInput(inputs[token], unpacked[0][index].column);
        for (int64_t row = 0; row < tileRows; ++row) {
          Value &sum = accumulators[row * tileTokens + token];
          sum = dot(sum, unpacked[row][index].codes, x);
        }
      }
  }
}

void Backbone::emitGroupBlock(Value rows, ArrayRef<Value> inputs, Value scales,
                              MutableArrayRef<Value> sums) {
  SmallVector<SmallVector<SmallVector<Unpacked>>> unpacked(
      tileRows, SmallVector<SmallVector<Unpacked>>(groups));
  for (int64_t row = 0; row < tileRows; ++row)
    for (int64_t part = 0; part < partCount; ++part)
      for (Unpacked &step : unpack(k.address(rows, row * rowBytes), part))
        unpacked[row][step.column / k.key.group].push_back(step);
  Value zero = k.integer(accumulator, 0);
  CodeMeaning meaning = getCodeMeaning(k.key.levels);
  Value offset = k.integer(codes, meaning.offset);
  Value none = k.integer(k.vector(total.getNumElements(), k.i32()), 0);
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t token = 0; token < tileTokens; ++token) {
      // What the codes have too much is removed in every lane: the lanes then
      // are exact, and none is large.
      Values x;
      Value excess = zero;
      for (const Unpacked &step : unpacked[0][group]) {
        x.push_back(loadInput(inputs[token], step.column));
        excess = dot(excess, offset, x.back());
      }
      bool startsWithExcess = meaning.factor == 1;
      Value start = startsWithExcess ? k.subtract(zero, excess) : zero;
      for (int64_t row = 0; row < tileRows; ++row) {
        Value part = start;
        for (auto [step, value] : llvm::zip_equal(unpacked[row][group], x))
          part = dot(part, step.codes, value);
        Value dots = widen(none, part);
        if (!startsWithExcess)
          dots = removeOffset(dots, widen(none, excess));
        Value scale = k.load(
            k.f32(), k.address(scales, (group * blockRows + row) * floatBytes),
            4);
        Value &sum = sums[row * tileTokens + token];
        sum = k.multiplyAdd(k.toFloat(dots),
                            k.splat(scale, total.getNumElements()), sum);
      }
    }
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
        for (int64_t line = 0; line < tileRows * rowBytes; line += 64)
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
  Values totals(blockRows * tokens,
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
  Values result;
  for (int64_t token = 0; token < tokens; ++token) {
    Values rows;
    for (int64_t row = 0; row < blockRows; ++row)
      rows.push_back(totals[row * tokens + token]);
    result.push_back(reduce(rows));
  }
  return result;
}

Backbone::Values Backbone::emitTiles(Value rowBlock, Value weights) {
  int64_t totalBytes = total.getNumElements() * 4;
  int64_t tileTotals = tileRows * tileTokens;
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
    Value pointer = k.address(weights, k.multiply(row, rowBytes));
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
    result.push_back(
        k.load(type, k.address(products, token * blockRows * floatBytes), 32));
  return result;
}

void Backbone::storeProducts(Value row, Value token, ArrayRef<Value> sums) {
  // Up to eight sums at once, rows of one token side by side.
  int64_t atOnce = std::min<int64_t>(sums.size(), lanes);
  Value start =
      k.address(products, k.multiply(k.add(k.multiply(token, blockRows), row),
                                     floatBytes));
  for (int64_t first = 0; first < int64_t(sums.size()); first += atOnce) {
    Values group;
    for (int64_t index = first; index < first + atOnce; ++index)
      group.push_back(sums[index % tileRows * tileTokens + index / tileRows]);
    Value reduced = reduce(group);
    for (int64_t index = 0; index < atOnce; index += tileRows) {
      Value rows = vector::ExtractStridedSliceOp::create(k.b, reduced, index,
                                                         tileRows, 1);
      int64_t offset = (first + index) / tileRows * blockRows * floatBytes;
      k.store(rows, k.address(start, offset), tileRows * floatBytes);
    }
  }
}

//===----------------------------------------------------------------------===//
// Sums of lanes
//===----------------------------------------------------------------------===//

Value Backbone::add(Value left, Value right) {
  return isGrouped() ? k.addFloat(left, right) : k.add(left, right);
}

Value Backbone::shuffle(Value left, Value right, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(k.b, left, right, mask);
}

Value Backbone::addPairs(Value left, Value right, ArrayRef<int64_t> low,
                         ArrayRef<int64_t> high) {
  return add(shuffle(left, right, low), shuffle(left, right, high));
}

Value Backbone::addHalves(Value vector) {
  int64_t half = cast<VectorType>(vector.getType()).getNumElements() / 2;
  auto low = llvm::to_vector(llvm::seq<int64_t>(0, half));
  auto high = llvm::to_vector(llvm::seq<int64_t>(half, 2 * half));
  return addPairs(vector, vector, low, high);
}

Value Backbone::reduce(ArrayRef<Value> totals) {
  assert((totals.size() == 4 || totals.size() == 8) && "see the level's table");
  Values sums(totals);
  int64_t size = total.getNumElements();
  // Two steps inside each 16 bytes, which costs least: they then hold four
  // rows, in the order of the rows.
  auto combine = [&](ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
    SmallVector<int64_t> lowMask, highMask;
    for (int64_t lane = 0; lane < size; lane += 4)
      for (auto [lowLane, highLane] : llvm::zip_equal(low, high)) {
        // The second operand's lanes are numbered from 4 in the pattern.
        lowMask.push_back(lane + (lowLane < 4 ? lowLane : size + lowLane - 4));
        highMask.push_back(lane +
                           (highLane < 4 ? highLane : size + highLane - 4));
      }
    Values next;
    for (size_t i = 0; i + 1 < sums.size(); i += 2)
      next.push_back(addPairs(sums[i], sums[i + 1], lowMask, highMask));
    sums = next;
  };
  combine({0, 4, 1, 5}, {2, 6, 3, 7});
  combine({0, 1, 4, 5}, {2, 3, 6, 7});
  if (sums.size() == 1) {
    for (; size > 4; size /= 2)
      sums[0] = addHalves(sums[0]);
    return sums[0];
  }
  if (size == 4)
    return shuffle(sums[0], sums[1], {0, 1, 2, 3, 4, 5, 6, 7});
  if (size == 8)
    return addPairs(sums[0], sums[1], {0, 1, 2, 3, 8, 9, 10, 11},
                    {4, 5, 6, 7, 12, 13, 14, 15});
  assert(size == 16 && "vectors have up to 64 bytes");
  Value quarters =
      addPairs(sums[0], sums[1],
               {0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23},
               {8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31});
  return addHalves(quarters);
}

void hgf::buildBackbone(KernelBuilder &k) { Backbone(k).build(); }
