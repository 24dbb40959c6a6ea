//===- Prefill.cpp - The kernel that multiplies many tokens -----*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Prefill.h"

#include "Linear.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace hgf;

/// Columns of one unit, and of the part of it that one word of each lane has.
static constexpr int64_t unitColumns = 256, pieceColumns = 64;
static constexpr int64_t smallGroup = 32;

bool hgf::hasPrefill(StringRef chip) {
  constexpr unsigned leastCapability = 80;
  unsigned capability;
  return chip.consume_front("sm_") && !chip.consumeInteger(10, capability) &&
         capability >= leastCapability;
}

bool hgf::hasPrefill(const GpuLinearKey &key) {
  if (key.isFloat() || key.gatesOutput())
    return false;
  if (!key.isGrouped())
    return true;
  int64_t columns = WordLayout(key.parameters.columns).getPaddedColumns();
  int64_t group = key.parameters.group;
  return columns % unitColumns == 0 &&
         (group == smallGroup || group % pieceColumns == 0);
}

int64_t hgf::getPrefillTokens(int64_t tokens) {
  constexpr int64_t least = 16, most = 64;
  return std::clamp<int64_t>(llvm::PowerOf2Ceil(tokens), least, most);
}

std::string hgf::getPrefillName(const GpuLinearKey &key) {
  StringRef prefix = "hgf_decode_";
  std::string name = key.getDecodeName();
  assert(StringRef(name).starts_with(prefix));
  return "hgf_prefill_" + name.substr(prefix.size());
}

PrefillShape::PrefillShape(const GpuLinearKey &key)
    : tokenTiles(key.tokens / matrixTokens), rowTiles(2) {
  assert(key.tokens % (2 * matrixTokens) == 0 &&
         "tokens are finished two matrices at a time");
  // Few tokens leave a GPU without work where blocks are large; small groups
  // take so many registers.
  if (key.tokens <= 16 ||
      (key.isGrouped() && key.parameters.group < pieceColumns))
    rowTiles = 1;
}

GpuPrefill::GpuPrefill(GpuBuilder &k, const GpuLinearKey &key)
    : k(k), key(key), parameters(key.parameters), shape(key),
      words(parameters.columns), layout(computeGpuWeightLayout(parameters)),
      scratch(computeGpuScratch(key)),
      meaning(getCodeMeaning(parameters.levels)) {
  assert(hasPrefill(key) && "the decode kernel takes this layer");
  group = k.shiftRight(k.lane(), 2);
  place = k.bitAnd(k.thread(), 3);
  firstRow = k.add(k.multiply(k.blockX(), shape.getRows()),
                   k.multiply(k.warp(), shape.getWarpRows()));
  firstToken = k.multiply(k.toWide(k.blockY()), shape.getTokens());
  tokensLeft = k.toNarrow(k.subtract(k.argument(DecodeTokens), firstToken));
  firstScratch = k.address(k.argument(DecodeScratch),
                           k.multiply(firstToken, scratch.tokenBytes));
}

void GpuPrefill::build() { finish(multiply()); }

GpuPrefill::Values GpuPrefill::keepLoop(Values results) {
  MLIRContext *context = k.b.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/k.b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(
      context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  // The name under which the branch that the loop becomes has it.
  results.front().getDefiningOp()->setAttr("loop_annotation", annotation);
  return results;
}

Value GpuPrefill::exclusiveOr(Value left, Value right) {
  return arith::XOrIOp::create(k.b, left, right);
}

Value GpuPrefill::clampToken(Value token) {
  return k.minimum(token, k.add(tokensLeft, -1));
}

Value GpuPrefill::clampRow(Value row) {
  if (parameters.rows % shape.getRows() == 0)
    return row;
  return k.minimum(row, parameters.rows - 1);
}

Value GpuPrefill::tokenPart(Value token, int64_t offset) {
  return k.address(firstScratch, k.multiply(token, scratch.tokenBytes), offset);
}

void hgf::buildPrefill(GpuBuilder &k, const GpuLinearKey &key) {
  GpuPrefill(k, key).build();
}

LaunchShape hgf::getPrefillShape(const GpuLinearKey &key) {
  PrefillShape shape(key);
  return {PrefillShape::threads,
          int64_t(llvm::divideCeil(key.parameters.rows, shape.getRows()))};
}
