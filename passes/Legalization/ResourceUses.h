//===- ResourceUses.h - When bytes of constants are released -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RESOURCEUSES_H
#define HGF_PASSES_LEGALIZATION_RESOURCEUSES_H

#include "hgf/Dialect/ONNX/ONNXDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SetVector.h"

namespace hgf {

/// Counts who refers to each resource, so that its bytes are released with the
/// last one: the context itself would keep them.
class ResourceUses {
public:
  ResourceUses() = default;
  /// Of all that `root` holds.
  explicit ResourceUses(mlir::Operation *root) {
    root->walk([&](mlir::Operation *operation) {
      // Also what stands in properties.
      operation->getAttrDictionary().walk(
          [&](mlir::DenseResourceElementsAttr attribute) { add(attribute); });
    });
  }

  void add(mlir::Attribute attribute) {
    if (auto *entry = getEntry(attribute))
      ++uses[entry];
  }
  void remove(mlir::Attribute attribute) {
    auto *entry = getEntry(attribute);
    if (entry && --uses[entry] == 0)
      entry->setBlob(mlir::AsmResourceBlob());
  }

  /// Erases `last`, if nothing reads it, and whatever was computed for it
  /// alone, and releases constants with it. What `keep` wants stays.
  void eraseUnused(mlir::Operation *last,
                   llvm::function_ref<bool(mlir::Operation *)> keep) {
    llvm::SmallVector<mlir::Operation *> worklist = {last};
    while (!worklist.empty()) {
      mlir::Operation *operation = worklist.pop_back_val();
      if (!operation->use_empty() || keep(operation) ||
          !llvm::isa<NodeOp, ConstantOp, NoneOp>(operation))
        continue;
      llvm::SetVector<mlir::Operation *> producers;
      for (mlir::Value operand : operation->getOperands())
        if (mlir::Operation *producer = operand.getDefiningOp())
          producers.insert(producer);
      if (auto constant = llvm::dyn_cast<ConstantOp>(operation))
        remove(constant.getValue());
      operation->erase();
      worklist.append(producers.begin(), producers.end());
    }
  }

private:
  using Entry = mlir::DialectResourceBlobManager::BlobEntry;
  static Entry *getEntry(mlir::Attribute attribute) {
    auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(attribute);
    return resource ? resource.getRawHandle().getResource() : nullptr;
  }
  llvm::DenseMap<Entry *, int64_t> uses;
};

} // namespace hgf

#endif // HGF_PASSES_LEGALIZATION_RESOURCEUSES_H
