//===- BackboneSteps.cpp - Codes times activations -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Backbone.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;

Value Backbone::load(Value pointer, int64_t offset) {
  return k.load(codes, k.address(pointer, offset),
                encoding.getAlignment(vectorBytes));
}

Value Backbone::loadInput(Value input, int64_t column) {
  return k.load(codes, k.address(input, column), vectorBytes);
}

Value Backbone::loadInputPair(Value first, Value second, int64_t column) {
  assert(vectorBytes == 2 * matrixColumns);
  auto load = [&](Value token) {
    return k.load(k.b.getI64Type(), k.address(token, column), matrixColumns);
  };
  Value words[] = {load(first), load(second)};
  Value both =
      vector::FromElementsOp::create(k.b, k.vector(2, k.b.getI64Type()), words);
  return vector::BitCastOp::create(k.b, codes, both);
}

Value Backbone::dot(Value accumulator, const Operand &operand, Value x) {
  return DotStepOp::create(k.b, accumulator.getType(), accumulator,
                           operand.codes, x, operand.isSigned, matrices);
}

Value Backbone::widen(Value sum, Value part) {
  return DotWidenOp::create(k.b, sum.getType(), sum, part);
}

void Backbone::unpack(int64_t part, Encoding::LoadBytes load,
                      Encoding::UseCodes use) {
  if (mixed)
    encoding.emitMixed(k.b, k.b.getLoc(), vectorBytes, part, mix, load, use);
  else
    encoding.emitUnpack(k.b, k.b.getLoc(), vectorBytes, part, load, use);
}

void Backbone::unpackRows(Value rows, int64_t bundle, int64_t part,
                          Operands &operands) {
  unpack(
      part,
      [&](int64_t offset) {
        return load(k.address(rows, bundle * bundleBytes), offset);
      },
      [&](const Encoding::Codes &step) {
        operands[step.column].push_back(
            {step.codes, bundle * bundleRows + step.row, step.isSigned});
      });
}

void Backbone::unpackPairs(Value rows, int64_t bundle, int64_t part,
                           int64_t half, Operands &operands) {
  assert(encoding.keepsLanes() &&
         "halves are joined before codes are unpacked");
  unpack(
      part,
      [&](int64_t offset) {
        Value first = k.address(rows, bundle * bundleBytes);
        return k.joinHalves(load(first, offset),
                            load(first, bundleBytes + offset), half);
      },
      [&](const Encoding::Codes &step) {
        operands[step.column + half * matrixColumns].push_back(
            {step.codes, step.row * encoding.getBundleCount() / 2 + bundle / 2,
             step.isSigned});
      });
}

void Backbone::emitBlock(Value rows, ArrayRef<Value> inputs,
                         MutableArrayRef<Value> accumulators) {
  for (int64_t part = 0; part < partCount; ++part) {
    if (matrices)
      emitPairs(rows, part, inputs, accumulators);
    else if (tileTokens > 1)
      emitTokens(rows, part, inputs, accumulators);
    else
      emitToken(rows, part, inputs[0], accumulators);
  }
}

// One token goes bundle by bundle, as weights come, with its activations in
// registers.
void Backbone::emitToken(Value rows, int64_t part, Value input,
                         MutableArrayRef<Value> accumulators) {
  llvm::DenseMap<int64_t, Value> loaded;
  for (int64_t bundle = 0; bundle < tileRows / bundleRows; ++bundle) {
    Operands operands;
    unpackRows(rows, bundle, part, operands);
    for (auto &[column, together] : operands) {
      Value &x = loaded[column];
      if (!x)
        x = loadInput(input, column);
      for (const Operand &operand : together)
        accumulators[operand.row] = dot(accumulators[operand.row], operand, x);
    }
  }
}

// Several tokens go column by column, so that one load of activations serves
// all rows.
void Backbone::emitTokens(Value rows, int64_t part, ArrayRef<Value> inputs,
                          MutableArrayRef<Value> accumulators) {
  Operands operands;
  for (int64_t bundle = 0; bundle < tileRows / bundleRows; ++bundle)
    unpackRows(rows, bundle, part, operands);
  for (auto &[column, together] : operands)
    for (int64_t token = 0; token < tileTokens; ++token) {
      Value x = loadInput(inputs[token], column);
      for (const Operand &operand : together) {
        Value &sum = accumulators[operand.row * tileTokens + token];
        sum = dot(sum, operand, x);
      }
    }
}

