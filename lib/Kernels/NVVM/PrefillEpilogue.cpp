//===- PrefillEpilogue.cpp - What follows the products of a tile *- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefill.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t fragment = 4;
static constexpr int64_t matrixTokens = PrefillShape::matrixTokens;
static constexpr int64_t groups = PrefillShape::groups;
/// Tokens of a tile that a lane finishes.
static constexpr int64_t laneTokens = 2;
/// Ranks that one instruction takes, and a lane's part of them.
static constexpr int64_t stepRanks = 16, laneRanks = 4;

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void GpuPrefill::finish(Values sums) {
  for (int64_t row = 0; row < shape.getWarpRows(); row += groups)
    resultRows.push_back(makeRow(row));
  int64_t tilesAtOnce = getTilesAtOnce();
  int64_t count = tilesAtOnce * shape.rowTiles * fragment;
  for (int64_t tile = 0; tile < shape.tokenTiles; tile += tilesAtOnce) {
    finishTiles(tile, ArrayRef<Value>(sums).take_front(count));
    sums.erase(sums.begin(), sums.begin() + count);
  }
}

GpuPrefill::ResultRow GpuPrefill::makeRow(int64_t offset) {
  ResultRow row;
  Value number = k.add(k.add(firstRow, group), offset);
  if (parameters.rows % shape.getRows())
    row.exists = k.isLess(number, parameters.rows);
  row.number = clampRow(number);
  auto ofRow = [&](int64_t part) {
    return k.loadFloat(k.addressOf(weightPart(part), row.number, floatBytes));
  };
  if (parameters.granularity == Granularity::Tensor)
    row.scale = k.loadFloat(weightPart(layout.scales));
  if (parameters.granularity == Granularity::Row)
    row.scale = ofRow(layout.scales);
  if (parameters.bias)
    row.bias = ofRow(layout.bias);
  if (parameters.gateKind == GateKind::Static)
    row.gate = parameters.rowGate ? ofRow(layout.gate)
                                  : k.loadFloat(weightPart(layout.gate));
  return row;
}

void GpuPrefill::finishTiles(int64_t first, ArrayRef<Value> sums) {
  Values corrections, results(sums), tokens;
  if (parameters.hasCorrection())
    corrections = correct(first);
  forEachResult(first, [&](Value token, ArrayRef<int64_t> numbers) {
    token = clampToken(token);
    tokens.push_back(k.add(firstToken, k.toWide(token)));
    Value inputScale = k.loadFloat(tokenPart(token, scratch.inputScale));
    Value gate;
    if (key.gatesInput())
      gate = k.loadFloat(tokenPart(token, scratch.gate));
    for (auto [row, number] : llvm::zip_equal(resultRows, numbers)) {
      Value y = sums[number];
      y = key.isGrouped()
              ? k.multiplyFloat(y, inputScale)
              : k.multiplyFloat(k.toFloat(y),
                                k.multiplyFloat(row.scale, inputScale));
      EpilogueInputs inputs;
      inputs.bias = row.bias;
      inputs.gate = gate ? gate : row.gate;
      if (key.residual)
        inputs.residual = k.loadFloat(outputAddress(
            DecodeResidual, DecodeResidualStride, row.number, tokens.back()));
      results[number] = emitEpilogue(
          k, key, y, corrections.empty() ? Value() : corrections[number],
          inputs);
    }
  });
  size_t index = 0;
  forEachResult(first, [&](Value token, ArrayRef<int64_t> numbers) {
    Value wide = tokens[index++];
    k.branch(k.isLess(token, tokensLeft), [&] {
      for (auto [row, number] : llvm::zip_equal(resultRows, numbers)) {
        Value target =
            outputAddress(DecodeOutput, DecodeOutputStride, row.number, wide);
        Value result = results[number];
        auto store = [&] { k.store(result, target, floatBytes); };
        if (row.exists)
          k.branch(row.exists, store);
        else
          store();
      }
    });
  });
}

