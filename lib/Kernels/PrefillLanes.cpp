//===- PrefillLanes.cpp - Many tokens, a lane for each row ------*- C++ -*-===//
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

/// The panel is [column / 4][row][column % 4], the totals [token][row], both
/// with rows in the order in which transposition yields them.
class PrefillLanes : public Prefill {
public:
  explicit PrefillLanes(KernelBuilder &k)
      : Prefill(k, laneColumns, k.level.vectorBytes / laneColumns,
                k.level.matrixBlocks.empty() ? k.level.panelVectors
                                             : k.level.panelVectors / 2),
        bundleRows(encoding.getBundleRows()),
        bundleCount(encoding.getBundleCount()),
        accumulator(k.getAccumulator(vectorBytes)) {
    int64_t steps = panelBlocks * encoding.getBlockColumns() / stepColumns;
    safeSteps = k.level.widens() ? k.getSafeSteps() : steps;
    chunk =
        isGrouped() ? k.key.group / stepColumns : std::min(steps, safeSteps);
    chunked = isGrouped() || chunk < steps;
    assert(vectors % bundleRows == 0 &&
           "a set of bundles yields whole vectors");
    if (!encoding.keepsLanes())
      rowBuffer = k.stack(rowsPerVector * encoding.getBlockColumns());
  }

private:
  static constexpr int64_t laneColumns = 4;

  /// The totals of one token of the call.
  Value totalsOf(Value token) {
    return k.address(totals, k.multiply(token, panelRows * floatBytes));
  }

  /// Transposes a square of int32: result d holds element d of every row. Each
  /// shuffle is one instruction of x86.
  Values transpose(Values rows);

  // A set is as many bundles as a vector has lanes; bundle by bundle they give
  // the lanes of `bundleRows` vectors.
  void emitPanel(Value rowBlock, Value block, Value count) override;
  void emitLanes(ArrayRef<Value> bundles, Value target);
  void emitRows(ArrayRef<Value> rows, Value target);

  Value loadTotals(Value token, Value index) override;

  void emitGroup(int64_t size, Value token, Value rowBlock, Value block,
                 Value count) override;
  Values emitSteps(Value first, Value last, ArrayRef<Value> inputs,
                   ArrayRef<Value> init);
  void emitChunk(Value first, Value last, ArrayRef<Value> inputs, Value sums);
  void emitScaleGroup(Value first, ArrayRef<Value> inputs, Value sums,
                      Value token, Value rowBlock, Value group);
  Value loadGroupScales(Value rowBlock, int64_t row, Value groupCount,
                        Value group);

  int64_t bundleRows;
  /// Of a row block.
  int64_t bundleCount;
  VectorType accumulator;
  /// Steps that an accumulator takes.
  int64_t safeSteps;
  /// Steps between two visits of the totals.
  int64_t chunk;
  bool chunked;
  /// On the stack.
  Value rowBuffer;
};

} // namespace

PrefillLanes::Values PrefillLanes::transpose(Values rows) {
  int64_t size = rows.size();
  // Interleaves the first or second halves of all lanes of 16 bytes, in
  // pieces of `width` elements.
  auto interleave = [&](Value left, Value right, int64_t half, int64_t width) {
    SmallVector<int64_t> mask;
    for (int64_t lane = 2 * half; lane < size; lane += 4)
      for (int64_t piece = 0; piece < 2; piece += width)
        for (int64_t source : {int64_t(0), size})
          for (int64_t i = 0; i < width; ++i)
            mask.push_back(source + lane + piece + i);
    return shuffle(left, right, mask);
  };
  // rows[quad + c] becomes the columns c, 4 + c, ... of the quad's rows.
  for (int64_t quad = 0; quad < size; quad += 4) {
    Values halves;
    for (int64_t pair : {quad, quad + 2})
      for (int64_t half : {0, 1})
        halves.push_back(interleave(rows[pair], rows[pair + 1], half, 1));
    for (int64_t c = 0; c < 4; ++c)
      rows[quad + c] = interleave(halves[c / 2], halves[2 + c / 2], c % 2, 2);
  }
  // Lanes of 16 bytes: take(left, right, lanes of left, lanes of right).
  auto take = [&](Value left, Value right, ArrayRef<int64_t> fromLeft,
                  ArrayRef<int64_t> fromRight) {
    SmallVector<int64_t> mask;
    for (int64_t lane : fromLeft)
      for (int64_t i = 0; i < 4; ++i)
        mask.push_back(4 * lane + i);
    for (int64_t lane : fromRight)
      for (int64_t i = 0; i < 4; ++i)
        mask.push_back(size + 4 * lane + i);
    return shuffle(left, right, mask);
  };
  if (size == 4)
    return rows;
  Values result(size);
  for (int64_t c = 0; c < 4; ++c) {
    if (size == 8) {
      for (int64_t lane = 0; lane < 2; ++lane)
        result[4 * lane + c] = take(rows[c], rows[4 + c], lane, lane);
      continue;
    }
    assert(size == 16);
    for (int64_t half = 0; half < 2; ++half) {
      SmallVector<int64_t> both = {2 * half, 2 * half + 1};
      Value left = take(rows[c], rows[4 + c], both, both);
      Value right = take(rows[8 + c], rows[12 + c], both, both);
      for (int64_t lane = 0; lane < 2; ++lane)
        result[4 * (2 * half + lane) + c] =
            take(left, right, {lane, lane + 2}, {lane, lane + 2});
    }
  }
  return result;
}

