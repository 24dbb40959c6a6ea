//===- LowerWeights.cpp - Constant bytes as external symbols ------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Passes/CPU/Passes.h"

#include "hgf/Dialect/HGF/HGFDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace hgf {
#define GEN_PASS_DEF_LOWERWEIGHTS
#define GEN_PASS_DEF_EXTERNALIZECONSTANTS
#include "hgf/Passes/CPU/Passes.h.inc"
} // namespace hgf

using namespace mlir;

/// Tensors and mapped files start on cache lines.
static constexpr uint64_t weightAlignment = 64;

namespace {

struct LowerWeights : public hgf::impl::LowerWeightsBase<LowerWeights> {
  void runOnOperation() override {
    for (auto weights :
         llvm::make_early_inc_range(getOperation().getOps<hgf::WeightsOp>())) {
      OpBuilder builder(weights);
      auto type =
          LLVM::LLVMArrayType::get(builder.getI8Type(), weights.getByteCount());
      auto global = LLVM::GlobalOp::create(
          builder, weights.getLoc(), type, /*isConstant=*/true,
          LLVM::Linkage::External, weights.getSymName(), Attribute(),
          weightAlignment);
      if (ElementsAttr bytes = weights.getBytesAttr())
        global->setAttr("hgf.bytes", bytes);
      weights.erase();
    }
  }
};

struct ExternalizeConstants
    : public hgf::impl::ExternalizeConstantsBase<ExternalizeConstants> {
  using ExternalizeConstantsBase::ExternalizeConstantsBase;

  void runOnOperation() override {
    for (auto global : getOperation().getOps<LLVM::GlobalOp>()) {
      ElementsAttr bytes = getElements(global.getValueOrNull());
      if (!bytes || !global.getConstant() || !(all || isWorthwhile(bytes)))
        continue;
      bytes = widenBits(bytes);
      global->setAttr("hgf.bytes", bytes);
      global.removeValueAttr();
      global.setLinkage(LLVM::Linkage::External);
      global.setAlignment(weightAlignment);
    }
  }

  /// What a constant holds; a scalar, where all move, as one element.
  ElementsAttr getElements(Attribute value) const {
    auto scalar = dyn_cast_or_null<TypedAttr>(value);
    if (!all || !scalar || !isa<IntegerAttr, FloatAttr>(value))
      return dyn_cast_or_null<ElementsAttr>(value);
    return DenseElementsAttr::get(RankedTensorType::get({1}, scalar.getType()),
                                  ArrayRef<Attribute>(value));
  }

  /// Types of less than a byte take one in memory.
  static ElementsAttr widenBits(ElementsAttr bytes) {
    auto type = dyn_cast<IntegerType>(bytes.getElementType());
    if (!type || type.getWidth() >= 8)
      return bytes;
    SmallVector<int8_t> values;
    for (APInt value : bytes.getValues<APInt>())
      values.push_back(static_cast<int8_t>(value.getZExtValue()));
    return DenseElementsAttr::get(
        RankedTensorType::get(cast<ShapedType>(bytes.getType()).getShape(),
                              IntegerType::get(bytes.getContext(), 8)),
        ArrayRef(values));
  }

  /// A splat is no bytes at all to LLVM; types of less than a byte are packed
  /// differently in attributes and in memory.
  bool isWorthwhile(ElementsAttr bytes) const {
    Type type = bytes.getElementType();
    return !bytes.isSplat() && type.isIntOrFloat() &&
           type.getIntOrFloatBitWidth() >= 8 &&
           bytes.getNumElements() * type.getIntOrFloatBitWidth() / 8 >=
               threshold;
  }
};

} // namespace
