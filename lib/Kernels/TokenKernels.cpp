//===- TokenKernels.cpp - What is computed once per token -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace hgf;

using Values = KernelBuilder::Values;

static constexpr int64_t lanes = KernelBuilder::lanes;
static constexpr int64_t floatBytes = 4;

using UseVector = llvm::function_ref<Values(Value index, Value vector,
                                            ArrayRef<Value> carried)>;
using Merge = llvm::function_ref<Value(Value, Value)>;

/// Calls `use(index, vector<8xf32>)` for x[0, count) in vectors of eight, the
/// last one filled up with zeros, and carries values along. With `merge`
/// several sets of them run side by side, so that no step waits for the one
/// before it, and are merged afterwards.
static Values forEachVector(KernelBuilder &k, Value x, Value count,
                            ArrayRef<Value> init, UseVector use,
                            Merge merge = nullptr) {
  auto load = [&](Value index, int64_t vector) {
    return k.load(k.floats(),
                  k.address(x, k.multiply(index, floatBytes),
                            vector * lanes * floatBytes),
                  4);
  };
  Value begin = k.size(0);
  Values carried(init);
  if (merge) {
    // Sixteen registers have to suffice.
    const int64_t sets = init.size() > 1 ? 2 : 4;
    Value rest = arith::AndIOp::create(k.b, count, k.size(sets * lanes - 1));
    Value end = k.subtract(count, rest);
    Values wide;
    for (int64_t set = 0; set < sets; ++set)
      wide.append(init.begin(), init.end());
    wide = k.loop(begin, end, sets * lanes, wide,
                  [&](Value index, ArrayRef<Value> carried) {
                    Values next;
                    for (int64_t set = 0; set < sets; ++set)
                      next.append(
                          use(k.add(index, set * lanes), load(index, set),
                              carried.slice(set * init.size(), init.size())));
                    return next;
                  });
    for (size_t i = 0; i < init.size(); ++i) {
      carried[i] = wide[i];
      for (int64_t set = 1; set < sets; ++set)
        carried[i] = merge(carried[i], wide[set * init.size() + i]);
    }
    begin = end;
  }
  Value tail = arith::AndIOp::create(k.b, count, k.size(lanes - 1));
  Value whole = k.subtract(count, tail);
  carried = k.loop(begin, whole, lanes, carried,
                   [&](Value index, ArrayRef<Value> carried) {
                     return use(index, load(index, 0), carried);
                   });
  return k.branch(
      k.isLess(k.size(0), tail), TypeRange(ValueRange(carried)),
      [&] {
        Value vector =
            k.loadPartial(k.address(x, k.multiply(whole, floatBytes)), tail);
        return use(whole, vector, carried);
      },
      [&] { return carried; });
}

/// The greater of each lane, in one instruction: a NaN on the left is lost.
static Value emitMaximum(KernelBuilder &k, Value left, Value right) {
  Value greater =
      arith::CmpFOp::create(k.b, arith::CmpFPredicate::OGT, left, right);
  return arith::SelectOp::create(k.b, greater, left, right);
}

/// target = x * (1 / sqrt(mean(x^2) + epsilon)) * weight, whose vectors `use`
/// gets.
static Values emitNorm(KernelBuilder &k, Value x, Value weight, Value epsilon,
                       Value target, Value count, ArrayRef<Value> init,
                       UseVector use, Merge merge) {
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  Value squares = forEachVector(
      k, x, count, {k.real(k.floats(), 0)},
      [&](Value, Value vector, ArrayRef<Value> carried) -> Values {
        return {k.multiplyAdd(vector, vector, carried[0])};
      },
      add)[0];
  Value mean = k.divideFloat(k.sumOfLanes(squares), k.toFloat(count));
  Value root =
      math::SqrtOp::create(k.b, k.addFloat(mean, k.load(k.f32(), epsilon, 4)));
  Value factor = k.splat(k.divideFloat(k.real(k.f32(), 1), root));
  return forEachVector(
      k, x, count, init,
      [&](Value index, Value vector, ArrayRef<Value> carried) {
        Value offset = k.multiply(index, floatBytes);
        Value normal =
            k.multiplyFloat(k.multiplyFloat(vector, factor),
                            k.load(k.floats(), k.address(weight, offset), 32));
        k.store(normal, k.address(target, offset), 4);
        return use(index, normal, carried);
      },
      merge);
}

