//===- Prologue.cpp - What a layer computes once per token ------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linear.h"

#include "hgf/Kernels/Activations.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace hgf;

using Values = GpuBuilder::Values;

static constexpr int64_t floatBytes = 4;
static constexpr int64_t vectorSize = 4;
static constexpr int64_t leastThreads = 32, mostThreads = 512;
/// Ranks of one block: few, so that each thread has all its loads in flight and
/// many multiprocessors share A; more would repeat less of the norm.
static constexpr int64_t blockRanks = 2;

/// Columns that a thread loads at once.
static int64_t getStep(const GpuLinearKey &key) {
  return key.alignedInput && key.parameters.columns % vectorSize == 0
             ? vectorSize
             : 1;
}

LaunchShape hgf::getPrologueShape(const GpuLinearKey &key) {
  // A few loads per thread hide each other's latency; more threads would only
  // have more to bring together.
  constexpr int64_t loadsPerThread = 4;
  int64_t loads = llvm::divideCeil(key.parameters.columns, getStep(key));
  int64_t threads = std::clamp<int64_t>(
      llvm::PowerOf2Ceil(llvm::divideCeil(loads, loadsPerThread)), leastThreads,
      mostThreads);
  // The first block has the token, the others some ranks each.
  int64_t rankBlocks = llvm::divideCeil(key.parameters.rank, blockRanks);
  return {threads, 1 + rankBlocks};
}

Value hgf::emitDynamicGate(GpuBuilder &k, Value sum, Value biasPointer) {
  Value bias = k.loadFloat(biasPointer);
  Value threshold = k.loadFloat(k.address(biasPointer, floatBytes));
  Value open = emitActivation(k.b, k.addFloat(sum, bias), Activation::Sigmoid);
  Value closed =
      arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLT, open, threshold);
  return k.select(closed, k.real(0), open);
}

namespace {

/// Emits one prologue: block 0 of a token normalizes, quantizes and gates it,
/// the others compute h. What of it they need they compute themselves, so that
/// no block waits for another.
class Prologue {
public:
  Prologue(GpuBuilder &k, const GpuLinearKey &key)
      : k(k), key(key), parameters(key.parameters),
        layout(computeGpuWeightLayout(key.parameters)),
        scratch(computeGpuScratch(key)), step(getStep(key)),
        count(parameters.columns / step),
        padded(WordLayout(parameters.columns).getPaddedColumns()),
        threads(getPrologueShape(key).threads) {}

  void build();

private:
  using Use = llvm::function_ref<Values(Value column, Value x,
                                        ArrayRef<Value> carried)>;

  /// Calls `use` for the columns that a thread has, `step` of them at a time; x
  /// is normalized once the norm's factor is known.
  Values forEach(ArrayRef<Value> init, Use use);
  Type floats() { return step == 1 ? k.f32() : Type(k.vector(step, k.f32())); }
  Type ints() { return step == 1 ? k.i32() : Type(k.vector(step, k.i32())); }
  Value splat(Value scalar) { return k.splat(scalar, step); }
  /// The sum or the greatest of a vector's elements.
  Value fold(Value vector, GpuBuilder::Combine combine);
  Value floatColumns(Value pointer, Value column) {
    return k.load(floats(), k.address(pointer, k.multiply(column, floatBytes)),
                  step * floatBytes);
  }

  void findNorm();
  /// max(|x|), and with `gate` also the gate's sum.
  Values findMaximum(bool gate);
  /// The factor that x is multiplied by, or divided by, before rounding.
  Value getRounder(Value maximum);
  /// x / scale + 1.5 * 2^23: the code is in the low bits.
  Value round(Value x, Value rounder);
  void quantize();
  void storeSums(Value sum);
  void copy();
  void storeGate(Value sum);
  void correct();

  Value scratchPart(int64_t offset) { return k.address(token, offset); }
  Value weightPart(int64_t offset) {
    return k.address(k.argument(PrologueWeights), offset);
  }

