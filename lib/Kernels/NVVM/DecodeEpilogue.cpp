//===- DecodeEpilogue.cpp - What follows the products ----------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

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
  if (key.isFloat()) {
    // Exact: 1 or 2.
    if (meaning.factor != 1)
      product = k.multiplyFloat(product, k.real(float(meaning.factor)));
    return key.isGrouped() ? product : k.multiplyFloat(product, result.scale);
  }
  if (key.isGrouped())
    return k.multiplyFloat(product, result.inputScale);
  Value total = k.subtract(k.multiply(product, meaning.factor),
                           k.multiply(result.sum, meaning.offset));
  return k.multiplyFloat(k.toFloat(total),
                         k.multiplyFloat(result.scale, result.inputScale));
}

Value Decode::finish(Value y, Value correction, const Result &result) {
  return emitEpilogue(k, key, y, correction,
                      {result.bias, result.gate, result.residual});
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
    k.loop(k.integer(0), k.minimum(tokensLeft, tokens), 1, {},
           [&](Value token, ArrayRef<Value>) -> Values {
             finishToken(k.toWide(k.add(firstToken, token)));
             return {};
           });
  });
}

void Decode::finishToken(Value number) {
  int64_t threads = getDecodeShape(key).threads;
  Value end = k.integer(parameters.rows);
  Value tokenPointer = k.address(k.argument(DecodeScratch),
                                 k.multiply(number, scratch.tokenBytes));
  auto add = [&](Value left, Value right) { return k.addFloat(left, right); };
  auto product = [&](Value row) {
    return loadRow(DecodeOutput, DecodeOutputStride, row, number);
  };
  // The token before may still be read from the shared memory.
  k.barrier();
  Value sum = k.loop(k.thread(), end, threads, {k.real(0)},
                     [&](Value row, ArrayRef<Value> carried) -> Values {
                       Value weight = k.loadFloat(k.addressOf(
                           weightPart(layout.gateWeight), row, floatBytes));
                       return {k.multiplyAdd(weight, product(row), carried[0])};
                     })[0];
  Value alpha = emitDynamicGate(k, k.reduceBlock({sum}, {add})[0],
                                weightPart(layout.gateBias));
  k.loop(k.thread(), end, threads, {},
         [&](Value row, ArrayRef<Value>) -> Values {
           Result result;
           result.gate = alpha;
           if (parameters.bias)
             result.bias = k.loadFloat(
                 k.addressOf(weightPart(layout.bias), row, floatBytes));
           if (key.residual)
             result.residual =
                 loadRow(DecodeResidual, DecodeResidualStride, row, number);
           RowRanks ranks = emitRowRanks(k, parameters, row);
           Value correction =
               k.loop(k.integer(0), ranks.count, rankStep, {k.real(0)},
                      [&](Value rank, ArrayRef<Value> carried) -> Values {
                        return {addRanks(carried[0], loadFactor(ranks, rank),
                                         ranks, rank, tokenPointer)};
                      })[0];
           k.store(finish(product(row), correction, result),
                   outputAddress(DecodeOutput, DecodeOutputStride, row, number),
                   floatBytes);
           return {};
         });
}