/// The factor that x is multiplied by, or divided by, before rounding.
static Value getRounder(KernelBuilder &k, Value maximum) {
  Value limit = k.real(k.f32(), 127);
  switch (k.key.quantization) {
  case Quantization::None:
    break;
  case Quantization::Reciprocal:
    return k.divideFloat(limit, maximum);
  case Quantization::Division:
    return k.divideFloat(maximum, limit);
  case Quantization::ReciprocalProduct:
    return k.multiplyFloat(k.divideFloat(k.real(k.f32(), 1), maximum), limit);
  }
  llvm_unreachable("no quantization");
}

void hgf::buildQuantize(KernelBuilder &k) {
  Value x = k.argument(0), q = k.argument(1), sums = k.argument(2);
  Value scale = k.argument(3), weight = k.argument(4), epsilon = k.argument(5);
  Value normalized = k.argument(6), columns = k.argument(7);
  Value padded = k.argument(8);
  auto enlarge = [&](Value, Value vector, ArrayRef<Value> carried) -> Values {
    // A row with a NaN has unspecified codes anyway.
    return {emitMaximum(k, math::AbsFOp::create(k.b, vector), carried[0])};
  };
  auto merge = [&](Value left, Value right) {
    return emitMaximum(k, left, right);
  };
  Value zero = k.real(k.floats(), 0), maxima;
  if (k.key.norm) {
    maxima = emitNorm(k, x, weight, epsilon, normalized, columns, {zero},
                      enlarge, merge)[0];
    x = normalized;
  } else {
    maxima = forEachVector(k, x, columns, {zero}, enlarge, merge)[0];
  }
  Value maximum =
      vector::ReductionOp::create(k.b, vector::CombiningKind::MAXNUMF, maxima);
  maximum = arith::MaxNumFOp::create(k.b, maximum, k.real(k.f32(), 1e-5f));
  k.store(k.divideFloat(maximum, k.real(k.f32(), 127)), scale, 4);
  Value rounder = k.splat(getRounder(k, maximum));

  // |x| <= a, so that the quotient rounds to 127 at most: the clip is implied.
  // Adding 1.5 * 2^23 rounds to nearest even and leaves the integer in the low
  // bits; math.roundeven would be a call where SSE4.1 lacks.
  Value magic = k.real(k.floats(), 0x1.8p23f);
  Value magicBits = k.integer(k.ints(), 0x4b400000);
  auto round = [&](Value index, Value vector) -> Value {
    Value scaled = k.key.quantization == Quantization::Division
                       ? k.divideFloat(vector, rounder)
                       : k.multiplyFloat(vector, rounder);
    Value bits =
        arith::BitcastOp::create(k.b, k.ints(), k.addFloat(scaled, magic));
    Value codes = k.subtract(bits, magicBits);
    Value bytes = arith::TruncIOp::create(k.b, k.vector(lanes, k.i8()), codes);
    k.store(bytes, k.address(q, index), 8);
    return arith::ExtSIOp::create(k.b, k.ints(), bytes);
  };
  // Zeros first: the tail and what pads it.
  k.loop(arith::AndIOp::create(k.b, columns, k.size(-lanes)), padded, lanes, {},
         [&](Value index, ArrayRef<Value>) -> Values {
           k.store(k.integer(k.vector(lanes, k.i8()), 0), k.address(q, index),
                   8);
           return {};
         });
  if (k.key.granularity != Granularity::Group) {
    Value sum = forEachVector(
        k, x, columns, {k.integer(k.ints(), 0)},
        [&](Value index, Value vector, ArrayRef<Value> carried) -> Values {
          return {k.add(carried[0], round(index, vector))};
        },
        [&](Value left, Value right) { return k.add(left, right); })[0];
    k.store(k.sumOfLanes(sum), sums, 4);
    return;
  }
  forEachVector(k, x, columns, {},
                [&](Value index, Value vector, ArrayRef<Value>) -> Values {
                  round(index, vector);
                  return {};
                });
  k.loop(
      k.size(0), padded, k.key.group, {},
      [&](Value first, ArrayRef<Value>) -> Values {
        Value sum = k.loop(
            first, k.add(first, k.key.group), lanes, {k.integer(k.ints(), 0)},
            [&](Value index, ArrayRef<Value> carried) -> Values {
              Value codes =
                  k.load(k.vector(lanes, k.i8()), k.address(q, index), 8);
              return {k.add(carried[0],
                            arith::ExtSIOp::create(k.b, k.ints(), codes))};
            })[0];
        Value group = arith::DivUIOp::create(k.b, first, k.size(k.key.group));
        k.store(k.sumOfLanes(sum),
                k.address(sums, k.multiply(group, floatBytes)), 4);
        return {};
      });
}

