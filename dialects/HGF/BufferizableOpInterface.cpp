//===- BufferizableOpInterface.cpp - From tensors to memrefs -----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Dialect/HGF/HGFDialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace hgf;
using namespace mlir::bufferization;

namespace {

/// Layers read their inputs and write all of their destination, which is the
/// last operand.
template <typename Layer>
struct LayerInterface
    : DstBufferizableOpInterfaceExternalModel<LayerInterface<Layer>, Layer> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &state) const {
    return !cast<Layer>(op).isDpsInit(&operand);
  }

  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &state) const {
    return cast<Layer>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    Value destination = operands.back();
    rewriter.setInsertionPoint(op);
    OperationState buffered(op->getLoc(), op->getName(), operands, TypeRange(),
                            op->getAttrs());
    buffered.propertiesAttr = op->getPropertiesAsAttribute();
    rewriter.create(buffered);
    replaceOpWithBufferizedValues(rewriter, op, destination);
    return success();
  }
};

/// The new part is written behind the past, in the same buffer.
struct CacheAppendInterface
    : BufferizableOpInterface::ExternalModel<CacheAppendInterface,
                                             CacheAppendOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &state) const {
    return true;
  }

  bool bufferizesToMemoryWrite(Operation *op, OpOperand &operand,
                               const AnalysisState &state) const {
    return operand.getOperandNumber() == 0;
  }

  // Readers of the past see the same elements after the write behind it. All
  // other writes conflict as ever.
  bool isNotConflicting(Operation *op, OpOperand *read, OpOperand *write,
                        const AnalysisState &state) const {
    return write->getOwner() == op && write->getOperandNumber() == 0;
  }

  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &state) const {
    if (operand.getOperandNumber() == 0)
      return {{op->getResult(0), BufferRelation::Equivalent}};
    return {};
  }

  FailureOr<BufferLikeType>
  getBufferType(Operation *op, Value value, const BufferizationOptions &options,
                const BufferizationState &state,
                SmallVector<Value> &invocationStack) const {
    auto append = cast<CacheAppendOp>(op);
    FailureOr<BufferLikeType> past = bufferization::getBufferType(
        append.getPast(), options, state, invocationStack);
    if (failed(past))
      return failure();
    auto pastType = cast<MemRefType>(*past);
    return cast<BufferLikeType>(makeViewType(
        pastType, cast<RankedTensorType>(value.getType()).getShape()));
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto append = cast<CacheAppendOp>(op);
    FailureOr<Value> past =
        getBuffer(rewriter, append.getPast(), options, state);
    FailureOr<Value> part =
        getBuffer(rewriter, append.getNewPart(), options, state);
    if (failed(past) || failed(part))
      return failure();
    Location location = op->getLoc();
    rewriter.setInsertionPoint(op);
    int64_t axis = append.getAxis();
    auto pastType = cast<MemRefType>(past->getType());
    auto metadata =
        memref::ExtractStridedMetadataOp::create(rewriter, location, *past);
    SmallVector<OpFoldResult> sizes = metadata.getConstifiedMixedSizes();
    SmallVector<OpFoldResult> strides = metadata.getConstifiedMixedStrides();
    SmallVector<OpFoldResult> partSizes =
        memref::getMixedSizes(rewriter, location, *part);
    OpFoldResult begin = sizes[axis];
    sizes[axis] =
        arith::AddIOp::create(
            rewriter, location,
            getValueOrCreateConstantIndexOp(rewriter, location, sizes[axis]),
            getValueOrCreateConstantIndexOp(rewriter, location,
                                            partSizes[axis]))
            .getResult();
    // The view's type is the one that getBufferType promised; sizes that it
    // knows are constants here.
    auto viewType = makeViewType(
        pastType, cast<RankedTensorType>(append.getType()).getShape());
    for (auto [size, staticSize] :
         llvm::zip_equal(sizes, viewType.getShape())) {
      if (ShapedType::isDynamic(staticSize))
        size = getValueOrCreateConstantIndexOp(rewriter, location, size);
      else
        size = rewriter.getIndexAttr(staticSize);
    }
    auto [viewStrides, viewOffset] = viewType.getStridesAndOffset();
    for (auto [stride, staticStride] : llvm::zip_equal(strides, viewStrides))
      if (ShapedType::isDynamic(staticStride))
        stride = getValueOrCreateConstantIndexOp(rewriter, location, stride);
    OpFoldResult offset = metadata.getConstifiedMixedOffset();
    if (ShapedType::isDynamic(viewOffset))
      offset = getValueOrCreateConstantIndexOp(rewriter, location, offset);
    Value view = memref::ReinterpretCastOp::create(rewriter, location, viewType,
                                                   metadata.getBaseBuffer(),
                                                   offset, sizes, strides);
    SmallVector<OpFoldResult> offsets(pastType.getRank(),
                                      rewriter.getIndexAttr(0));
    offsets[axis] = begin;
    SmallVector<OpFoldResult> ones(pastType.getRank(),
                                   rewriter.getIndexAttr(1));
    Value window = memref::SubViewOp::create(rewriter, location, view, offsets,
                                             partSizes, ones);
    if (failed(options.createMemCpy(rewriter, location, *part, window)))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op, view);
    return success();
  }

private:
  /// The past's layout over the longer shape. A static identity layout would
  /// claim strides of the shorter shape, so strides are dynamic unless known.
  static MemRefType makeViewType(MemRefType past, ArrayRef<int64_t> shape) {
    auto [strides, offset] = past.getStridesAndOffset();
    return MemRefType::get(
        shape, past.getElementType(),
        StridedLayoutAttr::get(past.getContext(), offset, strides),
        past.getMemorySpace());
  }
};

} // namespace

void hgf::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, HGFDialect *) {
    LinearOp::attachInterface<LayerInterface<LinearOp>>(*context);
    HeadOp::attachInterface<LayerInterface<HeadOp>>(*context);
    FlashAttentionOp::attachInterface<LayerInterface<FlashAttentionOp>>(
        *context);
    CacheAppendOp::attachInterface<CacheAppendInterface>(*context);
  });
}
