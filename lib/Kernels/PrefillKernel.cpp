//===- PrefillKernel.cpp - The ternary product of many tokens ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

using Values = KernelBuilder::Values;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;
/// Columns whose codes share a lane of the totals.
static constexpr int64_t stepColumns = 4;
/// Columns of a panel: with the activations of a group of tokens they stay in
/// the first-level cache.
static constexpr int64_t panelColumns = 512;
/// Steps per iteration of the innermost loop.
static constexpr int64_t unrolledSteps = 2;

/// Dot products of the weights from those of their codes: a code c means the
/// weight factor * c - offset, so that the sums of the activations are too
/// much, `offset` times.
static Value emitMeaning(KernelBuilder &k, Value totals, Value sums) {
  CodeMeaning meaning = getCodeMeaning(k.key.levels);
  auto times = [&](Value value, int64_t factor) -> Value {
    if (factor == 1)
      return value;
    return k.multiply(value, k.integer(value.getType(), factor));
  };
  return k.subtract(times(totals, meaning.factor), times(sums, meaning.offset));
}

namespace {

/// Panels of rows times groups of tokens. A panel is unpacked once for all
/// tokens of the call, as [column / 4][row][column % 4], one code per byte, so
/// that four columns of four activations, repeated in all lanes, meet the codes
/// of as many rows as a vector has lanes of int32. The totals of a panel,
/// [token][row], wait on the stack until all columns have been added.
struct Prefill {
  explicit Prefill(KernelBuilder &k)
      : k(k), encoding(*k.key.encoding), vectorBytes(k.level.vectorBytes),
        rowsPerVector(vectorBytes / stepColumns), vectors(k.level.panelVectors),
        panelRows(vectors * rowsPerVector), stepBytes(vectors * vectorBytes),
        codes(k.vector(vectorBytes, k.i8())),
        total(k.vector(rowsPerVector, k.i32())) {
    assert(encoding.getBlockRows() == lanes && panelRows % lanes == 0);
    bool words = k.level.accumulator == Accumulator::Int16;
    accumulator = words ? k.vector(vectorBytes / 2, k.b.getI16Type()) : total;
    int64_t blockColumns = encoding.getBlockColumns();
    int64_t columns = panelColumns;
    if (words)
      columns = std::min(columns, k.getSafeSteps() * stepColumns);
    panelBlocks = std::max<int64_t>(columns / blockColumns, 1);
    int64_t steps = panelBlocks * blockColumns / stepColumns;
    safeSteps = words ? k.getSafeSteps() : steps;
    chunk =
        isGrouped() ? k.key.group / stepColumns : std::min(steps, safeSteps);
    chunked = isGrouped() || chunk < steps;
    blocks = k.argument(BlockCount);
    inputBytes = k.multiply(blocks, blockColumns);
    blockBytes = lanes * encoding.getRowBytes();
    rowBlockBytes = k.multiply(blocks, blockBytes);
    lastRowBlock = k.subtract(k.argument(End), k.size(1));
    panel = k.stack(steps * stepBytes);
    totals = k.stack(prefillTokens * panelRows * floatBytes);
    if (!encoding.keepsLanes())
      rowBuffer = k.stack(rowsPerVector * blockColumns);
  }

  void build() {
    k.loop(k.argument(Begin), k.argument(End), panelRows / lanes, {},
           [&](Value rowBlock, ArrayRef<Value>) -> Values {
             clear();
             k.loop(k.size(0), blocks, panelBlocks, {},
                    [&](Value block, ArrayRef<Value>) -> Values {
                      Value count = k.minimum(k.subtract(blocks, block),
                                              k.size(panelBlocks));
                      emitPanel(rowBlock, block, count);
                      emitTokens(rowBlock, block, count);
                      return {};
                    });
             return {};
           });
  }

private:
  bool isGrouped() const { return k.key.granularity == Granularity::Group; }

  /// The totals of one token of the call.
  Value totalsOf(Value token) {
    return k.address(totals, k.multiply(token, panelRows * floatBytes));
  }

