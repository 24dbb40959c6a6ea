//===- VaryingValues.cpp - What differs from call to call -----------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VaryingValues.h"

#include <set>

using namespace mlir;

namespace {

/// One tensor of hgf.inputs or hgf.outputs.
struct Tensor {
  explicit Tensor(Attribute attribute)
      : dictionary(cast<DictionaryAttr>(attribute)) {}

  int64_t getRank() const {
    return dictionary.getAs<DenseI64ArrayAttr>("dims").size();
  }
  StringRef getDimName(int64_t axis) const {
    auto names = dictionary.getAs<ArrayAttr>("dim_names");
    return cast<StringAttr>(names[axis]).getValue();
  }
  /// Whether the tensor's length along `axis` grows.
  bool grows(int64_t axis) const {
    auto stateAxis = dictionary.getAs<IntegerAttr>("state_axis");
    return stateAxis && stateAxis.getInt() == axis;
  }

  DictionaryAttr dictionary;
};

} // namespace

hgf::VaryingValues::VaryingValues(ModuleOp module, LLVM::LLVMFuncOp main)
    : main(main) {
  SmallVector<Tensor> tensors;
  for (StringRef name : {"hgf.inputs", "hgf.outputs"})
    if (auto attributes = module->getAttrOfType<ArrayAttr>(name))
      for (Attribute attribute : attributes)
        tensors.emplace_back(attribute);
  std::set<StringRef> names;
  for (const Tensor &tensor : tensors)
    for (int64_t axis = 0; axis < tensor.getRank(); ++axis)
      if (tensor.grows(axis) && !tensor.getDimName(axis).empty())
        names.insert(tensor.getDimName(axis));
  // A memref is allocated and aligned pointer, offset, sizes, strides.
  unsigned position = 1;
  for (const Tensor &tensor : tensors) {
    position += 3;
    for (int64_t axis = 0; axis < tensor.getRank(); ++axis)
      if (position + axis < main.getNumArguments())
        known[main.getArgument(position + axis)] =
            tensor.grows(axis) || names.count(tensor.getDimName(axis));
    position += 2 * tensor.getRank();
  }
}

bool hgf::VaryingValues::contains(Value value) {
  auto [entry, isNew] = known.try_emplace(value, false);
  if (!isNew)
    return entry->second;
  bool result = false;
  if (auto argument = dyn_cast<BlockArgument>(value))
    // Which way control took may depend on anything.
    result = argument.getOwner() != &main.getBody().front();
  else
    result = llvm::any_of(value.getDefiningOp()->getOperands(),
                          [&](Value operand) { return contains(operand); });
  return known[value] = result;
}