  GpuBuilder &k;
  const GpuLinearKey &key;
  const LinearParameters &parameters;
  GpuWeightLayout layout;
  GpuScratch scratch;
  int64_t step, count, padded, threads;
  Value x, token, normFactor;
};

} // namespace

void Prologue::build() {
  Value index = k.blockY();
  x = k.address(k.argument(PrologueInput),
                k.multiply(k.toWide(index), k.argument(PrologueInputStride)));
  token = k.addressOf(k.argument(PrologueScratch), index, scratch.tokenBytes);
  if (parameters.norm)
    findNorm();
  auto first = [&] {
    if (key.isFloat())
      copy();
    else
      quantize();
    if (key.gatesOutput())
      k.branch(k.isEqual(k.thread(), 0), [&] {
        k.store(k.integer(0), scratchPart(scratch.counter), floatBytes);
      });
  };
  if (!parameters.hasCorrection())
    return first();
  k.branch(k.isEqual(k.blockX(), 0), first, [&] { correct(); });
}

Values Prologue::forEach(ArrayRef<Value> init, Use use) {
  auto visit = [&](Value index, ArrayRef<Value> carried) {
    Value column = k.multiply(index, step);
    Value values = floatColumns(x, column);
    if (normFactor)
      values = k.multiplyFloat(k.multiplyFloat(values, normFactor),
                               floatColumns(weightPart(layout.norm), column));
    return use(column, values, carried);
  };
  int64_t whole = llvm::alignDown(count, threads);
  Values carried(init);
  if (whole)
    carried = k.loop(k.integer(0), k.integer(whole), threads, carried,
                     [&](Value start, ArrayRef<Value> carried) {
                       return visit(k.add(start, k.thread()), carried);
                     });
  if (whole == count)
    return carried;
  Value last = k.add(k.thread(), whole);
  return k.branch(
      k.isLess(last, count), TypeRange(ValueRange(carried)),
      [&] { return visit(last, carried); }, [&] { return carried; });
}

Value Prologue::fold(Value vector, GpuBuilder::Combine combine) {
  Value result = k.element(vector, 0);
  for (int64_t index = 1; index < step; ++index)
    result = combine(result, k.element(vector, index));
  return result;
}

void Prologue::findNorm() {
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  Value squares =
      forEach({k.real(floats(), 0)},
              [&](Value, Value x, ArrayRef<Value> carried) -> Values {
                return {k.multiplyAdd(x, x, carried[0])};
              })[0];
  Value sum = k.reduceBlock({fold(squares, add)}, {add})[0];
  Value mean = k.divideFloat(sum, k.real(float(parameters.columns)));
  Value epsilon = k.loadFloat(weightPart(layout.normEpsilon));
  Value root = math::SqrtOp::create(k.b, k.addFloat(mean, epsilon));
  normFactor = splat(k.divideFloat(k.real(1), root));
}

Values Prologue::findMaximum(bool gate) {
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  auto greater = [&](Value left, Value right) {
    return k.maximum(left, right);
  };
  Values init(gate ? 2 : 1, k.real(floats(), 0));
  Values found = forEach(
      init, [&](Value column, Value x, ArrayRef<Value> carried) -> Values {
        Values next = {k.maximum(k.absolute(x), carried[0])};
        if (gate)
          next.push_back(
              k.multiplyAdd(floatColumns(weightPart(layout.gateWeight), column),
                            x, carried[1]));
        return next;
      });
  Values results = {fold(found[0], greater)};
  SmallVector<GpuBuilder::Combine> combine = {greater};
  if (gate) {
    results.push_back(fold(found[1], add));
    combine.push_back(add);
  }
  results = k.reduceBlock(results, combine);
  results[0] = k.maximum(results[0], k.real(1e-5f));
  return results;
}

