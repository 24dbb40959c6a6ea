//===- LayerLowering.cpp - The calls of one layer ---------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerLowering.h"

using namespace mlir;
using namespace hgf;

/// Work below these sizes is not worth waking a thread for. Multiply-adds
/// of a correction; bytes of its second factor; inputs to quantize.
static constexpr int64_t pieceMultiplies = 32768;
static constexpr int64_t pieceFactorBytes = 32768;
static constexpr int64_t pieceInputs = 16384;

LayerLowering::LayerLowering(LinearOp op, KernelCalls &calls)
    : op(op), calls(calls), b(op.getLoc(), op),
      packed(cast<PackedType>(op.getWeight().getType())),
      encoding(*findEncoding(packed.getEncoding())),
      parameters(getLinearParameters(op)),
      layout(computeWeightLayout(encoding, parameters)),
      scratch(computeScratch(op, encoding)) {}

void LayerLowering::emit(LLVM::GlobalOp weights) {
  pointerType = LLVM::LLVMPointerType::get(b.getContext());
  null = LLVM::ZeroOp::create(b, pointerType);
  base = LLVM::AddressOfOp::create(b, weights);
  countTokens();
  x = getTokens(op.getX());
  y = getTokens(op.getInit());
  if (op.getResidual())
    residual = getTokens(op.getResidual());
  placeScratch();
  emitTokens();
  if (parameters.gateKind == GateKind::SigmoidOutput) {
    emitBackbone();
    emitFinish();
    return;
  }
  if (parameters.hasCorrection())
    forEach(multiply(tokens, getRankBlocks()), getRankBlockGrain(),
            [&](Value index) { emitRankBlock(index); });
  emitBackbone();
}

void LayerLowering::countTokens() {
  auto type = cast<MemRefType>(op.getX().getType());
  knownTokens = 1;
  tokens = number(1);
  for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis) {
    Value size = memref::DimOp::create(b, op.getX(), axis);
    tokens = multiply(tokens, type.isDynamicDim(axis)
                                  ? toNumber(size)
                                  : number(type.getDimSize(axis)));
    knownTokens = type.isDynamicDim(axis) || knownTokens < 0
                      ? -1
                      : knownTokens * type.getDimSize(axis);
  }
}

LayerLowering::Tokens LayerLowering::getTokens(Value value) {
  auto type = cast<MemRefType>(value.getType());
  constexpr int64_t floatBytes = 4;
  Value address =
      toNumber(memref::ExtractAlignedPointerAsIndexOp::create(b, value));
  Value stride = number(type.getShape().back() * floatBytes);
  if (!type.getLayout().isIdentity()) {
    auto metadata = memref::ExtractStridedMetadataOp::create(b, value);
    address =
        add(address, multiply(toNumber(metadata.getOffset()), floatBytes));
    // allocate-scratch left at most one dimension to walk along.
    for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis)
      if (type.getDimSize(axis) != 1)
        stride = multiply(toNumber(metadata.getStrides()[axis]), floatBytes);
  }
  return {LLVM::IntToPtrOp::create(b, pointerType, address), stride};
}

void LayerLowering::placeScratch() {
  Value start = LLVM::IntToPtrOp::create(
      b, pointerType,
      toNumber(
          memref::ExtractAlignedPointerAsIndexOp::create(b, op.getScratch())));
  Value offset = number(0);
  auto place = [&](int64_t tokenBytes) {
    Value result = address(start, offset);
    Value bytes =
        add(multiply(tokens, tokenBytes), number(Scratch::alignment - 1));
    bytes = b.createOrFold<arith::AndIOp>(bytes, number(-Scratch::alignment));
    offset = add(offset, bytes);
    return result;
  };
  inputs = place(scratch.inputs);
  sums = place(scratch.sums);
  inputScales = place(scratch.inputScales);
  correction = place(scratch.correction);
  gates = place(scratch.gate);
  normalized = place(scratch.normalized);
}

KernelKey LayerLowering::makeKey(KernelKind kind) {
  KernelKey key;
  key.kind = kind;
  key.level = nullptr;
  return key;
}

