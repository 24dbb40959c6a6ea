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
/// Registers that a word unpacks to, and those that one instruction takes.
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
static constexpr int64_t groups = PrefillShape::groups;
static constexpr int64_t stages = 2;

/// Columns that the four lanes' words have.
static constexpr int64_t pieceColumns = places * wordColumns;

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

GpuPrefill::Values GpuPrefill::multiply() {
  shared = k.getShared(stages * getStageBytes() / floatBytes);
  int64_t units = llvm::divideCeil(words.getChunks(), places);
  size_t sumCount = shape.tokenTiles * shape.rowTiles * fragment;

  copyUnit(k.integer(0));
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
    carried = keepLoop(k.loop(k.integer(0), k.integer(units - 1), 1, carried,
                              [&](Value unit, ArrayRef<Value> carried) {
                                // Before the barrier, which keeps LLVM from
                                // moving the loads to where they are used.
                                Value next = k.add(unit, 1);
                                Values weights = loadWeights(next);
                                wait();
                                copyUnit(next);
                                Values sums = multiplyCarried(unit, carried);
                                llvm::append_range(sums, weights);
                                return sums;
                              }));
  wait();
  return multiplyCarried(k.integer(units - 1), carried);
}

GpuPrefill::Values GpuPrefill::getInitialSums() {
  // Codes are at least 0, so each product is too large by a multiple of the
  // token's sum.
  Values sums;
  for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
    Values tokens(2, key.isGrouped() ? k.real(0) : Value());
    for (int64_t index = 0; index < 2 && !key.isGrouped(); ++index) {
      Value token = clampToken(getResultToken(tile, index));
      Value sum = k.load(k.i32(), tokenPart(token, scratch.sums), floatBytes);
      tokens[index] = k.multiply(sum, -meaning.offset);
    }
    for (int64_t row = 0; row < shape.rowTiles * 2; ++row)
      llvm::append_range(sums, tokens);
  }
  return sums;
}

