//===- DecodeProducts.cpp - The ternary products of few tokens --*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

#include <cmath>

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4, wordBytes = 4;
static constexpr int64_t chunkWords = WordLayout::chunkWords;
static constexpr int64_t wordColumns = WordLayout::wordColumns;
/// Four of a word's codes, one per byte.
static constexpr int64_t wordPlaces = 4;
static constexpr uint32_t placeMask = 0x03030303;
/// Numbers of tokens are shorter.
static constexpr int64_t tokenCountBits = 32;

/// Steps of a row up to which there is no loop: some hundred instructions.
static int64_t getMostUnrolledSteps(const GpuLinearKey &key) {
  if (!key.isExact())
    return 2;
  return key.tokens <= 2 ? 8 : 16 / key.tokens;
}

/// Steps whose weights are loaded together: what a lane has in flight, as far
/// as there are registers.
static int64_t getStepsInFlight(const GpuLinearKey &key, bool inLoop) {
  if (!key.isExact() || key.tokens > 4)
    return 2;
  if (inLoop)
    return key.tokens <= 2 ? 3 : 2;
  return 4;
}

Decode::Values Decode::multiply() {
  Values sums(rows * tokens * (inPlace ? wordPlaces : 1),
              key.isExact() ? k.integer(0) : k.real(0));
  int64_t steps = words.getFullSteps(), looped = 0;
  bool hasLoop = steps > getMostUnrolledSteps(key);
  int64_t window = getStepsInFlight(key, hasLoop);
  Value zero = k.integer(0);
  if (hasLoop) {
    looped = llvm::alignDown(steps, window);
    sums = k.loop(zero, k.integer(looped), window, sums,
                  [&](Value first, ArrayRef<Value> carried) {
                    Values next(carried);
                    emitSteps(first, 0, window, false, next);
                    return next;
                  });
    k.keepLoop(sums[0]);
  }
  bool last = words.getLastLanes() > 0;
  for (int64_t start = looped; start < steps || last; start += window) {
    int64_t end = std::min(start + window, steps);
    emitSteps(zero, start, end, last && end == steps, sums);
    last &= end < steps;
  }
  if (!inPlace)
    return sums;
  // Place q holds 4^q times its sum, so that the shifts are exact.
  Values totals;
  for (int64_t index = 0; index < rows * tokens; ++index) {
    Value total = sums[index * wordPlaces];
    for (int64_t place = 1; place < wordPlaces; ++place)
      total = k.add(total, k.shiftRightSigned(sums[index * wordPlaces + place],
                                              2 * place));
    totals.push_back(total);
  }
  return totals;
}

void Decode::emitSteps(Value first, int64_t begin, int64_t end, bool last,
                       Values &sums) {
  SmallVector<Step> steps;
  for (int64_t step = begin; step < end; ++step)
    steps.push_back(loadStep(first, step));
  if (last)
    steps.push_back(loadLastStep());
  await(steps);
  for (Step &step : steps)
    emitStep(step, sums);
}

void Decode::await(MutableArrayRef<Step> steps) {
  // Assemblers move loads down to their first use to save registers, and with
  // that have the latency of memory once per step. So the words of the first
  // step take up a bit of every other load: one that is zero, which only we
  // know.
  Value zero =
      k.toNarrow(k.shiftRight(k.argument(DecodeTokens), tokenCountBits));
  int64_t place = 0;
  for (Step &step : steps.drop_front())
    for (Value loaded : step.weights) {
      Value &weights = steps[0].weights[place % rows];
      int64_t word = place / rows % chunkWords;
      Value bit = k.bitAnd(k.element(loaded, 0), zero);
      weights = k.replaceElement(weights,
                                 k.bitOr(k.element(weights, word), bit), word);
      ++place;
    }
}

Value Decode::inputPointer(int64_t token) {
  if (!key.isFloat() || hasPaddedInput(key))
    return tokenPart(token, scratch.inputs);
  return k.address(
      k.argument(DecodeInput),
      k.multiply(tokenNumbers[token], k.argument(DecodeInputStride)));
}