Value Prologue::getRounder(Value maximum) {
  Value limit = k.real(127);
  switch (key.quantization) {
  case Quantization::None:
    break;
  case Quantization::Reciprocal:
    return k.divideFloat(limit, maximum);
  case Quantization::Division:
    return k.divideFloat(maximum, limit);
  case Quantization::ReciprocalProduct:
    return k.multiplyFloat(k.divideFloat(k.real(1), maximum), limit);
  }
  llvm_unreachable("no quantization");
}

Value Prologue::round(Value x, Value rounder) {
  // |x| <= a, so that the quotient rounds to 127 at most: the clip is implied.
  Value scaled = key.quantization == Quantization::Division
                     ? k.divideFloat(x, rounder)
                     : k.multiplyFloat(x, rounder);
  return k.addFloat(scaled, k.real(floats(), 0x1.8p23f));
}

void Prologue::quantize() {
  Values found = findMaximum(key.gatesInput());
  Value maximum = found[0];
  Value rounder = splat(getRounder(maximum));
  Value codes = scratchPart(scratch.inputs);
  bool oneSum = !key.isGrouped();
  Values init;
  if (oneSum)
    init.push_back(k.integer(0));
  Values sums = forEach(
      init, [&](Value column, Value x, ArrayRef<Value> carried) -> Values {
        Value rounded = k.bits(ints(), round(x, rounder));
        Value target = k.address(codes, column);
        // The low byte of each element, four of them side by side.
        Value word = k.bitAnd(k.element(rounded, 0), 0xff);
        for (int64_t index = 1; index < step; ++index)
          word = k.bitOr(word,
                         k.shiftLeft(k.bitAnd(k.element(rounded, index), 0xff),
                                     8 * index));
        if (step == 1)
          k.store(arith::TruncIOp::create(k.b, k.b.getI8Type(), word), target,
                  1);
        else
          k.store(word, target, step);
        if (oneSum)
          return {k.sumBytes(word, carried[0])};
        return {};
      });
  // The columns that fill the last chunk.
  for (int64_t first = parameters.columns; first < padded; first += threads) {
    Value column = k.add(k.thread(), first);
    k.branch(k.isLess(column, padded), [&] {
      k.store(k.integer(k.b.getI8Type(), 0), k.address(codes, column), 1);
    });
  }
  storeSums(oneSum ? sums[0] : Value());
  k.branch(k.isEqual(k.thread(), 0), [&] {
    k.store(k.divideFloat(maximum, k.real(127)),
            scratchPart(scratch.inputScale), floatBytes);
    if (key.gatesInput())
      storeGate(found[1]);
  });
}

void Prologue::storeSums(Value sum) {
  Value target = scratchPart(scratch.sums);
  if (sum) {
    auto add = [&](Value left, Value right) { return k.add(left, right); };
    sum = k.reduceBlock({sum}, {add})[0];
    k.branch(k.isEqual(k.thread(), 0),
             [&] { k.store(sum, target, floatBytes); });
    return;
  }
  // Other threads' codes, once they are there.
  k.barrier();
  Value codes = scratchPart(scratch.inputs);
  k.loop(k.thread(), k.integer(padded / WordLayout::wordColumns), threads, {},
         [&](Value word, ArrayRef<Value>) -> Values {
           Value columns = k.load(
               k.vector(4, k.i32()),
               k.address(codes, k.multiply(word, WordLayout::wordColumns)), 16);
           Value sum = k.integer(0);
           for (int64_t index = 0; index < 4; ++index)
             sum = k.sumBytes(k.element(columns, index), sum);
           k.store(sum, k.address(target, k.multiply(word, floatBytes)),
                   floatBytes);
           return {};
         });
}

