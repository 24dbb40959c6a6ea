//===- ResourceUses.h - When bytes of constants are released -*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_LEGALIZATION_RESOURCEUSES_H
#define HGF_PASSES_LEGALIZATION_RESOURCEUSES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Operation.h"

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
