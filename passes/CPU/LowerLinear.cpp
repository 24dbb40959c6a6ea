//===- LowerLinear.cpp - Layers become calls of kernels -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelCalls.h"
#include "hgf/Kernels/Scratch.h"
#include "hgf/Passes/CPU/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace hgf {
#define GEN_PASS_DEF_LOWERLINEAR
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;
using namespace hgf;

/// Work below these sizes is not worth waking a thread for. Bytes of weights
/// that one token reads; multiply-adds of a correction; inputs to quantize.
static constexpr int64_t pieceBytes = 32768;
static constexpr int64_t pieceMultiplies = 32768;
static constexpr int64_t pieceInputs = 16384;
/// Batches of more tokens than this are cut into smaller pieces of rows.
static constexpr int64_t smallBatch = 8;

namespace {

/// A tensor of one layer: its first element, and bytes from token to token.
struct Tokens {
  Value pointer;
  Value stride;
};

/// Emits the calls of one layer.
class LayerLowering {
public:
  LayerLowering(LinearOp op, KernelCalls &calls)
      : op(op), calls(calls), b(op.getLoc(), op),
        packed(cast<PackedType>(op.getWeight().getType())),
        encoding(*findEncoding(packed.getEncoding())),
        parameters(getLinearParameters(op)),
        layout(computeWeightLayout(encoding, parameters)),
        scratch(computeScratch(op, encoding)) {}

  void emit(LLVM::GlobalOp weights) {
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
    if (parameters.hasCorrection())
      emitCorrectionInput();
    emitBackbone();
    if (parameters.gateKind == GateKind::SigmoidOutput)
      emitFinish();
  }

private:
  bool isFloat() { return op.getQuantization() == Quantization::None; }
  int64_t getPaddedColumns() const {
    return encoding.getBlockCount(parameters.columns) *
           encoding.getBlockColumns();
  }
  int64_t getRowBlocks() const {
    return encoding.getRowBlockCount(parameters.rows);
  }

  Value number(int64_t value) {
    return arith::ConstantIntOp::create(b, value, 64);
  }
  Value toNumber(Value index) {
    return b.createOrFold<arith::IndexCastOp>(b.getI64Type(), index);
  }
  Value multiply(Value left, Value right) {
    return b.createOrFold<arith::MulIOp>(left, right);
  }
  Value multiply(Value left, int64_t right) {
    return multiply(left, number(right));
  }
  Value add(Value left, Value right) {
    return b.createOrFold<arith::AddIOp>(left, right);
  }
  Value address(Value pointer, Value offset) {
    return LLVM::GEPOp::create(b, pointerType, b.getI8Type(), pointer,
                               ArrayRef<LLVM::GEPArg>{offset});
  }
  /// `bytes` per token behind `pointer`.
  Value address(Value pointer, Value token, int64_t bytes) {
    return address(pointer, multiply(token, bytes));
  }
  Value part(int64_t offset) { return address(base, number(offset)); }

  void countTokens() {
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

  Tokens getTokens(Value value) {
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

  void placeScratch() {
    Value start = LLVM::IntToPtrOp::create(
        b, pointerType,
        toNumber(memref::ExtractAlignedPointerAsIndexOp::create(
            b, op.getScratch())));
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
  }

  KernelKey makeKey(KernelKind kind) {
    KernelKey key;
    key.kind = kind;
    key.level = nullptr;
    return key;
  }

  /// Calls body(index) for [0, count), on threads in pieces of `grain`.
  void forEach(Value count, int64_t grain,
               llvm::function_ref<void(Value)> body) {
    APInt known;
    if (matchPattern(count, m_ConstantInt(&known)) && known.getSExtValue() == 1)
      return body(number(0));
    Value bound = arith::IndexCastOp::create(b, b.getIndexType(), count);
    auto loop = scf::ForallOp::create(b, ArrayRef<OpFoldResult>{bound},
                                      ValueRange(), std::nullopt);
    loop->setAttr("hgf.grain", b.getI64IntegerAttr(grain));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(toNumber(loop.getInductionVar(0)));
  }

  /// Quantized or padded activations, and gates that read x.
  void emitTokens() {
    KernelKey key = makeKey(isFloat() ? KernelKind::Pad : KernelKind::Quantize);
    key.quantization = op.getQuantization();
    if (!isFloat()) {
      key.granularity = parameters.granularity == Granularity::Group
                            ? Granularity::Group
                            : Granularity::Tensor;
      key.group = parameters.group;
    }
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
      llvm::append_values(arguments, columns, padded);
      calls.call(b, b.getLoc(), key, arguments);
      if (parameters.gateKind == GateKind::SigmoidInput)
        emitGate(token, source, parameters.columns);
    });
  }