Value GpuPrefill::getColumn(Value chunk, Value word) {
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

Value GpuPrefill::getStage(Value unit) {
  return k.address(shared, k.multiply(k.bitAnd(unit, 1), getStageBytes()));
}

/// Copies `bytes` at once from global to shared memory, or fills with as many
/// zeros where `exists` is false.
static void copy(GpuBuilder &k, Value target, Value source, int64_t bytes,
                 Value exists) {
  Value size;
  if (exists)
    size = k.select(exists, k.integer(bytes), k.integer(0));
  NVVM::CpAsyncOp::create(k.b, target, source, bytes,
                          bytes == slotBytes ? NVVM::LoadCacheModifierKind::CG
                                             : NVVM::LoadCacheModifierKind::CA,
                          size);
}

void GpuPrefill::copyUnit(Value unit) {
  Value stage = getStage(unit);
  copyInputs(unit, stage);
  if (key.isGrouped())
    copyScales(unit, k.address(stage, getScalesOffset()));
  NVVM::CpAsyncCommitGroupOp::create(k.b);
}

void GpuPrefill::copyInputs(Value unit, Value stage) {
  Value slot = k.bitAnd(k.thread(), tokenSlots - 1);
  Value first = k.shiftRight(k.thread(), llvm::Log2_64(tokenSlots));
  Value chunk = k.add(k.multiply(unit, places), k.bitAnd(slot, places - 1));
  // Chunks that the row lacks are zeros, whatever the weights there are.
  Value isPartOfRow;
  if (words.getChunks() % places) {
    isPartOfRow = k.isLess(chunk, words.getChunks());
    chunk = k.minimum(chunk, words.getChunks() - 1);
  }
  Value column = getColumn(chunk, k.shiftRight(slot, llvm::Log2_64(places)));
  Value source = k.address(tokenPart(first, scratch.inputs), column);
  Value placed = exclusiveOr(slot, k.multiply(k.bitAnd(first, 1), places));
  Value target = k.address(stage, k.add(k.multiply(first, tokenBytes),
                                        k.multiply(placed, slotBytes)));
  constexpr int64_t atOnce = PrefillShape::threads / tokenSlots;
  static_assert(atOnce % 2 == 0, "a thread's tokens are all odd or all even");
  for (int64_t token = 0; token < shape.getTokens(); token += atOnce) {
    Value exists = k.isLess(k.add(first, token), tokensLeft);
    if (isPartOfRow)
      exists = k.both(exists, isPartOfRow);
    copy(k, k.address(target, token * tokenBytes),
         k.address(source, token * scratch.tokenBytes), slotBytes, exists);
  }
}

void GpuPrefill::copyScales(Value unit, Value target) {
  int64_t rows = shape.getRows(), parts = getParts();
  int64_t count = rows * chunkWords * parts;
  target = k.address(target, k.multiply(k.thread(), floatBytes));
  Value blockRow = k.multiply(k.blockX(), rows);
  for (int64_t first = 0; first < count; first += PrefillShape::threads) {
    Value index = k.add(k.thread(), first);
    Value piece = k.shiftRight(index, llvm::Log2_64(rows));
    Value row = clampRow(k.add(blockRow, k.bitAnd(index, rows - 1)));
    Value column = getColumn(k.multiply(unit, places),
                             k.shiftRight(piece, llvm::Log2_64(parts)));
    Value group =
        arith::DivUIOp::create(k.b, column, k.integer(parameters.group));
    if (parts > 1)
      group = k.add(group, k.bitAnd(piece, parts - 1));
    Value source = k.address(k.addressOf(weightPart(layout.scales), row,
                                         getGpuGroups(parameters) * floatBytes),
                             k.multiply(group, floatBytes));
    copy(k, k.address(target, first * floatBytes), source, floatBytes, Value());
  }
}

GpuPrefill::Values GpuPrefill::loadWeights(Value unit) {
  Value chunk = k.add(k.multiply(unit, places), place);
  if (words.getChunks() % places)
    chunk = k.minimum(chunk, words.getChunks() - 1);
  Value first = k.add(firstRow, group);
  Value start = k.address(
      k.addressOf(weightPart(layout.codes), first, words.getRowBytes()),
      k.multiply(chunk, chunkBytes));
  SmallVector<Values> rows;
  for (int64_t row = 0; row < shape.getWarpRows(); row += groups) {
    Value source = k.address(start, row * words.getRowBytes());
    // The last row again where some do not exist.
    if (parameters.rows % shape.getRows())
      source = k.addressOf(
          start,
          k.minimum(k.subtract(k.integer(parameters.rows - 1), first), row),
          words.getRowBytes());
    rows.push_back(loadWords(source));
  }
  Values weights;
  for (int64_t word = 0; word < chunkWords; ++word)
    for (const Values &row : rows)
      weights.push_back(row[word]);
  return weights;
}

GpuPrefill::Values GpuPrefill::loadWords(Value pointer) {
  // Taken apart at once: LLVM loads each word where it is taken from the
  // vector, and joins loads only as long as nothing is between them.
  constexpr int64_t count = 4;
  Value vector = k.load(k.vector(count, k.i32()), pointer, count * floatBytes);
  Values words;
  for (int64_t index = 0; index < count; ++index)
    words.push_back(k.element(vector, index));
  return words;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void GpuPrefill::multiplyUnit(Value unit, ArrayRef<Value> weights,
                              Values &sums) {
  Value stage = getStage(unit);
  size_t rows = weights.size() / chunkWords;
  if (!key.isGrouped()) {
    for (int64_t word = 0; word < chunkWords; ++word)
      multiplyWord(stage, weights.slice(word * rows, rows), k.integer(word),
                   sums);
    return;
  }
  // A loop, lest ptxas mix the words and run out of registers. The next word
  // comes first; the others move up.
  Values carried(sums);
  llvm::append_range(carried, weights);
  carried = keepLoop(
      k.loop(k.integer(0), k.integer(chunkWords), 1, carried,
             [&](Value word, ArrayRef<Value> carried) {
               Values next(carried.take_front(sums.size()));
               ArrayRef<Value> codes = carried.drop_front(sums.size());
               multiplyGroupWord(stage, codes.take_front(rows), word, next);
               llvm::append_range(next, codes.drop_front(rows));
               llvm::append_range(next, codes.take_front(rows));
               return next;
             }));
  sums.assign(carried.begin(), carried.begin() + sums.size());
}

void GpuPrefill::multiplyWord(Value stage, ArrayRef<Value> codes, Value word,
                              Values &sums) {
  Values registers = unpack(codes, SignedCodes());
  Value inputStart = getInputStart(stage, word);
  for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
    Values inputs = loadInputs(inputStart, tile);
    for (int64_t row = 0; row < shape.rowTiles; ++row)
      multiplyTile(registers, row, inputs,
                   MutableArrayRef<Value>(sums).slice(
                       (tile * shape.rowTiles + row) * fragment, fragment));
  }
}

GpuPrefill::Values GpuPrefill::unpack(ArrayRef<Value> codes,
                                      const SignedCodes &meanings) {
  // Codes times the factor of their meaning, which is 1 or 2.
  int64_t up = meaning.factor - 1;
  assert((up == 0 || up == 1) && "factors of codes are shifts");
  Value mask = meanings.mask ? meanings.mask : k.integer(placeMask << up);
  Values registers;
  for (Value word : codes)
    for (int64_t q = 0; q < wordRegisters; ++q) {
      Value shifted =
          q == 0 ? k.shiftLeft(word, up) : k.shiftRight(word, 2 * q - up);
      Value bytes = k.both(shifted, mask);
      if (meanings.mask)
        bytes = exclusiveOr(k.add(bytes, meanings.bias), meanings.sign);
      registers.push_back(bytes);
    }
  return registers;
}

Value GpuPrefill::getInputStart(Value stage, Value word) {
  // Slot 4 word + place; in odd tokens the lowest bit of `word` is the other.
  Value swapped = exclusiveOr(k.bitAnd(group, 1), word);
  Value slot = k.add(k.multiply(swapped, places), place);
  return k.address(
      stage, k.add(k.multiply(group, tokenBytes), k.multiply(slot, slotBytes)));
}

GpuPrefill::Values GpuPrefill::loadInputs(Value start, int64_t tile) {
  return loadWords(k.address(start, tile * matrixTokens * tokenBytes));
}

void GpuPrefill::multiplyTile(ArrayRef<Value> registers, int64_t rowTile,
                              ArrayRef<Value> inputs,
                              MutableArrayRef<Value> sums) {
  auto low = registers.slice(2 * rowTile * wordRegisters, wordRegisters);
  auto high = registers.slice((2 * rowTile + 1) * wordRegisters, wordRegisters);
  for (int64_t q = 0; q < wordRegisters; q += stepRegisters)
    multiplyMatrices({low[q], high[q], low[q + 1], high[q + 1]},
                     inputs.slice(q, stepRegisters), sums, FactorType::I8);
}

void GpuPrefill::multiplyMatrices(ArrayRef<Value> a, ArrayRef<Value> b,
                                  MutableArrayRef<Value> sums,
                                  FactorType type) {
  using Types = std::array<NVVM::MMATypes, 2>;
  bool isInteger = type == FactorType::I8;
  // Codes without signs are corrected by the tokens' sums.
  Types types = {key.isGrouped() ? NVVM::MMATypes::s8 : NVVM::MMATypes::u8,
                 NVVM::MMATypes::s8};
  if (type == FactorType::F16)
    types = {NVVM::MMATypes::f16, NVVM::MMATypes::f16};
  if (type == FactorType::BF16)
    types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  SmallVector<Type> results(fragment, sums[0].getType());
  Value product = NVVM::MmaOp::create(
      k.b, LLVM::LLVMStructType::getLiteral(k.b.getContext(), results), a, b,
      sums, ArrayRef<int64_t>{matrixRows, matrixTokens, isInteger ? 32 : 16},
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

int64_t GpuPrefill::getParts() const {
  return llvm::divideCeil(pieceColumns, parameters.group);
}

int64_t GpuPrefill::getScalesOffset() const {
  return shape.getTokens() * tokenBytes;
}

int64_t GpuPrefill::getStageBytes() const {
  if (!key.isGrouped())
    return getScalesOffset();
  return getScalesOffset() +
         shape.getRows() * chunkWords * getParts() * floatBytes;
}

GpuPrefill::SignedCodes GpuPrefill::getSignedCodes(int64_t part) {
  // No byte of `code + 128 - offset` carries into the next one; its upper bit
  // turned over, it is `code - offset`.
  constexpr int64_t ones = 0x01010101;
  SignedCodes codes = {k.integer(placeMask << (meaning.factor - 1)),
                       k.integer((0x80 - meaning.offset) * ones),
                       k.integer(int32_t(0x80u * ones))};
  if (getParts() == 1)
    return codes;
  Value isOwn = k.isEqual(k.shiftRight(place, 1), part);
  for (Value *value : {&codes.mask, &codes.bias, &codes.sign})
    *value = k.select(isOwn, *value, k.integer(0));
  return codes;
}

GpuPrefill::Values GpuPrefill::loadScales(Value stage, Value word,
                                          int64_t part) {
  Value row = k.add(k.multiply(k.warp(), shape.getWarpRows()), group);
  Value offset = k.add(k.multiply(word, getParts() * shape.getRows()), row);
  Value start =
      k.address(stage, k.multiply(offset, floatBytes), getScalesOffset());
  Values scales;
  for (int64_t row = 0; row < shape.getWarpRows(); row += groups)
    scales.push_back(k.loadFloat(
        k.address(start, (part * shape.getRows() + row) * floatBytes)));
  return scales;
}

void GpuPrefill::multiplyGroupWord(Value stage, ArrayRef<Value> codes,
                                   Value word, Values &sums) {
  // Integers added to the bits of 1.5 * 2^23 are numbers added to it, as long
  // as they are below 2^22: quicker than a conversion.
  constexpr float sumStart = 0x1.8p23f;
  constexpr int64_t sumBits = 0x4b400000;
  Value inputStart = getInputStart(stage, word);
  // The four lanes' words are 64 columns side by side: of one group, or of two,
  // which then are two products with the other one's codes replaced by zeros.
  for (int64_t part = 0; part < getParts(); ++part) {
    Values registers = unpack(codes, getSignedCodes(part));
    Values scales = loadScales(stage, word, part);
    for (int64_t tile = 0; tile < shape.tokenTiles; ++tile) {
      Values inputs = loadInputs(inputStart, tile);
      for (int64_t row = 0; row < shape.rowTiles; ++row) {
        Values products(fragment, k.integer(sumBits));
        multiplyTile(registers, row, inputs, products);
        for (auto [index, product] : llvm::enumerate(products)) {
          Value &sum = sums[(tile * shape.rowTiles + row) * fragment + index];
          Value number =
              k.subtractFloat(k.bits(k.f32(), product), k.real(sumStart));
          sum = k.multiplyAdd(number, scales[2 * row + index / 2], sum);
        }
      }
    }
  }
}
