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
static constexpr int64_t matrixRows = PrefillShape::matrixRows;
/// Ranks that one instruction takes, and a lane's part of them.
static constexpr int64_t stepRanks = 16, laneRanks = 4;

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void GpuPrefill::finish(Values sums) {
  for (int64_t tile = 0; tile < shape.rowTiles; ++tile)
    resultRows.push_back(makeRow(tile));
  size_t count = shape.rowTiles * fragment;
  for (int64_t tile = 0; tile < shape.tokenTiles; ++tile)
    finishTile(tile, ArrayRef<Value>(sums).slice(tile * count, count));
}

GpuPrefill::ResultRow GpuPrefill::makeRow(int64_t tile) {
  ResultRow row;
  Value number = k.add(getResultRow(), tile * matrixRows);
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

Value GpuPrefill::getResultRow() {
  return k.add(firstRow, k.add(k.multiply(place, 2), k.bitAnd(group, 1)));
}

Value GpuPrefill::getResultToken(int64_t tile, int64_t index) {
  return k.add(k.bitAnd(group, ~int64_t(1)),
               tile * matrixTokens + index / 2 * matrixRows + index % 2);
}

GpuPrefill::Values GpuPrefill::exchange(ArrayRef<Value> fragments) {
  // Neighbouring groups have the same two rows of two tokens; afterwards each
  // has one of the rows. So a store has eight rows of a token side by side,
  // which are 32 bytes.
  Value odd = k.isEqual(k.bitAnd(group, 1), 1);
  constexpr int64_t groupLanes = 4;
  Values results;
  for (size_t index = 0; index < fragments.size(); index += 2) {
    Value first = fragments[index], second = fragments[index + 1];
    Value other = k.shuffle(k.select(odd, first, second), groupLanes);
    llvm::append_values(results, k.select(odd, other, first),
                        k.select(odd, second, other));
  }
  return results;
}

void GpuPrefill::finishTile(int64_t tile, ArrayRef<Value> sums) {
  Values products = exchange(sums), corrections;
  if (parameters.hasCorrection())
    corrections = correct(tile);
  Values results(products.size()), tokens;
  for (int64_t index = 0; index < fragment; ++index) {
    Value token = clampToken(getResultToken(tile, index));
    tokens.push_back(k.add(firstToken, k.toWide(token)));
    Value inputScale = k.loadFloat(tokenPart(token, scratch.inputScale));
    Value gate;
    if (key.gatesInput())
      gate = k.loadFloat(tokenPart(token, scratch.gate));
    for (auto [rowTile, row] : llvm::enumerate(resultRows)) {
      int64_t number = rowTile * fragment + index;
      Value y = products[number];
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
  }
  for (int64_t index = 0; index < fragment; ++index)
    k.branch(k.isLess(getResultToken(tile, index), tokensLeft), [&] {
      for (auto [rowTile, row] : llvm::enumerate(resultRows)) {
        auto store = [&] {
          k.store(results[rowTile * fragment + index],
                  outputAddress(DecodeOutput, DecodeOutputStride, row.number,
                                tokens[index]),
                  floatBytes);
        };
        if (row.exists)
          k.branch(row.exists, store);
        else
          store();
      }
    });
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

GpuPrefill::Values GpuPrefill::correct(int64_t tile) {
  // The ranks of all of the warp's rows: rows of a segment have zeros in those
  // of the others.
  RowRanks first = emitRowRanks(k, parameters, clampRow(firstRow));
  RowRanks last = emitRowRanks(
      k, parameters, clampRow(k.add(firstRow, shape.getWarpRows() - 1)));
  Value end = k.add(last.first, last.count);
  Values sums(shape.rowTiles * fragment, k.real(0));
  if (parameters.b == FactorType::F32)
    return k.loop(first.first, end, laneRanks, sums,
                  [&](Value rank, ArrayRef<Value> carried) {
                    return addFactors(tile, rank, carried);
                  });
  Value lanePart = k.multiply(place, laneRanks);
  return exchange(k.loop(first.first, end, stepRanks, sums,
                         [&](Value rank, ArrayRef<Value> carried) {
                           return multiplyFactors(tile, k.add(rank, lanePart),
                                                  carried);
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

GpuPrefill::Values GpuPrefill::multiplyFactors(int64_t tile, Value rank,
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
  // h as a sum of numbers: rounded, what that leaves, and so on.
  int64_t parts = type == FactorType::F16 ? 2 : 3;
  SmallVector<std::pair<Value, Value>> operands;
  for (int64_t index = 0; index < 2; ++index) {
    Value token = k.add(group, tile * matrixTokens + index * matrixRows);
    Value rest = loadCorrection(token, rank, stepRanks);
    for (int64_t part = 0; part < parts; ++part) {
      Value rounded = narrow(rest);
      operands.push_back(toOperands(k, rounded, type));
      rest = k.subtractFloat(
          rest, arith::ExtFOp::create(k.b, rest.getType(), rounded));
    }
  }
  SmallVector<Values> a;
  for (int64_t part = 0; part < parts; ++part) {
    auto low = operands[part], high = operands[parts + part];
    a.push_back({low.first, high.first, low.second, high.second});
  }
  Values sums(carried);
  for (int64_t rowTile = 0; rowTile < shape.rowTiles; ++rowTile) {
    Value row = clampRow(k.add(k.add(firstRow, group), rowTile * matrixRows));
    Value factors = loadFactors(row, rank, stepRanks);
    if (parameters.b == FactorType::I8)
      factors = arith::TruncFOp::create(k.b, halves,
                                        k.widenFactor(factors, parameters.b));
    auto [first, second] = toOperands(k, factors, type);
    for (int64_t part = 0; part < parts; ++part)
      multiplyMatrices(
          a[part], {first, second},
          MutableArrayRef<Value>(sums).slice(rowTile * fragment, fragment),
          type);
  }
  return sums;
}

GpuPrefill::Values GpuPrefill::addFactors(int64_t tile, Value rank,
                                          ArrayRef<Value> carried) {
  Values sums(carried), corrections;
  for (int64_t index = 0; index < fragment; ++index)
    corrections.push_back(
        loadCorrection(getResultToken(tile, index), rank, laneRanks));
  for (auto [rowTile, row] : llvm::enumerate(resultRows)) {
    Value factors = k.bits(k.vector(laneRanks, k.f32()),
                           loadFactors(row.number, rank, laneRanks));
    for (int64_t index = 0; index < fragment; ++index) {
      Value &sum = sums[rowTile * fragment + index];
      for (int64_t offset = 0; offset < laneRanks; ++offset)
        sum = k.multiplyAdd(k.element(factors, offset),
                            k.element(corrections[index], offset), sum);
    }
  }
  return sums;
}