void PrefillLanes::emitPanel(Value rowBlock, Value block, Value count) {
  int64_t sets = vectors / bundleRows;
  // Bundles of a set that are one row block's.
  int64_t together = std::min(bundleCount, rowsPerVector);
  k.loop(
      k.size(0), k.size(sets), 1, {},
      [&](Value set, ArrayRef<Value>) -> Values {
        Value firstBundle = k.multiply(set, rowsPerVector);
        Values starts;
        for (int64_t bundle = 0; bundle < rowsPerVector; bundle += together) {
          Value offset =
              arith::ShRUIOp::create(k.b, k.add(firstBundle, bundle),
                                     k.size(llvm::Log2_64(bundleCount)));
          starts.push_back(k.address(
              k.argument(WeightsPointer),
              k.multiply(clampRowBlock(rowBlock, offset), rowBlockBytes)));
        }
        Value inside = k.multiply(
            arith::AndIOp::create(k.b, firstBundle, k.size(bundleCount - 1)),
            encoding.getBundleBytes());
        Value target =
            k.address(panel, k.multiply(set, bundleRows * vectorBytes));
        k.loop(k.size(0), count, 1, {},
               [&](Value index, ArrayRef<Value>) -> Values {
                 Value offset = k.add(
                     k.multiply(k.add(block, index), encoding.getBlockBytes()),
                     inside);
                 Values bundles;
                 for (Value start : starts) {
                   Value first = k.address(start, offset);
                   for (int64_t bundle = 0; bundle < together; ++bundle)
                     bundles.push_back(
                         k.address(first, bundle * encoding.getBundleBytes()));
                 }
                 Value part =
                     k.address(target, k.multiply(index, blockPanelBytes));
                 if (encoding.keepsLanes())
                   emitLanes(bundles, part);
                 else
                   emitRows(bundles, part);
                 return {};
               });
        return {};
      });
}

/// Transposes packed bytes, which are fewer than their codes.
void PrefillLanes::emitLanes(ArrayRef<Value> bundles, Value target) {
  for (Value bundle : bundles)
    k.prefetch(bundle);
  for (int64_t part = 0; part < encoding.getPartCount(vectorBytes); ++part) {
    std::map<int64_t, Values> transposed;
    auto getTransposed = [&](int64_t offset) -> Values & {
      Values &known = transposed[offset];
      if (!known.empty())
        return known;
      Values packed;
      for (Value bundle : bundles)
        packed.push_back(k.load(total, k.address(bundle, offset),
                                encoding.getAlignment(vectorBytes)));
      return known = transpose(packed);
    };
    for (int64_t step = 0; step < rowsPerVector; ++step)
      encoding.emitUnpack(
          k.b, k.b.getLoc(), vectorBytes, part,
          [&](int64_t offset) -> Value {
            return vector::BitCastOp::create(k.b, codes,
                                             getTransposed(offset)[step]);
          },
          [&](const Encoding::Codes &unpacked) {
            storeCodes(unpacked.codes, target,
                       unpacked.column + step * stepColumns, unpacked.row);
          });
  }
}

