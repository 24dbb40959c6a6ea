//===- ConstantBytes.h - Bytes of constant operands -*- C++ -* ----------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_PASSES_FUSION_CONSTANTBYTES_H
#define HGF_PASSES_FUSION_CONSTANTBYTES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"

namespace hgf {

/// The elements of constant `value`, row-major without padding, splats written
/// out; std::nullopt where it is none.
std::optional<std::vector<char>> getConstantBytes(mlir::Value value);
std::optional<std::vector<char>> getElementBytes(mlir::ElementsAttr elements);

/// The elements of a float or int8 constant as floats.
std::optional<std::vector<float>> getConstantFloats(mlir::Value value);

/// Elements over `bytes`; large ones live in a resource.
mlir::ElementsAttr makeElementsAttr(mlir::RankedTensorType type,
                                    llvm::ArrayRef<char> bytes,
                                    llvm::StringRef name);

} // namespace hgf

#endif // HGF_PASSES_FUSION_CONSTANTBYTES_H
