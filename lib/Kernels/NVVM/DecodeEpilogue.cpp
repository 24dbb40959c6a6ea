//===- DecodeEpilogue.cpp - What follows the products ----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

#include "hgf/Kernels/Activations.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace hgf;

static constexpr int64_t floatBytes = 4;

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void Decode::loadResults() {
  int64_t values = rows * tokens, held = getHeld();
  // As many lanes as there are values share them out by their first bits.
  int64_t copies = std::max<int64_t>(1, lanes / values);
  Value first = k.multiply(k.shiftRight(sub, llvm::Log2_64(copies)), held);
  for (int64_t index = 0; index < held; ++index) {
    Value number = k.add(first, index);
    Value row = k.add(firstRow, k.bitAnd(number, rows - 1));
    Value token = k.shiftRight(number, llvm::Log2_64(rows));
    Result result;
    result.holds =
        k.both(k.isLess(row, parameters.rows), k.isLess(token, tokensLeft));
    if (copies > 1)
      result.holds =
          k.both(result.holds, k.isEqual(k.bitAnd(sub, copies - 1), 0));
    result.row = k.minimum(row, parameters.rows - 1);
    result.token =
        k.toWide(k.add(firstToken, k.minimum(token, k.add(tokensLeft, -1))));
    Value scratchPointer =
        k.address(k.argument(DecodeScratch),
                  k.multiply(result.token, scratch.tokenBytes));
    auto ofRow = [&](int64_t part) {
      return k.loadFloat(k.addressOf(weightPart(part), result.row, floatBytes));
    };
    auto ofToken = [&](int64_t part, Type type) {
      return k.load(type, k.address(scratchPointer, part), floatBytes);
    };
    if (parameters.granularity == Granularity::Tensor)
      result.scale = k.loadFloat(weightPart(layout.scales));
    if (parameters.granularity == Granularity::Row)
      result.scale = ofRow(layout.scales);
    if (!key.isFloat()) {
      result.inputScale = ofToken(scratch.inputScale, k.f32());
      if (!key.isGrouped())
        result.sum = ofToken(scratch.sums, k.i32());
    }
    if (!key.gatesOutput()) {
      if (parameters.bias)
        result.bias = ofRow(layout.bias);
      if (parameters.gateKind == GateKind::Static)
        result.gate = parameters.rowGate ? ofRow(layout.gate)
                                         : k.loadFloat(weightPart(layout.gate));
      if (key.gatesInput())
        result.gate = ofToken(scratch.gate, k.f32());
      if (key.residual)
        result.residual = loadRow(DecodeResidual, DecodeResidualStride,
                                  result.row, result.token);
    }
    results.push_back(result);
  }
}

Value Decode::outputAddress(DecodeArgument pointer, DecodeArgument stride,
                            Value row, Value token) {
  Value start =
      k.address(k.argument(pointer), k.multiply(token, k.argument(stride)));
  return k.addressOf(start, row, floatBytes);
}

Value Decode::loadRow(DecodeArgument pointer, DecodeArgument stride, Value row,
                      Value token) {
  return k.loadFloat(outputAddress(pointer, stride, row, token));
}

Value Decode::scale(const Result &result, Value product) {
  if (key.isFloat())
    return key.isGrouped() ? product : k.multiplyFloat(product, result.scale);
  if (key.isGrouped())
    return k.multiplyFloat(product, result.inputScale);
  Value total = k.subtract(k.multiply(product, meaning.factor),
                           k.multiply(result.sum, meaning.offset));
  return k.multiplyFloat(k.toFloat(total),
                         k.multiplyFloat(result.scale, result.inputScale));
}

Value Decode::finish(Value y, Value correction, const Result &result) {
  if (parameters.bias)
    y = k.addFloat(y, result.bias);
  if (correction)
    y = result.gate ? k.multiplyAdd(result.gate, correction, y)
                    : k.addFloat(y, correction);
  y = emitActivation(k.b, y, key.activation);
  return key.residual ? k.addFloat(y, result.residual) : y;
}

void Decode::storeResult(Value y, const Result &result) {
  k.branch(result.holds, [&] {
    k.store(y,
            outputAddress(DecodeOutput, DecodeOutputStride, result.row,
                          result.token),
            floatBytes);
  });
}

//===----------------------------------------------------------------------===//
// Correction
//===----------------------------------------------------------------------===//

Decode::Ranks Decode::getRanks(Value row) {
  if (parameters.segments.empty())
    return {k.multiply(row, parameters.rank), k.integer(0),
            k.integer(parameters.rank)};
  // The last segment that begins at the row or before it.
  Ranks result;
  int64_t firstOfSegment = 0, rank = 0, start = 0;
  for (auto [count, ranks] :
       llvm::zip_equal(parameters.segments, parameters.segmentRanks)) {
    Ranks segment = {
        k.add(k.multiply(k.add(row, -firstOfSegment), ranks), start),
        k.integer(rank), k.integer(ranks)};
    if (!result.start) {
      result = segment;
    } else {
      Value before = k.isLess(row, firstOfSegment);
      result = {k.select(before, result.start, segment.start),
                k.select(before, result.first, segment.first),
                k.select(before, result.count, segment.count)};
    }
    firstOfSegment += count;
    rank += ranks;
    start += count * ranks;
  }
  return result;
}

int64_t Decode::getMostRanks() const {
  return parameters.segments.empty()
             ? parameters.rank
             : *llvm::max_element(parameters.segmentRanks);
}