void hgf::buildPad(KernelBuilder &k) {
  Value x = k.argument(0), copy = k.argument(1), weight = k.argument(2),
        epsilon = k.argument(3), columns = k.argument(4),
        padded = k.argument(5);
  k.loop(arith::AndIOp::create(k.b, columns, k.size(-lanes)), padded, lanes, {},
         [&](Value index, ArrayRef<Value>) -> Values {
           k.store(k.real(k.floats(), 0),
                   k.address(copy, k.multiply(index, floatBytes)), 4);
           return {};
         });
  if (k.key.norm) {
    emitNorm(
        k, x, weight, epsilon, copy, columns, {},
        [](Value, Value, ArrayRef<Value>) { return Values(); }, nullptr);
    return;
  }
  forEachVector(k, x, columns, {},
                [&](Value index, Value vector, ArrayRef<Value>) -> Values {
                  k.store(vector,
                          k.address(copy, k.multiply(index, floatBytes)), 4);
                  return {};
                });
}

void hgf::buildGate(KernelBuilder &k) {
  Value x = k.argument(0), weight = k.argument(1), bias = k.argument(2),
        alpha = k.argument(3), length = k.argument(4);
  // The weight is padded with zeros, so whole vectors of it may be read.
  Value sums = forEachVector(
      k, x, length, {k.real(k.floats(), 0)},
      [&](Value index, Value vector, ArrayRef<Value> carried) -> Values {
        Value w = k.load(k.floats(),
                         k.address(weight, k.multiply(index, floatBytes)), 32);
        return {k.multiplyAdd(w, vector, carried[0])};
      },
      [&](Value left, Value right) { return k.addFloat(left, right); })[0];
  Value sum = k.addFloat(k.sumOfLanes(sums), k.load(k.f32(), bias, 4));
  Value open = k.activate(sum, Activation::Sigmoid);
  Value threshold = k.load(k.f32(), k.address(bias, floatBytes), 4);
  Value closed =
      arith::CmpFOp::create(k.b, arith::CmpFPredicate::OLT, open, threshold);
  k.store(arith::SelectOp::create(k.b, closed, k.real(k.f32(), 0), open), alpha,
          4);
}

