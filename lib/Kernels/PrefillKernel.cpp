//===- PrefillKernel.cpp - The ternary product of many tokens ---*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefill.h"

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace hgf;

Prefill::Prefill(KernelBuilder &k, int64_t stepColumns, int64_t rowsPerVector,
                 int64_t vectors)
    : k(k), encoding(*k.key.encoding), vectorBytes(k.level.vectorBytes),
      stepColumns(stepColumns), rowsPerVector(rowsPerVector), vectors(vectors),
      panelRows(vectors * rowsPerVector), stepBytes(vectors * vectorBytes),
      groupTokens(k.level.panelTokens), codes(k.vector(vectorBytes, k.i8())),
      total(k.vector(vectorBytes / 4, k.i32())) {
  assert(encoding.getBlockRows() == lanes && panelRows % lanes == 0);
  int64_t blockColumns = encoding.getBlockColumns();
  int64_t columns = panelColumns;
  if (k.level.widens())
    columns = std::min(columns, k.getSafeSteps() * stepColumns);
  panelBlocks = std::max<int64_t>(columns / blockColumns, 1);
  blockPanelBytes = blockColumns / stepColumns * stepBytes;
  blocks = k.argument(BlockCount);
  inputBytes = k.multiply(blocks, blockColumns);
  rowBlockBytes = k.multiply(blocks, encoding.getBlockBytes());
  lastRowBlock = k.subtract(k.argument(End), k.size(1));
  panel = k.stack(panelBlocks * blockPanelBytes);
  totals = k.stack(prefillTokens * panelRows * floatBytes);
}

void Prefill::build() {
  k.loop(k.argument(Begin), k.argument(End), panelRows / lanes, {},
         [&](Value rowBlock, ArrayRef<Value>) -> Values {
           clear();
           k.loop(k.size(0), blocks, panelBlocks, {},
                  [&](Value block, ArrayRef<Value>) -> Values {
                    Value count = k.minimum(k.subtract(blocks, block),
                                            k.size(panelBlocks));
                    emitPanel(rowBlock, block, count);
                    emitTokens(rowBlock, block, count);
                    return {};
                  });
           return {};
         });
}

void Prefill::clear() {
  // Whole groups: a form may keep totals of tokens that do not exist.
  Value tokens = k.multiply(
      k.divideUp(k.argument(TokenCount), k.size(groupTokens)), groupTokens);
  k.loop(k.size(0), k.multiply(tokens, panelRows * floatBytes),
         vectors * vectorBytes, {},
         [&](Value offset, ArrayRef<Value>) -> Values {
           for (int64_t v = 0; v < vectors; ++v)
             k.store(k.integer(total, 0),
                     k.address(totals, offset, v * vectorBytes), vectorBytes);
           return {};
         });
}

/// All tokens of the call with one panel: whole groups, then what remains.
/// After the last columns each group is finished at once, so that writing y
/// overlaps with the next group.
void Prefill::emitTokens(Value rowBlock, Value block, Value count) {
  Value tokens = k.argument(TokenCount);
  Value rest = arith::RemUIOp::create(k.b, tokens, k.size(groupTokens));
  Value whole = k.subtract(tokens, rest);
  Value isLast = isEqual(k.add(block, count), blocks);
  auto finish = [&](Value first, Value last) {
    k.branch(
        isLast, {},
        [&]() -> Values {
          emitProducts(rowBlock, first, last);
          return {};
        },
        []() -> Values { return {}; });
  };
  k.loop(k.size(0), whole, groupTokens, {},
         [&](Value token, ArrayRef<Value>) -> Values {
           emitGroup(groupTokens, token, rowBlock, block, count);
           finish(token, k.add(token, groupTokens));
           return {};
         });
  for (int64_t size = 1; size < groupTokens; ++size)
    k.branch(
        isEqual(rest, k.size(size)), {},
        [&]() -> Values {
          emitGroup(size, whole, rowBlock, block, count);
          return {};
        },
        []() -> Values { return {}; });
  finish(whole, tokens);
}