Value Decode::addRank(Value sum, const Ranks &ranks, Value rank,
                      Value tokenPointer) {
  int64_t bytes = getElementBytes(parameters.b);
  Value bits = k.loadFactorBits(
      k.addressOf(weightPart(layout.b), k.add(ranks.start, rank), bytes),
      parameters.b, 1);
  Value h = k.loadFloat(
      k.address(tokenPointer, k.multiply(k.add(ranks.first, rank), floatBytes),
                scratch.correction));
  return k.multiplyAdd(k.widenFactor(bits, parameters.b), h, sum);
}

Decode::Values Decode::correct() {
  bool mayBeClosed = key.gatesInput() && parameters.gateThreshold > 0;
  if (!mayBeClosed)
    return emitCorrection();
  // Without one open gate the factor need not be read.
  Value open;
  for (int64_t token = 0; token < tokens; ++token) {
    Value gate = k.loadFloat(tokenPart(token, scratch.gate));
    Value isOpen =
        arith::CmpFOp::create(k.b, arith::CmpFPredicate::UNE, gate, k.real(0));
    open = open ? arith::OrIOp::create(k.b, open, isOpen) : isOpen;
  }
  Values zeros(rows * tokens, k.real(0));
  return k.branch(
      open, TypeRange(ValueRange(zeros)), [&] { return emitCorrection(); },
      [&] { return zeros; });
}

Decode::Values Decode::emitCorrection() {
  Values sums(rows * tokens, k.real(0));
  for (int64_t row = 0; row < rows; ++row) {
    Ranks ranks = getRanks(rowNumbers[row]);
    int64_t steps = llvm::divideCeil(getMostRanks(), lanes);
    auto emitStep = [&](Value rank, ArrayRef<Value> carried) {
      return k.branch(
          k.isLess(rank, ranks.count), TypeRange(ValueRange(carried)),
          [&] {
            Values next;
            for (int64_t token = 0; token < tokens; ++token)
              next.push_back(
                  addRank(carried[token], ranks, rank, tokenPointers[token]));
            return next;
          },
          [&] { return Values(carried); });
    };
    Values carried(tokens, k.real(0));
    carried =
        k.loop(k.integer(0), k.integer(steps), 1, carried,
               [&](Value step, ArrayRef<Value> carried) {
                 return emitStep(k.add(k.multiply(step, lanes), sub), carried);
               });
    for (int64_t token = 0; token < tokens; ++token)
      sums[token * rows + row] = carried[token];
  }
  return sums;
}

//===----------------------------------------------------------------------===//
// Gates that read the complete rows
//===----------------------------------------------------------------------===//

Value Decode::isLastBlock() {
  // Every thread's products are visible before the block is counted, and those
  // of all blocks after the last one has been.
  auto fence = [&] {
    LLVM::FenceOp::create(k.b, LLVM::AtomicOrdering::acq_rel, "device");
  };
  fence();
  k.barrier();
  Value flag = k.getShared(1);
  k.branch(k.isEqual(k.thread(), 0), [&] {
    Value count = LLVM::AtomicRMWOp::create(
        k.b, LLVM::AtomicBinOp::add, tokenPart(0, scratch.counter),
        k.integer(1), LLVM::AtomicOrdering::acq_rel, "device", floatBytes);
    k.store(count, flag, floatBytes);
  });
  k.barrier();
  Value count = k.load(k.i32(), flag, floatBytes);
  fence();
  return k.isEqual(count, getDecodeShape(key).blocks - 1);
}

void Decode::finishInLastBlock() {
  k.branch(isLastBlock(), [&] {
    for (int64_t token = 0; token < tokens; ++token)
      k.branch(k.isLess(k.integer(token), tokensLeft),
               [&] { finishToken(token); });
  });
}

void Decode::finishToken(int64_t token) {
  int64_t threads = getDecodeShape(key).threads;
  Value number = tokenNumbers[token], end = k.integer(parameters.rows);
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  auto product = [&](Value row) {
    return loadRow(DecodeOutput, DecodeOutputStride, row, number);
  };
  Value sum = k.loop(k.thread(), end, threads, {k.real(0)},
                     [&](Value row, ArrayRef<Value> carried) -> Values {
                       Value weight = k.loadFloat(k.addressOf(
                           weightPart(layout.gateWeight), row, floatBytes));
                       return {k.multiplyAdd(weight, product(row), carried[0])};
                     })[0];
  Value alpha = emitDynamicGate(k, k.reduceBlock({sum}, {add})[0],
                                weightPart(layout.gateBias));
  k.loop(
      k.thread(), end, threads, {}, [&](Value row, ArrayRef<Value>) -> Values {
        Result result;
        result.gate = alpha;
        if (parameters.bias)
          result.bias = k.loadFloat(
              k.addressOf(weightPart(layout.bias), row, floatBytes));
        if (key.residual)
          result.residual =
              loadRow(DecodeResidual, DecodeResidualStride, row, number);
        Ranks ranks = getRanks(row);
        Value correction = k.loop(
            k.integer(0), ranks.count, 1, {k.real(0)},
            [&](Value rank, ArrayRef<Value> carried) -> Values {
              return {addRank(carried[0], ranks, rank, tokenPointers[token])};
            })[0];
        k.store(finish(product(row), correction, result),
                outputAddress(DecodeOutput, DecodeOutputStride, row, number),
                floatBytes);
        return {};
      });
}
