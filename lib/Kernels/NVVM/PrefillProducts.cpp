//===- PrefillProducts.cpp - The ternary products of many tokens *- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefill.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t chunkWords = WordLayout::chunkWords;
static constexpr int64_t chunkBytes = WordLayout::chunkBytes;
static constexpr int64_t wordColumns = WordLayout::wordColumns;
/// Registers that a word unpacks to, and those of an instruction's B.
static constexpr int64_t wordRegisters = 4, stepRegisters = 2;
static constexpr int64_t placeMask = 0x03030303;
/// Lanes that share a row's chunks, and sums of an instruction per lane.
static constexpr int64_t places = 4, fragment = 4;

/// Shared memory: a slot is what a lane reads at once.
static constexpr int64_t slotBytes = wordColumns;
static constexpr int64_t tokenSlots = places * chunkWords;
static constexpr int64_t tokenBytes = tokenSlots * slotBytes;
static constexpr int64_t matrixTokens = PrefillShape::matrixTokens;
static constexpr int64_t matrixRows = PrefillShape::matrixRows;
static constexpr int64_t stages = 2;

/// Smallest granularity of groups that needs more than one product per step.
static constexpr int64_t pieceColumns = places * wordColumns;

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Prefill::Values Prefill::multiply() {
  int64_t stageBytes = shape.getTokens() * tokenBytes;
  shared = k.getShared(stages * stageBytes / floatBytes);
  int64_t units = llvm::divideCeil(words.getChunks(), places);
  size_t sumCount = shape.tokenTiles * shape.rowTiles * fragment;

  copyInputs(k.integer(0));
  Values carried = getInitialSums();
  llvm::append_range(carried, loadWeights(k.integer(0)));
  // What was copied is there for all threads, and all have read what the next
  // copy replaces.
  auto wait = [&] {
    NVVM::CpAsyncWaitGroupOp::create(k.b, 0);
    k.barrier();
  };
  auto multiplyCarried = [&](Value unit, ArrayRef<Value> carried) {
    Values sums(carried.take_front(sumCount));
    multiplyUnit(unit, carried.drop_front(sumCount), sums);
    return sums;
  };
  if (units > 1)
    carried = k.loop(k.integer(0), k.integer(units - 1), 1, carried,
                     [&](Value unit, ArrayRef<Value> carried) {
                       wait();
                       Value next = k.add(unit, 1);
                       copyInputs(next);
                       Values weights = loadWeights(next);
                       Values sums = multiplyCarried(unit, carried);
                       llvm::append_range(sums, weights);
                       return sums;
                     });
  wait();
  return multiplyCarried(k.integer(units - 1), carried);
}

Prefill::Values Prefill::getInitialSums() {
  // Codes are at least 0, so each product is too large by a multiple of the
  // token's sum.
  Values sums;
  for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
    Values halves;
    for (int64_t half = 0; half < 2 && !key.isGrouped(); ++half) {
      Value token = k.add(group, tile * matrixTokens + half * matrixRows);
      Value sum = k.load(k.i32(), tokenPart(clampToken(token), scratch.sums),
                         floatBytes);
      halves.push_back(k.multiply(sum, -meaning.offset));
    }
    if (key.isGrouped())
      halves.assign(2, k.real(0));
    for (int64_t row = 0; row < shape.rowTiles; ++row)
      llvm::append_values(sums, halves[0], halves[0], halves[1], halves[1]);
  }
  return sums;
}

Value Prefill::getColumn(Value chunk, Value word) {
  int64_t lanes = words.getLanes(), full = words.getFullSteps();
  Value step = k.shiftRight(chunk, llvm::Log2_64(lanes));
  Value lane = k.bitAnd(chunk, lanes - 1);
  Value active = k.integer(lanes);
  if (words.getLastLanes())
    active =
        k.select(k.isLess(step, full), active, k.integer(words.getLastLanes()));
  Value number = k.add(k.multiply(step, chunkWords * lanes),
                       k.add(k.multiply(word, active), lane));
  return k.multiply(number, wordColumns);
}