/// Unpacks row by row, then transposes.
void PrefillLanes::emitRows(ArrayRef<Value> rows, Value target) {
  int64_t columns = encoding.getBlockColumns();
  for (size_t index = 0; index < rows.size(); ++index) {
    Value row = rows[index];
    k.prefetch(row);
    for (int64_t part = 0; part < encoding.getPartCount(vectorBytes); ++part)
      encoding.emitUnpack(
          k.b, k.b.getLoc(), vectorBytes, part,
          [&](int64_t offset) {
            return k.load(codes, k.address(row, offset),
                          encoding.getAlignment(vectorBytes));
          },
          [&](const Encoding::Codes &unpacked) {
            k.store(unpacked.codes,
                    k.address(rowBuffer, index * columns + unpacked.column),
                    vectorBytes);
          });
  }
  k.loop(k.size(0), k.size(columns), vectorBytes, {},
         [&](Value column, ArrayRef<Value>) -> Values {
           Values unpacked;
           for (int64_t row = 0; row < rowsPerVector; ++row)
             unpacked.push_back(
                 k.load(total, k.address(rowBuffer, column, row * columns),
                        vectorBytes));
           Value part =
               k.address(target, k.multiply(column, stepBytes / stepColumns));
           for (auto [step, code] : llvm::enumerate(transpose(unpacked)))
             storeCodes(code, part, step * stepColumns, 0);
           return {};
         });
}

Value PrefillLanes::loadTotals(Value token, Value index) {
  Value start = totalsOf(token);
  Type element = isGrouped() ? k.f32() : k.i32();
  if (bundleRows == 1)
    return k.load(k.vector(lanes, element),
                  k.address(start, k.multiply(index, lanes * floatBytes)), 32);
  // The row block's bundles stand side by side in each vector of its set.
  assert(rowsPerVector % bundleCount == 0);
  int64_t blocksPerSet = rowsPerVector / bundleCount;
  Value set = arith::DivUIOp::create(k.b, index, k.size(blocksPerSet));
  Value place = arith::RemUIOp::create(k.b, index, k.size(blocksPerSet));
  Value offset = k.add(k.multiply(set, bundleRows * vectorBytes),
                       k.multiply(place, bundleCount * floatBytes));
  Value rows;
  for (int64_t vector = 0; vector < bundleRows; ++vector) {
    Value part =
        k.load(k.vector(bundleCount, element),
               k.address(start, offset, vector * vectorBytes), floatBytes);
    if (!rows) {
      rows = part;
      continue;
    }
    int64_t known = vector * bundleCount;
    SmallVector<int64_t> first, both;
    for (int64_t lane = 0; lane < known + bundleCount; ++lane) {
      both.push_back(lane);
      first.push_back(lane < bundleCount ? lane : -1);
    }
    // Both operands of a shuffle have one length.
    first.resize(known, -1);
    if (known > bundleCount)
      part = shuffle(part, part, first);
    rows = shuffle(rows, part, both);
  }
  return rows;
}

void PrefillLanes::emitGroup(int64_t size, Value token, Value rowBlock,
                             Value block, Value count) {
  int64_t blockColumns = encoding.getBlockColumns();
  Value firstColumn = k.multiply(block, blockColumns);
  Values inputs;
  for (int64_t i = 0; i < size; ++i)
    inputs.push_back(getInput(k.add(token, i), firstColumn));
  Value sums = totalsOf(token);
  Value steps = k.multiply(count, blockColumns / stepColumns);
  if (!chunked)
    return emitChunk(k.size(0), steps, inputs, sums);
  k.loop(k.size(0), steps, chunk, {},
         [&](Value first, ArrayRef<Value>) -> Values {
           Value last = k.minimum(k.add(first, chunk), steps);
           if (isGrouped()) {
             Value group =
                 k.add(k.multiply(block, blockColumns / k.key.group),
                       arith::DivUIOp::create(k.b, first, k.size(chunk)));
             emitScaleGroup(first, inputs, sums, token, rowBlock, group);
           } else {
             emitChunk(first, last, inputs, sums);
           }
           return {};
         });
}

/// The innermost loop: accumulators[token][vector].
PrefillLanes::Values PrefillLanes::emitSteps(Value first, Value last,
                                             ArrayRef<Value> inputs,
                                             ArrayRef<Value> init) {
  // Where an instruction takes its activations from any lane of a vector, one
  // load serves all steps.
  bool byLane = k.level.lowering == DotLowering::DotProduct ||
                k.level.lowering == DotLowering::MatrixProduct;
  return k.loop(
      first, last, unrolledSteps, init,
      [&](Value step, ArrayRef<Value> carried) {
        Values accumulators(carried);
        Value column = k.address(panel, k.multiply(step, stepBytes));
        Value offset = k.multiply(step, stepColumns);
        Values loaded;
        if (byLane)
          for (Value input : inputs)
            loaded.push_back(k.load(k.vector(unrolledSteps, k.i32()),
                                    k.address(input, offset), 4));
        // Four columns of a token in every lane.
        auto repeat = [&](size_t token, int64_t unrolled) -> Value {
          if (byLane)
            return shuffle(loaded[token], loaded[token],
                           SmallVector<int64_t>(rowsPerVector, unrolled));
          Value four = k.load(
              k.i32(), k.address(inputs[token], offset, unrolled * stepColumns),
              4);
          return k.splat(four, rowsPerVector);
        };
        for (int64_t unrolled = 0; unrolled < unrolledSteps; ++unrolled) {
          Values weights;
          for (int64_t v = 0; v < vectors; ++v)
            weights.push_back(loadCodes(column, unrolled, v));
          for (size_t token = 0; token < inputs.size(); ++token) {
            Value x =
                vector::BitCastOp::create(k.b, codes, repeat(token, unrolled));
            for (int64_t v = 0; v < vectors; ++v) {
              Value &sum = accumulators[token * vectors + v];
              sum = DotStepOp::create(k.b, accumulator, sum, weights[v], x,
                                      /*signed_codes=*/false,
                                      /*matrix=*/false);
            }
          }
        }
        return accumulators;
      });
}