  void clear() {
    k.loop(k.size(0), k.argument(TokenCount), 1, {},
           [&](Value token, ArrayRef<Value>) -> Values {
             for (int64_t v = 0; v < vectors; ++v)
               k.store(k.integer(total, 0),
                       k.address(totalsOf(token), v * vectorBytes),
                       vectorBytes);
             return {};
           });
  }

  Value shuffle(Value left, Value right, ArrayRef<int64_t> mask) {
    return vector::ShuffleOp::create(k.b, left, right, mask);
  }

  /// Transposes a square of int32: result d holds element d of every row. Each
  /// shuffle is one instruction of x86.
  Values transpose(Values rows) {
    int64_t size = rows.size();
    // Interleaves the first or second halves of all lanes of 16 bytes, in
    // pieces of `width` elements.
    auto interleave = [&](Value left, Value right, int64_t half,
                          int64_t width) {
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

  /// Unpacks `count` blocks of columns of one panel. Rows behind the last row
  /// block repeat it; nothing reads their totals.
  void emitPanel(Value rowBlock, Value block, Value count) {
    k.loop(k.size(0), k.size(vectors), 1, {},
           [&](Value vector, ArrayRef<Value>) -> Values {
             Value firstRow = k.multiply(vector, rowsPerVector);
             Values starts;
             for (int64_t row = 0; row < rowsPerVector; row += lanes)
               starts.push_back(k.address(
                   k.argument(WeightsPointer),
                   k.multiply(clampRowBlock(rowBlock, k.add(firstRow, row)),
                              rowBlockBytes)));
             Value inside = k.multiply(
                 arith::AndIOp::create(k.b, firstRow, k.size(lanes - 1)),
                 encoding.getRowBytes());
             Value target = k.address(panel, k.multiply(vector, vectorBytes));
             k.loop(k.size(0), count, 1, {},
                    [&](Value index, ArrayRef<Value>) -> Values {
                      Value offset = k.add(
                          k.multiply(k.add(block, index), blockBytes), inside);
                      Values rows;
                      for (Value start : starts) {
                        Value first = k.address(start, offset);
                        for (int64_t row = 0;
                             row < std::min(lanes, rowsPerVector); ++row)
                          rows.push_back(
                              k.address(first, row * encoding.getRowBytes()));
                      }
                      int64_t bytes =
                          encoding.getBlockColumns() / stepColumns * stepBytes;
                      Value part = k.address(target, k.multiply(index, bytes));
                      if (encoding.keepsLanes())
                        emitLanes(rows, part);
                      else
                        emitRows(rows, part);
                      return {};
                    });
             return {};
           });
  }

  /// The row block of a row of the panel.
  Value clampRowBlock(Value rowBlock, Value row) {
    Value index =
        k.add(rowBlock,
              arith::ShRUIOp::create(k.b, row, k.size(llvm::Log2_64(lanes))));
    return k.minimum(index, lastRowBlock);
  }

  void storeCodes(Value code, Value target, int64_t column) {
    k.store(code, k.address(target, column / stepColumns * stepBytes),
            vectorBytes);
  }

  /// Transposes packed bytes, which are fewer than their codes.
  void emitLanes(ArrayRef<Value> rows, Value target) {
    for (Value row : rows)
      k.prefetch(row);
    for (int64_t part = 0; part < encoding.getPartCount(vectorBytes); ++part) {
      std::map<int64_t, Values> transposed;
      auto getTransposed = [&](int64_t offset) -> Values & {
        Values &known = transposed[offset];
        if (!known.empty())
          return known;
        Values packed;
        for (Value row : rows)
          packed.push_back(k.load(total, k.address(row, offset),
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
            [&](Value code, int64_t column) {
              storeCodes(code, target, column + step * stepColumns);
            });
    }
  }

  /// Unpacks row by row, then transposes.
  void emitRows(ArrayRef<Value> rows, Value target) {
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
            [&](Value code, int64_t column) {
              k.store(code, k.address(rowBuffer, index * columns + column),
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
               storeCodes(code, part, step * stepColumns);
             return {};
           });
  }

  /// All tokens of the call with one panel: whole groups, then what remains.
  /// After the last columns each group is finished at once, so that writing y
  /// overlaps with the next group.
  void emitTokens(Value rowBlock, Value block, Value count) {
    int64_t most = k.level.panelTokens;
    Value tokens = k.argument(TokenCount);
    Value rest = arith::RemUIOp::create(k.b, tokens, k.size(most));
    Value whole = k.subtract(tokens, rest);
    Value isLast = isEqual(k.add(block, count), blocks);
    auto finish = [&](Value first, Value last) {
      k.branch(
          isLast, {},
          [&]() -> Values {
            emitProducts(rowBlock, first, last);
            return {};
          },
          []() -> Values { return {}; });
    };
    k.loop(k.size(0), whole, most, {},
           [&](Value token, ArrayRef<Value>) -> Values {
             emitGroup(most, token, rowBlock, block, count);
             finish(token, k.add(token, most));
             return {};
           });
    for (int64_t size = 1; size < most; ++size)
      k.branch(
          isEqual(rest, k.size(size)), {},
          [&]() -> Values {
            emitGroup(size, whole, rowBlock, block, count);
            return {};
          },
          []() -> Values { return {}; });
    finish(whole, tokens);
  }

  Value isEqual(Value left, Value right) {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, left, right);
  }

  /// A group of `size` tokens with one panel.
  void emitGroup(int64_t size, Value token, Value rowBlock, Value block,
                 Value count) {
    int64_t blockColumns = encoding.getBlockColumns();
    Value firstColumn = k.multiply(block, blockColumns);
    Values inputs;
    for (int64_t i = 0; i < size; ++i)
      inputs.push_back(k.address(
          k.argument(InputsPointer),
          k.add(k.multiply(k.add(token, i), inputBytes), firstColumn)));
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
  Values emitSteps(Value first, Value last, ArrayRef<Value> inputs,
                   ArrayRef<Value> init) {
    return k.loop(
        first, last, unrolledSteps, init,
        [&](Value step, ArrayRef<Value> carried) {
          Values accumulators(carried);
          Value column = k.address(panel, k.multiply(step, stepBytes));
          Value offset = k.multiply(step, stepColumns);
          for (int64_t unrolled = 0; unrolled < unrolledSteps; ++unrolled) {
            Values weights;
            for (int64_t v = 0; v < vectors; ++v)
              weights.push_back(k.load(
                  codes,
                  k.address(column, unrolled * stepBytes + v * vectorBytes),
                  vectorBytes));
            for (auto [token, input] : llvm::enumerate(inputs)) {
              Value four = k.load(
                  k.i32(), k.address(input, offset, unrolled * stepColumns), 4);
              Value x = vector::BitCastOp::create(k.b, codes,
                                                  k.splat(four, rowsPerVector));
              for (int64_t v = 0; v < vectors; ++v) {
                Value &sum = accumulators[token * vectors + v];
                sum = DotStepOp::create(k.b, accumulator, sum, weights[v], x);
              }
            }
          }
          return accumulators;
        });
  }

  /// Calls use(pointer, index) for the vectors of totals of a group.
  void forEachTotal(Value sums, int64_t count,
                    llvm::function_ref<void(Value, int64_t)> use) {
    for (int64_t index = 0; index < count; ++index)
      use(k.address(sums, index * vectorBytes), index);
  }

  /// Adds a range of steps to the integer totals.
  void emitChunk(Value first, Value last, ArrayRef<Value> inputs, Value sums) {
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
        sum = DotWidenOp::create(k.b, total,
                                 k.load(total, pointer, vectorBytes), sum);
      k.store(sum, pointer, vectorBytes);
    });
  }

  /// The steps of one group of columns, scaled, to totals in float32.
  void emitScaleGroup(Value first, ArrayRef<Value> inputs, Value sums,
                      Value token, Value rowBlock, Value group) {
    int64_t count = inputs.size() * vectors;
    Values dots(count, k.integer(total, 0));
    for (int64_t done = 0; done < chunk; done += safeSteps) {
      Value begin = k.add(first, done);
      Value end = k.add(begin, std::min(safeSteps, chunk - done));
      Values parts = emitSteps(begin, end, inputs,
                               Values(count, k.integer(accumulator, 0)));
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
      Value dot = emitMeaning(k, dots[index], offsets[index / vectors]);
      Value sum = k.multiplyAdd(k.toFloat(dot), scales[index % vectors],
                                k.load(floats, pointer, vectorBytes));
      k.store(sum, pointer, vectorBytes);
    });
  }

  /// One scale per row of a vector, for one group of columns.
  Value loadGroupScales(Value rowBlock, int64_t row, Value groupCount,
                        Value group) {
    auto load = [&](int64_t row, int64_t count) {
      Value index = k.add(
          k.multiply(clampRowBlock(rowBlock, k.size(row)), groupCount), group);
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

  /// Totals of some tokens to products, scaled, in y.
  void emitProducts(Value rowBlock, Value first, Value last) {
    Value count = k.minimum(k.subtract(k.argument(End), rowBlock),
                            k.size(panelRows / lanes));
    k.loop(first, last, 1, {}, [&](Value token, ArrayRef<Value>) -> Values {
      Value offset = k.multiply(token, floatBytes);
      Value inputScale = k.splat(k.load(
          k.f32(), k.address(k.argument(InputScalesPointer), offset), 4));
      Value y = k.address(k.argument(OutputPointer),
                          k.multiply(token, k.argument(OutputStride)));
      Value sum;
      if (!isGrouped())
        sum = k.splat(
            k.load(k.i32(), k.address(k.argument(SumsPointer), offset), 4));
      k.loop(k.size(0), count, 1, {},
             [&](Value index, ArrayRef<Value>) -> Values {
               Value block = k.add(rowBlock, index);
               Value pointer = k.address(totalsOf(token),
                                         k.multiply(index, lanes * floatBytes));
               emitStoreTo(k, block,
                           k.address(y, k.multiply(block, lanes * floatBytes)),
                           emitProduct(block, pointer, sum, inputScale));
               return {};
             });
      return {};
    });
  }

  Value emitProduct(Value rowBlock, Value pointer, Value sum,
                    Value inputScale) {
    if (isGrouped())
      return k.multiplyFloat(k.load(k.floats(), pointer, 32), inputScale);
    Value scales =
        k.key.granularity == Granularity::Tensor
            ? k.splat(k.load(k.f32(), k.argument(ScalesPointer), 4))
            : k.load(k.floats(),
                     k.address(k.argument(ScalesPointer),
                               k.multiply(rowBlock, lanes * floatBytes)),
                     32);
    Value dots = emitMeaning(k, k.load(k.ints(), pointer, 32), sum);
    return k.multiplyFloat(k.toFloat(dots),
                           k.multiplyFloat(scales, inputScale));
  }

  KernelBuilder &k;
  const Encoding &encoding;
  int64_t vectorBytes;
  int64_t rowsPerVector;
  /// Vectors of rows in a panel.
  int64_t vectors;
  int64_t panelRows;
  /// Bytes of a panel per step.
  int64_t stepBytes;
  VectorType codes;
  VectorType total;
  VectorType accumulator;
  /// Blocks of columns that are unpacked at a time.
  int64_t panelBlocks;
  /// Steps that an accumulator takes.
  int64_t safeSteps;
  /// Steps between two visits of the totals.
  int64_t chunk;
  bool chunked;
  int64_t blockBytes;
  Value blocks;
  /// Bytes of one token's activations.
  Value inputBytes;
  Value rowBlockBytes;
  Value lastRowBlock;
  /// On the stack.
  Value panel, totals, rowBuffer;
};

} // namespace

void hgf::buildPrefill(KernelBuilder &k) { Prefill(k).build(); }