void GpuPrefill::forEachResult(
    int64_t first,
    llvm::function_ref<void(Value token, ArrayRef<int64_t> numbers)> visit) {
  for (int64_t tile = 0; tile < getTilesAtOnce(); ++tile)
    for (int64_t index = 0; index < laneTokens; ++index) {
      SmallVector<int64_t> numbers;
      for (int64_t row = 0; row < shape.rowTiles * 2; ++row)
        numbers.push_back((tile * shape.rowTiles * 2 + row) * laneTokens +
                          index);
      visit(getResultToken(first + tile, index), numbers);
    }
}

Value GpuPrefill::outputAddress(DecodeArgument pointer, DecodeArgument stride,
                                Value row, Value token) {
  return k.addressOf(
      k.address(k.argument(pointer), k.multiply(token, k.argument(stride))),
      row, floatBytes);
}

//===----------------------------------------------------------------------===//
// Correction
//===----------------------------------------------------------------------===//

/// The greatest of 16, 4 and 1 that divides the ranks of all segments.
static int64_t getRankMultiple(const LinearParameters &parameters) {
  SmallVector<int64_t> counts = parameters.segmentRanks;
  counts.push_back(parameters.rank);
  for (int64_t multiple : {stepRanks, laneRanks})
    if (llvm::all_of(counts,
                     [&](int64_t count) { return count % multiple == 0; }))
      return multiple;
  return 1;
}

std::pair<Value, Value> GpuPrefill::getWarpRanks() {
  Value first = k.integer(0), end = k.integer(0);
  Value lastRow = k.add(firstRow, shape.getWarpRows() - 1);
  int64_t row = 0, rank = 0;
  for (auto [rows, ranks] : getSegments(parameters)) {
    if (row > 0)
      first = k.select(k.isLess(firstRow, row), first, k.integer(rank));
    rank += ranks;
    end = row > 0 ? k.select(k.isLess(lastRow, row), end, k.integer(rank))
                  : k.integer(rank);
    row += rows;
  }
  return {first, end};
}

GpuPrefill::Values GpuPrefill::correct(int64_t first) {
  auto [begin, end] = getWarpRanks();
  Values sums(getTilesAtOnce() * shape.rowTiles * fragment, k.real(0));
  if (parameters.b == FactorType::F32)
    return keepLoop(k.loop(begin, end, laneRanks, sums,
                           [&](Value rank, ArrayRef<Value> carried) {
                             return addFactors(first, rank, carried);
                           }));
  Value lanePart = k.multiply(place, laneRanks);
  return keepLoop(k.loop(
      begin, end, stepRanks, sums, [&](Value rank, ArrayRef<Value> carried) {
        return multiplyFactors(first, k.add(rank, lanePart), carried);
      }));
}

Value GpuPrefill::loadRanks(Value pointer, int64_t bytes, Value index,
                            Value count, bool isWhole) {
  Type element = k.b.getIntegerType(8 * bytes);
  Type type = k.vector(laneRanks, element);
  auto part = [&](int64_t offset) {
    return k.address(pointer, k.multiply(index, bytes), offset * bytes);
  };
  // Also false where the index is negative.
  auto exists = [&](int64_t offset) -> Value {
    return arith::CmpIOp::create(k.b, arith::CmpIPredicate::ult,
                                 k.add(index, offset), count);
  };
  if (isWhole)
    return k.load(type, part(0), laneRanks * bytes);
  if (getRankMultiple(parameters) > 1)
    return k.branch(
        exists(0), type,
        [&]() -> Values { return {k.load(type, part(0), laneRanks * bytes)}; },
        [&]() -> Values { return {k.integer(type, 0)}; })[0];
  Value ranks = k.integer(type, 0);
  for (int64_t offset = 0; offset < laneRanks; ++offset) {
    Value rank = k.branch(
        exists(offset), element,
        [&]() -> Values { return {k.load(element, part(offset), bytes)}; },
        [&]() -> Values { return {k.integer(element, 0)}; })[0];
    ranks = LLVM::InsertElementOp::create(k.b, ranks, rank, k.integer(offset));
  }
  return ranks;
}

Value GpuPrefill::loadCorrection(Value token, Value rank, int64_t step) {
  Value bits = loadRanks(tokenPart(clampToken(token), scratch.correction),
                         floatBytes, rank, k.integer(parameters.rank),
                         getRankMultiple(parameters) >= step);
  return k.bits(k.vector(laneRanks, k.f32()), bits);
}

