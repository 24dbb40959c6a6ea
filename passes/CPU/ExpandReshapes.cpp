//===- ExpandReshapes.cpp - Reshapes with several dynamic sizes -----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

namespace hgf {
#define GEN_PASS_DEF_EXPANDRESHAPES
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

namespace {

/// The strides of one group of expanded dimensions are the source's stride
/// times the sizes that follow in the group.
void expand(memref::ExpandShapeOp op) {
  OpBuilder builder(op);
  Location location = op.getLoc();
  auto metadata =
      memref::ExtractStridedMetadataOp::create(builder, location, op.getSrc());
  auto [resultStrides, resultOffset] = op.getResultType().getStridesAndOffset();
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape();
  SmallVector<OpFoldResult> strides(sizes.size());
  for (auto [group, dimensions] :
       llvm::enumerate(op.getReassociationIndices())) {
    Value stride = metadata.getStrides()[group];
    for (int64_t dimension : llvm::reverse(dimensions)) {
      strides[dimension] = stride;
      if (!ShapedType::isDynamic(resultStrides[dimension]))
        strides[dimension] = builder.getIndexAttr(resultStrides[dimension]);
      stride = arith::MulIOp::create(
          builder, location, stride,
          getValueOrCreateConstantIndexOp(builder, location, sizes[dimension]));
    }
  }
  OpFoldResult offset = metadata.getOffset();
  if (!ShapedType::isDynamic(resultOffset))
    offset = builder.getIndexAttr(resultOffset);
  auto view = memref::ReinterpretCastOp::create(
      builder, location, op.getResultType(), metadata.getBaseBuffer(), offset,
      sizes, strides);
  op.replaceAllUsesWith(view.getResult());
  op.erase();
}

struct ExpandReshapes : public hgf::impl::ExpandReshapesBase<ExpandReshapes> {
  void runOnOperation() override {
    getOperation().walk([](memref::ExpandShapeOp op) {
      bool hasSeveral = llvm::any_of(
          op.getReassociationIndices(), [&](ArrayRef<int64_t> dimensions) {
            return llvm::count_if(dimensions, [&](int64_t dimension) {
                     return op.getResultType().isDynamicDim(dimension);
                   }) > 1;
          });
      if (hasSeveral)
        expand(op);
    });
  }
};

} // namespace
