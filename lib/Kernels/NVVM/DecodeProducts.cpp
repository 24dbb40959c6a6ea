//===- DecodeProducts.cpp - The ternary products of few tokens --*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t chunkWords = WordLayout::chunkWords;
static constexpr int64_t wordColumns = WordLayout::wordColumns;
/// Four of a word's codes, one per byte.
static constexpr int64_t wordPlaces = 4;
static constexpr uint32_t placeMask = 0x03030303;

/// Steps whose weights are loaded before the first of them is used: what a lane
/// has in flight.
static constexpr int64_t stepsInFlight = 4;
/// Steps of a row up to which there is no loop.
static constexpr int64_t mostUnrolledSteps = 8;

Decode::Values Decode::multiply() {
  bool isExact = !key.isFloat() && !key.isGrouped();
  Values sums(rows * tokens * (inPlace ? wordPlaces : 1),
              isExact ? k.integer(0) : k.real(0));
  int64_t steps = words.getFullSteps();
  Value zero = k.integer(0);
  if (steps <= mostUnrolledSteps) {
    sums = emitSteps(zero, steps, sums);
  } else {
    int64_t looped = llvm::alignDown(steps, stepsInFlight);
    sums = k.loop(zero, k.integer(looped), stepsInFlight, sums,
                  [&](Value first, ArrayRef<Value> carried) {
                    return emitSteps(first, stepsInFlight, carried);
                  });
    sums = emitSteps(k.integer(looped), steps - looped, sums);
  }
  if (words.getLastLanes())
    sums = emitLastStep(sums);
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

Decode::Values Decode::emitSteps(Value first, int64_t count,
                                 ArrayRef<Value> sums) {
  Values result(sums);
  for (int64_t start = 0; start < count; start += stepsInFlight) {
    SmallVector<Step> steps;
    int64_t end = std::min(start + stepsInFlight, count);
    for (int64_t step = start; step < end; ++step)
      steps.push_back(loadStep(first, step));
    for (Step &step : steps)
      emitStep(step, result);
  }
  return result;
}

Decode::Values Decode::emitLastStep(ArrayRef<Value> sums) {
  Values result(sums);
  Step step = loadLastStep();
  emitStep(step, result);
  return result;
}

Value Decode::inputPointer(int64_t token) {
  if (!key.isFloat() || hasPaddedInput(key))
    return tokenPart(token, scratch.inputs);
  return k.address(
      k.argument(DecodeInput),
      k.multiply(tokenNumbers[token], k.argument(DecodeInputStride)));
}

Decode::Step Decode::loadStep(Value first, int64_t offset) {
  int64_t wordBytes = wordColumns * inputBytes;
  Step step;
  step.inputStride = lanes * wordBytes;
  step.wordStride = lanes;
  Value chunks = k.multiply(first, lanes);
  for (Value row : rowPointers)
    step.weights.push_back(
        k.load(k.vector(chunkWords, k.i32()),
               k.address(row, k.multiply(chunks, WordLayout::chunkBytes),
                         offset * lanes * WordLayout::chunkBytes),
               WordLayout::chunkBytes));
  for (Value input : inputPointers)
    step.inputs.push_back(k.address(input,
                                    k.multiply(chunks, chunkWords * wordBytes),
                                    offset * lanes * chunkWords * wordBytes));
  step.word = k.add(k.add(k.multiply(chunks, chunkWords), sub),
                    offset * lanes * chunkWords);
  return step;
}

Decode::Step Decode::loadLastStep() {
  int64_t wordBytes = wordColumns * inputBytes;
  int64_t last = words.getLastLanes(), chunks = words.getFullSteps() * lanes;
  Step step;
  step.inputStride = last * wordBytes;
  step.wordStride = last;
  // Lanes without a chunk load that of the last one and count it as zeros.
  step.active = k.isLess(sub, last);
  Value back = k.subtract(k.minimum(sub, last - 1), sub);
  for (Value row : rowPointers)
    step.weights.push_back(
        k.load(k.vector(chunkWords, k.i32()),
               k.address(row, k.multiply(back, WordLayout::chunkBytes),
                         chunks * WordLayout::chunkBytes),
               WordLayout::chunkBytes));
  for (Value input : inputPointers)
    step.inputs.push_back(k.address(input, k.multiply(back, wordBytes),
                                    chunks * chunkWords * wordBytes));
  step.word = k.add(k.add(sub, back), chunks * chunkWords);
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
  return k.load(k.vector(wordPlaces, k.i32()),
                k.address(step.inputs[token], word * step.inputStride),
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

Value Decode::loadGroupScale(Value word, int64_t row) {
  Value group =
      k.shiftRight(word, llvm::Log2_64(parameters.group / wordColumns));
  Value scales = k.addressOf(weightPart(layout.scales), rowNumbers[row],
                             getGpuGroups(parameters) * floatBytes);
  return k.loadFloat(k.address(scales, k.multiply(group, floatBytes)));
}

void Decode::emitGroupWord(const Step &step, int64_t word, Values &sums) {
  // A word lies inside one group, so that its sum is exact and its scale known.
  Value number = k.add(step.word, word * step.wordStride);
  Values codes, scales;
  for (int64_t row = 0; row < rows; ++row) {
    scales.push_back(loadGroupScale(number, row));
    for (int64_t place = 0; place < wordPlaces; ++place)
      codes.push_back(takePlace(k, k.element(step.weights[row], word), place));
  }
  for (int64_t token = 0; token < tokens; ++token) {
    Value inputs = loadCodes(step, word, token);
    Value excess = k.load(k.i32(),
                          k.address(tokenPart(token, scratch.sums),
                                    k.multiply(number, floatBytes)),
                          floatBytes);
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

void Decode::emitFloatWord(const Step &step, int64_t word, Values &sums) {
  Value number = k.add(step.word, word * step.wordStride);
  Values parts(rows * tokens, k.real(0));
  for (int64_t place = 0; place < wordPlaces; ++place) {
    // Four consecutive columns.
    Values weights;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t byte = 0; byte < 4; ++byte) {
        Value code = k.bitAnd(k.shiftRight(k.element(step.weights[row], word),
                                           8 * byte + 2 * place),
                              3);
        weights.push_back(k.toFloat(
            k.add(k.multiply(code, meaning.factor), -meaning.offset)));
      }
    for (int64_t token = 0; token < tokens; ++token) {
      Value x =
          k.load(k.vector(4, k.f32()),
                 k.address(step.inputs[token],
                           word * step.inputStride + place * 4 * floatBytes),
                 16);
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
    for (int64_t row = 0; row < rows; ++row)
      scales.push_back(loadGroupScale(number, row));
  for (int64_t index = 0; index < rows * tokens; ++index) {
    Value part = parts[index];
    if (step.active)
      part = k.select(step.active, part, k.real(0));
    sums[index] = key.isGrouped()
                      ? k.multiplyAdd(part, scales[index % rows], sums[index])
                      : k.addFloat(sums[index], part);
  }
}