Value GpuPrefill::loadFactors(Value row, Value rank, int64_t step) {
  RowRanks ranks = emitRowRanks(k, parameters, row);
  int64_t bytes = getElementBytes(parameters.b);
  bool isWhole =
      parameters.segments.empty() && getRankMultiple(parameters) >= step;
  return loadRanks(k.addressOf(weightPart(layout.b), ranks.start, bytes), bytes,
                   k.subtract(rank, ranks.first), ranks.count, isWhole);
}

/// Four numbers of 16 bits as two operands of an instruction.
static std::pair<Value, Value> toOperands(GpuBuilder &k, Value numbers,
                                          FactorType type) {
  Value both = LLVM::BitcastOp::create(k.b, k.vector(2, k.i32()), numbers);
  auto operand = [&](int64_t index) -> Value {
    Value bits = k.element(both, index);
    if (type == FactorType::BF16)
      return bits;
    return LLVM::BitcastOp::create(k.b, k.vector(2, k.b.getF16Type()), bits);
  };
  return {operand(0), operand(1)};
}

GpuPrefill::Values GpuPrefill::multiplyFactors(int64_t first, Value rank,
                                               ArrayRef<Value> carried) {
  // int8 numbers are exact as bf16, which has the range of h as well.
  FactorType type =
      parameters.b == FactorType::F16 ? FactorType::F16 : FactorType::BF16;
  Type half = type == FactorType::F16 ? Type(k.b.getF16Type())
                                      : Type(k.b.getBF16Type());
  Type halves = k.vector(laneRanks, half);
  auto narrow = [&](Value numbers) -> Value {
    if (type == FactorType::F16) {
      constexpr float largest = 65504;
      Type floats = numbers.getType();
      numbers =
          arith::MinimumFOp::create(k.b, numbers, k.real(floats, largest));
      numbers =
          arith::MaximumFOp::create(k.b, numbers, k.real(floats, -largest));
    }
    return arith::TruncFOp::create(k.b, halves, numbers);
  };
  SmallVector<std::pair<Value, Value>> factors;
  for (const ResultRow &row : resultRows) {
    Value numbers = loadFactors(row.number, rank, stepRanks);
    if (parameters.b == FactorType::I8)
      numbers = arith::TruncFOp::create(k.b, halves,
                                        k.widenFactor(numbers, parameters.b));
    factors.push_back(toOperands(k, numbers, type));
  }
  Values sums(carried);
  for (int64_t tile = 0; tile < getTilesAtOnce(); ++tile) {
    Value token = k.add(group, (first + tile) * matrixTokens);
    Value rest = loadCorrection(token, rank, stepRanks);
    // h as a sum of numbers: rounded, what that leaves, and so on.
    int64_t parts = type == FactorType::F16 ? 2 : 3;
    for (int64_t part = 0; part < parts; ++part) {
      Value rounded = narrow(rest);
      auto h = toOperands(k, rounded, type);
      for (int64_t row = 0; row < shape.rowTiles; ++row) {
        auto low = factors[2 * row], high = factors[2 * row + 1];
        multiplyMatrices(
            {low.first, high.first, low.second, high.second},
            {h.first, h.second},
            MutableArrayRef<Value>(sums).slice(
                (tile * shape.rowTiles + row) * fragment, fragment),
            type);
      }
      rest = k.subtractFloat(
          rest, arith::ExtFOp::create(k.b, rest.getType(), rounded));
    }
  }
  return sums;
}

GpuPrefill::Values GpuPrefill::addFactors(int64_t first, Value rank,
                                          ArrayRef<Value> carried) {
  Values sums(carried), factors;
  for (const ResultRow &row : resultRows)
    factors.push_back(k.bits(k.vector(laneRanks, k.f32()),
                             loadFactors(row.number, rank, laneRanks)));
  forEachResult(first, [&](Value token, ArrayRef<int64_t> numbers) {
    Value h = loadCorrection(token, rank, laneRanks);
    for (auto [factor, number] : llvm::zip_equal(factors, numbers))
      for (int64_t offset = 0; offset < laneRanks; ++offset)
        sums[number] = k.multiplyAdd(k.element(factor, offset),
                                     k.element(h, offset), sums[number]);
  });
  return sums;
}