/// Adds a range of steps to the integer totals.
void PrefillLanes::emitChunk(Value first, Value last, ArrayRef<Value> inputs,
                             Value sums) {
  int64_t count = inputs.size() * vectors;
  bool inPlace = accumulator == total;
  Values init(count);
  forEachTotal(sums, count, [&](Value pointer, int64_t index) {
    init[index] = inPlace ? k.load(total, pointer, vectorBytes)
                          : k.integer(accumulator, 0);
  });
  Values parts = emitSteps(first, last, inputs, init);
  forEachTotal(sums, count, [&](Value pointer, int64_t index) {
    Value sum = parts[index];
    if (!inPlace)
      sum = DotWidenOp::create(k.b, total, k.load(total, pointer, vectorBytes),
                               sum);
    k.store(sum, pointer, vectorBytes);
  });
}

/// The steps of one group of columns, scaled, to totals in float32.
void PrefillLanes::emitScaleGroup(Value first, ArrayRef<Value> inputs,
                                  Value sums, Value token, Value rowBlock,
                                  Value group) {
  int64_t count = inputs.size() * vectors;
  Values dots(count, k.integer(total, 0));
  for (int64_t done = 0; done < chunk; done += safeSteps) {
    Value begin = k.add(first, done);
    Value end = k.add(begin, std::min(safeSteps, chunk - done));
    Values parts =
        emitSteps(begin, end, inputs, Values(count, k.integer(accumulator, 0)));
    for (auto [dot, part] : llvm::zip_equal(dots, parts))
      dot = DotWidenOp::create(k.b, total, dot, part);
  }
  Value groupCount =
      k.multiply(blocks, encoding.getBlockColumns() / k.key.group);
  Values scales;
  for (int64_t v = 0; v < vectors; ++v)
    scales.push_back(
        loadGroupScales(rowBlock, v * rowsPerVector, groupCount, group));
  Values offsets;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Value index = k.add(k.multiply(k.add(token, i), groupCount), group);
    Value sum = k.load(
        k.i32(),
        k.address(k.argument(SumsPointer), k.multiply(index, floatBytes)), 4);
    offsets.push_back(k.splat(sum, rowsPerVector));
  }
  Type floats = k.vector(rowsPerVector, k.f32());
  forEachTotal(sums, count, [&](Value pointer, int64_t index) {
    Value dot = emitMeaning(dots[index], offsets[index / vectors]);
    Value sum = k.multiplyAdd(k.toFloat(dot), scales[index % vectors],
                              k.load(floats, pointer, vectorBytes));
    k.store(sum, pointer, vectorBytes);
  });
}

/// One scale per row of a vector, for one group of columns.
Value PrefillLanes::loadGroupScales(Value rowBlock, int64_t row,
                                    Value groupCount, Value group) {
  auto load = [&](int64_t row, int64_t count) {
    Value index = k.add(
        k.multiply(clampRowBlock(rowBlock, k.size(row / lanes)), groupCount),
        group);
    return k.load(k.vector(count, k.f32()),
                  k.address(k.argument(ScalesPointer),
                            k.multiply(index, lanes * floatBytes),
                            row % lanes * floatBytes),
                  count * floatBytes);
  };
  if (rowsPerVector <= lanes)
    return load(row, rowsPerVector);
  assert(rowsPerVector == 2 * lanes);
  return shuffle(load(row, lanes), load(row + lanes, lanes),
                 llvm::to_vector(llvm::seq<int64_t>(0, 2 * lanes)));
}

void hgf::buildPrefillLanes(KernelBuilder &k) { PrefillLanes(k).build(); }