  void emitGate(Value token, Value source, int64_t length) {
    calls.call(b, b.getLoc(), makeKey(KernelKind::Gate),
               {source, part(layout.gateWeight), part(layout.gateBias),
                address(gates, token, scratch.gate), number(length)});
  }

  void emitCorrectionInput() {
    KernelKey key = makeKey(KernelKind::CorrectionInput);
    key.factor = parameters.a;
    key.correctionActivation = op.getCorrectionActivation();
    key.correctionInput =
        isFloat() ? CorrectionInput::Original : op.getCorrectionInput();
    key.scaledOutput = parameters.b == FactorType::I8;
    bool quantized = key.correctionInput == CorrectionInput::Quantized;
    int64_t blocks = parameters.getPaddedRank() / LinearParameters::rankBlock;
    int64_t grain =
        std::max<int64_t>(1, pieceMultiplies / (parameters.columns *
                                                LinearParameters::rankBlock));
    forEach(multiply(tokens, blocks), grain, [&](Value index) {
      Value token = index, block = number(0);
      if (blocks > 1) {
        token = arith::DivUIOp::create(b, index, number(blocks));
        block = arith::RemUIOp::create(b, index, number(blocks));
      }
      Value source = quantized ? address(inputs, token, scratch.inputs)
                               : address(x.pointer, multiply(x.stride, token));
      calls.call(b, b.getLoc(), key,
                 {source, part(layout.a), part(layout.aScale),
                  part(layout.bScale),
                  address(inputScales, token, scratch.inputScales),
                  address(correction, token, scratch.correction),
                  number(parameters.columns), block, add(block, number(1))});
    });
  }