void Prefill::emitProducts(Value rowBlock, Value first, Value last) {
  Value count = k.minimum(k.subtract(k.argument(End), rowBlock),
                          k.size(panelRows / lanes));
  k.loop(first, last, 1, {}, [&](Value token, ArrayRef<Value>) -> Values {
    Value offset = k.multiply(token, floatBytes);
    Value inputScale = k.splat(
        k.load(k.f32(), k.address(k.argument(InputScalesPointer), offset), 4));
    Value y = k.address(k.argument(OutputPointer),
                        k.multiply(token, k.argument(OutputStride)));
    Value sum;
    if (!isGrouped())
      sum = k.splat(
          k.load(k.i32(), k.address(k.argument(SumsPointer), offset), 4));
    k.loop(k.size(0), count, 1, {},
           [&](Value index, ArrayRef<Value>) -> Values {
             Value block = k.add(rowBlock, index);
             emitStoreTo(
                 k, block, k.address(y, k.multiply(block, lanes * floatBytes)),
                 emitProduct(block, loadTotals(token, index), sum, inputScale));
             return {};
           });
    return {};
  });
}

Value Prefill::emitProduct(Value rowBlock, Value totals, Value sum,
                           Value inputScale) {
  if (isGrouped())
    return k.multiplyFloat(totals, inputScale);
  Value scales =
      k.key.granularity == Granularity::Tensor
          ? k.splat(k.load(k.f32(), k.argument(ScalesPointer), 4))
          : k.load(k.floats(),
                   k.address(k.argument(ScalesPointer),
                             k.multiply(rowBlock, lanes * floatBytes)),
                   32);
  return k.multiplyFloat(k.toFloat(emitMeaning(totals, sum)),
                         k.multiplyFloat(scales, inputScale));
}

Value Prefill::emitMeaning(Value totals, Value sums) {
  CodeMeaning meaning = getCodeMeaning(k.key.levels);
  auto times = [&](Value value, int64_t factor) -> Value {
    if (factor == 1)
      return value;
    return k.multiply(value, k.integer(value.getType(), factor));
  };
  return k.subtract(times(totals, meaning.factor), times(sums, meaning.offset));
}

Value Prefill::clampRowBlock(Value rowBlock, Value offset) {
  return k.minimum(k.add(rowBlock, offset), lastRowBlock);
}

Value Prefill::getPacked(Value rowBlock, Value block) {
  Value start = k.address(k.argument(WeightsPointer),
                          k.multiply(rowBlock, rowBlockBytes));
  return k.address(start, k.multiply(block, encoding.getBlockBytes()));
}

Value Prefill::getInput(Value token, Value column) {
  return k.address(k.argument(InputsPointer),
                   k.add(k.multiply(token, inputBytes), column));
}

Value Prefill::shuffle(Value left, Value right, ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(k.b, left, right, mask);
}

Value Prefill::isEqual(Value left, Value right) {
  return arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, left, right);
}

void Prefill::storeCodes(Value code, Value target, int64_t column,
                         int64_t vector) {
  k.store(code,
          k.address(target,
                    column / stepColumns * stepBytes + vector * vectorBytes),
          vectorBytes);
}

Value Prefill::loadCodes(Value column, int64_t unrolled, int64_t vector) {
  return k.load(codes,
                k.address(column, unrolled * stepBytes + vector * vectorBytes),
                vectorBytes);
}

void Prefill::forEachTotal(Value sums, int64_t count,
                           llvm::function_ref<void(Value, int64_t)> use) {
  for (int64_t index = 0; index < count; ++index)
    use(k.address(sums, index * vectorBytes), index);
}

void hgf::buildPrefill(KernelBuilder &k) {
  // Groups of columns end an accumulation before a product of matrices gains.
  if (!k.level.matrixBlocks.empty() && k.key.encoding->keepsLanes() &&
      k.key.granularity != Granularity::Group)
    buildPrefillMatrices(k);
  else
    buildPrefillLanes(k);
}
