//===- SelectAttention.cpp - Attentions with a kernel ---------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/GPU/Passes.h"

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "hgf/Kernels/NVVM/FlashAttention.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace hgf {
#define GEN_PASS_DEF_SELECTATTENTION
#include "hgf/Passes/GPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// Either form of attention.
struct Attention {
  explicit Attention(hgf::AttentionOp op)
      : query(op.getQuery()), key(op.getKey()), value(op.getValue()),
        mask(op.getMask()), scale(op.getScaleAttr()),
        causal(op.getCausalAttr()) {}
  explicit Attention(hgf::DifferentialAttentionOp op)
      : query(op.getQuery1()), key(op.getKey1()), value(op.getValue()),
        query2(op.getQuery2()), key2(op.getKey2()), lambda(op.getLambda()),
        mask(op.getMask()), scale(op.getScaleAttr()),
        causal(op.getCausalAttr()) {}

  Value query, key, value, query2, key2, lambda, mask;
  FloatAttr scale;
  UnitAttr causal;
};

ArrayRef<int64_t> getShape(Value value) {
  return cast<ShapedType>(value.getType()).getShape();
}

struct SelectAttention
    : public hgf::impl::SelectAttentionBase<SelectAttention> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<hgf::AttentionOp, hgf::DifferentialAttentionOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto attention = dyn_cast<hgf::AttentionOp>(op))
        select(op, Attention(attention));
      else
        select(op, Attention(cast<hgf::DifferentialAttentionOp>(op)));
    }
  }

  /// What keeps the kernels from computing it; empty where nothing does.
  static std::string findObstacle(const Attention &attention) {
    ArrayRef<int64_t> query = getShape(attention.query),
                      key = getShape(attention.key),
                      value = getShape(attention.value);
    if (ShapedType::isDynamic(query[1]) || ShapedType::isDynamic(key[1]))
      return "the number of heads is not known";
    if (ShapedType::isDynamic(query[3]) || ShapedType::isDynamic(value[3]))
      return "the depth of a head is not known";
    if (std::max(query[3], value[3]) > hgf::FlashAttentionPlan::mostDepth)
      return "heads are deeper than " +
             std::to_string(hgf::FlashAttentionPlan::mostDepth);
    if (query[1] == 0 || query[3] == 0 || value[3] == 0)
      return "there is nothing to compute";
    return "";
  }

  static void select(Operation *op, const Attention &attention) {
    std::string obstacle = findObstacle(attention);
    if (!obstacle.empty()) {
      op->emitRemark("attention takes several kernels and keeps all scores in "
                     "memory: ")
          << obstacle;
      return;
    }
    OpBuilder builder(op);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(builder, op->getLoc(), attention.query);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    sizes.back() = builder.getIndexAttr(type.getDimSize(3));
    if (type.isDynamicDim(3))
      sizes.back() = builder.getIndexAttr(getShape(attention.value)[3]);
    Value init = tensor::EmptyOp::create(builder, op->getLoc(), sizes,
                                         type.getElementType());
    auto flash = hgf::FlashAttentionOp::create(
        builder, op->getLoc(), init.getType(), attention.query, attention.key,
        attention.value, attention.query2, attention.key2, attention.lambda,
        attention.mask, init, /*scratch=*/Value(), attention.scale,
        attention.causal);
    Value result = flash.getY();
    if (result.getType() != type)
      result = tensor::CastOp::create(builder, op->getLoc(), type, result);
    op->replaceAllUsesWith(ValueRange(result));
    op->erase();
  }
};

} // namespace