Decode::Step Decode::loadStep(Value first, int64_t offset) {
  Value chunk = k.multiply(first, lanes);
  return loadChunks(chunk, k.multiply(chunk, chunkWords), offset * lanes,
                    lanes);
}

Decode::Step Decode::loadLastStep() {
  int64_t last = words.getLastLanes();
  // Lanes without a chunk load that of the last one and count it as zeros.
  Value back = k.subtract(k.minimum(sub, last - 1), sub);
  Step step = loadChunks(back, back, words.getFullSteps() * lanes, last);
  step.active = k.isLess(sub, last);
  return step;
}

Decode::Step Decode::loadChunks(Value chunk, Value word, int64_t chunks,
                                int64_t wordStride) {
  Step step;
  step.word = word;
  step.firstWord = chunks * chunkWords;
  step.wordStride = wordStride;
  for (Value row : rowPointers)
    step.weights.push_back(
        k.load(k.vector(chunkWords, k.i32()),
               k.address(row, k.multiply(chunk, WordLayout::chunkBytes),
                         chunks * WordLayout::chunkBytes),
               WordLayout::chunkBytes));
  auto move = [&](ArrayRef<Value> pointers, int64_t bytes) {
    Values result;
    for (Value pointer : pointers)
      result.push_back(
          k.address(pointer, k.multiply(word, bytes), step.firstWord * bytes));
    return result;
  };
  step.inputs = move(inputPointers, wordColumns * inputBytes);
  step.sums = move(sumPointers, wordBytes);
  return step;
}

void Decode::emitStep(Step &step, Values &sums) {
  if (step.active && !key.isFloat()) {
    Value zeros = k.integer(k.vector(chunkWords, k.i32()), 0);
    for (Value &weights : step.weights)
      weights = k.select(step.active, weights, zeros);
  }
  for (int64_t word = 0; word < chunkWords; ++word) {
    if (key.isFloat())
      emitFloatWord(step, word, sums);
    else if (key.isGrouped())
      emitGroupWord(step, word, sums);
    else
      emitWord(step, word, sums);
  }
}

Value Decode::loadCodes(const Step &step, int64_t word, int64_t token) {
  return k.load(
      k.vector(wordPlaces, k.i32()),
      k.address(step.inputs[token], word * step.wordStride * wordColumns),
      wordColumns);
}

/// Four codes, one per byte.
static Value takePlace(GpuBuilder &k, Value word, int64_t place) {
  return k.bitAnd(k.shiftRight(word, 2 * place), placeMask);
}

void Decode::emitWord(const Step &step, int64_t word, Values &sums) {
  Values codes;
  for (Value weights : step.weights)
    for (int64_t place = 0; place < wordPlaces; ++place) {
      Value bits = k.element(weights, word);
      codes.push_back(inPlace ? k.bitAnd(bits, int32_t(placeMask << 2 * place))
                              : takePlace(k, bits, place));
    }
  for (int64_t token = 0; token < tokens; ++token) {
    Value inputs = loadCodes(step, word, token);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t place = 0; place < wordPlaces; ++place) {
        int64_t index = token * rows + row;
        Value &sum = inPlace ? sums[index * wordPlaces + place] : sums[index];
        sum = k.dotBytes(codes[row * wordPlaces + place],
                         k.element(inputs, place), sum);
      }
  }
}

Decode::Values Decode::loadGroupScales(const Step &step, int64_t word) {
  int64_t groupWords = parameters.group / wordColumns;
  int64_t shift = llvm::Log2_64(groupWords);
  int64_t constant = step.firstWord + word * step.wordStride;
  Value group;
  int64_t offset = 0;
  if (!step.active && lanes % groupWords == 0) {
    // All lanes begin at the start of a group.
    group = k.add(k.shiftRight(step.word, shift), k.shiftRight(sub, shift));
    offset = constant / groupWords * wordBytes;
  } else {
    group = k.shiftRight(k.add(k.add(step.word, sub), constant), shift);
  }
  Values result;
  for (Value scales : scalePointers)
    result.push_back(
        k.loadFloat(k.address(scales, k.multiply(group, wordBytes), offset)));
  return result;
}

