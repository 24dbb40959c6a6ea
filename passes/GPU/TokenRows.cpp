//===- TokenRows.cpp - Tensors as layers see them -------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

static constexpr int64_t floatBytes = 4;

static Value number(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIntOp::create(b, value, 64);
}

static Value toNumber(ImplicitLocOpBuilder &b, Value index) {
  return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), index);
}

static Value multiply(ImplicitLocOpBuilder &b, Value left, int64_t right) {
  return b.createOrFold<arith::MulIOp>(left, number(b, right));
}

static Type getPointerType(ImplicitLocOpBuilder &b) {
  return LLVM::LLVMPointerType::get(
      b.getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Global));
}

Value hgf::getDevicePointer(ImplicitLocOpBuilder &b, Value memref) {
  if (!memref)
    return LLVM::ZeroOp::create(b, getPointerType(b));
  Value address =
      toNumber(b, memref::ExtractAlignedPointerAsIndexOp::create(b, memref));
  auto type = cast<MemRefType>(memref.getType());
  if (!type.getLayout().isIdentity()) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    address = b.createOrFold<arith::AddIOp>(
        address, multiply(b, toNumber(b, metadata.getOffset()), bytes));
  }
  return LLVM::IntToPtrOp::create(b, getPointerType(b), address);
}

hgf::TokenRows hgf::getTokenRows(ImplicitLocOpBuilder &b, Value memref) {
  Value pointer = getDevicePointer(b, memref);
  if (!memref)
    return {pointer, number(b, 0)};
  auto type = cast<MemRefType>(memref.getType());
  Value stride = number(b, type.getShape().back() * floatBytes);
  if (!type.getLayout().isIdentity()) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    // allocate-scratch left at most one dimension to walk along.
    for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
      if (type.getDimSize(axis) != 1)
        stride =
            multiply(b, toNumber(b, metadata.getStrides()[axis]), floatBytes);
  }
  return {pointer, stride};
}

Value hgf::countTokens(ImplicitLocOpBuilder &b, Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  Value tokens = number(b, 1);
  for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
    tokens = b.createOrFold<arith::MulIOp>(
        tokens, type.isDynamicDim(axis)
                    ? toNumber(b, memref::DimOp::create(b, memref, axis))
                    : number(b, type.getDimSize(axis)));
  return tokens;
}

void hgf::chooseByTokens(ImplicitLocOpBuilder &b, Value tokens,
                         ArrayRef<TokenRange> ranges,
                         llvm::function_ref<void()> otherwise) {
  if (ranges.empty())
    return otherwise();
  const TokenRange &range = ranges.front();
  APInt known;
  if (matchPattern(tokens, m_ConstantInt(&known))) {
    if (known.getSExtValue() <= range.upTo)
      return range.emit();
    return chooseByTokens(b, tokens, ranges.drop_front(), otherwise);
  }
  Value suits = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, tokens,
                                      number(b, range.upTo));
  auto choice = scf::IfOp::create(b, suits, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  range.emit();
  b.setInsertionPointToStart(choice.elseBlock());
  chooseByTokens(b, tokens, ranges.drop_front(), otherwise);
}