void Prefill::copyInputs(Value unit) {
  Value slot = k.bitAnd(k.thread(), tokenSlots - 1);
  Value first = k.shiftRight(k.thread(), llvm::Log2_64(tokenSlots));
  Value chunk = k.add(k.multiply(unit, places), k.bitAnd(slot, places - 1));
  // Chunks that the row lacks are zeros, whatever the weights there are.
  Value size;
  if (words.getChunks() % places) {
    size = k.select(k.isLess(chunk, words.getChunks()), k.integer(slotBytes),
                    k.integer(0));
    chunk = k.minimum(chunk, words.getChunks() - 1);
  }
  Value column = getColumn(chunk, k.shiftRight(slot, llvm::Log2_64(places)));
  Value placed = exclusiveOr(slot, k.multiply(k.bitAnd(first, 1), places));
  Value target = k.address(
      shared,
      k.add(
          k.multiply(k.bitAnd(unit, 1), shape.getTokens() * tokenBytes),
          k.add(k.multiply(first, tokenBytes), k.multiply(placed, slotBytes))));
  constexpr int64_t atOnce = PrefillShape::threads / tokenSlots;
  static_assert(atOnce % 2 == 0, "a thread's tokens are all odd or all even");
  for (int64_t token = 0; token < shape.getTokens(); token += atOnce) {
    Value source = k.address(
        tokenPart(clampToken(k.add(first, token)), scratch.inputs), column);
    NVVM::CpAsyncOp::create(k.b, k.address(target, token * tokenBytes), source,
                            slotBytes, NVVM::LoadCacheModifierKind::CG, size);
  }
  NVVM::CpAsyncCommitGroupOp::create(k.b);
}

Prefill::Values Prefill::loadWeights(Value unit) {
  Value chunk = k.add(k.multiply(unit, places), place);
  if (words.getChunks() % places)
    chunk = k.minimum(chunk, words.getChunks() - 1);
  Value offset = k.multiply(chunk, chunkBytes);
  Values weights;
  for (int64_t tile = 0; tile < shape.rowTiles; ++tile) {
    Value row = clampRow(k.add(k.add(firstRow, group), tile * matrixRows));
    Value start =
        k.addressOf(weightPart(layout.codes), row, words.getRowBytes());
    weights.push_back(k.load(k.vector(chunkWords, k.i32()),
                             k.address(start, offset), chunkBytes));
  }
  return weights;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void Prefill::multiplyUnit(Value unit, ArrayRef<Value> weights, Values &sums) {
  Value stage = k.address(
      shared, k.multiply(k.bitAnd(unit, 1), shape.getTokens() * tokenBytes));
  for (int64_t word = 0; word < chunkWords; ++word) {
    if (key.isGrouped()) {
      multiplyGroupWord(unit, stage, weights, word, sums);
      continue;
    }
    Values registers = unpack(weights, word, Value());
    for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
      auto inputs = loadInputs(stage, tile, word);
      for (int64_t row = 0; row < shape.rowTiles; ++row)
        multiplyWord(inputs, registers, row,
                     MutableArrayRef<Value>(sums).slice(
                         (tile * shape.rowTiles + row) * fragment, fragment));
    }
  }
}

Prefill::Values Prefill::unpack(ArrayRef<Value> weights, int64_t word,
                                Value mask) {
  // Codes times the factor of their meaning, which is 1 or 2.
  int64_t up = meaning.factor - 1;
  assert((up == 0 || up == 1) && "factors of codes are shifts");
  if (!mask)
    mask = k.integer(placeMask << up);
  Values registers;
  for (Value chunk : weights) {
    Value codes = k.element(chunk, word);
    for (int64_t q = 0; q < wordRegisters; ++q) {
      Value shifted =
          q == 0 ? k.shiftLeft(codes, up) : k.shiftRight(codes, 2 * q - up);
      registers.push_back(k.both(shifted, mask));
    }
  }
  return registers;
}

std::pair<Value, Value> Prefill::loadInputs(Value stage, int64_t tile,
                                            int64_t word) {
  // Slot 4 word + place; in odd tokens the lowest bit of `word` is the other.
  Value odd = k.bitAnd(group, 1);
  Value slot =
      k.add(k.multiply(exclusiveOr(odd, k.integer(word & 1)), places), place);
  Value start = k.address(
      stage, k.add(k.multiply(group, tokenBytes), k.multiply(slot, slotBytes)));
  auto load = [&](int64_t token) {
    int64_t offset =
        token * tokenBytes + (word & ~int64_t(1)) * places * slotBytes;
    return k.load(k.vector(wordRegisters, k.i32()), k.address(start, offset),
                  slotBytes);
  };
  Value low = load(tile * matrixTokens);
  return {low, load(tile * matrixTokens + matrixRows)};
}