void LayerLowering::forEach(Value count, int64_t grain,
                            llvm::function_ref<void(Value)> body) {
  APInt known;
  // With an unknown number of tokens, a loop of one piece stays a loop: it is
  // one phase of the layer's job where others have many pieces.
  if (knownTokens >= 0 && matchPattern(count, m_ConstantInt(&known)) &&
      known.getSExtValue() == 1)
    return body(number(0));
  Value bound = arith::IndexCastOp::create(b, b.getIndexType(), count);
  auto loop = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{bound},
                                    ValueRange(), std::nullopt);
  loop->setAttr("hgf.grain", b.getI64IntegerAttr(grain));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(toNumber(loop.getInductionVar(0)));
}

void LayerLowering::emitTokens() {
  KernelKey key = makeKey(isFloat() ? KernelKind::Pad : KernelKind::Quantize);
  key.quantization = op.getQuantization();
  if (!isFloat()) {
    key.granularity = parameters.granularity == Granularity::Group
                          ? Granularity::Group
                          : Granularity::Tensor;
    key.group = parameters.group;
  }
  key.norm = parameters.norm;
  Value columns = number(parameters.columns);
  Value padded = number(getPaddedColumns());
  int64_t grain = std::max<int64_t>(1, pieceInputs / parameters.columns);
  forEach(tokens, grain, [&](Value token) {
    Value source = address(x.pointer, multiply(x.stride, token));
    Value target = address(inputs, token, scratch.inputs);
    SmallVector<Value> arguments = {source, target};
    if (!isFloat())
      llvm::append_values(arguments, address(sums, token, scratch.sums),
                          address(inputScales, token, scratch.inputScales));
    llvm::append_values(arguments, part(layout.norm), part(layout.normEpsilon));
    if (!isFloat())
      arguments.push_back(address(normalized, token, scratch.normalized));
    llvm::append_values(arguments, columns, padded);
    calls.call(b, b.getLoc(), key, arguments);
    if (parameters.gateKind == GateKind::SigmoidInput)
      emitGate(token, getInput(token), parameters.columns);
  });
}

Value LayerLowering::getInput(Value token) {
  if (!parameters.norm)
    return address(x.pointer, multiply(x.stride, token));
  return isFloat() ? address(inputs, token, scratch.inputs)
                   : address(normalized, token, scratch.normalized);
}

void LayerLowering::emitGate(Value token, Value source, int64_t length) {
  calls.call(b, b.getLoc(), makeKey(KernelKind::Gate),
             {source, part(layout.gateWeight), part(layout.gateBias),
              address(gates, token, scratch.gate), number(length)});
}

int64_t LayerLowering::getRankBlockGrain() const {
  int64_t grain = std::max<int64_t>(
      1, pieceMultiplies / (parameters.columns * LinearParameters::rankBlock));
  // What is too small for threads does not become larger by its correction.
  if (getPieceRowBlocks(1) == getRowBlocks())
    grain = std::max(grain, 1 + getRankBlocks());
  return grain;
}

void LayerLowering::emitRankBlock(Value index) {
  KernelKey key = makeKey(KernelKind::CorrectionInput);
  key.factor = parameters.a;
  key.correctionActivation = op.getCorrectionActivation();
  key.correctionInput =
      isFloat() ? CorrectionInput::Original : op.getCorrectionInput();
  key.scaledOutput = parameters.b == FactorType::I8;
  key.mayBeClosed = parameters.gateKind == GateKind::SigmoidInput &&
                    parameters.gateThreshold > 0;
  bool quantized = key.correctionInput == CorrectionInput::Quantized;
  int64_t blocks = getRankBlocks();
  Value token = index, block = number(0);
  if (blocks > 1) {
    token = arith::DivUIOp::create(b, index, number(blocks));
    block = arith::RemUIOp::create(b, index, number(blocks));
  }
  Value source =
      quantized ? address(inputs, token, scratch.inputs) : getInput(token);
  calls.call(b, b.getLoc(), key,
             {source, part(layout.a), part(layout.aScale), part(layout.bScale),
              address(inputScales, token, scratch.inputScales),
              address(correction, token, scratch.correction),
              address(gates, token, scratch.gate), number(parameters.columns),
              block, add(block, number(1))});
}