void Decode::emitGroupWord(const Step &step, int64_t word, Values &sums) {
  // A word lies inside one group, so that its sum is exact and its scale known.
  Values codes, scales = loadGroupScales(step, word);
  for (Value weights : step.weights)
    for (int64_t place = 0; place < wordPlaces; ++place)
      codes.push_back(takePlace(k, k.element(weights, word), place));
  for (int64_t token = 0; token < tokens; ++token) {
    Value inputs = loadCodes(step, word, token);
    Value excess =
        k.load(k.i32(),
               k.address(step.sums[token], word * step.wordStride * wordBytes),
               wordBytes);
    excess = k.multiply(excess, -meaning.offset);
    if (step.active)
      excess = k.select(step.active, excess, k.integer(0));
    for (int64_t row = 0; row < rows; ++row) {
      Value total = meaning.factor == 1 ? excess : k.integer(0);
      for (int64_t place = 0; place < wordPlaces; ++place)
        total = k.dotBytes(codes[row * wordPlaces + place],
                           k.element(inputs, place), total);
      if (meaning.factor != 1)
        total = k.add(k.multiply(total, meaning.factor), excess);
      Value &sum = sums[token * rows + row];
      sum = k.multiplyAdd(k.toFloat(total), scales[row], sum);
    }
  }
}

Value Decode::toWeight(Value word, Value upperHalf, int64_t place,
                       int64_t byte) {
  // In the mantissa of a float whose last bit but `bit` is 1 where the code is,
  // bits that are not there being zero, the code is an exact sum with a power
  // of two. Only the lower half has room for that.
  int64_t bit = 8 * (byte % 2) + 2 * place;
  constexpr int64_t mantissaBits = 23, exponentBias = 127;
  Value code = k.bitAnd(byte < 2 ? word : upperHalf, int64_t(3) << bit);
  Value bits = k.bitOr(
      code, k.integer((exponentBias + mantissaBits - bit) << mantissaBits));
  Value number = k.bits(k.f32(), bits);
  float power = std::ldexp(1.0f, mantissaBits - bit);
  if (meaning.offset % meaning.factor == 0)
    return k.subtractFloat(number, k.real(power + meaning.offset));
  // The last bit of their sum may be too small.
  return k.subtractFloat(k.subtractFloat(number, k.real(power)),
                         k.real(float(meaning.offset) / meaning.factor));
}

void Decode::emitFloatWord(const Step &step, int64_t word, Values &sums) {
  Values parts(rows * tokens, k.real(0)), words, halves;
  for (Value weights : step.weights) {
    words.push_back(k.element(weights, word));
    halves.push_back(k.shiftRight(words.back(), 16));
  }
  for (int64_t place = 0; place < wordPlaces; ++place) {
    // Four consecutive columns.
    Values weights;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t byte = 0; byte < 4; ++byte)
        weights.push_back(toWeight(words[row], halves[row], place, byte));
    for (int64_t token = 0; token < tokens; ++token) {
      int64_t column = word * step.wordStride * wordColumns + place * 4;
      Value x = k.load(k.vector(4, k.f32()),
                       k.address(step.inputs[token], column * floatBytes), 16);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t byte = 0; byte < 4; ++byte) {
          Value &part = parts[token * rows + row];
          part =
              k.multiplyAdd(weights[row * 4 + byte], k.element(x, byte), part);
        }
    }
  }
  Values scales;
  if (key.isGrouped())
    scales = loadGroupScales(step, word);
  for (int64_t index = 0; index < rows * tokens; ++index) {
    Value part = parts[index];
    if (step.active)
      part = k.select(step.active, part, k.real(0));
    sums[index] = key.isGrouped()
                      ? k.multiplyAdd(part, scales[index % rows], sums[index])
                      : k.addFloat(sums[index], part);
  }
}