void Prologue::copy() {
  Value target = scratchPart(scratch.inputs);
  bool copies = hasPaddedInput(key);
  Values init;
  if (key.gatesInput())
    init.push_back(k.real(floats(), 0));
  if (copies || key.gatesInput())
    init = forEach(
        init, [&](Value column, Value x, ArrayRef<Value> carried) -> Values {
          if (copies)
            k.store(x, k.address(target, k.multiply(column, floatBytes)),
                    step * floatBytes);
          if (!key.gatesInput())
            return {};
          return {
              k.multiplyAdd(floatColumns(weightPart(layout.gateWeight), column),
                            x, carried[0])};
        });
  for (int64_t first = parameters.columns; copies && first < padded;
       first += threads) {
    Value column = k.add(k.thread(), first);
    k.branch(k.isLess(column, padded), [&] {
      k.store(k.real(0), k.address(target, k.multiply(column, floatBytes)),
              floatBytes);
    });
  }
  if (!key.gatesInput())
    return;
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  Value sum = k.reduceBlock({fold(init[0], add)}, {add})[0];
  k.branch(k.isEqual(k.thread(), 0), [&] { storeGate(sum); });
}

void Prologue::storeGate(Value sum) {
  Value alpha = emitDynamicGate(k, sum, weightPart(layout.gateBias));
  k.store(alpha, scratchPart(scratch.gate), floatBytes);
}

void Prologue::correct() {
  Value maximum, rounder;
  if (key.correctsQuantized()) {
    maximum = findMaximum(false)[0];
    rounder = splat(getRounder(maximum));
  }
  Value first = k.multiply(k.add(k.blockX(), -1), blockRanks);
  int64_t bytes = getElementBytes(parameters.a);
  Values factors;
  for (int64_t rank = 0; rank < blockRanks; ++rank)
    factors.push_back(
        k.address(weightPart(layout.a),
                  k.multiply(k.minimum(k.add(first, rank), parameters.rank - 1),
                             getGpuFactorColumns(parameters) * bytes)));
  Values sums = forEach(
      Values(blockRanks, k.real(floats(), 0)),
      [&](Value column, Value x, ArrayRef<Value> carried) -> Values {
        if (rounder)
          x = k.subtractFloat(round(x, rounder), k.real(floats(), 0x1.8p23f));
        Values next;
        for (int64_t rank = 0; rank < blockRanks; ++rank) {
          Value bits = k.loadFactorBits(
              k.address(factors[rank], k.multiply(column, bytes)), parameters.a,
              step);
          next.push_back(k.multiplyAdd(k.widenFactor(bits, parameters.a), x,
                                       carried[rank]));
        }
        return next;
      });
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  for (Value &sum : sums)
    sum = fold(sum, add);
  sums = k.reduceBlock(sums, SmallVector<GpuBuilder::Combine>(blockRanks, add));
  // One thread for each rank.
  Value sum = sums[0], rank = k.add(first, k.thread());
  for (int64_t other = 1; other < blockRanks; ++other)
    sum = k.select(k.isEqual(k.thread(), other), sums[other], sum);
  Value stores =
      k.both(k.isLess(k.thread(), blockRanks), k.isLess(rank, parameters.rank));
  k.branch(stores, [&] {
    Value offset = k.multiply(rank, floatBytes);
    auto scaleBy = [&](int64_t part) {
      sum = k.multiplyFloat(sum,
                            k.loadFloat(k.address(weightPart(part), offset)));
    };
    if (rounder)
      sum = k.multiplyFloat(sum, k.divideFloat(maximum, k.real(127)));
    if (parameters.a == FactorType::I8)
      scaleBy(layout.aScale);
    sum = emitActivation(k.b, sum, key.correctionActivation);
    // An int8 b has one scale per rank, which joins h.
    if (parameters.b == FactorType::I8)
      scaleBy(layout.bScale);
    k.store(sum, k.address(scratchPart(scratch.correction), offset),
            floatBytes);
  });
}

void hgf::buildPrologue(GpuBuilder &k, const GpuLinearKey &key) {
  Prologue(k, key).build();
}