/// h = phi(x A^t) of a range of rank blocks.
static void emitCorrectionInput(KernelBuilder &k) {
  Value x = k.argument(0), a = k.argument(1), aScale = k.argument(2),
        bScale = k.argument(3), inputScale = k.argument(4), h = k.argument(5),
        columns = k.argument(7), begin = k.argument(8), end = k.argument(9);
  constexpr int64_t block = LinearParameters::rankBlock;
  int64_t elementBytes = getElementBytes(k.key.factor);
  bool quantized = k.key.correctionInput == CorrectionInput::Quantized;
  int64_t stepBytes = block * lanes * elementBytes;
  Value steps = arith::ShRUIOp::create(k.b, k.add(columns, lanes - 1),
                                       k.size(llvm::Log2_64(lanes)));
  Value blockBytes = k.multiply(steps, stepBytes);
  Value zero = k.real(k.floats(), 0);
  k.loop(begin, end, 1, {}, [&](Value rankBlock, ArrayRef<Value>) -> Values {
    Value factor = k.address(a, k.multiply(rankBlock, blockBytes));
    auto step = [&](Value index, Value vector,
                    ArrayRef<Value> carried) -> Values {
      Value part = k.address(factor, k.multiply(index, block * elementBytes));
      k.prefetch(part);
      Values sums;
      for (int64_t r = 0; r < block; ++r) {
        Value weights = k.loadFactor(k.address(part, r * lanes * elementBytes),
                                     k.key.factor);
        sums.push_back(k.multiplyAdd(weights, vector, carried[r]));
      }
      return sums;
    };
    // int8 codes are exact in float16, and so are their products with a factor
    // in float32.
    bool halves =
        quantized && k.level.halfProducts && k.key.factor == FactorType::F16;
    auto halfStep = [&](Value index, Value codes,
                        ArrayRef<Value> carried) -> Values {
      Value part = k.address(factor, k.multiply(index, block * elementBytes));
      k.prefetch(part);
      VectorType type = k.vector(lanes, k.b.getF16Type());
      Value x = arith::SIToFPOp::create(k.b, type, codes);
      Values sums;
      for (int64_t r = 0; r < block; ++r) {
        Value weights =
            k.load(type, k.address(part, r * lanes * elementBytes), 16);
        sums.push_back(HalfStepOp::create(k.b, carried[r].getType(), carried[r],
                                          weights, x));
      }
      return sums;
    };
    Values sums;
    if (quantized) {
      // Padded with zeros.
      sums = k.loop(k.size(0), k.multiply(steps, lanes), lanes,
                    Values(block, zero),
                    [&](Value index, ArrayRef<Value> carried) {
                      Value codes = k.load(k.vector(lanes, k.i8()),
                                           k.address(x, index), 8);
                      if (halves)
                        return halfStep(index, codes, carried);
                      Value wide = arith::ExtSIOp::create(k.b, k.ints(), codes);
                      return step(index, k.toFloat(wide), carried);
                    });
    } else {
      sums = forEachVector(
          k, x, columns, Values(block, zero), step,
          [&](Value left, Value right) { return k.addFloat(left, right); });
    }
    for (int64_t r = 0; r < block; ++r) {
      auto at = [&](Value pointer) {
        return k.address(pointer, k.multiply(rankBlock, block * floatBytes),
                         r * floatBytes);
      };
      Value sum = k.sumOfLanes(sums[r]);
      if (quantized)
        sum = k.multiplyFloat(sum, k.load(k.f32(), inputScale, 4));
      if (k.key.factor == FactorType::I8)
        sum = k.multiplyFloat(sum, k.load(k.f32(), at(aScale), 4));
      sum = k.activate(sum, k.key.correctionActivation);
      // An int8 b has one scale per rank, which joins h.
      if (k.key.scaledOutput)
        sum = k.multiplyFloat(sum, k.load(k.f32(), at(bScale), 4));
      k.store(sum, at(h), 4);
    }
    return {};
  });
}

void hgf::buildCorrectionInput(KernelBuilder &k) {
  if (!k.key.mayBeClosed)
    return emitCorrectionInput(k);
  Value h = k.argument(5), alpha = k.argument(6), begin = k.argument(8),
        end = k.argument(9);
  k.branch(
      k.isOpen(alpha, 1), {},
      [&]() -> Values {
        emitCorrectionInput(k);
        return {};
      },
      [&]() -> Values {
        // Other tokens of a block may be open: alpha h must not be a NaN.
        constexpr int64_t block = LinearParameters::rankBlock;
        k.loop(k.multiply(begin, block), k.multiply(end, block), 1, {},
               [&](Value rank, ArrayRef<Value>) -> Values {
                 k.store(k.real(k.f32(), 0),
                         k.address(h, k.multiply(rank, floatBytes)), 4);
                 return {};
               });
        return {};
      });
}