void Prefill::multiplyWord(std::pair<Value, Value> inputs,
                           ArrayRef<Value> registers, int64_t rowTile,
                           MutableArrayRef<Value> sums) {
  for (int64_t q = 0; q < wordRegisters; q += stepRegisters)
    multiplyMatrices(
        {k.element(inputs.first, q), k.element(inputs.second, q),
         k.element(inputs.first, q + 1), k.element(inputs.second, q + 1)},
        registers.slice(rowTile * wordRegisters + q, stepRegisters), sums,
        FactorType::I8);
}

void Prefill::multiplyMatrices(ArrayRef<Value> a, ArrayRef<Value> b,
                               MutableArrayRef<Value> sums, FactorType type) {
  using Types = std::array<NVVM::MMATypes, 2>;
  bool isInteger = type == FactorType::I8;
  Types types = {NVVM::MMATypes::s8, NVVM::MMATypes::u8};
  if (type == FactorType::F16)
    types = {NVVM::MMATypes::f16, NVVM::MMATypes::f16};
  if (type == FactorType::BF16)
    types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  SmallVector<Type> results(fragment, sums[0].getType());
  Value product = NVVM::MmaOp::create(
      k.b, LLVM::LLVMStructType::getLiteral(k.b.getContext(), results), a, b,
      sums, ArrayRef<int64_t>{matrixTokens, matrixRows, isInteger ? 32 : 16},
      std::nullopt,
      isInteger ? std::optional(NVVM::MMAIntOverflow::wrapped) : std::nullopt,
      types,
      std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row,
                                     NVVM::MMALayout::col});
  for (auto [index, sum] : llvm::enumerate(sums))
    sum = LLVM::ExtractValueOp::create(k.b, product, index);
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

void Prefill::multiplyGroupWord(Value unit, Value stage,
                                ArrayRef<Value> weights, int64_t word,
                                Values &sums) {
  // The four lanes' words are 64 columns side by side: of one group, or of two,
  // which then are two products with the other one's codes replaced by zeros.
  int64_t parts = llvm::divideCeil(pieceColumns, parameters.group);
  int64_t partWords = places / parts;
  Value column = getColumn(k.multiply(unit, places), k.integer(word));
  Value firstWord = k.shiftRight(column, llvm::Log2_64(wordColumns));

  // Minus the offset's multiple of each token's sum: per token tile, half and
  // part.
  Values excess;
  for (int64_t token = 0; token < shape.getTokens(); token += matrixRows) {
    Value words = k.load(
        k.vector(places, k.i32()),
        k.address(tokenPart(clampToken(k.add(group, token)), scratch.sums),
                  k.multiply(firstWord, floatBytes)),
        places * floatBytes);
    for (int64_t part = 0; part < parts; ++part) {
      Value sum = k.element(words, part * partWords);
      for (int64_t index = 1; index < partWords; ++index)
        sum = k.add(sum, k.element(words, part * partWords + index));
      excess.push_back(k.multiply(sum, -meaning.offset));
    }
  }
  for (int64_t part = 0; part < parts; ++part) {
    Value mask;
    if (parts > 1)
      mask =
          k.select(k.isEqual(k.shiftRight(place, 1), part),
                   k.integer(placeMask << (meaning.factor - 1)), k.integer(0));
    Values registers = unpack(weights, word, mask);
    Value number = k.add(
        arith::DivUIOp::create(k.b, column, k.integer(parameters.group)), part);
    // Of the rows of the sums.
    Values scales;
    for (int64_t row = 0; row < shape.rowTiles * 2; ++row) {
      Value rowNumber = clampRow(k.add(k.add(firstRow, k.multiply(place, 2)),
                                       row / 2 * matrixRows + row % 2));
      scales.push_back(k.loadFloat(
          k.address(k.addressOf(weightPart(layout.scales), rowNumber,
                                getGpuGroups(parameters) * floatBytes),
                    k.multiply(number, floatBytes))));
    }
    for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
      auto inputs = loadInputs(stage, tile, word);
      Value low = excess[2 * tile * parts + part];
      Value high = excess[(2 * tile + 1) * parts + part];
      for (int64_t row = 0; row < shape.rowTiles; ++row) {
        Values products = {low, low, high, high};
        multiplyWord(inputs, registers, row, products);
        for (auto [index, product] : llvm::enumerate(products)) {
          Value &sum = sums[(tile * shape.rowTiles + row) * fragment + index];
          sum = k.multiplyAdd(k.toFloat(product), scales[2 * row + index % 2],
                              sum);
        }
      }
    }
  }
}
