//===- HeadLowering.cpp - The calls of a head -------------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadLowering.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace hgf;

/// Weights that one piece of work reads: they stay in the second-level cache
/// while more tokens than one kernel takes read them.
static constexpr int64_t pieceBytes = 262144;
/// Numbers of tokens that kernels exist for.
static constexpr int64_t tokenBlocks[] = {8, 4, 2, 1};

namespace {

class HeadLowering {
public:
  HeadLowering(HeadOp op, KernelCalls &calls)
      : op(op), calls(calls), b(op.getLoc(), op),
        pointerType(LLVM::LLVMPointerType::get(op.getContext())) {}

  void emit() {
    auto weight = cast<MemRefType>(op.getWeight().getType());
    int64_t rowBlocks = weight.getDimSize(0);
    rows = cast<MemRefType>(op.getInit().getType()).getShape().back();
    columns = cast<MemRefType>(op.getX().getType()).getShape().back();
    key.kind = KernelKind::Head;
    key.level = nullptr;
    key.factor = op.getScales() ? FactorType::I8 : FactorType::F16;
    key.bias = bool(op.getBias());
    key.partialRows = rows % HeadOp::blockRows != 0;
    key.partialColumns = columns % HeadOp::blockColumns != 0;
    Value tokens = countTokens();
    std::tie(x, xStride) = getTokens(op.getX());
    std::tie(y, yStride) = getTokens(op.getInit());
    weights = getPointer(op.getWeight());
    scales = getPointer(op.getScales());
    bias = getPointer(op.getBias());
    int64_t rowBlockBytes = weight.getDimSize(1) * HeadOp::blockRows *
                            HeadOp::blockColumns * getElementBytes(key.factor);
    int64_t piece = std::max<int64_t>(1, pieceBytes / rowBlockBytes);
    int64_t pieces = llvm::divideCeil(rowBlocks, piece);
    auto loop =
        scf::ForallOp::create(b, ArrayRef<OpFoldResult>{b.getIndexAttr(pieces)},
                              ValueRange(), std::nullopt);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value begin = arith::MulIOp::create(b, toNumber(loop.getInductionVar(0)),
                                        number(piece));
    Value end = arith::MinSIOp::create(
        b, arith::AddIOp::create(b, begin, number(piece)), number(rowBlocks));
    emitTokenBlocks(tokens, begin, end);
  }

private:
  Value number(int64_t value) {
    return arith::ConstantIntOp::create(b, value, 64);
  }
  Value toNumber(Value index) {
    return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), index);
  }
  Value multiply(Value left, Value right) {
    return b.createOrFold<arith::MulIOp>(left, right);
  }

  Value countTokens() {
    auto type = cast<MemRefType>(op.getX().getType());
    Value tokens = number(1);
    for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
      tokens =
          multiply(tokens, toNumber(memref::DimOp::create(b, op.getX(), axis)));
    return tokens;
  }

  /// The first element; null for no value.
  Value getPointer(Value value) {
    if (!value)
      return LLVM::ZeroOp::create(b, pointerType);
    Value address =
        toNumber(memref::ExtractAlignedPointerAsIndexOp::create(b, value));
    return LLVM::IntToPtrOp::create(b, pointerType, address);
  }

  /// The first element, and bytes from token to token.
  std::pair<Value, Value> getTokens(Value value) {
    constexpr int64_t floatBytes = 4;
    auto type = cast<MemRefType>(value.getType());
    Value pointer = getPointer(value);
    Value stride = number(type.getShape().back() * floatBytes);
    if (type.getLayout().isIdentity())
      return {pointer, stride};
    auto metadata = memref::ExtractStridedMetadataOp::create(b, value);
    pointer = move(
        pointer, multiply(toNumber(metadata.getOffset()), number(floatBytes)));
    // allocate-scratch left at most one dimension to walk along.
    for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
      if (type.getDimSize(axis) != 1)
        stride =
            multiply(toNumber(metadata.getStrides()[axis]), number(floatBytes));
    return {pointer, stride};
  }

  Value move(Value pointer, Value bytes) {
    return LLVM::GEPOp::create(b, pointerType, b.getI8Type(), pointer,
                               ArrayRef<LLVM::GEPArg>{bytes});
  }

  /// Covers all tokens with the blocks of tokens that kernels exist for.
  void emitTokenBlocks(Value tokens, Value begin, Value end) {
    APInt known;
    bool isKnown = matchPattern(tokens, m_ConstantInt(&known));
    int64_t rest = isKnown ? known.getSExtValue() : 0;
    Value first = number(0);
    for (int64_t block : tokenBlocks) {
      if (isKnown && rest < block)
        continue;
      rest %= block;
      Value count = arith::DivUIOp::create(
          b, arith::SubIOp::create(b, tokens, first), number(block));
      Value last = arith::AddIOp::create(
          b, first, arith::MulIOp::create(b, count, number(block)));
      auto loop = scf::ForOp::create(b, first, last, number(block));
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      Value token = loop.getInductionVar();
      key.tokens = block;
      SmallVector<Value> arguments(headArgumentCount);
      arguments[HeadWeights] = weights;
      arguments[HeadInputs] = move(x, multiply(token, xStride));
      arguments[HeadScales] = scales;
      arguments[HeadBias] = bias;
      arguments[HeadOutput] = move(y, multiply(token, yStride));
      arguments[HeadColumns] = number(columns);
      arguments[HeadRows] = number(rows);
      arguments[HeadInputStride] = xStride;
      arguments[HeadOutputStride] = yStride;
      arguments[HeadBegin] = begin;
      arguments[HeadEnd] = end;
      calls.call(b, b.getLoc(), key, arguments);
      first = last;
    }
  }

  HeadOp op;
  KernelCalls &calls;
  ImplicitLocOpBuilder b;
  Type pointerType;
  KernelKey key;
  int64_t rows = 0, columns = 0;
  Value x, xStride, y, yStride, weights, scales, bias;
};

} // namespace

void hgf::emitHead(HeadOp op, KernelCalls &calls) {
  HeadLowering(op, calls).emit();
}