KernelKey LayerLowering::makeEpilogueKey(KernelKind kind) {
  KernelKey key = makeKey(kind);
  key.factor = parameters.b;
  key.gateKind = parameters.gateKind;
  key.rowGate = parameters.rowGate;
  key.mayBeClosed = parameters.gateThreshold > 0;
  key.segmented = !parameters.segments.empty();
  key.bias = parameters.bias;
  key.residual = bool(op.getResidual());
  key.activation = op.getActivation();
  key.partialRows = parameters.rows % encoding.getBlockRows() != 0;
  // Both dynamic gates are one value per token by now.
  if (key.gateKind == GateKind::SigmoidOutput)
    key.gateKind = GateKind::SigmoidInput;
  return key;
}

void LayerLowering::callRows(const KernelKey &key, Value token, Value begin,
                             Value end, Value count) {
  SmallVector<Value> arguments(backboneArgumentCount, null);
  arguments[WeightsPointer] = part(layout.codes);
  arguments[InputsPointer] = address(inputs, token, scratch.inputs);
  arguments[SumsPointer] = address(sums, token, scratch.sums);
  arguments[InputScalesPointer] =
      address(inputScales, token, scratch.inputScales);
  arguments[ScalesPointer] = part(layout.scales);
  arguments[CorrectionPointer] = address(correction, token, scratch.correction);
  arguments[FactorPointer] = part(layout.b);
  arguments[SegmentTablePointer] = part(layout.segmentTable);
  arguments[GatePointer] = key.gateKind == GateKind::Static
                               ? part(layout.gate)
                               : address(gates, token, scratch.gate);
  arguments[BiasPointer] = part(layout.bias);
  arguments[ResidualPointer] =
      residual.pointer
          ? address(residual.pointer, multiply(residual.stride, token))
          : null;
  arguments[OutputPointer] = address(y.pointer, multiply(y.stride, token));
  arguments[BlockCount] = number(encoding.getBlockCount(parameters.columns));
  arguments[Rows] = number(parameters.rows);
  arguments[PaddedRank] = number(parameters.getPaddedRank());
  arguments[OutputStride] = y.stride;
  arguments[ResidualStride] = residual.pointer ? residual.stride : number(0);
  arguments[Begin] = begin;
  arguments[End] = end;
  if (count)
    arguments.push_back(count);
  calls.call(b, b.getLoc(), key, arguments);
}

void LayerLowering::forEachPiece(int64_t rowBlocks,
                                 llvm::function_ref<void(Value, Value)> body) {
  int64_t total = getRowBlocks();
  int64_t pieces = llvm::divideCeil(total, rowBlocks);
  forEach(number(pieces), 1, [&](Value piece) {
    Value begin = multiply(piece, rowBlocks);
    Value end =
        arith::MinSIOp::create(b, add(begin, number(rowBlocks)), number(total));
    body(begin, end);
  });
}

void LayerLowering::emitFinish() {
  // The correction's first half waits for no gate: both fill one phase.
  forEach(multiply(tokens, 1 + getRankBlocks()), getRankBlockGrain(),
          [&](Value index) {
            Value isGate = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                                 index, tokens);
            auto choice = scf::IfOp::create(b, TypeRange(), isGate, true);
            OpBuilder::InsertionGuard guard(b);
            b.setInsertionPointToStart(choice.thenBlock());
            emitGate(index, address(y.pointer, multiply(y.stride, index)),
                     parameters.rows);
            b.setInsertionPointToStart(choice.elseBlock());
            emitRankBlock(arith::SubIOp::create(b, index, tokens));
          });
  // B of one token is worth sharing.
  int64_t bytes = parameters.getPaddedRank() * encoding.getBlockRows() *
                  getElementBytes(parameters.b);
  forEachPiece(std::max<int64_t>(1, pieceFactorBytes / bytes),
               [&](Value begin, Value end) {
                 emitEpilogue(makeEpilogueKey(KernelKind::Finish), number(0),
                              tokens, begin, end);
               });
}