  /// What Backbone and Finish share.
  KernelKey makeEpilogueKey(KernelKind kind) {
    KernelKey key = makeKey(kind);
    key.factor = parameters.b;
    key.gateKind = parameters.gateKind;
    key.rowGate = parameters.rowGate;
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

  void callRows(const KernelKey &key, Value token, Value begin, Value end) {
    SmallVector<Value> arguments(backboneArgumentCount, null);
    arguments[WeightsPointer] = part(layout.codes);
    arguments[InputsPointer] = address(inputs, token, scratch.inputs);
    arguments[SumsPointer] = address(sums, token, scratch.sums);
    arguments[InputScalesPointer] =
        address(inputScales, token, scratch.inputScales);
    arguments[ScalesPointer] = part(layout.scales);
    arguments[CorrectionPointer] =
        address(correction, token, scratch.correction);
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
    calls.call(b, b.getLoc(), key, arguments);
  }

  /// Calls body(begin, end) for pieces of all row blocks, on threads.
  void forEachPiece(int64_t rowBlocks,
                    llvm::function_ref<void(Value, Value)> body) {
    int64_t total = getRowBlocks();
    int64_t pieces = llvm::divideCeil(total, rowBlocks);
    forEach(number(pieces), 1, [&](Value piece) {
      Value begin = multiply(piece, rowBlocks);
      Value end = arith::MinSIOp::create(b, add(begin, number(rowBlocks)),
                                         number(total));
      body(begin, end);
    });
  }

  void emitBackbone() {
    KernelKey key = makeEpilogueKey(KernelKind::Backbone);
    key.encoding = &encoding;
    key.granularity = parameters.granularity;
    key.group = parameters.group;
    key.quantization =
        isFloat() ? Quantization::None : Quantization::Reciprocal;
    if (parameters.gateKind == GateKind::SigmoidOutput) {
      // The gate reads the complete ternary product; the rest follows it.
      key.factor = FactorType::None;
      key.gateKind = GateKind::Open;
      key.segmented = key.bias = key.residual = false;
      key.activation = Activation::Identity;
    }
    int64_t bytes = encoding.getRowBlockBytes(parameters.columns);
    int64_t most = std::max<int64_t>(1, pieceBytes / bytes);
    auto emit = [&](int64_t rowBlocks) {
      forEachPiece(rowBlocks, [&](Value begin, Value end) {
        emitTokenBlocks(key, begin, end);
      });
    };
    if (knownTokens >= 0)
      return emit(std::max<int64_t>(
          1, most / std::max<int64_t>(1, knownTokens / smallBatch)));
    Value many = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, tokens,
                                       number(smallBatch));
    auto branch = scf::IfOp::create(b, TypeRange(), many, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    emit(std::max<int64_t>(1, most / smallBatch));
    b.setInsertionPointToStart(branch.elseBlock());
    emit(most);
  }

  /// Numbers of tokens that this layer has kernels for, ending in 1. Groups
  /// close an accumulation so often that several tokens at once gain nothing.
  ArrayRef<int64_t> getTokenBlocks() const {
    ArrayRef<int64_t> blocks = calls.getLevels().front()->tokenBlocks;
    return parameters.granularity == Granularity::Group ? blocks.take_back()
                                                        : blocks;
  }

  /// Covers all tokens with the blocks of tokens that kernels exist for.
  void emitTokenBlocks(KernelKey key, Value begin, Value end) {
    Value first = number(0);
    bool largest = true;
    for (int64_t block : getTokenBlocks()) {
      key.tokens = block;
      if (knownTokens >= 0 && knownTokens < block && largest)
        continue;
      Value rest = arith::SubIOp::create(b, tokens, first);
      Value count = arith::DivUIOp::create(b, rest, number(block));
      Value last = add(first, multiply(count, block));
      if (knownTokens < 0 || emitsBlock(block, largest)) {
        auto loop = scf::ForOp::create(b, first, last, number(block));
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToStart(loop.getBody());
        callRows(key, loop.getInductionVar(), begin, end);
      }
      first = last;
      largest = false;
    }
  }

  /// Whether a known number of tokens has a block of this size.
  bool emitsBlock(int64_t block, bool largest) const {
    if (largest)
      return knownTokens >= block;
    int64_t rest = knownTokens;
    for (int64_t size : getTokenBlocks()) {
      if (size == block)
        return rest >= block;
      rest %= size;
    }
    return false;
  }

  /// The gate needs the row, which all threads have written by now.
  void emitFinish() {
    int64_t grain = std::max<int64_t>(1, pieceInputs / parameters.rows);
    forEach(tokens, grain, [&](Value token) {
      emitGate(token, address(y.pointer, multiply(y.stride, token)),
               parameters.rows);
      callRows(makeEpilogueKey(KernelKind::Finish), token, number(0),
               number(getRowBlocks()));
    });
  }

  LinearOp op;
  KernelCalls &calls;
  ImplicitLocOpBuilder b;
  PackedType packed;
  const Encoding &encoding;
  LinearParameters parameters;
  WeightLayout layout;
  Scratch scratch;
  Type pointerType;
  Value null;
  /// The layer's blob.
  Value base;
  Value tokens;
  /// -1 where it is dynamic.
  int64_t knownTokens = -1;
  Tokens x, y, residual;
  Value inputs, sums, inputScales, correction, gates;
};

struct LowerLinear : public hgf::impl::LowerLinearBase<LowerLinear> {
  using LowerLinearBase::LowerLinearBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<LinearOp> layers;
    WalkResult result = module.walk([&](LinearOp op) {
      layers.push_back(op);
      if (isa<PackedType>(op.getWeight().getType()) && op.getScratch())
        return WalkResult::advance();
      op.emitOpError("expected packed weights and scratch memory");
      return WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    SmallVector<const InstructionLevel *> levels =
        selectInstructionLevels(target, cpu);
    if (levels.empty() && !layers.empty()) {
      module.emitError("no ternary kernels exist for the target '")
          << target << "'; supported: x86-64 and aarch64";
      return signalPassFailure();
    }
    KernelCalls calls(module, levels);
    for (LinearOp op : layers) {
      auto constant = op.getWeight().getDefiningOp<PackedConstantOp>();
      auto weights =
          constant ? module.lookupSymbol<LLVM::GlobalOp>(constant.getWeights())
                   : LLVM::GlobalOp();
      if (!weights) {
        op.emitOpError("expected weights that lower-weights has lowered");
        return signalPassFailure();
      }
      LayerLowering(op, calls).emit(weights);
      op.erase();
      if (constant->use_empty())
        constant.erase();
    }
    if (!layers.empty())
      calls.emitInitialize();
    dropConstants();
  }

  /// Factors, gates and biases live in the blobs now.
  void dropConstants() {
    llvm::SmallDenseSet<StringAttr> used;
    SmallVector<memref::GetGlobalOp> reads;
    getOperation().walk([&](memref::GetGlobalOp op) {
      if (op->use_empty())
        reads.push_back(op);
      else
        used.insert(op.getNameAttr().getAttr());
    });
    llvm::SmallDenseSet<StringAttr> dropped;
    for (memref::GetGlobalOp op : reads) {
      dropped.insert(op.getNameAttr().getAttr());
      op.erase();
    }
    for (memref::GlobalOp op :
         llvm::make_early_inc_range(getOperation().getOps<memref::GlobalOp>()))
      if (op.isPrivate() && dropped.contains(op.getSymNameAttr()) &&
          !used.contains(op.getSymNameAttr()))
        op.erase();
  }
};

} // namespace
