//===- AllocateScratch.cpp - Gives each layer memory to compute in -*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/Bufferization/Passes.h"

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Kernels/NVVM/FlashAttention.h"
#include "hgf/Kernels/NVVM/LinearOpKey.h"
#include "hgf/Kernels/Scratch.h"

namespace hgf {
#define GEN_PASS_DEF_ALLOCATESCRATCH
#include "hgf/Passes/Bufferization/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

struct AllocateScratch
    : public hgf::impl::AllocateScratchBase<AllocateScratch> {
  void runOnOperation() override {
    SmallVector<hgf::LinearOp> layers;
    getOperation().walk([&](hgf::LinearOp op) {
      if (isa<MemRefType>(op.getX().getType()) && !op.getScratch())
        layers.push_back(op);
    });
    for (hgf::LinearOp op : layers) {
      SmallVector<OpOperand *> inputs = {&op.getXMutable()};
      if (op.getResidual())
        inputs.push_back(&op.getResidualMutable()[0]);
      makeDense(op, inputs, op.getInitMutable());
      allocate(op);
    }
    SmallVector<hgf::HeadOp> heads;
    getOperation().walk([&](hgf::HeadOp op) {
      if (isa<MemRefType>(op.getX().getType()))
        heads.push_back(op);
    });
    for (hgf::HeadOp op : heads)
      makeDense(op, &op.getXMutable(), op.getInitMutable());
    getOperation().walk([&](hgf::FlashAttentionOp op) {
      if (isa<MemRefType>(op.getInit().getType()) && !op.getScratch())
        allocate(op);
    });
  }

  /// Whether all tokens are at one distance from each other.
  static bool isDense(Value value) {
    auto type = cast<MemRefType>(value.getType());
    if (type.getLayout().isIdentity() || type.getRank() == 1)
      return true;
    SmallVector<int64_t> strides;
    int64_t offset;
    if (failed(type.getStridesAndOffset(strides, offset)) ||
        strides.back() != 1)
      return false;
    int64_t counted = 0;
    for (int64_t size : type.getShape().drop_back())
      counted += size != 1;
    return counted <= 1;
  }

  static Value allocateLike(OpBuilder &builder, Value value) {
    auto type = cast<MemRefType>(value.getType());
    SmallVector<Value> sizes;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        sizes.push_back(
            memref::DimOp::create(builder, value.getLoc(), value, axis));
    return memref::AllocOp::create(
        builder, value.getLoc(),
        MemRefType::get(type.getShape(), type.getElementType()), sizes,
        builder.getI64IntegerAttr(hgf::Scratch::alignment));
  }

  /// Kernels know one stride per tensor: what has more is copied.
  static void makeDense(Operation *op, ArrayRef<OpOperand *> inputs,
                        OpOperand &destination) {
    OpBuilder builder(op);
    for (OpOperand *operand : inputs) {
      if (isDense(operand->get()))
        continue;
      Value copy = allocateLike(builder, operand->get());
      memref::CopyOp::create(builder, op->getLoc(), operand->get(), copy);
      operand->set(copy);
    }
    Value init = destination.get();
    if (isDense(init))
      return;
    Value copy = allocateLike(builder, init);
    destination.set(copy);
    builder.setInsertionPointAfter(op);
    memref::CopyOp::create(builder, op->getLoc(), copy, init);
  }

  /// What a layer's kernels compute in.
  struct Bytes {
    int64_t perToken;
    int64_t fixed;
  };

  /// Nothing for layers without packed weights: they have no kernel to give
  /// memory to.
  static std::optional<Bytes> countBytes(hgf::LinearOp op) {
    auto packed = dyn_cast<hgf::PackedType>(op.getWeight().getType());
    if (!packed)
      return std::nullopt;
    if (packed.getEncoding() == hgf::WordLayout::getName())
      return Bytes{hgf::computeGpuScratch(hgf::getGpuLinearKey(op)).tokenBytes,
                   hgf::GpuScratch::alignment};
    const hgf::Encoding *encoding = hgf::findEncoding(packed.getEncoding());
    if (!encoding)
      return std::nullopt;
    hgf::Scratch scratch = hgf::computeScratch(op, *encoding);
    return Bytes{scratch.getTokenBytes(), scratch.getFixedBytes()};
  }

  static void allocate(hgf::LinearOp op) {
    std::optional<Bytes> scratch = countBytes(op);
    if (!scratch)
      return;
    OpBuilder builder(op);
    Location location = op.getLoc();
    // x may be a view of something else; the destination's size is known from
    // where it was made.
    auto type = cast<MemRefType>(op.getInit().getType());
    int64_t known = 1;
    Value tokens;
    for (int64_t axis = 0; axis + 1 < type.getRank(); ++axis) {
      if (!type.isDynamicDim(axis)) {
        known *= type.getDimSize(axis);
        continue;
      }
      Value size = memref::DimOp::create(builder, location, op.getInit(), axis);
      tokens = tokens ? arith::MulIOp::create(builder, location, tokens, size)
                            .getResult()
                      : size;
    }
    int64_t bytes = known * scratch->perToken;
    auto alignment = builder.getI64IntegerAttr(hgf::Scratch::alignment);
    Value memory;
    if (!tokens) {
      memory = memref::AllocOp::create(
          builder, location,
          MemRefType::get({bytes + scratch->fixed}, builder.getI8Type()),
          ValueRange(), alignment);
    } else {
      auto constant = [&](int64_t value) -> Value {
        return arith::ConstantIndexOp::create(builder, location, value);
      };
      Value size = arith::AddIOp::create(
          builder, location,
          arith::MulIOp::create(builder, location, tokens, constant(bytes)),
          constant(scratch->fixed));
      memory = memref::AllocOp::create(
          builder, location,
          MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()),
          ValueRange(size), alignment);
    }
    op.getScratchMutable().assign(memory);
  }

  /// Memory in which the parts of a few queries' keys meet. Their number counts
  /// as the largest for which there are parts.
  static void allocate(hgf::FlashAttentionOp op) {
    auto type = cast<MemRefType>(op.getInit().getType());
    int64_t queries = type.isDynamicDim(2)
                          ? hgf::FlashAttentionPlan::mostFewQueries
                          : type.getDimSize(2);
    if (queries > hgf::FlashAttentionPlan::mostFewQueries)
      return;
    int64_t bytes = queries * hgf::FlashAttentionPlan(op).getScratchBytes();
    OpBuilder builder(op);
    SmallVector<Value> sizes;
    int64_t known = ShapedType::kDynamic;
    if (type.isDynamicDim(0))
      sizes.push_back(arith::MulIOp::create(
          builder, op.getLoc(),
          memref::DimOp::create(builder, op.getLoc(), op.getInit(), 0),
          arith::ConstantIndexOp::create(builder, op.getLoc(), bytes)));
    else
      known = bytes * type.getDimSize(0);
    op.getScratchMutable().assign(memref::AllocOp::create(
        builder, op.getLoc(), MemRefType::get({known}, builder.getI8Type()),
        sizes, builder.getI64IntegerAttr(hgf::Scratch::alignment)));
  }
};

} // namespace