// Half a vector at a time: all accumulators of eight tokens leave few
// registers.
void Backbone::emitPairs(Value rows, int64_t part, ArrayRef<Value> inputs,
                         MutableArrayRef<Value> accumulators) {
  int64_t pairs = tileTokens / 2;
  for (int64_t half : {0, 1}) {
    Operands operands;
    for (int64_t bundle = 0; bundle < tileRows / bundleRows; bundle += 2)
      unpackPairs(rows, bundle, part, half, operands);
    for (auto &[column, together] : operands)
      for (int64_t pair = 0; pair < pairs; ++pair) {
        Value x = loadInputPair(inputs[2 * pair], inputs[2 * pair + 1], column);
        for (const Operand &operand : together) {
          Value &sum = accumulators[operand.row * pairs + pair];
          sum = dot(sum, operand, x);
        }
      }
  }
}

void Backbone::emitGroupBlock(Value rows, ArrayRef<Value> inputs, Value scales,
                              MutableArrayRef<Value> sums) {
  assert(bundleRows == 1 && "rows of a bundle share scales");
  using Steps = SmallVector<Encoding::Codes>;
  auto unpackRow = [&](int64_t row) {
    SmallVector<Steps> unpacked(groups);
    for (int64_t part = 0; part < partCount; ++part)
      encoding.emitUnpack(
          k.b, k.b.getLoc(), vectorBytes, part,
          [&](int64_t offset) {
            return load(k.address(rows, row * bundleBytes), offset);
          },
          [&](const Encoding::Codes &step) {
            unpacked[step.column / k.key.group].push_back(step);
          });
    return unpacked;
  };
  Value zero = k.integer(accumulator, 0);
  CodeMeaning meaning = getCodeMeaning(k.key.levels);
  Value offset = k.integer(codes, meaning.offset);
  Value none = k.integer(k.vector(total.getNumElements(), k.i32()), 0);
  bool startsWithExcess = meaning.factor == 1;
  // What the codes have too much is removed in every lane: the lanes then are
  // exact, and none is large.
  auto sumExcess = [&](const Steps &steps, int64_t token) {
    Value excess = zero;
    for (const Encoding::Codes &step : steps)
      excess = dot(excess, offset, loadInput(inputs[token], step.column));
    return excess;
  };
  auto addRow = [&](const Steps &steps, int64_t group, int64_t row,
                    int64_t token, Value excess) {
    Value part = startsWithExcess ? k.subtract(zero, excess) : zero;
    for (const Encoding::Codes &step : steps)
      part = dot(part, step.codes, loadInput(inputs[token], step.column));
    Value dots = widen(none, part);
    if (!startsWithExcess)
      dots = removeOffset(dots, widen(none, excess));
    Value scale = k.load(
        k.f32(), k.address(scales, (group * blockRows + row) * floatBytes), 4);
    Value &sum = sums[row * tileTokens + token];
    sum = k.multiplyAdd(k.toFloat(dots), k.splat(scale, total.getNumElements()),
                        sum);
  };
  if (tileTokens == 1) {
    // Row by row: unpacked codes of all rows would not fit the registers.
    Values excess;
    for (int64_t row = 0; row < tileRows; ++row)
      for (auto [group, steps] : llvm::enumerate(unpackRow(row))) {
        if (row == 0)
          excess.push_back(sumExcess(steps, 0));
        addRow(steps, group, row, 0, excess[group]);
      }
    return;
  }
  SmallVector<SmallVector<Steps>> unpacked;
  for (int64_t row = 0; row < tileRows; ++row)
    unpacked.push_back(unpackRow(row));
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t token = 0; token < tileTokens; ++token) {
      Value excess = sumExcess(unpacked[0][group], token);
      for (int64_t row = 0; row < tileRows; ++row)
        addRow(unpacked[row][group], group, row, token, excess);
    }
}
